"""Training mode: refused where a module behaves otherwise in it, and only there."""

import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ferryman.capture import capture
from ferryman.errors import InputError

X = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
IMAGE = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))


class Calls(nn.Module):
    """Runs a function of itself and its inputs."""

    def __init__(self, function, *children, p=0.5):
        super().__init__()
        self.function, self.p = function, p
        self.parts = nn.ModuleList(children)

    def forward(self, *inputs):
        return self.function(self, *inputs)


class Logits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)[:, :3]


class DropPath(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x / 0.5 * torch.rand(1).add(0.5).floor()


class ShortCircuit(nn.Module):
    is_checkpointed = False

    def forward(self, x):
        if self.is_checkpointed and self.training:
            return x
        return x + 1


class Host(nn.Module):
    """A function of another module reads this one's flag."""

    def forward(self, x):
        return drop(x, self)


def drop(x, module):
    return F.dropout(x, 0.1, training=module.training)


class Reads(nn.Module):
    """Reads it, and gives the same."""

    def forward(self, x):
        scale = 1.0 if self.training else 1.0
        return x * scale


class Branches(nn.Module):
    """Torch copies the flag into the graphs of both."""

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))


class ByName(nn.Module):
    def forward(self, x):
        return x * 2 if getattr(self, "training") else x  # noqa: B009


class OfChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        return self.inner(x) * (2 if self.inner.training else 1)


class Comprehension(nn.Module):
    def forward(self, x):
        return sum([x * k for k in range(3) if self.training])


def spectral():
    return nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))


# a module in training mode, its input, and what the message says
DEPENDENT = {
    "dropout": (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3)), X, "module '1' is"),
    "dropout2d": (nn.Sequential(nn.Dropout2d(0.3)), IMAGE, "module '0' is"),
    "alpha_dropout": (nn.Sequential(nn.AlphaDropout(0.3)), X, "p=0.3"),
    "feature_alpha_dropout": (nn.FeatureAlphaDropout(0.2), IMAGE, "the module is in training"),
    "batch_norm": (nn.Sequential(nn.BatchNorm1d(4)), X, "statistics of the batch"),
    "instance_norm": (nn.InstanceNorm2d(3, track_running_stats=True), IMAGE, "statistics"),
    "rrelu": (nn.Sequential(nn.RReLU()), X, "slopes"),
    "attention": (
        Calls(lambda m, x: m.parts[0](x, x, x)[0], nn.MultiheadAttention(4, 2, dropout=0.1)),
        X,
        "parts.0",
    ),
    "encoder": (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1), X, "'self_attn'"),
    "lstm": (Calls(lambda m, x: m.parts[0](x)[0], nn.LSTM(4, 4, 2, dropout=0.2)), X, "between"),
    "functional": (
        Calls(lambda m, x: F.dropout(x, m.p, training=m.training)),
        X,
        "reads `training` at",
    ),
    "drop_path": (nn.Sequential(nn.Linear(4, 4), DropPath()), X, "module '1' is"),
    "host": (nn.Sequential(Host()), X, "module '0' is"),
    "reads_in_vain": (Reads(), X, "reads `training`"),
    "by_name": (ByName(), X, "evaluation mode"),
    "of_child": (OfChild(), X, "module 'inner' is"),
    "comprehension": (Comprehension(), X, "reads `training`"),
    "spectral_norm": (spectral(), X, "parametrizations.weight.0"),
    "several": (nn.Sequential(nn.Dropout(), nn.BatchNorm1d(4)), X, "its modules '0', '1' are"),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_module_that_behaves_otherwise_in_training_mode_is_named(name):
    module, x, text = DEPENDENT[name]
    module.train()
    with pytest.raises(InputError, match="in training mode") as caught:
        capture(module, (x,))
    assert text in str(caught.value)
    assert "call module.eval() first, or pass training=True" in caught.value.hint
    assert all(child.training for child in module.modules())


INDEPENDENT = {
    "wrapper": (Logits(nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5)).eval()), X),
    "linear": (nn.Sequential(nn.Linear(4, 4), nn.ReLU()), X),
    "no_dropout": (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)), X),
    "no_statistics": (nn.BatchNorm1d(4, track_running_stats=False), X),
    "instance_norm": (nn.InstanceNorm2d(3), IMAGE),
    "group_norm": (nn.GroupNorm(1, 3), IMAGE),
    "rrelu": (nn.RReLU(0.2, 0.2), X),
    "attention": (Calls(lambda m, x: m.parts[0](x, x, x)[0], nn.MultiheadAttention(4, 2)), X),
    "encoder": (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), X),
    "one_layer": (Calls(lambda m, x: m.parts[0](x)[0], nn.GRU(4, 4)), X),
    "short_circuit": (ShortCircuit(), X),
    "branches": (Branches(), X),
    "reads_of_child": (Calls(lambda m, x: x * (2 if m.parts[0].training else 1), DropPath()), X),
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_module_that_behaves_the_same_in_training_mode_is_taken(name):
    module, x = INDEPENDENT[name]
    flags = [child.training for child in module.modules()]
    if name == "reads_of_child":
        module.parts[0].eval()
        flags[-1] = False
    program = capture(module, (x,))
    assert flags == [child.training for child in module.modules()]
    assert torch.allclose(program.module()(x), module(x), atol=1e-6)


def test_a_tracer_that_runs_already_stays_and_the_second_run_decides():
    lines = []

    def tracer(frame, event, argument):
        lines.append(event)

    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        with pytest.raises(InputError, match="evaluation mode"):
            capture(DropPath().train(), (X,))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(previous)
    assert lines
