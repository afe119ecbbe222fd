"""torch.cond: both branches are computed, and the results chosen by the condition of the run."""

import pytest
import torch
from torch import nn

import ferryman


class Gated(nn.Module):
    """A branch with weights, nested in one without, and two results."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        def positive(x):
            def large(x):
                return self.layer(x), x * 2

            return torch.cond(x.max() > 2, large, lambda x: (x.sin(), x.cos()), (x,))

        return torch.cond(x.sum() > 0, positive, lambda x: (x - 1, self.layer(x)), (x,))


INPUTS = {
    "negative": -torch.ones(2, 4),
    "positive": torch.ones(2, 4),
    "large": torch.full((2, 4), 3.0),
}


@pytest.fixture(scope="module")
def from_module():
    return ferryman.convert(Gated().eval(), (INPUTS["negative"],), progress=False)


@pytest.fixture(scope="module")
def from_archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("cond") / "gated.pt2"
    torch.export.save(torch.export.export(Gated().eval(), (INPUTS["positive"],)), path)
    return ferryman.convert(path, progress=False)


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("source", ["from_module", "from_archive"])
def test_condition_is_that_of_the_run(case, source, request):
    model, x = request.getfixturevalue(source), INPUTS[case]
    for result, expected in zip(model(x), Gated()(x), strict=True):
        torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_vmap_is_what_it_computes():
    def pairwise(x, y):
        distance = torch.vmap(torch.vmap(lambda a, b: (a - b).norm(), (None, 0)), (0, None))
        return distance(x, y)

    x, y = torch.randn(3, 5), torch.randn(4, 5)
    model = ferryman.convert(pairwise, (x, y), progress=False)
    torch.testing.assert_close(model(y[:3], x.repeat(2, 1)[:4]), pairwise(y[:3], x.repeat(2, 1)[:4]))


def test_autocast_computes_in_the_type_that_it_names():
    layer = nn.Linear(8, 4).eval()

    def forward(x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = layer(x)
        return y.float() + layer(x)

    x = torch.randn(3, 8)
    model = ferryman.convert(forward, (x,), progress=False)
    torch.testing.assert_close(model(-x), forward(-x), rtol=1e-2, atol=1e-2)


def cubes(x):
    return (x**3).sum()


def test_derivatives_are_those_of_autograd():
    def slope(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            return torch.autograd.grad(cubes(x), x)[0]

    model = ferryman.convert(slope, (torch.randn(4),), progress=False)
    x = torch.randn(4)
    torch.testing.assert_close(model(x), 3 * x**2, rtol=1e-5, atol=1e-5)


def test_programs_in_which_torch_froze_a_derivative_are_refused():
    class Slope(nn.Module):
        def forward(self, x):
            return torch.func.grad(cubes)(x)

    program = torch.export.export(Slope(), (torch.randn(4),))
    with pytest.raises(ferryman.InputError, match="torch.func"):
        ferryman.convert(program, progress=False)
