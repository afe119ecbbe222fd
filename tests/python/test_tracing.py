"""What torch.export cannot follow, and tracing below autograd can."""

import copy

import pytest
import torch
from derivatives import DERIVATIVES, MLP, slope
from torch import nn
from torch.utils import _pytree as pytree

import ferryman
from ferryman.capture import capture
from ferryman.results import module_types


def require_right(model, converted, args):
    """On inputs that neither conversion nor its check has seen."""
    generator = torch.Generator().manual_seed(99)
    noise = [0.1 * torch.randn(x.shape, generator=generator) for x in args]
    fresh = [x + n if x.is_floating_point() else x for x, n in zip(args, noise)]
    expected = pytree.tree_leaves(model(*(x.clone() for x in fresh)))
    got = pytree.tree_leaves(converted(*fresh))
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected):
        torch.testing.assert_close(mine, theirs.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_those_of_eager_mode(name):
    model, args = DERIVATIVES[name]
    require_right(model, ferryman.convert(model, args, progress=False), args)


def test_an_input_that_requires_gradients_is_taken_as_it_is():
    def forces(x):
        return torch.autograd.grad(x.tanh().sum(), x)[0]

    x = torch.randn(3, 4).requires_grad_(True)
    converted = ferryman.convert(forces, (x,), progress=False)
    torch.testing.assert_close(converted(x), forces(x), rtol=1e-5, atol=1e-5)


def test_nodes_keep_weights_paths_and_lines():
    program = capture(slope(MLP), (torch.randn(2, 3),))
    parameters = program.graph_signature.parameters
    assert "layer.0.weight" in parameters and "layer.4.bias" in parameters
    assert module_types(program)["layer.0"] == "Linear"
    tanh = next(n for n in program.graph.nodes if n.target is torch.ops.aten.tanh.default)
    assert list(tanh.meta["nn_module_stack"].values())[-1][0] == "layer.1"
    last = [line for line in tanh.meta["stack_trace"].splitlines() if "File" in line][-1]
    assert "derivatives.py" in last
    assert [n.name for n in program.graph.nodes if n.op == "placeholder"][-1] == "x"


def test_nothing_is_left_behind():
    """Neither gradients nor levels of a transform, whether capture succeeds or fails."""

    class Learns(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x, index):
            self.layer(x).tanh().sum().backward()
            slope = torch.func.vmap(torch.func.jacfwd(torch.tanh))(x)
            return slope * self.layer.weight.grad + float(x.numpy()[index])

    model = Learns().eval()
    state = copy.deepcopy(model.state_dict())
    with pytest.raises(ferryman.Error):
        ferryman.convert(model, (torch.randn(2, 3), torch.tensor(1)), progress=False)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    x = torch.randn(3)  # fails inside of a transform
    torch.testing.assert_close(torch.func.jvp(torch.sin, (x,), (x,))[1], x.cos() * x)
    torch.testing.assert_close(torch.func.jacfwd(torch.sin)(x), torch.diag(x.cos()))


def test_programs_with_constants_of_the_tracer_are_refused():
    """torch writes such programs if one follows the hint that its own error prints."""
    program = torch.export.export(nn.Linear(3, 3), (torch.ones(1, 3),))
    with torch._subclasses.FakeTensorMode():
        program.state_dict["weight"] = torch.empty(3, 3)
    with pytest.raises(ferryman.Error, match="'weight'"):
        ferryman.convert(program, progress=False, verify=False)


# Of the module's own tensors ---------------------------------------------------------------------


class OfData(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3))
        self.register_buffer("scale", torch.rand(3))
        self.plain = torch.rand(3)

    def forward(self, x):
        mask = (x.data > 0).float()
        noise = x.data.new_zeros(3).add_(self.plain.data)
        return x * mask + self.weight.data * self.scale.data + noise


class WritesData(nn.Module):
    def forward(self, x):
        y = x * 2
        y.data.clamp_(-1, 1)
        return y


@pytest.mark.parametrize("kind", [OfData, WritesData])
def test_data_is_the_tensor(kind):
    torch.manual_seed(0)
    model, args = kind().eval(), (torch.randn(2, 3),)
    require_right(model, ferryman.convert(model, args, progress=False), args)


def test_data_that_is_assigned_is_refused():
    def forward(x):
        y = x * 2
        y.data = x + 1
        return y

    with pytest.raises(ferryman.Error):
        ferryman.convert(forward, (torch.ones(3),), progress=False)


# TorchScript -------------------------------------------------------------------------------------


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x, times: int = 2):
        for _ in range(times):
            if x.shape[0] > 1:
                x = torch.tanh(self.layer(x))
        return x


class Choice(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x * 2
        return x - 1


@torch.jit.script
def doubled(x):
    return x + x


class Around(nn.Module):
    """part: made of a module, by script, trace or freeze."""

    def __init__(self, part):
        super().__init__()
        self.part, self.last = part, nn.Linear(3, 2)

    def forward(self, x):
        return self.last(doubled(self.part(x)))


def part(kind):
    torch.manual_seed(0)
    if kind == "trace":
        return torch.jit.trace(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), torch.ones(2, 3))
    layers = nn.Sequential(nn.Conv1d(1, 2, 3, padding=1), nn.BatchNorm1d(2), nn.Flatten())
    if kind == "freeze":
        net = nn.Sequential(nn.Unflatten(1, (1, 3)), layers, nn.Linear(6, 3)).eval()
        return torch.jit.freeze(torch.jit.script(net))
    return torch.jit.script(Steps())


@pytest.mark.parametrize("kind", ["script", "trace", "freeze"])
def test_scripted_parts_are_inlined(kind):
    model, args = Around(part(kind)).eval(), (torch.randn(2, 3),)
    require_right(model, ferryman.convert(model, args, progress=False), args)


def test_scripted_parts_keep_the_names_of_their_weights():
    program = capture(Around(part("script")).eval(), (torch.randn(2, 3),))
    names = program.graph_signature.parameters
    assert set(names) == {"part.layer.weight", "part.layer.bias", "last.weight", "last.bias"}
    assert module_types(program)["part"] == "Steps"


def test_branches_of_scripted_parts_are_frozen_and_told():
    model = Around(torch.jit.script(Choice())).eval()
    with pytest.warns(UserWarning, match="True of item in part"):
        program = capture(model, (torch.ones(2, 3),))
    x = torch.rand(2, 3)
    torch.testing.assert_close(program.module()(x), model(x))
    with pytest.warns(UserWarning), pytest.raises(ferryman.VerificationError, match="frozen"):
        ferryman.convert(model, (torch.tensor([[1.0, -1.0, 0.1]] * 2),), progress=False)
