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
    keras_model = layers_only(converted.keras)
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
    def __init__(self, model: nn.Module | Callable, args: tuple, kwargs: dict[str, Any]):
        self._model, self._args, self._kwargs = model, args, kwargs
        self._tensors = [x for x in pytree.tree_leaves((args, kwargs)) if _is_tensor(x)]
        self.outputs = _run(model, args, kwargs)

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

    def _free(self, shapes: dict[torch.Tensor, Sequence[int | None]]) -> dict[str, Any]:
        """By parameter, in its structure, the axes that are free."""
        function = self._model.forward if isinstance(self._model, nn.Module) else self._model
        bound = inspect.signature(function).bind(*self._args, **self._kwargs).arguments
        numbers = {id(tensor): number for number, tensor in enumerate(self._tensors)}

        def axes(leaf: Any) -> Any:
            shape = _of_tensor(shapes, leaf) if _is_tensor(leaf) else None
            # Some scripts give the shape of another tensor as well; what is no axis is not free.
            sizes = list(shape or ())[: leaf.ndim] if _is_tensor(leaf) else []
            free = [axis for axis, size in enumerate(sizes) if size is None]
            return {axis: f"size_{numbers[id(leaf)]}_{axis}" for axis in free} or None

        return {
            name: pytree.tree_map(axes, value)
            for name, value in bound.items()
            if any(axes(leaf) for leaf in pytree.tree_leaves(value))
        }

    def convert(self, options: dict[str, Any], check: Any, raise_on_difference: bool) -> Any:
        given = (self._model, self._args, self._kwargs)

        def convert(verify: Any) -> Any:
            return ferryman.convert(
                *given, target="keras", verify=verify, progress=False, **options
            )

        try:
            return convert(check)
        except ferryman.VerificationError as error:
            if raise_on_difference:
                raise
            Console(stderr=True).print(f"conversion imprecise: {error}", style="yellow")
        return convert(False)


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


def _run(model: nn.Module | Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """On copies, and without changing buffers."""
    owner = model if isinstance(model, nn.Module) else getattr(model, "__self__", None)
    saved = copy.deepcopy(owner.state_dict()) if isinstance(owner, nn.Module) else None
    args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs))
    with torch.no_grad():
        outputs = model(*args, **kwargs)
        outputs = pytree.tree_map_only(torch.Tensor, torch.clone, outputs)
        if saved is not None:
            owner.load_state_dict(saved)
    return outputs


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
