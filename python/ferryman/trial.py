"""Runs a module eagerly, to see what it does.

    run = Runner(module, State(module))
    run((args, kwargs))         # copies of what it returns, or a Failure
    run.numbers                 # the Python numbers that went into torch's operators
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import torch
from torch import nn
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .eager import undisturbed
from .gradients import copy_tensor
from .operators import written_tensors
from .restore import State
from .values import copied

# These compile what they run, and what was compiled under a watch fails without one ever after.
_COMPILED = frozenset(
    "cond while_loop scan associative_scan map_impl control_flow flex_attention compile".split()
)


@dataclasses.dataclass
class Failure:
    """The module raised this."""

    kind: str
    error: Exception = dataclasses.field(compare=False)


class Runner:
    """Each run begins with the registered tensors and torch's random state as they were."""

    def __init__(self, module: nn.Module, state: State):
        self._module, self._state = module, state
        # Without gradients, as a file computes; or with, where the model needs them.
        is_watched = not (_COMPILED & state.names or any(map(_is_compiled, module.modules())))
        self._ways = [(False, is_watched), (True, is_watched)]
        if not is_watched:
            state.copy_weights()
        self.numbers: list[Any] = []

    def __call__(self, inputs: tuple[tuple, dict[str, Any]]) -> Any:
        failure = None
        for way in list(self._ways):
            try:
                outputs = self._run(inputs, *way)
            except Exception as error:
                failure = failure or Failure(type(error).__name__, error)
                if len(self._ways) > 1:
                    self._state.restore(chance=False)
            else:
                self._ways = [way]
                return outputs
        return failure

    def _run(self, inputs, with_gradients: bool, is_watched: bool) -> Any:
        self._state.restore_registered()
        args, kwargs = pytree.tree_map_only(torch.Tensor, copy_tensor, inputs)
        watch = _Watch(self._state)
        with (
            undisturbed(),
            torch.set_grad_enabled(with_gradients),
            watch if is_watched else contextlib.nullcontext(),
        ):
            outputs = self._module(*args, **kwargs)
        self.numbers = watch.numbers
        return copied(pytree.tree_leaves(outputs))


class _Watch(TorchDispatchMode):
    """Keeps copies of what the module holds before an operator writes to it."""

    supports_higher_order_operators = True

    def __init__(self, state: State):
        super().__init__()
        self._state = state
        self.numbers: list[Any] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if isinstance(func, OpOverload):
            for tensor in written_tensors(func, args, kwargs):
                self._state.before_write(tensor)
            leaves = pytree.tree_leaves((args, kwargs))
            self.numbers += [leaf for leaf in leaves if isinstance(leaf, (int, float))]
        return func(*args, **kwargs)


def _is_compiled(module: nn.Module) -> bool:
    return type(module).__name__ == "OptimizedModule"
