"""Which converters there are, and which of them comes first.

    @ferryman.converter(F.hardsigmoid)
    def hardsigmoid(x, inplace=False):
        return torch.clamp(x / 6 + 0.5, 0, 1)

    with ferryman.converters(hardsigmoid): ...
    ferryman.unregister(hardsigmoid)
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from torch import nn
from torch._ops import OpOverload
from torch.nn.utils.parametrize import type_before_parametrizations

from ..errors import InputError
from ..runners import SUFFIXES
from .subjects import Kind, Subject


@dataclasses.dataclass(frozen=True, eq=False)
class Converter:
    """A conversion of the user's. Called, it is the function that it was made of.

    targets: the names of those that it is for; empty: for all.
    axes: how a body that is written with Keras takes images: "as_pytorch" or "channels_last".
    """

    function: Callable
    subjects: tuple[Subject, ...]
    targets: tuple[str, ...] = ()
    subclasses: bool = False
    axes: str = "as_pytorch"

    @property
    def is_of_keras(self) -> bool:
        """Whether its function is written with Keras, and not with PyTorch."""
        return self.targets == ("keras",)

    def __call__(self, *args, **kwargs) -> Any:
        return self.function(*args, **kwargs)

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def place(self) -> tuple[str, int]:
        """File and line of the function."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)

    def __str__(self) -> str:
        """ "hardsigmoid (model.py:12)"."""
        file, line = self.place
        return f"{self.name} ({file}:{line})" if file else self.name

    def __repr__(self) -> str:
        return f"<ferryman.Converter {self} of {', '.join(s.name for s in self.subjects)}>"


def converter(
    *subjects: Any,
    target: str | Sequence[str] | None = None,
    subclasses: bool = False,
    axes: str = "as_pytorch",
) -> Callable[[Callable], Converter]:
    """Registers the decorated function as the conversion of what is named.

    subjects: functions of torch and methods of torch.Tensor, as the model calls them; classes of
        nn.Module and autograd.Function; functions marked @ferryman.traceable; operators, as
        torch.ops.… or "namespace::name".
    target: "tflite" or "keras", or several: where the function is the conversion; everywhere
        without it. For "keras" it is written with Keras, otherwise with PyTorch.
    subclasses: of a class, those derived from it as well.
    axes: for target="keras": "channels_last" gives and takes all tensors of three axes or more with
        axis 1 behind the others, as Keras' layers have images; "elementwise": any order of axes
        will do (it is found out where only operations are used that Ferryman knows to be so);
        "as_pytorch" leaves them.

    The function takes what the call gives, a module's instance first, and returns what the call
    would. Raises InputError for what no converter can stand for.
    """
    if not subjects:
        raise InputError(
            "a converter stands for nothing", hint="write @ferryman.converter(F.hardsigmoid)"
        )
    found = tuple(map(Subject.of, subjects))
    if subclasses and not any(s.kind in (Kind.MODULE, Kind.AUTOGRAD) for s in found):
        raise InputError("subclasses=True has no effect on what is no class", hint="leave it out")
    names = _target_names(target)
    if axes not in _AXES or (axes != "as_pytorch" and names != ("keras",)):
        raise InputError(
            f"a converter with axes={axes!r}",
            why="it is the order of axes for a function that is written with Keras",
            hint='write axes="channels_last" or "as_pytorch", with target="keras"; for TFLite '
            "ferryman.tflite.op has axes of its own",
        )

    def register(function: Callable) -> Converter:
        if not callable(function):
            raise InputError(f"a converter is a function, not {function!r}")
        made = Converter(function, found, names, subclasses, axes)
        with _LOCK:
            _REGISTERED.append(made)
        return made

    return register


def _target_names(target: str | Sequence[str] | None) -> tuple[str, ...]:
    names = () if target is None else (target,) if isinstance(target, str) else tuple(target)
    for name in names:
        if name not in SUFFIXES:
            raise InputError(
                f"a converter for the target {name!r}",
                hint="write one of " + ", ".join(f'"{known}"' for known in SUFFIXES),
            )
    return names


_AXES = ("as_pytorch", "channels_last", "elementwise")
_LOCK = threading.Lock()
_REGISTERED: list[Converter] = []
_SCOPES: ContextVar[tuple[tuple[Converter, ...], ...]] = ContextVar("ferryman_scopes", default=())


