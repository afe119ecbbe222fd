"""What Python-side values a module can reach, and so may change when it runs.

    for holder in reach(module).holders:
        holder.read()              # {"state": None, "calls": 0}: its slots
        holder.name("state")       # "encoder.state", as a user would write it

Followed are attributes, containers, the classes and functions of the user's code with their
closures, defaults and the globals that they name; nothing of Python, torch or numpy themselves.
"""

from __future__ import annotations

import collections
import copy
import enum
import functools
import itertools
import os
import random
import sys
import sysconfig
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

_OURS = frozenset({"torch", "numpy", "ferryman", "torchgen", "sympy"})
_STANDARD = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")
)
_ATOMS = (
    *(bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented)),
    *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size),
)
_METHODS = (
    *(types.FunctionType, staticmethod, classmethod, property),
    *(functools._lru_cache_wrapper, functools.cached_property, functools.partialmethod),
)
_CLASS_CACHES = ("__abstractmethods__", "__annotations_cache__", "__annotate_cache__")
# Python itself calls these.
_ENTRIES = frozenset(
    "forward __call__ __getattr__ __getattribute__ __setattr__ __getitem__ __setitem__ __len__ "
    "__iter__ __next__ __enter__ __exit__ __torch_function__ __get__ __set__".split()
)
_ITERATORS = (itertools.count, itertools.cycle, type(iter([])), type(iter(range(0))))
# Of Python's own classes, those that people keep values in.
_PYTHON_HOLDERS = frozenset({"collections", "types", "functools", "queue", "weakref", "_thread"})


@functools.cache
def is_foreign(module_name: str | None) -> bool:
    """Whether code is Python's, torch's, numpy's or ours: no user's state lies there."""
    root = (module_name or "builtins").partition(".")[0]
    if root in _OURS:
        return True
    if root not in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(root), "__file__", None)  # a user's file may be named code.py
    return file is None or os.path.realpath(file).startswith(_STANDARD)


# Holders -----------------------------------------------------------------------------------------


class Holder:
    """Slots that hold values: read() gives them by key, write() puts all of them back."""

    def __init__(self, owner: Any, path: str, origin: tuple[Any, str] | None):
        self.owner, self.path, self.origin = owner, path, origin

    def read(self) -> dict[Any, Any]:
        raise NotImplementedError

    def write(self, slots: dict[Any, Any]) -> None:
        raise NotImplementedError

    def name(self, key: Any) -> str:
        return f"{self.path}[{key!r}]" if isinstance(key, (*_ATOMS, tuple)) else self.path


class Mapping(Holder):
    def read(self) -> dict[Any, Any]:
        return dict(dict.items(self.owner))

    def write(self, slots: dict[Any, Any]) -> None:
        kind = collections.OrderedDict if isinstance(self.owner, collections.OrderedDict) else dict
        kind.clear(self.owner)
        for key, value in slots.items():
            kind.__setitem__(self.owner, key, value)


class Attributes(Mapping):
    """The `__dict__` of an object, or what a module has registered."""

    def name(self, key: Any) -> str:
        return f"{self.path}.{key}" if self.path else str(key)


class Registered(Attributes):
    """Parameters, buffers and children of a module."""


class Sequence(Holder):
    def read(self) -> dict[Any, Any]:
        return dict(enumerate(self.owner))

    def write(self, slots: dict[Any, Any]) -> None:
        values = list(slots.values())
        if isinstance(self.owner, collections.deque):
            collections.deque.clear(self.owner)
            collections.deque.extend(self.owner, values)
        else:
            list.__setitem__(self.owner, slice(None), values)


class Elements(Holder):
    """Of a set."""

    def read(self) -> dict[Any, Any]:
        return {element: element for element in self.owner}

    def write(self, slots: dict[Any, Any]) -> None:
        set.clear(self.owner)
        set.update(self.owner, slots)


