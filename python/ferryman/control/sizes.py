"""Free sizes inside of branches and bodies: torch's tracer of a graph knows only those of tensors
that are in it, and a size may come from anywhere.

    with known_sizes(values):       # outside
        reenter_make_fx(traced)()   # traced() begins with tell_sizes()

A size that is asked for becomes that of a tensor of outside, which the graph then needs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import torch
from torch.fx.experimental.proxy_tensor import get_proxy_mode, set_proxy_slot
from torch.utils import _pytree as pytree
from torch.utils._thunk import Thunk

# By torch's symbol: a tensor and its axis of that size.
_KNOWN: ContextVar[dict[Any, tuple[torch.Tensor, int]]] = ContextVar("known")


@contextlib.contextmanager
def known_sizes(values: Any) -> Iterator[None]:
    """Of these values, of the inputs of the graph at hand, and of what is around it."""
    graph = get_proxy_mode().tracer.graph
    inputs = [node.meta.get("val") for node in graph.nodes if node.op == "placeholder"]
    known = dict(_KNOWN.get({}))
    for tensor in pytree.tree_leaves((values, inputs)):
        for axis, size in _open_sizes(tensor):
            known.setdefault(size.node.expr, (tensor, axis))
    token = _KNOWN.set(known)
    try:
        yield
    finally:
        _KNOWN.reset(token)


def _open_sizes(value: Any) -> Iterable[tuple[int, torch.SymInt]]:
    if isinstance(value, torch.Tensor):
        for axis, size in enumerate(value.shape):
            if isinstance(size, torch.SymInt) and size.node.expr.is_symbol:
                yield axis, size


def tell_sizes() -> None:
    tracer = get_proxy_mode().tracer
    for tensor, axis in _KNOWN.get({}).values():
        asked = Thunk(lambda tensor=tensor, axis=axis: _ask(tracer, tensor, axis))
        set_proxy_slot(tensor.shape[axis], tracer, asked)


def _ask(tracer: Any, tensor: torch.Tensor, axis: int) -> torch.fx.Proxy:
    arguments = (tracer.unwrap_proxy(tensor), axis)
    proxy = tracer.create_proxy("call_function", torch.ops.aten.sym_size.int, arguments, {})
    proxy.node.meta["val"] = tensor.shape[axis]
    return proxy
