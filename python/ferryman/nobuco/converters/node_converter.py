"""nobuco's converters: a function of PyTorch's arguments that gives a function of Keras' tensors.

    @nobuco.converter(F.hardsigmoid)
    def hardsigmoid(input, inplace=False):
        return lambda input, inplace=False: keras.ops.clip(input / 6 + 0.5, 0, 1)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman

from ..enums import ChannelOrder, ChannelOrderingStrategy
from ..functional_layer import called, layers_of
from ..keras_2 import give_manners, weights_at_construction
from ..keras_here import keras
from ..notices import say_once
from .channel_ordering import get_channel_order, in_order, is_of_keras, set_channel_order
from .type_cast import to_common_type

_LAST = ChannelOrderingStrategy.FORCE_TENSORFLOW_ORDER
# The latest converter of each operator, as the user named it.
_CONVERTERS: dict[Any, NodeConverter] = {}


def converter(
    *ops: Any,
    validate_func: Callable | None = None,
    channel_ordering_strategy: ChannelOrderingStrategy = _LAST,
    autocast: bool = False,
    reusable: bool = True,
) -> Callable[[Callable], NodeConverter]:
    """Registers the decorated function for torch functions, methods of tensors, classes of modules
    and what @traceable marks. It takes what the call is given in PyTorch, with the values of the
    example, and gives a layer, a model or a function of the same arguments in Keras.

    validate_func: never had an effect.
    autocast: tensors are brought to one type first.
    reusable: a module that is called again is the layer that it was.
    """
    if validate_func is not None:
        say_once("validate_func", "each converter is compared with PyTorch, within the tolerance")

    def register(convert_func: Callable) -> NodeConverter:
        return NodeConverter(convert_func, ops, channel_ordering_strategy, autocast, reusable)

    return register


def unregister_converter(op: Any) -> None:
    """What it stood for is converted as without any. Does nothing where there is none."""
    found = _CONVERTERS.pop(op, None)
    if found is not None:
        ferryman.unregister(found.registered.pop(op))


def locate_converter(op: Any) -> tuple[str | None, str | None]:
    """The place, as 'File "…", line …', and the source of the conversion; None, None of none."""
    own = _CONVERTERS.get(op)
    found = ferryman.locate(op if own is None else ferryman.Converter(own.convert_func, ()))
    if found is None:
        return None, None
    return f'File "{found.file}", line {found.line}', found.source


class NodeConverter:
    """What `converter` makes of a function."""

    def __init__(
        self,
        convert_func: Callable,
        ops: tuple[Any, ...],
        strategy: ChannelOrderingStrategy,
        autocast: bool,
        reusable: bool,
    ):
        self.convert_func, self.channel_ordering_strategy = convert_func, strategy
        self.autocast, self.reusable = autocast, reusable
        self._of_modules: weakref.WeakKeyDictionary[nn.Module, Any] = weakref.WeakKeyDictionary()
        axes = "channels_last" if strategy is _LAST else "as_pytorch"

        def body(*args, **kwargs):
            return self._body(args, kwargs)

        body.__name__ = getattr(convert_func, "__name__", "converter")
        body.__wrapped__ = convert_func
        # One by one: each may be replaced or taken out without the others.
        register = {op: ferryman.converter(op, target="keras", axes=axes) for op in ops}
        self.registered = {op: make(body) for op, make in register.items()}
        for op in ops:
            unregister_converter(op)
            _CONVERTERS[op] = self

    def convert(self, *args, **kwargs) -> Callable:
        """The function of Keras' tensors, for other converters to call."""
        from ..layers.channel_order import ChangeOrderingLayer

        made = self.convert_func(*args, **kwargs)
        return ChangeOrderingLayer(made, self.channel_ordering_strategy)

    def forget(self) -> None:
        """What modules became: their weights may be others by now."""
        self._of_modules.clear()

    # As the function of Ferryman's converter ----------------------------------------------------

    def _body(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """args, kwargs: with symbolic tensors."""
        call = ferryman.converting()
        if call.module is not None:
            args = args[1:]
        with weights_at_construction():
            operation = self._operation(call)
            result = called(operation, *self._given(args, kwargs))
        if self.channel_ordering_strategy is ChannelOrderingStrategy.MANUAL:
            result = in_order(result, ChannelOrder.PYTORCH)
        return _with_types(result, call)

    def _operation(self, call: Any) -> Any:
        """Made once for a call, and for a module that may be reused."""
        if call.module is not None and self.reusable:
            if call.module not in self._of_modules:
                self._of_modules[call.module] = self._made(call)
            return self._of_modules[call.module]
        if "operation" not in call.memory:
            call.memory["operation"] = self._made(call)
        return call.memory["operation"]

    def _made(self, call: Any) -> Any:
        instance = () if call.module is None else (call.module,)
        made = self.convert_func(*instance, *call.args, **call.kwargs)
        for layer in [made, *layers_of(made)]:
            give_manners(layer)
        return made

    def _given(self, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        is_last = self.channel_ordering_strategy is _LAST
        order = ChannelOrder.TENSORFLOW if is_last else ChannelOrder.PYTORCH
        leaves, spec = pytree.tree_flatten((args, kwargs))
        for leaf in leaves:
            if is_of_keras(leaf):
                set_channel_order(leaf, order)
        if self.autocast:
            leaves = to_common_type(leaves, is_of_keras)
        return pytree.tree_unflatten(leaves, spec)


def _with_types(result: Any, call: Any) -> Any:
    """Of the element types that PyTorch gives."""
    wanted = [t for t in pytree.tree_leaves(call.outputs()) if isinstance(t, torch.Tensor)]
    leaves, spec = pytree.tree_flatten(result)
    tensors = [leaf for leaf in leaves if is_of_keras(leaf)]
    if len(tensors) != len(wanted):
        return result  # an error that Ferryman tells
    names = iter([str(tensor.dtype).removeprefix("torch.") for tensor in wanted])
    cast = [_cast(leaf, next(names)) if is_of_keras(leaf) else leaf for leaf in leaves]
    return pytree.tree_unflatten(cast, spec)


def _cast(tensor: Any, name: str) -> Any:
    if keras.backend.standardize_dtype(tensor.dtype) == name:
        return tensor
    order = get_channel_order(tensor)
    return set_channel_order(keras.ops.cast(tensor, name), order)


def forget_modules() -> None:
    """At the end of a conversion."""
    for each in set(_CONVERTERS.values()):
        each.forget()
