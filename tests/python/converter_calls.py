"""Models that are calls, converters for one conversion alone, and who converted what."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

import ferryman

X = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def unregistered(*subjects, **options):
    """A converter that only `converters=` and scopes know."""

    def make(function):
        made = ferryman.converter(*subjects, **options)(function)
        ferryman.unregister(made)
        return made

    return make


def convert(model, *args, **options):
    return ferryman.convert(model, args or (X,), progress=False, **options)


def used(model):
    """The converters that nodes come from, in order."""
    names = [node.converter.partition(" ")[0] for node in model.report.nodes.values()]
    return [name for name, _ in itertools.groupby(names) if name]


class Calls(nn.Module):
    """A model that is one function of its inputs."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *x):
        return self.function(self, *x)


def calls(function, **modules):
    return Calls(lambda self, *x: function(*x), **modules).eval()


def hard_sigmoid_body(x, inplace=False):
    return torch.clamp(x / 6 + 0.5, 0, 1)


hard_sigmoid = unregistered(F.hardsigmoid)(hard_sigmoid_body)
