"""Orders that PyTorch leaves open are no mistakes; wrong positions are."""

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman import eager
from ferryman.capture import capture
from ferryman.orders import Orders

X = torch.tensor([0.5, 2.0, 0.5, 1.0])


def orders_of(function):
    """The positions that PyTorch gives, and the judge of others."""
    program = capture(function, (X,))
    orders = Orders(program, [X], rtol=1e-4, atol=1e-5)
    seen = {}

    def visit(name, value):
        orders.see(name, value)
        seen[name] = value

    eager.run_program(program, [X], visit)
    (name,) = (name for name, value in seen.items() if getattr(value, "dtype", None) == torch.int64)
    return name, seen[name].numpy(), orders


@pytest.mark.parametrize(
    "function", [lambda x: torch.sort(x)[1], torch.argsort, lambda x: (x + 0.0).topk(4)[1]]
)
def test_equal_values_may_come_in_any_order(function):
    name, positions, orders = orders_of(function)
    first, second = (int(np.flatnonzero(positions == place)[0]) for place in (0, 2))
    other = positions.copy()
    other[[first, second]] = other[[second, first]]
    assert orders.are_equal(name, positions, other)
    assert orders.decided == [name]
    assert not orders.are_equal(name, positions, np.roll(positions, 1))
    assert not orders.are_equal(name, positions, positions + 1)


def test_a_stable_sort_has_one_order():
    name, positions, orders = orders_of(lambda x: torch.sort(x, stable=True)[1])
    assert list(positions) == [0, 2, 3, 1]
    assert not orders.are_equal(name, positions, np.array([2, 0, 3, 1]))


def test_what_follows_from_an_open_order_follows():
    name, positions, orders = orders_of(lambda x: x[torch.argsort(x)] * 2)
    assert not orders.follow("mul")
    assert orders.are_equal(name, positions, positions[[1, 0, 2, 3]])
    assert orders.follow("index") and orders.follow("mul")


def test_masks_that_hide_everything_are_no_samples():
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    causal = torch.triu(torch.full((5, 5), float("-inf")), 1)

    def forward(x, padding):  # a row of a mask that was drawn often hides the only key
        return attention(x, x, x, key_padding_mask=padding, attn_mask=causal)[0]

    padding = torch.tensor([[False] * 5, [False] * 4 + [True]])
    samples = ferryman.Verify(samples=6)
    model = ferryman.convert(forward, (torch.randn(2, 5, 8), padding), verify=samples)
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(model(x, padding), forward(x, padding), rtol=1e-5, atol=1e-5)
