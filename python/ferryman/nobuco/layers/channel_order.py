"""The wrapper of a converted function that nobuco's converters name where they order axes by
hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..converters.channel_ordering import in_order, set_channel_order, tensors_in
from ..enums import ChannelOrder, ChannelOrderingStrategy

_ORDERS = {
    ChannelOrderingStrategy.FORCE_TENSORFLOW_ORDER: ChannelOrder.TENSORFLOW,
    ChannelOrderingStrategy.FORCE_PYTORCH_ORDER: ChannelOrder.PYTORCH,
}


class ChangeOrderingLayer:
    """Calls a function with its tensors in the order that the strategy asks for, and notes it on
    what the function gives."""

    def __init__(
        self,
        func: Callable,
        channel_ordering_strategy: ChannelOrderingStrategy,
        output_types: Any = None,
        autocast: bool = False,
    ):
        self.func, self.channel_ordering_strategy = func, channel_ordering_strategy

    def __call__(self, *args, **kwargs) -> Any:
        order = _ORDERS.get(self.channel_ordering_strategy)
        if order is not None:
            args, kwargs = in_order((args, kwargs), order)
        results = self.func(*args, **kwargs)
        if self.channel_ordering_strategy is ChannelOrderingStrategy.MANUAL:
            return results
        for tensor in tensors_in(results):
            set_channel_order(tensor, order or ChannelOrder.PYTORCH)
        return results