class Slots(Holder):
    """Of an object whose class has `__slots__`."""

    def read(self) -> dict[Any, Any]:
        return {name: getattr(self.owner, name) for name in self._names() if self._has(name)}

    def write(self, slots: dict[Any, Any]) -> None:
        for name in self._names():
            if name in slots:
                object.__setattr__(self.owner, name, slots[name])
            elif self._has(name):
                object.__delattr__(self.owner, name)

    def name(self, key: Any) -> str:
        return f"{self.path}.{key}" if self.path else str(key)

    def _has(self, name: str) -> bool:
        return hasattr(self.owner, name)

    def _names(self) -> Iterator[str]:
        for kind in type(self.owner).__mro__:
            for name, value in vars(kind).items():
                if isinstance(value, types.MemberDescriptorType) and not is_foreign(
                    kind.__module__
                ):
                    yield name


class ClassAttributes(Holder):
    def read(self) -> dict[Any, Any]:
        # Caches of the class machinery come and go by themselves.
        return {key: value for key, value in vars(self.owner).items() if key not in _CLASS_CACHES}

    def write(self, slots: dict[Any, Any]) -> None:
        now = vars(self.owner)
        for key in [key for key in now if key not in slots and key not in _CLASS_CACHES]:
            type.__delattr__(self.owner, key)
        for key, value in slots.items():
            if now.get(key) is not value:
                type.__setattr__(self.owner, key, value)

    def name(self, key: Any) -> str:
        return f"{self.path}.{key}"


class Globals(Holder):
    """The names of one namespace that functions use."""

    def __init__(self, owner: dict[str, Any], origin: tuple[Any, str]):
        super().__init__(owner, owner.get("__name__", ""), origin)
        self.names: set[str] = set()

    def read(self) -> dict[Any, Any]:
        return {name: self.owner[name] for name in self.names if name in self.owner}

    def write(self, slots: dict[Any, Any]) -> None:
        for name in self.names:
            if name in slots:
                self.owner[name] = slots[name]
            else:
                self.owner.pop(name, None)

    def name(self, key: Any) -> str:
        return f"{self.path}.{key}"


class Cell(Holder):
    """A variable of the function around another one."""

    def read(self) -> dict[Any, Any]:
        try:
            return {self.path: self.owner.cell_contents}
        except ValueError:  # empty
            return {}

    def write(self, slots: dict[Any, Any]) -> None:
        if slots:
            self.owner.cell_contents = slots[self.path]

    def name(self, key: Any) -> str:
        return str(key)


class Array(Holder):
    """The numbers of a numpy array."""

    def read(self) -> dict[Any, Any]:
        return {(): self.owner.copy()}

    def write(self, slots: dict[Any, Any]) -> None:
        self.owner[...] = slots[()]

    def name(self, key: Any) -> str:
        return self.path


class Chance(Holder):
    """A generator of random numbers."""

    def __init__(self, owner, path, origin, get: Callable[[], Any], put: Callable[[Any], None]):
        super().__init__(owner, path, origin)
        self._get, self._put = get, put

    def read(self) -> dict[Any, Any]:
        return {(): self._get()}

    def write(self, slots: dict[Any, Any]) -> None:
        self._put(slots[()])

    def name(self, key: Any) -> str:
        return self.path


class Remembered(Holder):
    """Results that functools.lru_cache keeps. They cannot be read; forgetting them does no harm."""

    def read(self) -> dict[Any, Any]:
        return {(): self.owner.cache_info().misses}

    def write(self, slots: dict[Any, Any]) -> None:
        self.owner.cache_clear()

    def name(self, key: Any) -> str:
        return self.path


class Iteration(Holder):
    """An iterator in a slot of another holder. It cannot be set back, but exchanged for a copy."""

    def __init__(self, holder: Holder, key: Any, origin: tuple[Any, str] | None):
        super().__init__(holder, holder.name(key), origin)
        self._key = key
        self._copy = copy.copy(holder.read()[key])

    def read(self) -> dict[Any, Any]:
        return {(): repr(self.owner.read().get(self._key).__reduce__())}

    def write(self, slots: dict[Any, Any]) -> None:
        self.owner.write(self.owner.read() | {self._key: copy.copy(self._copy)})

    def name(self, key: Any) -> str:
        return self.path


