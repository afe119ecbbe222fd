"""Runs the function of a converter for a call, and holds it to what the call would do.

    result = run(call)                           # CaptureError with the converter's own traceback
    duty = Duty.of(call, expected, written)      # what the original did
    result = duty.kept(call, result)             # in the original's structure; writes written back
"""

from __future__ import annotations

import dataclasses
import dis
import inspect
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..errors import CaptureError, Error
from ..leaves import describe
from .calls import Call
from .traceable import is_traceable, unmarked

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_MISSING = object()


def run(call: Call, function: Callable | None = None) -> Any:
    """function: in the place of the converter's own, with the same arguments."""
    function = function or call.converter.function
    args, kwargs = _arguments(call)
    try:
        return function(*args, **kwargs)
    except Error:
        raise
    except Exception as error:
        raise failed(call, error) from error


def failed(call: Call, error: Exception) -> CaptureError:
    hint = "mend its function; without it, unregister it with ferryman.unregister(…)"
    if call.converter.is_of_keras and "KerasTensor" in str(error):
        hint = (
            'with target="keras" its function gets symbolic tensors of Keras: write it with '
            "keras.ops or layers, or in PyTorch, without a target"
        )
    return CaptureError(
        f"the converter {call.converter} fails for {call.name}",
        where=str(call.place),
        why=_own_traceback(error),
        hint=hint,
    )


