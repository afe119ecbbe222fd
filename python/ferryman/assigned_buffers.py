"""Buffers that forward assigns, as buffers that it writes into.

    with assignments_written(module):
        program = torch.export.export(module, args)

torch.export follows `self.count = self.count + 1` where self is the module that it exports, and
forgets the new value where self is a module inside of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .errors import CaptureError


@contextmanager
def assignments_written(module: nn.Module) -> Iterator[None]:
    """While the module runs for capture, in non-strict mode or under make_fx."""
    calls: list[dict[tuple[nn.Module, str], torch.Tensor]] = []

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
            if value is not buffer:
                _write(root, owner, name, buffer, value)

    handles = module.register_forward_pre_hook(before), module.register_forward_hook(after)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _write(root: nn.Module, owner: nn.Module, name: str, buffer: torch.Tensor, value: Any) -> None:
    path = next((path for path, part in root.named_modules() if part is owner), "")
    called = f"{path}.{name}" if path else name
    what = _misfit(buffer, value)
    if what:
        raise CaptureError(
            f"forward assigns the buffer '{called}' {what}",
            why="a converted model's state keeps the shape and type that it begins with",
            hint="register the buffer as it will be, or return the new value from forward",
        )
    buffer.copy_(value)
    owner._buffers[name] = buffer


def _misfit(buffer: torch.Tensor, value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"{type(value).__name__}, which is no tensor"
    if value.shape != buffer.shape or value.dtype is not buffer.dtype:
        return f"{value.dtype} {list(value.shape)}, which was {buffer.dtype} {list(buffer.shape)}"
    if value.untyped_storage()._cdata == buffer.untyped_storage()._cdata:
        return "a view of itself"
    return ""
