"""Recurrent layers and cells of every kind, for the tests that compare them with eager PyTorch."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer of torch.nn with seeded random parameters, and its inputs."""

    kind: str  # "LSTM", "GRU", "tanh", "relu"
    steps: int = 7
    batch: int | None = 2  # None: an input without a batch axis
    inputs: int = 3
    hidden: int = 4
    layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    bias: bool = True
    states: bool = False  # initial ones given
    proj_size: int = 0
    dropout: float = 0.0

    def __str__(self):
        default = Layer("")
        changed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if field.name != "kind" and getattr(self, field.name) != getattr(default, field.name)
        ]
        return " ".join([self.kind, *changed])

    def module(self) -> nn.Module:
        torch.manual_seed(0)
        options = {
            "num_layers": self.layers,
            "bidirectional": self.bidirectional,
            "batch_first": self.batch_first,
            "bias": self.bias,
            "dropout": self.dropout,
        }
        if self.kind in ("tanh", "relu"):
            layer = nn.RNN(self.inputs, self.hidden, nonlinearity=self.kind, **options)
        elif self.kind == "LSTM":
            layer = nn.LSTM(self.inputs, self.hidden, proj_size=self.proj_size, **options)
        else:
            layer = nn.GRU(self.inputs, self.hidden, **options)
        return layer.eval()

    def sample(self, seed: int = 1) -> tuple:
        generator = torch.Generator().manual_seed(seed)

        def random(*shape):
            return torch.randn(*shape, generator=generator)

        batch = () if self.batch is None else (self.batch,)
        first = self.batch_first and self.batch is not None
        x = random(*batch, self.steps, self.inputs) if first else random(
            self.steps, *batch, self.inputs
        )
        if not self.states:
            return (x,)
        directions = self.layers * (2 if self.bidirectional else 1)
        h0 = random(directions, *batch, self.proj_size or self.hidden)
        if self.kind != "LSTM":
            return x, h0
        return x, (h0, random(directions, *batch, self.hidden))


@dataclasses.dataclass(frozen=True)
class Cell:
    kind: str  # as those of Layer
    batch: int | None = 2
    bias: bool = True
    states: bool = True

    def __str__(self):
        return f"{self.kind} cell batch={self.batch} bias={self.bias} states={self.states}"

    def module(self) -> nn.Module:
        torch.manual_seed(0)
        if self.kind == "LSTM":
            return nn.LSTMCell(3, 4, bias=self.bias).eval()
        if self.kind == "GRU":
            return nn.GRUCell(3, 4, bias=self.bias).eval()
        return nn.RNNCell(3, 4, bias=self.bias, nonlinearity=self.kind).eval()

    def sample(self, seed: int = 1) -> tuple:
        generator = torch.Generator().manual_seed(seed)
        batch = () if self.batch is None else (self.batch,)
        x = torch.randn(*batch, 3, generator=generator)
        if not self.states:
            return (x,)
        h = torch.randn(*batch, 4, generator=generator)
        if self.kind != "LSTM":
            return x, h
        return x, (h, torch.randn(*batch, 4, generator=generator))


KINDS = ("LSTM", "GRU", "tanh", "relu")


def all_layers() -> list[Layer]:
    """Each option of each kind by itself, and several together."""
    found = []
    for kind in KINDS:
        found += [
            Layer(kind),
            Layer(kind, steps=1),
            Layer(kind, batch=None),
            Layer(kind, batch=1, batch_first=True),
            Layer(kind, batch_first=True, states=True),
            Layer(kind, bias=False),
            Layer(kind, bidirectional=True),
            Layer(kind, batch=1, bidirectional=True, states=True, bias=False),
            Layer(kind, layers=3, dropout=0.5),
            Layer(kind, batch=3, layers=2, bidirectional=True, batch_first=True, states=True),
            Layer(kind, batch=None, layers=2, bidirectional=True, states=True),
        ]
    for bidirectional in (False, True):
        found += [
            Layer("LSTM", proj_size=2, bidirectional=bidirectional),
            Layer("LSTM", proj_size=3, bidirectional=bidirectional, layers=2, states=True),
            Layer("LSTM", proj_size=2, bidirectional=bidirectional, bias=False, batch=1),
        ]
    return found


def all_cells() -> list[Cell]:
    return [
        cell
        for kind in KINDS
        for cell in (
            Cell(kind),
            Cell(kind, batch=1, bias=False),
            Cell(kind, batch=None),
            Cell(kind, states=False),
        )
    ]
