"""What a call of ferryman.tflite says: which operator, which options, which order of axes.

    row = find_row("CONV_2D")
    keywords = read_options(row, {"padding": "SAME"})
    order = axes_of("channels_last", x)
    y = order.restore(call(order.arrange(x)))
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any

import torch

from ..errors import InputError
from .registered import ROWS, Option, Row

_NAMED_AXES = ("as_pytorch", "channels_last", "elementwise")


# Operators and options ---------------------------------------------------------------------------


def find_row(name: str) -> Row:
    row = ROWS.get(name) if isinstance(name, str) else None
    if row is not None:
        return row
    near = difflib.get_close_matches(str(name).upper(), ROWS, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"TFLite has no operator {name!r} that a converter can name",
        hint=f"{meant}known are {', '.join(ROWS)}; ferryman.tflite.custom names others",
    )


def read_options(row: Row, given: dict[str, Any]) -> dict[str, Any]:
    """As the torch operator takes them."""
    known = {option.name: option for option in row.options}
    return {name: _value(row, known, name, value) for name, value in given.items()}


def _value(row: Row, known: dict[str, Option], name: str, value: Any) -> Any:
    option = known.get(name)
    if option is None:
        options = ", ".join(map(_spelled, known.values()))
        raise InputError(
            f"{row.name} has no option {name!r}",
            hint=f"known are {options}" if options else f"{row.name} has no options",
        )
    value = _plain(value)
    if not _fits(option, value):
        raise InputError(f"{row.name}: {name}={value!r} does not fit", hint=_wanted(option))
    return float(value) if option.type == "float" else value


def _plain(value: Any) -> Any:
    if isinstance(value, torch.dtype):  # out_data_type=torch.int32
        return str(value).removeprefix("torch.").upper()
    return list(value) if isinstance(value, tuple) else value


_KINDS = {"bool": bool, "int": int, "str": str}


def _fits(option: Option, value: Any) -> bool:
    if option.type.endswith("[]"):
        one = dataclasses.replace(option, type=option.type.removesuffix("[]"))
        return isinstance(value, list) and all(_fits(one, item) for item in value)
    if option.type == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if type(value) is not _KINDS[option.type]:
        return False
    return not option.words or value in option.words


def _wanted(option: Option) -> str:
    if option.words:
        return "write one of " + ", ".join(f'"{word}"' for word in option.words)
    return f"write a value of type {option.type}, such as {option.default!r}"


def _spelled(option: Option) -> str:
    return f"{option.name}={option.default!r}"


# Operands ----------------------------------------------------------------------------------------


def require_count(row: Row, x: Sequence[Any]) -> None:
    most = len(x) if row.is_variadic else row.max_inputs
    if not row.min_inputs <= len(x) <= most:
        count = f"{row.min_inputs}" if row.min_inputs == row.max_inputs else _counts(row)
        raise InputError(
            f"{row.name} takes {count} operand{'' if count == '1' else 's'}, and is given {len(x)}"
        )
    missing = next((i for i in range(row.min_inputs) if x[i] is None), None)
    if missing is not None:
        raise InputError(f"{row.name} lacks operand {missing}, which must not be None")


def _counts(row: Row) -> str:
    if row.is_variadic:
        return f"at least {row.min_inputs}"
    return f"{row.min_inputs} to {row.max_inputs}"


def constants_of(row: Row, x: Sequence[Any]) -> tuple[list[torch.Tensor | None], str]:
    """The tensors among the operands, and those that are whole numbers, by place, as JSON; empty
    if there are none.

    Numbers of pointwise operators are tensors like the others, and so are floats."""
    first = _first_of_numbers(x)
    operands, constants = [], []
    for place, value in enumerate(x):
        if value is None or isinstance(value, torch.Tensor):
            operands.append(value)
        elif _are_whole(value) and not (row.is_pointwise or row.is_variadic):
            operands.append(None)
            constants.append(f'"{place}": {_spelled_numbers(value)}')
        else:
            operands.append(_tensor(row, place, value, first))
    return operands, "{" + ", ".join(constants) + "}" if constants else ""


def _spelled_numbers(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_spelled_numbers(item) for item in value]) + "]"
    return str(value)


def _first_of_numbers(x: Sequence[Any]) -> torch.Tensor | None:
    """Whose type numbers beside it take: not that of a condition."""
    tensors = [value for value in x if isinstance(value, torch.Tensor)]
    return next((tensor for tensor in tensors if tensor.dtype is not torch.bool), None)


def _are_whole(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_are_whole, value))
    return type(value) is int


def _tensor(row: Row, place: int, value: Any, first: torch.Tensor | None) -> torch.Tensor:
    try:
        made = torch.tensor(value, device=None if first is None else first.device)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"{row.name}: operand {place} is {value!r}",
            hint="pass tensors, numbers, lists of numbers, or None",
        ) from None
    if made.dtype is torch.bool or first is None:
        return made
    fits = first.is_floating_point() or not made.is_floating_point()
    if fits and (made.is_floating_point() or row.is_pointwise or row.is_variadic):
        return made.to(first.dtype)
    return made


# Axes --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Axes:
    """In which order an operator sees the axes of its operands."""

    kind: str  # "as_pytorch", "channels_last", "along", "elementwise"
    rank: int = 0  # "along": of the first operand
    along: int | None = None  # the axis that comes last

    @property
    def is_elementwise(self) -> bool:
        return self.kind == "elementwise"

    @property
    def last(self) -> int:
        return self.rank - 1

    def arrange(self, x: Sequence[torch.Tensor | None]) -> list[torch.Tensor | None]:
        return [None if value is None else self._moved(value, back=False) for value in x]

    def arrange_shape(self, shape: Sequence[Any]) -> list[Any]:
        axis, sizes = self._axis_of(len(shape)), list(shape)
        return sizes if axis is None else [*sizes[:axis], *sizes[axis + 1 :], sizes[axis]]

    def restore(self, results: Any) -> Any:
        if isinstance(results, (tuple, list)):
            return tuple(self._moved(result, back=True) for result in results)
        return self._moved(results, back=True)

    def _moved(self, x: torch.Tensor, *, back: bool) -> torch.Tensor:
        axis = self._axis_of(x.ndim)
        if axis is None or axis == x.ndim - 1:
            return x
        return x.movedim(-1, axis) if back else x.movedim(axis, -1)

    def _axis_of(self, rank: int) -> int | None:
        """The axis of a tensor that comes last."""
        if self.kind == "channels_last":
            return 1 if rank > 2 else None
        return self.along if rank == self.rank else None


def _number_in(axes: Any) -> int | None:
    """Of "along(1)"."""
    if not isinstance(axes, str) or not axes.startswith("along(") or not axes.endswith(")"):
        return None
    number = axes[len("along(") : -1]
    return int(number) if number.removeprefix("-").isdecimal() else None


def axes_of(axes: str, x: Sequence[Any]) -> Axes:
    if axes in _NAMED_AXES:
        return Axes(axes, rank=-1)
    axis = _number_in(axes)
    if axis is None:
        raise InputError(
            f"axes is {axes!r}",
            hint="write one of " + ", ".join(f'"{name}"' for name in _NAMED_AXES) + ', "along(1)"',
        )
    first = next((value for value in x if isinstance(value, torch.Tensor)), None)
    rank = 0 if first is None else first.ndim
    if not -rank <= axis < rank:
        raise InputError(f"axes is {axes!r}, and the first operand has {rank} axes")
    return Axes("along", rank, axis % rank)
