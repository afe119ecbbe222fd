"""Tensors without axes and without elements, through the whole of the converter."""

import pytest
import torch
from torch.utils import _pytree as pytree

import ferryman


def test_scalars_and_empty_tensors_go_in_and_out_as_such():
    def forward(x, nothing):
        return x * 2, torch.relu(nothing), torch.cat([nothing, nothing + 1]).sum()

    model = ferryman.convert(forward, (torch.tensor(3.0), torch.ones(0, 4)))
    doubled, empty, total = model(torch.tensor(5.0), torch.ones(0, 4))
    assert (doubled.shape, float(doubled)) == ((), 10.0)
    assert empty.shape == (0, 4)
    assert float(total) == 0.0


def test_bfloat16_is_float32_in_the_file_and_bfloat16_for_the_caller():
    module = torch.nn.Linear(8, 4).eval().bfloat16()
    x = torch.randn(2, 8).bfloat16()
    model = ferryman.convert(module, (x,))
    y = model(x)
    assert y.dtype is torch.bfloat16
    torch.testing.assert_close(y, module(x).detach(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("samples", [1, 3])
def test_bfloat16_inside_of_a_file_is_passed_over_by_the_check(samples):
    def forward(scores, keep):
        hide = (1.0 - keep[:, None].to(torch.bfloat16)) * torch.finfo(torch.bfloat16).min
        return (scores + hide.float()).softmax(-1), scores.to(torch.bfloat16).float() * 2

    keep = (torch.arange(6)[None] < torch.tensor([[6], [3]])).long()
    model = ferryman.convert(
        forward, (torch.randn(2, 6, 6), keep), verify=ferryman.Verify(samples=samples)
    )
    x = torch.randn(2, 6, 6)
    got, expected = model(x, keep.flip(0)), forward(x, keep.flip(0))
    torch.testing.assert_close(got, expected, rtol=1e-2, atol=1e-2)  # it computes in float32


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "function",
    [
        torch.maximum,
        torch.minimum,
        torch.fmax,
        lambda a, b: torch.clamp(a, b - 1, b + 1),
        lambda a, b: (a.amax(), a.amin(), b.amax(), b.amin()),
        lambda a, b: torch.max(a.reshape(1, 7), 1),
        lambda a, b: (a.argmax(), b.argmin()),
        lambda a, b: torch.sort(a, stable=True),
        lambda a, b: torch.nn.functional.relu6(a),
    ],
)
def test_nan_and_infinities_go_where_pytorch_has_them(function):
    class Module(torch.nn.Module):
        def forward(self, a, b):
            return function(a, b)

    example = (torch.randn(7), torch.randn(7))
    model = ferryman.convert(Module().eval(), example, nan="exact", verify=False, progress=False)
    a = torch.tensor([NAN, 1.0, 2.0, INF, -INF, -0.0, 0.0])
    b = torch.tensor([1.0, NAN, 3.0, 1.0, 2.0, 0.0, -0.0])
    torch.testing.assert_close(
        pytree.tree_leaves(model(a, b)), pytree.tree_leaves(function(a, b)), equal_nan=True
    )


@pytest.mark.parametrize("function", [torch.floor_divide, torch.remainder, torch.fmod])
def test_int64_division_is_exact_with_pytorchs_signs(function):
    smallest = -(2**63)
    a = torch.tensor([7, -7, 7, -7, smallest, smallest, 2**62 + 3, -(2**53) - 1])
    b = torch.tensor([2, 2, -2, -2, -1, 3, 2**33, 7])
    model = ferryman.convert(
        lambda x, y: function(x, y), (torch.ones_like(a), torch.ones_like(b)), verify=False,
        progress=False,
    )  # fmt: skip
    assert torch.equal(model(a, b), function(a, b))


def test_drawn_inputs_that_pytorch_refuses_are_no_samples():
    torch.manual_seed(0)
    half = torch.randn(4, 4)
    positive = half @ half.T + torch.eye(4)
    model = ferryman.convert(torch.linalg.cholesky, (positive,), progress=False)
    assert model.report.checks.samples == 1
    torch.testing.assert_close(model(2 * positive), torch.linalg.cholesky(2 * positive))


# Infinities that a mask puts in. The built-in kernels cut infinite sums and products.


def hidden(x):
    return x.masked_fill(x > 1, -INF)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: hidden(x) * 1.25,
        lambda x: 2 - hidden(x) / -3,
        lambda x: hidden(x) * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]) + torch.arange(5.0),
        lambda x: torch.where(x > 1, x, INF) * -0.5,
        lambda x: (hidden(x) * 1.25).softmax(-1),
    ],
)
def test_masks_reach_outputs_through_arithmetic_with_numbers(function):
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(2))
    model = ferryman.convert(function, (x,), progress=False)
    torch.testing.assert_close(model(x), function(x))


@pytest.mark.parametrize(
    "function", [lambda x, y: hidden(x) + y, lambda x, y: (hidden(x) + y).isinf()]
)
def test_an_infinity_that_the_runtime_cuts_is_a_limit_and_not_our_mistake(function):
    x, y = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(2))
    with pytest.raises(ferryman.VerificationError) as caught:
        ferryman.convert(function, (x, y), progress=False)
    text = str(caught.value)
    assert "a limit of LiteRT" in text and "node add" in text
    assert "mistake" not in text