def unregister(converter: Converter) -> None:
    """Takes a registered converter out: what it stood for is converted as without it. Does nothing
    to one that is not registered."""
    _require_converters("unregister", (converter,))
    with _LOCK:
        if converter in _REGISTERED:
            _REGISTERED.remove(converter)


@contextlib.contextmanager
def converters(*given: Converter) -> Iterator[None]:
    """For the conversions of a block, in this thread, these come before the registered ones; of two
    for one thing, the first."""
    _require_converters("converters", given)
    token = _SCOPES.set((given, *_SCOPES.get()))
    try:
        yield
    finally:
        _SCOPES.reset(token)


def first_of(subject: Subject) -> Converter | None:
    """The converter that stands for it here, whatever the target."""
    with _LOCK:
        registered = tuple(reversed(_REGISTERED))
    for level in (*_SCOPES.get(), registered):
        for each in level:
            if any((s.kind, s.key) == (subject.kind, subject.key) for s in each.subjects):
                return each
    return None


def _require_converters(option: str, given: Any) -> tuple[Converter, ...]:
    if not isinstance(given, (tuple, list)) or not all(isinstance(c, Converter) for c in given):
        raise InputError(
            f"{option} is {given!r}",
            hint="pass what @ferryman.converter makes of a function: converters=[hardsigmoid]",
        )
    return tuple(given)


class Conversions:
    """Those of one conversion, in their order: of the call, of the scopes from the inner one out,
    the registered from the latest back."""

    def __init__(
        self,
        target: str,
        of_call: Sequence[Converter] = (),
        without: Sequence[Converter] = (),
    ):
        """without: those in whose functions the conversion runs."""
        self.of_call = _require_converters("converters", of_call)
        with _LOCK:
            registered = tuple(reversed(_REGISTERED))
        levels = (self.of_call, *_SCOPES.get(), registered)
        self._levels = [
            [c for c in level if _is_for(c, target) and c not in without] for level in levels
        ]
        self._by_key: dict[tuple[Kind, Any], Converter] = {}
        for level in self._levels:
            for each in level:
                for subject in each.subjects:
                    self._by_key.setdefault((subject.kind, subject.key), each)
        self._classes: dict[type, Converter | None] = {}
        kinds = {kind for kind, _ in self._by_key}
        self.has_calls = bool(kinds - {Kind.OPERATOR})
        self.has_operators = Kind.OPERATOR in kinds
        self.target = target

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def keys(self, kind: Kind) -> list[Any]:
        """What converters of that kind stand for."""
        return [key for of, key in self._by_key if of is kind]

    def of_function(self, function: Any) -> Converter | None:
        """Of one of torch's, as it tells of it."""
        try:
            return self._by_key.get((Kind.FUNCTION, function))
        except TypeError:  # what has no hash is nothing that a converter names
            return None

    def of_traceable(self, function: Any) -> Converter | None:
        return self._by_key.get((Kind.TRACEABLE, function))

    def of_plain(self, function: Any) -> Converter | None:
        return self._by_key.get((Kind.PLAIN, function))

    def of_operator(self, operator: OpOverload) -> Converter | None:
        name = operator._schema.name
        overload = operator._schema.overload_name or "default"
        return self._first((Kind.OPERATOR, f"{name}.{overload}"), (Kind.OPERATOR, name))

    def _first(self, *keys: tuple[Kind, Any]) -> Converter | None:
        for level in self._levels:
            for each in level:
                if any((s.kind, s.key) in keys for s in each.subjects):
                    return each
        return None

    def of_module(self, module: nn.Module) -> Converter | None:
        return self.of_class(type_before_parametrizations(module))

    def of_class(self, kind: type) -> Converter | None:
        """Of a level, that of the class itself, then that of the nearest class above it."""
        if kind not in self._classes:
            self._classes[kind] = self._of_class(kind)
        return self._classes[kind]

    def _of_class(self, kind: type) -> Converter | None:
        for level in self._levels:
            for ancestor in kind.__mro__:
                for each in level:
                    named = any(s.key is ancestor for s in each.subjects)
                    if named and (ancestor is kind or each.subclasses):
                        return each
        return None


def _is_for(converter: Converter, target: str) -> bool:
    return not converter.targets or target in converter.targets
