"""Hears of the calls that converters stand for while a model runs, and lets others answer them.

    with listening(conversions, module, answer):
        module(x)                       # answer(call) for each call, in the place of what is called

torch's functions are heard through a mode of torch functions, modules by a `forward` of their own
for as long as it lasts, and both in this thread and inside of `module` only: torch is what it was,
and what other threads call is what they called.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import itertools
import os
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import nn
from torch._ops import OpOverload, OpOverloadPacket
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from ..errors import CaptureError
from ..frozen import TORCH, frames
from .exchange import answered
from .registry import Conversions, Converter
from .subjects import Kind
from .traceable import LISTENER, unmarked

_HERE = os.path.dirname(os.path.dirname(__file__)) + os.sep
# What asks torch whether to tell of a call, in the functions that torch has written in Python.
_ASKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
# `forward` is the module's own attribute for as long as one thread listens.
LOCK = threading.RLock()


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the user's code makes a call."""

    module_path: str
    module_type: str
    file: str
    line: int

    def __str__(self) -> str:
        where = f"({self.file}:{self.line})" if self.file else ""
        return " ".join(filter(None, (self.module_path or self.module_type, where)))


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that a converter answers.

    original: computes what the call would, and takes what it takes.
    name: of what is called.
    module: of a module's call, the instance.
    is_nested: whether the function of a converter makes the call.
    """

    converter: Converter
    name: str
    original: Callable
    args: tuple
    kwargs: dict[str, Any]
    place: Place
    module: nn.Module | None = None
    is_nested: bool = False

    @property
    def given(self) -> tuple:
        """What the converter's function takes: a module's instance comes first."""
        return self.args if self.module is None else (self.module, *self.args)

    @property
    def leaves(self) -> list[Any]:
        return pytree.tree_leaves((self.args, self.kwargs))

    @property
    def signature(self) -> inspect.Signature | None:
        """Of what is called, without the instance; None of what tells of none."""
        try:
            return inspect.signature(self.original)
        except (TypeError, ValueError):
            return None

    def run(self) -> Any:
        return self.original(*self.args, **self.kwargs)


Answer = Callable[[Call], Any]


@contextlib.contextmanager
def listening(
    conversions: Conversions,
    module: nn.Module,
    answer: Answer,
    *,
    begin: Callable[[], None] = lambda: None,
    is_strict: bool = True,
) -> Iterator[None]:
    """begin: is called where the module is, before its calls.
    is_strict: raise what `answer` raised, even if the model's own code caught it."""
    if not conversions.has_calls and not conversions.has_operators:
        yield
        return
    listener = _Listener(conversions, module, answer, begin)
    with LOCK, listener.heard_modules(), _heard_untold(listener, conversions), listener.mode:
        token = LISTENER.set(listener)
        try:
            yield
        except Exception:
            if is_strict and listener.error is not None:
                raise listener.error from listener.error.__cause__
            raise
        finally:
            LISTENER.reset(token)
    if is_strict and listener.error is not None:
        raise listener.error