def _own_traceback(error: Exception) -> str:
    """From the converter's function on, without what called it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [place for place, frame in enumerate(frames) if frame.filename.startswith(_PACKAGE)]
    own = [f for f in frames[ours[0] + 1 if ours else 0 :] if not f.filename.startswith(_PACKAGE)]
    lines = [*traceback.format_list(own), *traceback.format_exception_only(error)]
    return "".join(lines).rstrip()


# Arguments ---------------------------------------------------------------------------------------


def _arguments(call: Call) -> tuple[tuple, dict[str, Any]]:
    """As the call gives them; what it leaves out and the function has no default for has that of
    the original."""
    signature = _signature(call.converter.function)
    if signature is None:
        return call.given, call.kwargs
    try:
        signature.bind(*call.given, **call.kwargs)
        return call.given, call.kwargs
    except TypeError as error:
        reason = str(error)
    kwargs = call.kwargs | _defaults_for(call, signature)
    try:
        signature.bind(*call.given, **kwargs)
        return call.given, kwargs
    except TypeError:
        raise CaptureError(
            f"the converter {call.converter} does not take this call of {call.name}",
            where=str(call.place),
            why=f"it is {call.converter.name}{signature}: {reason}",
            hint="give its function the parameters of what it stands for, the module first for a "
            "class",
        ) from None


def _signature(function: Callable) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None  # of a builtin


def _defaults_for(call: Call, signature: inspect.Signature) -> dict[str, Any]:
    bound = signature.bind_partial(*call.given)
    given = {*bound.arguments, *call.kwargs}
    missing = [name for name in signature.parameters if name not in given]
    defaults = dict(defaults_of(call.signature))
    return {name: defaults[name] for name in missing if name in defaults}


def defaults_of(signature: inspect.Signature | None) -> Iterator[tuple[str, Any]]:
    for name, parameter in (signature.parameters if signature else {}).items():
        if parameter.default is not parameter.empty:
            yield name, parameter.default


# What is ignored ---------------------------------------------------------------------------------


def ignored(call: Call, seen: set[int], result: Any) -> list[str]:
    """Parameters that hold something which matters and that the function does nothing with: a
    tensor that no operator has seen, or a value other than the default that is never read.

    seen: the identities of tensors that operators were called with.
    """
    signature = _signature(call.converter.function)
    if signature is None:
        return []
    args, kwargs = _arguments(call)
    bound = signature.bind(*args, **kwargs)
    defaults = dict(defaults_of(call.signature))
    seen = seen | {id(leaf) for leaf in pytree.tree_leaves(result)}
    unread = set(bound.arguments) - _names_read(call.converter.function)
    found = []
    for name, value in bound.arguments.items():
        tensors = [x for x in pytree.tree_leaves(value) if isinstance(x, torch.Tensor)]
        if tensors and not any(id(tensor) in seen for tensor in tensors):
            found.append(name)
        elif name in unread and not _is_no_option(name, value, tensors):
            is_default = repr(value) == repr(defaults.get(name, _MISSING))
            found += [] if is_default or repr(value) in ("None", "()", "{}") else [name]
    return found


def _is_no_option(name: str, value: Any, tensors: Sequence[Any]) -> bool:
    """inplace: what is written is written back (Duty)."""
    return bool(tensors) or isinstance(value, torch.nn.Module) or name == "inplace"


def _names_read(function: Callable) -> set[str]:
    if is_traceable(function):
        function = unmarked(function)
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return set()
    names: set[str] = set(code.co_cellvars)
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")):
            names.update(
                instruction.argval
                if isinstance(instruction.argval, tuple)
                else (instruction.argval,)
            )
    return names


# What has to be kept -----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Duty:
    """What a call gives and writes, found out by running it.

    returned: for each result that is one of the arguments, which.
    written: the tensors among the arguments that it writes, by their place among the leaves.
    buffers: those of its module that it writes.
    """

    spec: pytree.TreeSpec
    outlines: tuple[str, ...]
    returned: dict[int, int]
    written: frozenset[int]
    buffers: Sequence[str] = ()

    @staticmethod
    def of(leaves: Sequence[Any], versions: Sequence[int], result: Any) -> Duty:
        """leaves, versions: of the arguments, before the call."""
        results, spec = pytree.tree_flatten(result)
        places = {id(leaf): place for place, leaf in enumerate(leaves) if _is_tensor(leaf)}
        returned = {
            index: places[id(value)] for index, value in enumerate(results) if id(value) in places
        }
        written = frozenset(_written(leaves, versions))
        return Duty(spec, tuple(map(_outline, results)), returned, written)

    def require(self, call: Call, results: Sequence[Any]) -> None:
        """CaptureError unless these are of the number, shapes and types."""
        wanted, got = self.outlines, tuple(map(_outline, self.filled(results)))
        if wanted == got:
            return
        raise CaptureError(
            f"the converter {call.converter} gives something else than {call.name}",
            where=str(call.place),
            why=f"it gives {_listed(got)}; the call gives {_listed(wanted)}",
            hint="return values of the same number, shapes and types, in the same order",
        )

    def filled(self, results: Sequence[Any]) -> list[Any]:
        """With None where the call gives it and the body leaves it out; of a call that gives
        nothing, nothing counts."""
        if self.outlines == ("None",) and self.spec.is_leaf():
            return [None]
        num_given = sum(outline != "None" for outline in self.outlines)
        if len(results) != num_given:
            return list(results)
        given = iter(results)
        return [None if outline == "None" else next(given) for outline in self.outlines]

    def kept(self, call: Call, leaves: Sequence[Any], versions: Sequence[int], result: Any) -> Any:
        """The result in the structure that the caller expects. What the call writes, and the
        function has not, is written with what it returns for it."""
        results = self.filled(pytree.tree_leaves(result))
        if len(results) != len(self.outlines):
            self.require(call, results)
        lost = set(self.written) - set(_written(leaves, versions))
        for index, place in self.returned.items():
            if place in lost:
                leaves[place].copy_(results[index])
                lost.discard(place)
            if place in self.written:
                results[index] = leaves[place]
        if lost:
            raise _lost(call, leaves, lost)
        return pytree.tree_unflatten(results, self.spec)


def versions_of(leaves: Sequence[Any]) -> list[int]:
    return [_version(leaf) for leaf in leaves]


def _version(leaf: Any) -> int:
    return leaf._version if _is_tensor(leaf) and not leaf.is_inference() else 0


def _written(leaves: Sequence[Any], versions: Sequence[int]) -> list[int]:
    now = versions_of(leaves)
    return [place for place, version in enumerate(versions) if now[place] != version]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _outline(value: Any) -> str:
    """Of a tensor its type and shape, free sizes left open; of anything else what it is."""
    if not _is_tensor(value):
        return repr(value)
    sizes = [str(size) if isinstance(size, int) else "?" for size in value.shape]
    return f"a tensor {str(value.dtype).removeprefix('torch.')} [{', '.join(sizes)}]"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "nothing"


def require_state(call: Call, written: Sequence[str], kept: Sequence[str]) -> None:
    """CaptureError if the call writes buffers of its module that the body does not.

    written, kept: the names of those that either writes.
    """
    lost = [name for name in written if name not in kept]
    if lost:
        raise CaptureError(
            f"the converter {call.converter} does not write what {call.name} writes",
            where=str(call.place),
            why=f"the call writes into {', '.join(lost)} of its module; the next call would find "
            "what was there before",
            hint="write into the module's buffer, with copy_ for instance, as its forward does",
        )


def _lost(call: Call, leaves: Sequence[Any], places: set[int]) -> CaptureError:
    names = ", ".join(describe(leaves[place]) for place in sorted(places))
    return CaptureError(
        f"the converter {call.converter} does not write what {call.name} writes",
        where=str(call.place),
        why=f"the call writes into an argument, {names}; the write would be lost",
        hint="write into the argument, with copy_ for instance, or return its new value where the "
        "call returns it",
    )