def chance_of(value: Any) -> tuple[Callable[[], Any], Callable[[Any], None]] | None:
    """How the state of a generator of random numbers is read and put back."""
    if isinstance(value, torch.Generator):
        return value.get_state, value.set_state
    if isinstance(value, random.Random):
        return value.getstate, value.setstate
    numpy = sys.modules.get("numpy.random")
    if numpy is not None and isinstance(value, numpy.RandomState):
        return value.get_state, value.set_state
    if numpy is not None and isinstance(value, numpy.Generator):
        bits = value.bit_generator
        return lambda: bits.state, lambda state: setattr(bits, "state", state)
    return None


# The walk ----------------------------------------------------------------------------------------


class Reached:
    """`holders`, `tensors` with their names, and the `names` that functions use."""

    def __init__(self):
        self.holders: list[Holder] = []
        self.names: set[str] = set()
        self.tensors: list[tuple[str, torch.Tensor, tuple[Any, str] | None]] = []


def reach(root: Any) -> Reached:
    walk = _Walk()
    walk.see(root, "", None)
    walk.run()
    return walk.reached


class _Walk:
    """In breadth: a value that can be reached in several ways has the shortest name."""

    def __init__(self):
        self.reached = Reached()
        self._seen: dict[int, Any] = {}
        self._queue: collections.deque = collections.deque()
        self._namespaces: dict[int, Globals] = {}
        # Methods are opened when a function that is reached names them.
        self._named = self.reached.names
        self._named |= _ENTRIES
        self._waiting: dict[str, list[tuple[Any, str]]] = {}

    def see(self, value: Any, path: str, origin: tuple[Any, str] | None) -> None:
        if type(value) in _ATOMS or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        self._queue.append((value, path, origin))

    def run(self) -> None:
        while self._queue:
            value, path, origin = self._queue.popleft()
            self._open(value, path, origin)

    def _open(self, value: Any, path: str, origin) -> None:
        if isinstance(value, torch.Tensor):
            self.reached.tensors.append((path, value, origin))
        elif isinstance(value, type):
            self._open_class(value)
        elif (chance := chance_of(value)) is not None:
            self.reached.holders.append(Chance(value, path, origin, *chance))
        elif isinstance(value, (types.FunctionType, types.MethodType, types.ModuleType)):
            self._open_code(value, path)
        elif isinstance(value, (staticmethod, classmethod)):
            self.see(value.__func__, path, origin)
        elif isinstance(value, property):
            for function in (value.fget, value.fset):
                self.see(function, path, origin)
        elif isinstance(value, (functools.cached_property, functools.partialmethod)):
            self.see(value.func, path, origin)
        elif isinstance(value, functools._lru_cache_wrapper):
            self._open_remembered(value, path, origin)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self.see(part, path, origin)
        elif _is_array(value):
            self.reached.holders.append(Array(value, path, origin))
        else:
            self._open_container(value, path, origin)

    def _open_container(self, value: Any, path: str, origin) -> None:
        if isinstance(value, (tuple, frozenset)):
            for position, item in enumerate(value):
                self.see(item, f"{path}[{position}]", origin)
        elif isinstance(value, dict):
            self._hold(Mapping(value, path, origin))
        elif isinstance(value, (list, collections.deque)):
            self._hold(Sequence(value, path, origin))
        elif isinstance(value, set):
            self._hold(Elements(value, path, origin))
        self._open_object(value, path)

    def _open_object(self, value: Any, path: str) -> None:
        kind = type(value)
        if isinstance(value, enum.Enum) or not (
            isinstance(value, nn.Module)
            or not is_foreign(kind.__module__)
            or kind.__module__.partition(".")[0] in _PYTHON_HOLDERS
        ):
            return
        attributes = _attributes_of(value)
        if attributes is not None:
            if isinstance(value, nn.Module):
                self._open_registered(value, attributes, path)
            self._hold(Attributes(attributes, path, (value, "")))
        if any("__slots__" in vars(base) for base in kind.__mro__):
            self._hold(Slots(value, path, (value, "")))
        self.see(kind, kind.__name__, None)

    def _open_registered(self, module: nn.Module, attributes: dict, path: str) -> None:
        for key in ("_parameters", "_buffers", "_modules"):
            values = attributes.get(key)
            if isinstance(values, dict):
                self._seen[id(values)] = values
                self._hold(Registered(values, path, (module, "")))

    def _hold(self, holder: Holder) -> None:
        self.reached.holders.append(holder)
        for key, value in holder.read().items():
            if isinstance(value, _METHODS) and isinstance(holder, ClassAttributes):
                self._wait(key, value, holder.name(key))
                continue
            origin = holder.origin
            if origin is not None and not origin[1]:  # the object's own attribute
                origin = (origin[0], str(key))
            self.see(value, holder.name(key), origin)
            if type(value) in _ITERATORS:
                self.reached.holders.append(Iteration(holder, key, origin))

    def _open_class(self, kind: type) -> None:
        for base in kind.__mro__:
            if base is not kind:
                self.see(base, base.__name__, None)
        if not is_foreign(kind.__module__) and not issubclass(kind, enum.Enum):
            self._hold(ClassAttributes(kind, kind.__name__, (kind, "")))

    def _open_remembered(self, value: Any, path: str, origin) -> None:
        function = value.__wrapped__
        if not is_foreign(getattr(function, "__module__", None)):
            self.reached.holders.append(Remembered(value, path, origin))
            self.see(function, path, origin)

    # Code ------------------------------------------------------------------------------------

    def _wait(self, name: str, method: Any, path: str) -> None:
        if name in self._named:
            self.see(method, path, None)
        else:
            self._waiting.setdefault(name, []).append((method, path))

    def _call(self, names: set[str]) -> None:
        for name in names - self._named:
            self._named.add(name)
            for method, path in self._waiting.pop(name, ()):
                self.see(method, path, None)

    def _open_code(self, value: Any, path: str) -> None:
        if isinstance(value, types.MethodType):
            self.see(value.__self__, path, None)
            self.see(value.__func__, path, None)
        elif isinstance(value, types.FunctionType) and not is_foreign(value.__module__):
            self._open_function(value)

    def _open_function(self, function: types.FunctionType) -> None:
        name = function.__name__
        self._hold(Attributes(function.__dict__, name, (function, "")))
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        for value in defaults:
            self.see(value, f"a default of {name}", (function, name))
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            if id(cell) not in self._seen:
                self._seen[id(cell)] = cell
                self._hold(Cell(cell, variable, (function, variable)))
        names = names_in(function.__code__)
        self._call(names)
        self._use_names(function.__globals__, names, function)

    def _use_names(self, namespace: dict, names: set[str], function: Any) -> None:
        holder = self._namespaces.get(id(namespace))
        if holder is None:
            holder = self._namespaces[id(namespace)] = Globals(namespace, (function, ""))
            self.reached.holders.append(holder)
        for name in names - holder.names:
            holder.names.add(name)
            value = namespace.get(name)
            if isinstance(value, types.ModuleType):
                if not is_foreign(value.__name__) and value.__name__ != name + ".__main__":
                    self._use_names(vars(value), names & vars(value).keys(), function)
            else:
                self.see(value, name, (function, name))


@functools.lru_cache(maxsize=4096)
def names_in(code: types.CodeType) -> set[str]:
    """Of globals and attributes, also in the functions inside."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= names_in(constant)
    return names


def _attributes_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, threading.local):  # of this thread
        return vars(value)
    try:
        attributes = object.__getattribute__(value, "__dict__")  # no property of the user's runs
    except AttributeError:
        return None
    return attributes if isinstance(attributes, dict) else None


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and value.flags.writeable