class _Listener:
    def __init__(self, conversions: Conversions, module: nn.Module, answer: Answer, begin):
        self._conversions, self._answer, self._root = conversions, answer, module
        self._begin = begin
        self._paths = {id(child): path for path, child in module.named_modules()}
        self._depth = 0  # of calls of the root: nothing outside of it is heard
        self._active: list[Converter] = []  # whose functions run, the innermost last
        self._running: list[Callable] = []  # torch's own in Python, the same
        self.mode = _Mode(self)
        self.error: Exception | None = None

    # Modules -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def heard_modules(self) -> Iterator[None]:
        heard = [m for m in self._root.modules() if self._conversions.of_module(m) is not None]
        if self._root not in heard:
            heard.append(self._root)
        with contextlib.ExitStack() as stack:
            for module in heard:
                stack.enter_context(_forward(module, self._of_module(module)))
            yield

    def _of_module(self, module: nn.Module) -> Callable:
        original = module.forward
        converter = self._conversions.of_module(module)
        enters = self._inside if module is self._root else contextlib.nullcontext

        # Not called `forward`: torch would note its lines for the user's.
        @functools.wraps(original)
        def heard(*args, **kwargs):
            if LISTENER.get() is not self:
                return original(*args, **kwargs)
            with enters():
                if converter is None:
                    return original(*args, **kwargs)
                name = type(module).__qualname__
                return self._take(converter, name, original, args, kwargs, module)

        return heard

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        if self._depth == 0:
            self._begin()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    # Functions ---------------------------------------------------------------------------------

    def called(self, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Of a function that is marked as traceable."""
        original = unmarked(function)
        converter = self._conversions.of_traceable(function) if self._depth else None
        if converter is None:
            return original(*args, **kwargs)
        return self._take(converter, function.__qualname__, original, args, kwargs)

    def plain(self, function: Callable, original: Callable, args: tuple, kwargs) -> Any:
        """Of a function in Python. original: the same, which nobody hears."""
        converter = self._conversions.of_plain(function) if self._depth else None
        if converter is None:
            return original(*args, **kwargs)
        return self._take(converter, function.__qualname__, original, args, kwargs)

    def told(self, function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Of one of torch's functions, by the mode, which is off for as long as this runs."""
        if not self._depth:
            return function(*args, **kwargs)
        original = self._heard_again(function)
        converter = self._conversions.of_function(function) or self._of_operator(function)
        if converter is None:
            return original(*args, **kwargs)
        name = getattr(function, "__name__", str(function))
        with self.mode:
            return self._take(converter, name, original, args, kwargs)

    def _of_operator(self, function: Any) -> Converter | None:
        """Of a user's operator; those of ATen are taken in the program, whatever spells them."""
        if not self._conversions.has_operators:
            return None
        if isinstance(function, OpOverloadPacket):
            overloads = function.overloads()
            function = getattr(function, overloads[0]) if len(overloads) == 1 else None
        if not isinstance(function, OpOverload) or function.namespace == "aten":
            return None
        return self._conversions.of_operator(function)

    def _heard_again(self, function: Any) -> Callable:
        """What it calls in turn is heard, too: of a function in Python, a copy that does not ask
        whether to tell of itself runs with the mode on."""
        # What asks in another way comes back here, and runs with the mode off.
        if not isinstance(function, types.FunctionType) or function in self._running:
            return function
        copy = _not_asking(function)

        @functools.wraps(function)
        def call(*args, **kwargs):
            self._running.append(function)
            try:
                with self.mode:
                    return copy(*args, **kwargs)
            finally:
                self._running.pop()

        return call

    def applied(self, kind: type, original: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Of an autograd.Function."""
        converter = self._conversions.of_class(kind) if self._depth else None
        if converter is None:
            return original(*args, **kwargs)
        return self._take(converter, kind.__qualname__, original, args, kwargs)

    # Any of them -------------------------------------------------------------------------------

    def _take(self, converter, name, original, args, kwargs, module=None) -> Any:
        if self._active and self._active[-1] is converter:
            return original(*args, **kwargs)  # inside of its own function it is the built-in one
        if converter in self._active:
            self._fail(_circle(self._active[self._active.index(converter) :], self._place()))
        place, is_nested = self._place(), bool(self._active)
        call = Call(converter, name, original, args, kwargs, place, module, is_nested)
        self._active.append(converter)
        try:
            return self._answer(call)
        except Exception as error:
            self._fail(error)
        finally:
            self._active.pop()

    def _fail(self, error: Exception) -> None:
        self.error = self.error or error
        raise error

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        depth, self._depth = self._depth, 0
        token = LISTENER.set(None)
        try:
            yield
        finally:
            LISTENER.reset(token)
            self._depth = depth

    def _place(self) -> Place:
        file, line, path, kind = "", 0, None, ""
        for frame in itertools.islice(frames(), 2, None):
            name = frame.f_code.co_filename
            if not file and not name.startswith((TORCH, _HERE)):
                file, line = name, frame.f_lineno
            owner = frame.f_locals.get("self") if frame.f_code.co_name == "_call_impl" else None
            if path is None and id(owner) in self._paths:
                path, kind = self._paths[id(owner)], type(owner).__name__
            if file and path is not None:
                break
        return Place(path or "", kind or type(self._root).__name__, file, line)


def heard() -> _Listener | None:
    listener = LISTENER.get()
    return listener if isinstance(listener, _Listener) else None


def current() -> _Listener:
    """That of the call which is answered."""
    listener = LISTENER.get()
    assert isinstance(listener, _Listener)
    return listener


class _Mode(TorchFunctionMode):
    def __init__(self, listener: _Listener):
        super().__init__()
        self._listener = listener

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return self._listener.told(func, args, kwargs or {})


def _circle(converters: Sequence[Converter], place: Place) -> CaptureError:
    return CaptureError(
        "converters call each other in a circle: " + ", ".join(map(str, converters)),
        where=str(place),
        why="each computes with what the other stands for, so neither ever ends",
        hint="write one of them with simpler operations",
    )


_COPIES: dict[types.FunctionType, types.FunctionType] = {}


def _not_asking(function: types.FunctionType) -> types.FunctionType:
    if not any(name in function.__code__.co_names for name in _ASKS):
        return function
    if function not in _COPIES:
        names = function.__globals__ | dict.fromkeys(_ASKS, lambda *_: False)
        copy = types.FunctionType(
            function.__code__, names, function.__name__, function.__defaults__, function.__closure__
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        _COPIES[function] = copy
    return _COPIES[function]


@contextlib.contextmanager
def _forward(module: nn.Module, forward: Callable) -> Iterator[None]:
    own = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own


@contextlib.contextmanager
def _heard_untold(listener: _Listener, conversions: Conversions) -> Iterator[None]:
    """Of functions in Python nobody tells. Nor does torch of autograd.Function, so that classes
    which converters name get an `apply`, which those derived from them inherit."""
    kinds = conversions.keys(Kind.AUTOGRAD)
    with contextlib.ExitStack() as stack:
        for function in conversions.keys(Kind.PLAIN):
            stack.enter_context(answered(function, functools.partial(listener.plain, function)))
        for kind in kinds:
            if not any(other in kind.__mro__[1:] for other in kinds):
                stack.enter_context(_apply(kind, listener))
        yield


@contextlib.contextmanager
def _apply(kind: type, listener: _Listener) -> Iterator[None]:
    own = vars(kind).get("apply")

    def apply(cls, *args, **kwargs):
        original = super(kind, cls).apply
        if LISTENER.get() is not listener:
            return original(*args, **kwargs)
        return listener.applied(cls, original, args, kwargs)

    kind.apply = classmethod(apply)
    try:
        yield
    finally:
        if own is None:
            del kind.apply
        else:
            kind.apply = own
