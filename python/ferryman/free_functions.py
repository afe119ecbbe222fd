"""Functions of torch that fix a free size although their meaning does not.

    with open_functions():
        program = torch.export.export(module, args, dynamic_shapes=…)

torch makes linspace(0, n - 1, n) of a list of n numbers; made of arange(n), it has any length. So
do the grids of affine_grid.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

_NUMBERS = (int, float, torch.SymInt, torch.SymFloat)


@contextlib.contextmanager
def open_functions() -> Iterator[None]:
    with _Functions():
        yield


class _Functions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        open_function = _OPEN.get(func)
        result = None if open_function is None else open_function(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {})) if result is None else result


def _linspace(start: Any, end: Any, steps: Any, **options: Any) -> torch.Tensor | None:
    is_number = all(isinstance(bound, _NUMBERS) for bound in (start, end))
    if type(steps) is int or not is_number or options.keys() - {"dtype", "device"}:
        return None
    dtype = options.get("dtype") or torch.get_default_dtype()
    if not dtype.is_floating_point:
        return None
    places = torch.arange(steps, dtype=dtype, device=options.get("device"))
    return places * ((end - start) / torch.sym_max(steps - 1, 1)) + start


def _affine_grid(theta: torch.Tensor, size: Any, align_corners: bool | None = None):
    """Of images: [samples, height, width, 2]."""
    if len(size) != 4 or all(type(extent) is int for extent in size):
        return None
    _, _, height, width = size
    across, down = (_centres(extent, bool(align_corners), theta) for extent in (width, height))
    x = across.reshape(1, 1, -1, 1) * theta[:, :, 0].reshape(-1, 1, 1, 2)
    y = down.reshape(1, -1, 1, 1) * theta[:, :, 1].reshape(-1, 1, 1, 2)
    return x + y + theta[:, :, 2].reshape(-1, 1, 1, 2)


def _centres(extent: Any, align_corners: bool, like: torch.Tensor) -> torch.Tensor:
    """Of the pixels, from -1 to 1: the outermost centres, or the outermost edges."""
    places = torch.arange(extent, dtype=like.dtype, device=like.device)
    if align_corners:
        return places * (2.0 / torch.sym_max(extent - 1, 1)) - 1.0
    return (places * 2.0 + 1.0) / extent - 1.0


_OPEN = {
    torch.linspace: _linspace,
    torch.affine_grid_generator: _affine_grid,
    F.affine_grid: _affine_grid,
}
