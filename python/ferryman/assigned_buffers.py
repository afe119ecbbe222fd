"""Buffers that forward assigns, as buffers that it writes into.

    with assignments_written(module) as misfits:
        program = torch.export.export(module, args)
    require_not_carried(module, args, kwargs, misfits)

torch.export follows `self.count = self.count + 1` where self is the module that it exports, and
forgets the new value where self is a module inside of it. What does not fit into the buffer that
was there, a table for another length, is no state that a file could keep; it must not be any.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from .errors import CaptureError
from .gradients import call_module
from .restore import left_unchanged


@contextmanager
def assignments_written(module: nn.Module) -> Iterator[list[str]]:
    """While the module runs for capture, in non-strict mode or under make_fx. Gives what is said of
    assignments that do not fit."""
    calls: list[dict[tuple[nn.Module, str], torch.Tensor]] = []
    misfits: list[str] = []

    def before(root: nn.Module, _) -> None:
        calls.append(
            {
                (owner, name): buffer
                for owner in root.modules()
                for name, buffer in owner._buffers.items()
                if buffer is not None
            }
        )

    def after(root: nn.Module, _, result: Any) -> None:
        for (owner, name), buffer in calls.pop().items():
            value = owner._buffers.get(name)
            if value is buffer:
                continue
            misfit = _misfit(buffer, value)
            if misfit:
                misfits.append(f"'{_path(root, owner, name)}' {misfit}")
            else:
                buffer.copy_(value)
                owner._buffers[name] = buffer

    handles = module.register_forward_pre_hook(before), module.register_forward_hook(after)
    try:
        yield misfits
    finally:
        for handle in handles:
            handle.remove()


def require_not_carried(
    module: nn.Module, args: tuple, kwargs: dict[str, Any], misfits: list[str]
) -> None:
    """CaptureError if what forward assigned has an effect on its next call."""
    if not misfits:
        return
    with torch.no_grad(), left_unchanged(module):
        first, second = (pytree.tree_leaves(call_module(module, args, kwargs)) for _ in range(2))
    if len(first) == len(second) and all(map(_are_equal, first, second)):
        return
    raise CaptureError(
        f"forward assigns the buffer {misfits[0]}",
        why="its next call computes with that, and a converted model's state keeps the shape and "
        "type that it begins with",
        hint="register the buffer as it will be, or return the new value from forward",
    )


def _path(root: nn.Module, owner: nn.Module, name: str) -> str:
    path = next((path for path, part in root.named_modules() if part is owner), "")
    return f"{path}.{name}" if path else name


def _are_equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and torch.allclose(a, b, equal_nan=True)
    return type(a) is type(b)


def _misfit(buffer: torch.Tensor, value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"{type(value).__name__}, which is no tensor"
    if value.shape != buffer.shape or value.dtype is not buffer.dtype:
        return f"{value.dtype} {list(value.shape)}, which was {buffer.dtype} {list(buffer.shape)}"
    if value.untyped_storage()._cdata == buffer.untyped_storage()._cdata:
        return "a view of itself"
    return ""
