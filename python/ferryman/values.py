"""Values that a module keeps: copies to compare later, and the same values disturbed.

    before = copied(module.state)
    module(x)
    same(before, copied(module.state))
    module.state = disturbed(module.state, 1000)
"""

from __future__ import annotations

import collections
import copy
import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from .reach import is_foreign

# More than kernels differ from run to run where threads sum in another order.
_ROUNDING = {torch.float16: 2e-2, torch.bfloat16: 2e-2, torch.complex32: 2e-2}
_DEFAULT_ROUNDING = 1e-5
_MANY = 10_000


@dataclasses.dataclass
class _Object:
    """What nobody can look into, or the attributes of an object."""

    kind: type
    attributes: dict[str, Any]


def copied(value: Any, seen: set[int] | None = None) -> Any:
    """Of plain tensors, containers and objects; what cannot be copied, is met again, or lies behind
    very many others counts as the same always."""
    if isinstance(value, torch.Tensor):
        return _copied_tensor(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > _MANY or isinstance(value, (nn.Module, type)):
        return _Object(type(value), {})
    seen.add(id(value))
    if isinstance(value, dict):
        return {key: copied(item, seen) for key, item in dict.items(value)}
    if isinstance(value, (list, tuple, collections.deque)):
        return [copied(item, seen) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    attributes = {} if is_foreign(type(value).__module__) else getattr(value, "__dict__", {})
    return _Object(type(value), {k: copied(v, seen) for k, v in attributes.items()})


def _copied_tensor(tensor: torch.Tensor) -> Any:
    try:
        return tensor.detach().clone()
    except (RuntimeError, NotImplementedError):  # packed and other special ones
        return _Object(type(tensor), {})


def same(one: Any, other: Any) -> bool:
    """Of copies; numbers may differ by rounding."""
    return difference(one, other) is None


def difference(one: Any, other: Any) -> str | None:
    """The first difference in words, or None."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return _tensor_difference(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        equal = one.shape == other.shape and one.tobytes() == other.tobytes()
        return None if equal else "the numbers of an array"
    if type(one) is not type(other):
        return f"{_short(other)} instead of {_short(one)}"
    if isinstance(one, dict):
        return _items_difference(one, other, one.keys() | other.keys())
    if isinstance(one, list):
        if len(one) != len(other):
            return f"{len(other)} values instead of {len(one)}"
        return next((d for d in map(difference, one, other) if d is not None), None)
    if isinstance(one, _Object):
        if one.kind is not other.kind:
            return f"{_short(other)} instead of {_short(one)}"
        return difference(one.attributes, other.attributes)
    if isinstance(one, float):
        close = one == other or (one != one and other != other)
        return None if close or _is_close(one, other) else f"{other!r} instead of {one!r}"
    return None if one == other else f"{_short(other)} instead of {_short(one)}"


def _items_difference(one: dict, other: dict, keys) -> str | None:
    for key in keys:
        if key not in one or key not in other:
            return f"{len(other)} values instead of {len(one)}"
        found = difference(one[key], other[key])
        if found is not None:
            return found
    return None


def _is_close(one: float, other: float) -> bool:
    return abs(one - other) <= _DEFAULT_ROUNDING * max(abs(one), abs(other))


def _tensor_difference(one: torch.Tensor, other: torch.Tensor) -> str | None:
    try:
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"{_short(other)} instead of {_short(one)}"
        return _worst_element(one, other)
    except (RuntimeError, NotImplementedError):  # nested, quantised, sparse: torch compares few
        return None


def _worst_element(one: torch.Tensor, other: torch.Tensor) -> str | None:
    if one.layout is not torch.strided or one.is_quantized:
        one, other = _dense(one), _dense(other)
    if torch.equal(one, other):
        return None
    agree = (one == other) | ((one != one) & (other != other))
    if one.is_floating_point() or one.is_complex():
        wide = torch.complex128 if one.is_complex() else torch.float64
        exact, got = one.to(wide), other.to(wide)
        scale = exact.abs()[exact.isfinite()].max() if exact.isfinite().any() else torch.ones(())
        allowed = _ROUNDING.get(one.dtype, _DEFAULT_ROUNDING) * scale
        agree |= (exact - got).abs() <= allowed
    if bool(agree.all()):
        return None
    at = tuple((~agree).nonzero()[0].tolist())
    place = f" at {list(at)}" if at else ""
    return f"{other[at].item():.7g} instead of {one[at].item():.7g}{place}"


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.dequantize() if tensor.is_quantized else tensor.to_dense()


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of {tuple(value.shape)}"
    if isinstance(value, _Object):
        return f"an object of {value.kind.__name__}"
    text = repr(value)
    return text if len(text) <= 40 else f"another {type(value).__name__}"


# Disturbing --------------------------------------------------------------------------------------


def disturbed(value: Any, number: int, seen: set[int] | None = None) -> Any:
    """The same kind of value, with other numbers in it. Whole numbers become `number`."""
    if isinstance(value, torch.Tensor):
        return _disturbed_tensor(value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return number
    if isinstance(value, (float, complex)):
        return value * 3 + 1.75
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value * 3 + 1
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > _MANY or isinstance(value, (nn.Module, type)):
        return value
    seen.add(id(value))
    if type(value) in (dict, collections.OrderedDict):
        return type(value)((k, disturbed(v, number, seen)) for k, v in value.items())
    if type(value) in (list, tuple):
        return type(value)(disturbed(item, number, seen) for item in value)
    if isinstance(value, collections.deque):
        return collections.deque((disturbed(v, number, seen) for v in value), value.maxlen)
    if isinstance(value, tuple) or is_foreign(type(value).__module__):
        return value
    return _disturbed_object(value, number, seen)


def _disturbed_tensor(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    if tensor.dtype is torch.bool:
        return ~tensor
    if tensor.is_floating_point() or tensor.is_complex():
        return tensor * 3 + 1.75
    return tensor + 1


def _disturbed_object(value: Any, number: int, seen: set[int]) -> Any:
    attributes = getattr(value, "__dict__", None)
    if not isinstance(attributes, dict):
        return value
    other = copy.copy(value)
    for name, item in attributes.items():
        other.__dict__[name] = disturbed(item, number, seen)
    return other
