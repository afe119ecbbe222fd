"""nobuco's entry point."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn
from torch.export import Dim
from torch.utils import _pytree as pytree

import ferryman

from .converters.node_converter import forget_modules
from .enums import ChannelOrder, TraceLevel
from .keras_here import keras
from .notices import say_once
from .operation_layers import layers_only

_LAYOUTS = {ChannelOrder.PYTORCH: "channels_first", ChannelOrder.TENSORFLOW: "channels_last"}
_NUMBERS = itertools.count(1)
_DEPTH: ContextVar[int] = ContextVar("depth", default=0)  # of conversions in converters

Orders = ChannelOrder | dict[Any, ChannelOrder] | None


def pytorch_to_keras(
    model: nn.Module | Callable,
    args: Sequence[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    input_shapes: dict[torch.Tensor, Sequence[int | None]] | None = None,
    inputs_channel_order: Orders = ChannelOrder.TENSORFLOW,
    outputs_channel_order: Orders = None,
    input_names: dict[torch.Tensor, str] | None = None,
    output_names: dict[int, str] | None = None,
    trace_shape: bool = False,
    enable_torch_tracing: bool = False,
    constants_to_variables: bool = True,
    full_validation: bool = True,
    validation_tolerance: float = 1e-4,
    return_outputs_pt: bool = False,
    save_trace_html: bool = False,
    debug_traces: TraceLevel = TraceLevel.DEFAULT,
    *,
    raise_on_difference: bool = False,
) -> Any:
    """A keras.Model of Keras 3 that takes the tensors in args and kwargs in their order, and gives
    those of the result in theirs.

    input_shapes: by the tensor of the example, its sizes in PyTorch's order, None where it is free.
    inputs_channel_order, outputs_channel_order: one for all, or by tensor and by number; None of an
        output: whatever is cheapest.
    input_names, output_names: by tensor and by number.
    full_validation: compare every value with PyTorch, and not only the results.
    validation_tolerance: how far off they may be, of the largest magnitude.
    return_outputs_pt: return what PyTorch gives for the example as well.
    save_trace_html: write the report to trace.html.
    raise_on_difference: raise VerificationError where values differ, instead of telling it.

    Raises ferryman.Error: UnsupportedOps, CaptureError, InputError.
    """
    _explain(trace_shape, enable_torch_tracing, constants_to_variables, debug_traces)
    call = _Call(model, tuple(args or ()), dict(kwargs or {}))
    options = call.options(
        input_shapes, inputs_channel_order, outputs_channel_order, input_names, output_names
    )
    check = ferryman.Verify(
        every_node=full_validation, rtol=validation_tolerance, atol=validation_tolerance
    )
    depth = _DEPTH.set(_DEPTH.get() + 1)
    try:
        converted = call.convert(options, check, raise_on_difference)
    finally:
        _DEPTH.reset(depth)
        if _DEPTH.get() == 0:
            forget_modules()
    if _DEPTH.get() == 0:
        converted.report.show()
    if save_trace_html:
        _write_page(converted.report)
    call.tell_states(converted.keras)
    keras_model = layers_only(converted.keras, call.names_of_outputs(output_names or {}))
    if _DEPTH.get() > 0:
        _tell_apart(keras_model)
    keras_model.reset_states = lambda: _reset_states(keras_model)
    return (keras_model, call.outputs) if return_outputs_pt else keras_model


def _explain(trace_shape, enable_torch_tracing, constants_to_variables, debug_traces) -> None:
    if trace_shape:
        say_once("trace_shape", "sizes follow the input wherever input_shapes leaves them free")
    if enable_torch_tracing:
        say_once("enable_torch_tracing", "models are captured by torch.export")
    if not constants_to_variables:
        say_once("constants_to_variables=False", "parameters are variables, constants are not")
    if debug_traces is not TraceLevel.DEFAULT:
        say_once("debug_traces", "the report has the line of every operator")


class _Call:
    """What is converted, with its example."""

    def __init__(self, model: nn.Module | Callable, args: tuple, kwargs: dict[str, Any]):
        self._model, self._args, self._kwargs = model, args, kwargs
        self._tensors = [x for x in pytree.tree_leaves((args, kwargs)) if _is_tensor(x)]
        self.outputs, self._num_written = _run(model, args, kwargs)

    def options(self, shapes, input_orders, output_orders, input_names, output_names):
        names = [
            _of_tensor(input_names, tensor) or f"argument_{number}"
            for number, tensor in enumerate(self._tensors, 1)
        ]
        tensors = [x for x in pytree.tree_leaves(self.outputs) if _is_tensor(x)]
        results = [(output_names or {}).get(n, f"result_{n + 1}") for n in range(len(tensors))]
        return {
            "input_names": names,
            "output_names": results,
            "input_layout": {
                name: _LAYOUTS[_order(input_orders, tensor, ChannelOrder.TENSORFLOW)]
                for name, tensor in zip(names, self._tensors)
                if tensor.ndim > 2
            },
            "output_layout": _output_layouts(results, tensors, output_orders),
            "dynamic_shapes": self._free(shapes or {}),
        }

    def names_of_outputs(self, names: dict[int, str]) -> list[str | None]:
        count = sum(map(_is_tensor, pytree.tree_leaves(self.outputs)))
        return [names.get(number) for number in range(count)]

    def convert(self, options: dict[str, Any], check: Any, raise_on_difference: bool) -> Any:
        try:
            return self._converted(options, check)
        except ferryman.VerificationError as error:
            if raise_on_difference:
                raise
            _warn(f"conversion imprecise: {error}")
        return self._converted(options, False)

    def _converted(self, options: dict[str, Any], verify: Any) -> Any:
        """Buffers that the model writes are inputs and outputs, unless a converter stands for what
        writes them: that shows only in the conversion."""

        def convert(num_states: int) -> Any:
            return ferryman.convert(
                self._model,
                self._args,
                self._kwargs,
                target="keras",
                verify=verify,
                progress=False,
                **_with_states(options, num_states),
            )

        if self._num_written == 0:
            return convert(0)
        try:
            return convert(self._num_written)
        except ferryman.InputError:
            return convert(0)

    def _free(self, shapes: dict[torch.Tensor, Sequence[int | None]]) -> dict[str, Any]:
        """By parameter, in its structure, the axes that are free."""
        function = self._model.forward if isinstance(self._model, nn.Module) else self._model
        bound = inspect.signature(function).bind(*self._args, **self._kwargs).arguments

        def axes(leaf: Any) -> Any:
            shape = _of_tensor(shapes, leaf) if _is_tensor(leaf) else None
            # Some scripts give the shape of another tensor as well; what is no axis is not free.
            sizes = list(shape or ())[: leaf.ndim] if _is_tensor(leaf) else []
            # Without names: two of them may turn out to be equal.
            return {axis: Dim.DYNAMIC for axis, size in enumerate(sizes) if size is None} or None

        return {
            name: pytree.tree_map(axes, value)
            for name, value in bound.items()
            if any(axes(leaf) for leaf in pytree.tree_leaves(value))
        }

    def tell_states(self, model: keras.Model) -> None:
        number = len(model.inputs) - len(self._tensors)
        if number > 0:
            _warn(
                f"the model writes to {number} of its buffers: they are inputs and outputs of the "
                "Keras model, behind the others; a converter that gives a layer with variables "
                "keeps them inside"
            )


def _with_states(options: dict[str, Any], number: int) -> dict[str, Any]:
    inputs = [f"state_{n}" for n in range(1, number + 1)]
    outputs = [f"new_{name}" for name in inputs]
    return options | {
        "input_names": options["input_names"] + inputs,
        "output_names": options["output_names"] + outputs,
    }


def _warn(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, style="yellow", markup=False)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _of_tensor(by_tensor: dict[torch.Tensor, Any] | None, tensor: torch.Tensor) -> Any:
    """Tensors are keys by what they are, not by their values."""
    return next((value for key, value in (by_tensor or {}).items() if key is tensor), None)


def _order(orders: Orders, tensor: torch.Tensor, default: ChannelOrder) -> ChannelOrder:
    if isinstance(orders, dict):
        return _of_tensor(orders, tensor) or default
    return orders or default


def _output_layouts(
    names: list[str], tensors: list[torch.Tensor], orders: Orders
) -> dict[str, str]:
    def layout(number: int) -> str:
        order = orders.get(number) if isinstance(orders, dict) else orders
        return "any" if order is None else _LAYOUTS[order]

    return {
        name: layout(number)
        for number, (name, tensor) in enumerate(zip(names, tensors))
        if tensor.ndim > 2
    }


def _run(
    model: nn.Module | Callable, args: tuple, kwargs: dict[str, Any]
) -> tuple[Any, int]:
    """On copies, and without changing buffers: what it gives, and how many buffers it writes."""
    owner = model if isinstance(model, nn.Module) else getattr(model, "__self__", None)
    saved = copy.deepcopy(owner.state_dict()) if isinstance(owner, nn.Module) else None
    args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs))
    num_written = 0
    with torch.no_grad():
        outputs = model(*args, **kwargs)
        outputs = pytree.tree_map_only(torch.Tensor, torch.clone, outputs)
        if saved is not None:
            state = owner.state_dict()
            num_written = sum(not torch.equal(state[name], saved[name]) for name in saved)
            owner.load_state_dict(saved)
    return outputs, num_written


def _tell_apart(model: keras.Model) -> None:
    """Of models that a layer of the user's own puts together: Keras' writer of .h5 wants variables
    of different names."""
    number = next(_NUMBERS)
    for variable in model.variables:
        variable._path = f"part_{number}/{variable.path}"


def _write_page(report: Any) -> None:
    """The report as the terminal shows it."""
    console = Console(record=True, width=160, file=open("/dev/null", "w"))
    report.show(console)
    Path("trace.html").write_text(console.export_html(), encoding="utf-8")


def _reset_states(model: keras.Model) -> None:
    for layer in model._flatten_layers(include_self=False):
        reset = getattr(layer, "reset_states", None) or getattr(layer, "reset_state", None)
        if reset is not None and not isinstance(layer, keras.Model):
            reset()
