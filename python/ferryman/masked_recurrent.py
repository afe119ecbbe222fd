"""Recurrent layers over padded sequences, with the results that packed ones have.

    outputs, h = run_masked(Layers("gru", ...), x, mask, lengths, (h0,), starts_at_zero=True)

The layers stay whole; a further input, one where a sequence has ended, closes their gates:

    lstm    input gate 0, forget gate 1: the cell keeps its state, and so does a cell of zero, until
            a backward layer comes to the end of its sequence
    gru     update gate 1: the state is kept
    rnn     the input takes the biases off: a state of zero stays zero

What is computed after the end reaches no result: outputs there are masked, and final states are
those of the last step. A backward layer that starts at another state than zero runs over the
sequence turned round.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
import torch.nn.functional as F

_SHUT = 1e4  # a sigmoid of it is one, exactly; half precision holds it


@dataclasses.dataclass
class Layers:
    kind: str  # "lstm", "gru", "rnn_tanh", "rnn_relu"
    weights: Sequence[torch.Tensor]
    has_biases: bool
    num_layers: int
    dropout: float
    training: bool
    is_bidirectional: bool

    @property
    def directions(self) -> int:
        return 2 if self.is_bidirectional else 1

    def of(self, layer: int, direction: int) -> list[torch.Tensor]:
        each = len(self.weights) // (self.num_layers * self.directions)
        start = (layer * self.directions + direction) * each
        return list(self.weights[start : start + each])

    def run(self, x, states, weights, *, is_bidirectional: bool):
        """One layer of torch: outputs and final states."""
        hidden = tuple(states) if self.kind == "lstm" else states[0]
        function = getattr(torch, self.kind)
        options = (self.has_biases, 1, 0.0, False, is_bidirectional, False)
        return function(x, hidden, weights, *options)


def run_masked(
    layers: Layers,
    x: torch.Tensor,
    mask: torch.Tensor | None,
    lengths: torch.Tensor,
    states: Sequence[torch.Tensor],
    *,
    starts_at_zero: bool,
) -> list[torch.Tensor]:
    """x: [steps, samples, features]; mask: [steps, samples], None if all sequences are of all
    steps. The outputs outside of the mask are of no meaning."""
    finals = []
    for layer in range(layers.num_layers):
        first = layer * layers.directions
        of_layer = [state[first : first + layers.directions] for state in states]
        weights = [layers.of(layer, direction) for direction in range(layers.directions)]
        if mask is None:
            flat = [weight for each in weights for weight in each]
            x, *final = layers.run(x, of_layer, flat, is_bidirectional=layers.is_bidirectional)
        else:
            sequence = _Sequence(layers, mask, lengths)
            x, *final = sequence.run(x, of_layer, weights, starts_at_zero)
        finals.append(final)
        if layer + 1 < layers.num_layers and layers.training and layers.dropout > 0:
            x = F.dropout(x, layers.dropout, True)
    return [x, *(torch.cat(parts) for parts in zip(*finals))]


class _Sequence:
    def __init__(self, layers: Layers, mask: torch.Tensor, lengths: torch.Tensor):
        self._layers, self._mask, self._lengths = layers, mask, lengths

    def run(self, x, states, weights, starts_at_zero: bool):
        x = torch.where(self._mask.unsqueeze(-1), x, 0.0)  # nobody knows what stands there
        keeps_state = self._layers.kind == "gru" or starts_at_zero
        if len(weights) == 1:
            return self._forward(x, states, weights[0])
        if keeps_state:
            return self._both(x, states, weights)
        forward = self._forward(x, [state[:1] for state in states], weights[0])
        backward = self._forward(self._turned(x), [state[1:] for state in states], weights[1])
        outputs = torch.cat([forward[0], self._turned(backward[0])], -1)
        finals = [torch.cat(pair) for pair in zip(forward[1:], backward[1:])]
        return [outputs, *finals]

    def _forward(self, x, states, weights):
        x, weights = self._with_end(x, weights)
        outputs, *finals = self._layers.run(x, states, weights, is_bidirectional=False)
        if self._layers.kind != "gru":
            finals[0] = self._last(outputs)
        return [outputs, *finals]

    def _both(self, x, states, weights):
        width = weights[0][1].shape[-1]  # of what goes round
        extended = x
        flat = []
        for of_direction in weights:
            extended, with_end = self._with_end(x, of_direction)
            flat += with_end
        outputs, *finals = self._layers.run(extended, states, flat, is_bidirectional=True)
        if self._layers.kind != "gru":
            finals[0] = torch.cat([self._last(outputs[..., :width]), finals[0][1:]])
        return [outputs, *finals]

    def _with_end(self, x, weights):
        column = self._column(weights)
        if column is None:
            return x, weights
        ended = (~self._mask).to(x.dtype).unsqueeze(-1)
        extended = torch.cat([weights[0], column.unsqueeze(1)], 1)
        return torch.cat([x, ended], -1), [extended, *weights[1:]]

    def _column(self, weights) -> torch.Tensor | None:
        """How the end of a sequence goes into the gates."""
        kind, size = self._layers.kind, weights[0].shape[0]
        if kind == "lstm":  # input, forget, cell, output
            gates = (-_SHUT, _SHUT, 0.0, 0.0)
        elif kind == "gru":  # reset, update, new
            gates = (0.0, _SHUT, 0.0)
        elif self._layers.has_biases:
            return -(weights[2] + weights[3])
        else:
            return None
        column = [gate for gate in gates for _ in range(size // len(gates))]
        return torch.tensor(column, dtype=weights[0].dtype)

    def _last(self, outputs: torch.Tensor) -> torch.Tensor:
        """[1, samples, size]: the outputs of the last step of each sequence."""
        index = (self._lengths - 1).reshape(1, -1, 1).expand(1, -1, outputs.shape[-1])
        return outputs.gather(0, index)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        """Each sequence from its last step to its first; its own inverse."""
        steps = torch.arange(x.shape[0]).unsqueeze(1)
        index = torch.where(self._mask, self._lengths.unsqueeze(0) - 1 - steps, steps)
        return x.gather(0, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
