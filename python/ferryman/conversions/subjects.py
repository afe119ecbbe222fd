"""What a converter stands for: the calls that it takes.

    Subject.of(F.hardsigmoid)            # a function, as torch tells of its calls
    Subject.of(nn.Conv2d)                # a class of modules
    Subject.of("my::gate")               # an operator, however it is spelled
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch._library.custom_ops import CustomOpDef
from torch._ops import OpOverload, OpOverloadPacket
from torch.overrides import TorchFunctionMode

from ..errors import InputError
from .traceable import is_traceable


class Kind(enum.Enum):
    MODULE = "module"
    AUTOGRAD = "autograd.Function"
    FUNCTION = "function"  # of torch, or a method of its tensors
    TRACEABLE = "traceable function"
    PLAIN = "function in Python"
    OPERATOR = "operator"


@dataclasses.dataclass(frozen=True)
class Subject:
    """
    key: the class; the function as torch tells of it, or that `traceable` marked; the name of the
        operator, with or without an overload: "aten::relu", "aten::add.Tensor".
    original: what the user named, for its signature.
    """

    kind: Kind
    key: Any
    original: Any
    name: str  # as the user would write it: "F.hardsigmoid", "nn.Conv2d", "my::gate"

    @staticmethod
    def of(given: Any) -> Subject:
        if isinstance(given, str):
            return _operator_by_name(given)
        if isinstance(given, (OpOverload, OpOverloadPacket, CustomOpDef)):
            return _operator(given)
        if isinstance(given, type):
            return _class(given)
        owner = getattr(given, "__self__", None)
        if isinstance(owner, type) and issubclass(owner, torch.autograd.Function):
            return _class(owner)  # of `MyFunction.apply`
        if is_traceable(given):
            return Subject(Kind.TRACEABLE, _unbound(given), given, _name_of(given))
        if isinstance(given, (property, types.GetSetDescriptorType)):
            return Subject(Kind.FUNCTION, given.__get__, given, _name_of(given))
        if callable(given):
            return _function(given)
        raise InputError(
            f"a converter cannot stand for {given!r}",
            hint="name a function of torch, a method of torch.Tensor, a class of nn.Module or "
            'autograd.Function, or an operator ("my::gate")',
        )

    @property
    def operator(self) -> OpOverloadPacket | OpOverload | None:
        """Of an operator, if it is registered."""
        space, _, rest = self.key.partition("::")
        name, _, overload = rest.partition(".")
        packet = getattr(getattr(torch.ops, space), name, None)
        return getattr(packet, overload, None) if overload else packet

    def takes(self, operator: OpOverload) -> bool:
        """Of an operator, whether a call of this overload is one of it."""
        name = operator._schema.name
        overload = operator._schema.overload_name or "default"
        return self.key in (name, f"{name}.{overload}")


def _unbound(function: Any) -> Any:
    return getattr(function, "__func__", function)


def _class(kind: type) -> Subject:
    if issubclass(kind, nn.Module):
        return Subject(Kind.MODULE, kind, kind.forward, _name_of(kind))
    if issubclass(kind, torch.autograd.Function):
        return Subject(Kind.AUTOGRAD, kind, kind.forward, _name_of(kind))
    raise InputError(
        f"a converter cannot stand for the class {kind.__qualname__}",
        why="only calls of nn.Module and of autograd.Function are told by their class",
        hint="mark the function or method that is called with @ferryman.traceable, and name that",
    )


# Operators ---------------------------------------------------------------------------------------


def _operator_by_name(name: str) -> Subject:
    space, separator, rest = name.partition("::")
    if not (separator and space and rest):
        raise InputError(
            f'"{name}" is no name of an operator',
            hint='write its namespace, too: "aten::relu", "my::gate", "aten::add.Tensor"',
        )
    subject = Subject(Kind.OPERATOR, name, None, name)
    if space == "aten" and subject.operator is None:  # others may be registered later
        close = difflib.get_close_matches(rest.partition(".")[0], dir(torch.ops.aten), n=3)
        raise InputError(
            f"PyTorch has no operator {name}",
            hint="meant was perhaps " + " or ".join(f"aten::{n}" for n in close) if close else "",
        )
    return subject


def _operator(given: OpOverload | OpOverloadPacket | CustomOpDef) -> Subject:
    if isinstance(given, OpOverload):
        name = f"{given._schema.name}.{given._schema.overload_name or 'default'}"
    elif isinstance(given, OpOverloadPacket):
        name = given._qualified_op_name
    else:
        name = given._qualname
    return Subject(Kind.OPERATOR, name, None, name)


# Functions ---------------------------------------------------------------------------------------


class _Told(BaseException):
    """Not an Exception: what torch tries out on operands, it catches."""


class _Listener(TorchFunctionMode):
    """Hears which function torch tells of first, and lets nothing be computed."""

    heard: Any = None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.heard = func
        raise _Told


def _function(given: Callable) -> Subject:
    told = _as_told(given)
    if told is not None:
        return Subject(Kind.FUNCTION, told, given, _name_of(given))
    if not isinstance(given, types.FunctionType):
        return Subject(Kind.FUNCTION, given, given, _name_of(given))
    if (given.__module__ or "").partition(".")[0] == "torch":
        raise InputError(
            f"a converter cannot stand for {_name_of(given)}",
            why="PyTorch does not tell of calls of this function",
            hint="name a function that it calls, or the module that calls it",
        )
    return Subject(Kind.PLAIN, given, given, _name_of(given))


def _as_told(function: Callable) -> Any:
    """`x + y` is told as Tensor.add, F.sigmoid as Tensor.sigmoid. None of what is not told."""
    if not _is_of_torch(function):
        return None
    tensor = torch.zeros(1)
    for operands in _trials(function, tensor):
        listener = _Listener()
        try:
            with listener:
                function(*operands)
        except _Told:
            pass
        except Exception:  # noqa: S112  # these operands it does not take
            continue
        if listener.heard is not None and _is_same(function, listener.heard):
            return listener.heard
    return None


def _is_of_torch(function: Any) -> bool:
    """Others would be run for nothing, with operands that are none of theirs."""
    home = getattr(function, "__module__", None) or ""
    return not isinstance(function, types.FunctionType) or home.partition(".")[0] == "torch"


def _trials(function: Callable, tensor: torch.Tensor) -> Iterator[tuple]:
    """Operands for a call that gets as far as being told."""
    counts = [1, 2, 3, 4]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    needed = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    for count in sorted(counts, key=lambda n: abs(n - len(needed))):
        yield (tensor,) * count
        yield ([tensor],) * count


def _is_same(function: Callable, heard: Any) -> bool:
    """Whether a call of the one is a call of the other, and not of something that it calls."""
    if heard == function:
        return True
    name, other = (getattr(f, "__name__", "") for f in (function, heard))
    is_dunder = name.startswith("__") and name.endswith("__")
    return is_dunder or name == other


_SHORT = {"torch.nn.functional": "F", "torch._C._nn": "F", "torch._tensor": "torch"}


def _name_of(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", repr(thing))
    owner = getattr(thing, "__objclass__", None)
    if owner is not None:  # methods of tensors
        return f"torch.Tensor.{thing.__name__}"
    home = getattr(thing, "__module__", None) or ""
    if isinstance(thing, type) and home.startswith("torch.nn.modules"):
        return f"nn.{name}"
    if home in _SHORT:
        return f"{_SHORT[home]}.{name}"
    name = name.replace("<locals>.", "").removeprefix("_VariableFunctionsClass.")
    return f"{home}.{name}" if home.partition(".")[0] == "torch" else name
