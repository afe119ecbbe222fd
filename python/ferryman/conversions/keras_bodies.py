"""Conversions that are written with Keras: layers, keras.ops, finished models.

A call of such a converter is one operator in the program, ferryman::keras_model, which stands for a
functional model: made of what the converter's function does to symbolic tensors of Keras. In
PyTorch it computes what that model does, so that it can be checked like any other node; its shapes
are those of the call that it stands for. put_into.py writes the models into the file.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree

from ..eager import to_numpy
from ..errors import CaptureError, InputError
from ..keras_runtime import import_keras, reset_states
from . import bodies, nesting
from .calls import Call
from .keras_pointwise import is_pointwise

Spec = tuple[tuple[int | None, ...], str]  # shape, None where it is free, and type of a tensor

_NUMBERS = itertools.count()
_BODIES: weakref.WeakValueDictionary[str, KerasBody] = weakref.WeakValueDictionary()
_DEFINED = threading.Lock()
_library: torch.library.Library | None = None


def body_of(key: str) -> KerasBody:
    return _BODIES[key]


class KerasBodies:
    """Those of one conversion. A module that is called again is the same model."""

    def __init__(self) -> None:
        self._known: dict[tuple, KerasBody] = {}
        self._seen: dict[tuple, Seen] = {}
        self._counts: collections.Counter[tuple] = collections.Counter()

    def begin(self) -> None:
        """Another run of the model, whose calls come in the same order."""
        self._counts.clear()

    def __bool__(self) -> bool:
        return bool(self._known)

    def run(self, call: Call) -> Any:
        """What the operator gives for the tensors of the call: one, or a tuple of them."""
        _define()
        leaves, spec = pytree.tree_flatten((call.args, call.kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        template = [_Given() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        body = self._body(call, template, spec, tensors)
        last = body.is_channels_last
        given = [_to_last(tensor) if last else tensor for tensor in tensors]
        results = torch.ops.ferryman.keras_model(given, body.key, elementwise=body.is_pointwise)
        results = [_to_first(result) if last else result for result in results]
        return results[0] if len(results) == 1 else tuple(results)

    def _body(self, call: Call, template: list[Any], spec, tensors: list) -> KerasBody:
        plain = [repr(item) for item in template]
        kind = (id(call.converter), id(call.module), call.name, str(spec), *plain)
        self._counts[kind] += 1
        seen = self._seen.setdefault((*kind, self._counts[kind]), Seen())
        if seen.example is None and not any(map(_has_no_values, tensors)):
            seen.example = call
        made = KerasBody(call, template, spec, seen)
        shapes = [str(tuple(tensor.shape)) for tensor in tensors]
        key = (id(made),) if call.module is None else (*kind, *shapes)
        return self._known.setdefault(key, made)


@dataclasses.dataclass
class Seen:
    """What the run of a call on the example has told.

    results: their shapes and types, by the shapes of the tensors that it is given.
    is_pointwise: whether the model computes element by element.
    example: with the values that it is called with.
    memory: what the function of the converter keeps from one run to the next.
    """

    results: dict[tuple, list[tuple[tuple[int, ...], torch.dtype]]] = dataclasses.field(
        default_factory=dict
    )
    is_pointwise: bool = False
    example: Call | None = None
    memory: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Converting:
    """The call that the function of a converter for Keras is run for.

    args, kwargs: with the values of the example, in PyTorch.
    module: of a module's call, the instance.
    memory: a dict for what one run of the function leaves to the next: it runs several times, with
        symbolic tensors of other shapes.
    """

    module: Any
    args: tuple
    kwargs: dict[str, Any]
    memory: dict[str, Any]
    _call: Call

    def outputs(self) -> Any:
        """What PyTorch gives for these."""
        args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (self.args, self.kwargs))
        with torch.no_grad():
            return dataclasses.replace(self._call, args=args, kwargs=kwargs).run()


_CONVERTING: ContextVar[Converting | None] = ContextVar("ferryman_converting", default=None)


def converting() -> Converting:
    """In the function of a converter with target="keras": the call that it stands for."""
    found = _CONVERTING.get()
    if found is None:
        raise InputError(
            "no converter runs here",
            why="converting() tells of the call that the function of a converter with "
            'target="keras" is run for',
        )
    return found


class _Given:
    """A tensor, in the arguments of a call."""

    def __repr__(self) -> str:
        return "tensor"


class KerasBody:
    def __init__(self, call: Call, template: list[Any], spec: pytree.TreeSpec, seen: Seen):
        self._call, self._template, self._spec, self._seen = call, template, spec, seen
        self._models: dict[tuple[Spec, ...], Any] = {}
        self._nested = nesting.Remembered()
        self.key = f"{call.converter.name}_{next(_NUMBERS)}"
        self.is_channels_last = call.converter.axes == "channels_last"
        _BODIES[self.key] = self

    def __str__(self) -> str:
        return str(self._call.converter)

    @property
    def is_pointwise(self) -> bool:
        """Its layout is then that of what is around it."""
        return self._seen.is_pointwise or self._call.converter.axes == "elementwise"

    # In PyTorch --------------------------------------------------------------------------------

    def shapes(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Of the results, as the original call has them."""
        known = self._seen.results.get(_shapes_of(tensors))
        if known is not None:
            return [torch.empty(shape, dtype=dtype) for shape, dtype in known]
        last = self.is_channels_last
        given = [_to_first(tensor) if last else tensor for tensor in tensors]
        results = pytree.tree_leaves(self._original(given))
        found = [result for result in results if isinstance(result, torch.Tensor)]
        found = [_to_last(result) if last else result for result in found]
        return [torch.empty(result.shape, dtype=result.dtype) for result in found]

    def _original(self, given: Sequence[torch.Tensor]) -> Any:
        call = self._with(given)
        try:
            return call.run()
        except Exception as error:
            raise CaptureError(
                f"nobody knows the shapes of {call.name} for tensors without values",
                where=str(call.place),
                why=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
                hint="register them, with register_fake of a custom operator for instance",
            ) from error

    def compute(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        keras = import_keras()
        model = self.model([_spec_of(tensor) for tensor in tensors])
        with torch._C.DisableTorchFunction(), torch.no_grad():
            reset_states(model)
            given = [
                keras.ops.convert_to_tensor(to_numpy(tensor), dtype=_type_name(tensor.dtype))
                for tensor in tensors
            ]
            try:
                results = pytree.tree_leaves(model(given[0] if len(given) == 1 else given))
            except Exception as error:
                raise bodies.failed(self._call, error) from error
            arrays = [np.array(keras.ops.convert_to_numpy(result)) for result in results]
        found = [torch.from_numpy(array) for array in arrays]
        self._seen.results[_shapes_of(tensors)] = [(tuple(t.shape), t.dtype) for t in found]
        self._seen.is_pointwise = is_pointwise(model)
        return found

    def _with(self, given: Sequence[Any]) -> Call:
        """The call with these for its tensors."""
        tensors = iter(given)
        leaves = [next(tensors) if isinstance(x, _Given) else x for x in self._template]
        args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        return dataclasses.replace(self._call, args=args, kwargs=kwargs)

    # In Keras ----------------------------------------------------------------------------------

    def model(self, specs: Sequence[Spec]) -> Any:
        """A functional model of inputs with these shapes and types."""
        wanted = tuple((tuple(shape), dtype) for shape, dtype in specs)
        if wanted not in self._models:
            self._models[wanted] = self._made(wanted)
        return self._models[wanted]

    def _made(self, specs: Sequence[Spec]) -> Any:
        keras = import_keras()
        inputs = [keras.Input(batch_shape=shape, dtype=dtype) for shape, dtype in specs]
        call = self._with(inputs)
        example = self._seen.example or call
        told = Converting(
            call.module, example.args, example.kwargs, self._seen.memory, example
        )
        token = _CONVERTING.set(told)
        try:
            with nesting.running(call.converter, self._nested):
                result = bodies.run(call)
        finally:
            _CONVERTING.reset(token)
        if isinstance(result, keras.layers.Layer):  # or a finished model
            result = self._called(result, inputs)
        outputs = list(_tensors_of(result, keras))
        if not outputs:
            raise CaptureError(
                f"the converter {self} gives no tensor of Keras for {self._call.name}",
                where=str(self._call.place),
                why=f"it gives {type(result).__name__}",
                hint="return what keras.ops or layers make of its arguments, or a layer or model",
            )
        return keras.Model(inputs if len(inputs) != 1 else inputs[0], outputs)

    def _called(self, layer: Any, inputs: list[Any]) -> Any:
        keras = import_keras()
        try:
            if isinstance(layer, keras.Model) and len(inputs) > 1:
                return layer(inputs)
            return layer(*inputs)
        except Exception as error:
            raise bodies.failed(self._call, error) from error


def _tensors_of(result: Any, keras: Any) -> Iterator[Any]:
    """Each a tensor of its own: a model gives none that it takes."""
    for leaf in pytree.tree_leaves(result):
        if isinstance(leaf, keras.KerasTensor):
            yield keras.layers.Identity(dtype=leaf.dtype)(leaf)


def _spec_of(tensor: torch.Tensor) -> Spec:
    return tuple(tensor.shape), _type_name(tensor.dtype)


def _type_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _to_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.movedim(1, -1) if tensor.ndim > 2 else tensor


def _to_first(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.movedim(-1, 1) if tensor.ndim > 2 else tensor


def _define() -> None:
    global _library
    with _DEFINED:
        if _library is not None:
            return
        _library = torch.library.Library("ferryman", "FRAGMENT")
        _library.define("keras_model(Tensor[] x, str key, *, bool elementwise) -> Tensor[]")
        _library.impl("keras_model", _compute, "CPU")
        torch.library.register_fake("ferryman::keras_model", _shapes, lib=_library)


def _compute(x: list[torch.Tensor], key: str, *, elementwise: bool) -> list[torch.Tensor]:
    return body_of(key).compute(x)


def _shapes(x: list[torch.Tensor], key: str, *, elementwise: bool) -> list[torch.Tensor]:
    return body_of(key).shapes(x)


def _has_no_values(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, FakeTensor) or tensor.is_meta


def _shapes_of(tensors: Sequence[torch.Tensor]) -> tuple | None:
    """None where one has a free size."""
    shapes = tuple(tuple(tensor.shape) for tensor in tensors)
    return shapes if all(type(size) is int for shape in shapes for size in shape) else None
