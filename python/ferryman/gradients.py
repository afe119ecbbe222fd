"""Running modules in PyTorch: as inference does, or with gradients where forward itself takes some.

    outputs = call_module(module, args, kwargs)      # inputs copied, buffers and gradients restored
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree


def call_module(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What the module returns; what it raises, it raises."""
    try:
        with torch.no_grad():
            return _call(module, args, kwargs)
    except RuntimeError as error:
        if not _asks_for_gradients(error):
            raise
    with torch.enable_grad():
        return _call(module, args, kwargs)


def _call(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> Any:
    args, kwargs = pytree.tree_map_only(torch.Tensor, copy_tensor, (args, kwargs))
    with tensors_restored(module):
        return module(*args, **kwargs)


def copy_tensor(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _asks_for_gradients(error: RuntimeError) -> bool:
    """autograd.grad and backward say so of a tensor that was computed without."""
    return "does not require grad" in str(error)


@contextmanager
def tensors_restored(module: nn.Module) -> Iterator[None]:
    """Buffers keep their values, parameters the gradients that they have."""
    buffers = [(tensor, tensor.detach().clone()) for tensor in module.buffers()]
    gradients = [(tensor, tensor.grad) for tensor in module.parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, saved in buffers:
                tensor.copy_(saved)
        for tensor, saved in gradients:
            tensor.grad = saved


@contextmanager
def levels_restored() -> Iterator[None]:
    """A trace that fails amid torch.func's transforms leaves their levels open: all that follows in
    this process would be computed inside of them."""
    functorch = torch._C._functorch
    depth = functorch.get_dynamic_layer_stack_depth()
    try:
        yield
    finally:
        if functorch.get_dynamic_layer_stack_depth() > depth:
            functorch.pop_dynamic_layer_stack_and_undo_to_depth(depth)
            with suppress(RuntimeError):  # none is open
                torch._C._VariableFunctions._exit_dual_level(level=0)


_LOCK = threading.Lock()
_was_fast, _num_without = True, 0


@contextmanager
def without_fused_attention() -> Iterator[None]:
    """torch.nn's attention and transformer layers as they are with gradients: the kernels that they
    take without hide their operators, and write zeros where src_key_padding_mask hides a position.
    """
    global _was_fast, _num_without
    mha = torch.backends.mha
    with _LOCK:  # the setting is one for all threads: the first puts it off, the last back
        if _num_without == 0:
            _was_fast = mha.get_fastpath_enabled()
            mha.set_fastpath_enabled(False)
        _num_without += 1
    try:
        yield
    finally:
        with _LOCK:
            _num_without -= 1
            if _num_without == 0:
                mha.set_fastpath_enabled(_was_fast)
