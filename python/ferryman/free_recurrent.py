"""LSTM, GRU and RNN layers whose time, or batch, is free.

    with whole_layers():
        program = torch.export.export(module, args, dynamic_shapes=…)
    name_layers(program)                 # aten.lstm.input, as if torch had written it

torch runs such a layer step by step to find out what shape it gives, and so fixes the number of
steps. While it captures, a layer is one operator of ours, which knows its shapes; in the program it
is torch's own again, which says nothing about the number of steps.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.overrides import TorchFunctionMode

from .scopes import scopes

_KINDS = {
    torch.lstm: "lstm",
    torch.gru: "gru",
    torch.rnn_tanh: "rnn_tanh",
    torch.rnn_relu: "rnn_relu",
}
_OPTIONS = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, "
    "bool bidirectional, bool batch_first"
)


def has_layers(module: nn.Module) -> bool:
    return any(isinstance(child, nn.RNNBase) for child in module.modules())


@contextlib.contextmanager
def whole_layers() -> Iterator[None]:
    with _Layers():
        yield


class _Layers(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kind = _KINDS.get(func)
        if kind is None or kwargs or not _is_free(args):
            return func(*args, **(kwargs or {}))
        return _operators()[kind](*args)


def _is_free(args: tuple) -> bool:
    """A layer over tensors of one length, of which some size is free. (Over packed sequences it has
    their batch sizes for a second argument, and another number of arguments.)"""
    is_padded = len(args) == 9 and isinstance(args[2], (list, tuple))
    return is_padded and any(type(size) is not int for size in args[0].shape)


def name_layers(program: ExportedProgram) -> None:
    """In the place of our operators, torch's."""
    theirs = {
        operator: getattr(torch.ops.aten, kind).input for kind, operator in _operators().items()
    }
    for scope in scopes(program):
        for node in scope.graph.nodes:
            if node.op == "call_function" and node.target in theirs:
                node.target = theirs[node.target]
        scope.module.recompile()


# The operators -----------------------------------------------------------------------------------


@functools.cache
def _library() -> torch.library.Library:
    """As long as the process lives; made when a model needs it."""
    library = torch.library.Library("ferryman", "DEF")
    library.define(f"lstm(Tensor input, Tensor[] hx, {_OPTIONS}) -> (Tensor, Tensor, Tensor)")
    for kind in ("gru", "rnn_tanh", "rnn_relu"):
        library.define(f"{kind}(Tensor input, Tensor hx, {_OPTIONS}) -> (Tensor, Tensor)")
    for kind in _KINDS.values():
        shapes = _lstm_shapes if kind == "lstm" else _shapes
        library._register_fake(kind, shapes)
    return library


@functools.cache
def _operators() -> dict[str, Any]:
    _library()
    return {kind: getattr(torch.ops.ferryman, kind).default for kind in _KINDS.values()}


def _lstm_shapes(input: torch.Tensor, hx: Sequence[torch.Tensor], *options: Any):
    return (*_shapes(input, hx[0], *options), torch.empty_like(hx[1]))


def _shapes(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first):
    outputs = input.new_empty(*input.shape[:-1], (2 if bidirectional else 1) * hx.shape[-1])
    return outputs, torch.empty_like(hx)
