"""Where a conversion lives, and its source: those of the core as well as the user's own.

    print(ferryman.locate(torch.Tensor.repeat))
    print(ferryman.locate("aten::hardsigmoid"))
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from .registry import Converter, first_of
from .subjects import Kind, Subject

_BUILT_IN = Path(__file__).with_name("built_in.json")


@dataclasses.dataclass(frozen=True)
class Located:
    """
    name: of the operator or the user's converter.
    file, line: where its conversion begins; of the core's, in Ferryman's repository.
    """

    name: str
    file: str
    line: int
    source: str

    def __str__(self) -> str:
        return f'{self.name}: File "{self.file}", line {self.line}\n\n{self.source}'


def locate(subject: Any) -> Located | None:
    """The conversion of what a converter may stand for: a function of torch, a method of its
    tensors, a class of modules, an operator, a converter itself. A registered converter comes
    before the core's own; None if there is neither, as for what is converted by its parts.

    Raises InputError for what no converter can stand for.
    """
    if isinstance(subject, Converter):
        return _of_converter(subject)
    found = Subject.of(subject)
    converter = first_of(found)
    if converter is not None:
        return _of_converter(converter)
    for name in _operators(found):
        located = _of_operator(name)
        if located is not None:
            return located
    return None


def _of_converter(converter: Converter) -> Located:
    file, line = converter.place
    try:
        source = inspect.getsource(inspect.unwrap(converter.function))
    except (OSError, TypeError):
        source = ""
    return Located(converter.name, file, line, source.rstrip())


def _operators(subject: Subject) -> Iterator[str]:
    """Names of operators that a call of it may be, the likeliest first."""
    if subject.kind is Kind.OPERATOR:
        yield subject.key
    elif subject.kind is Kind.FUNCTION:
        name = getattr(subject.key, "__name__", "")
        yield from (f"aten::{name}", f"aten::{name.strip('_')}")
    elif subject.kind is Kind.MODULE:
        own = subject.key.__name__.lower()
        called = sorted(_called(subject.key), key=lambda name: name.replace("_", "") != own)
        yield from (f"aten::{name}" for name in called)
    elif subject.kind is Kind.PLAIN:
        yield f"{subject.key.__module__.partition('.')[0]}::{subject.key.__name__}"


def _called(kind: type) -> Iterator[str]:
    """What the class' `forward` calls, and those of its methods that it calls."""
    seen, waiting = set(), ["forward"]
    while waiting:
        name = waiting.pop(0)
        method = inspect.getattr_static(kind, name, None)
        if name in seen or not isinstance(method, FunctionType):
            continue
        seen.add(name)
        names = list(_names(method.__code__))
        yield from names
        waiting += names


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _of_operator(name: str) -> Located | None:
    """Of an operator that writes in place, that of the one that does not."""
    for spelled in dict.fromkeys((name, name.replace("_.", "."), name.rstrip("_"))):
        for overload, where in _overloads().get(spelled.partition(".")[0], {}).items():
            if "." not in spelled or spelled.endswith(f".{overload}"):
                return Located(f"{spelled.partition('.')[0]}.{overload}", **where)
    return None


@cache
def _overloads() -> dict[str, dict[str, dict[str, Any]]]:
    """By the name of the operator and of the overload."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for key, where in json.loads(_BUILT_IN.read_text()).items():
        name, _, overload = key.partition(".")
        found.setdefault(name, {})[overload] = where
    return found
