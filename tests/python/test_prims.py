"""The operators of ATen that stand for those of PyTorch's reference implementations."""

import pytest
import torch

from ferryman.prims import _SAME, prim_decompositions

prims = torch.ops.prims


def everything(_):
    return True


def operands(prim):
    """A few numbers for each tensor, in the domain of all functions."""
    generator = torch.Generator().manual_seed(0)
    count = sum(str(a.type) == "Tensor" for a in prim.default._schema.arguments)
    whole = str(prim).split(".")[-1].startswith(("bitwise", "gcd", "shift"))
    if whole:
        return [torch.randint(1, 9, (3, 4), generator=generator) for _ in range(count)]
    return [torch.rand(3, 4, generator=generator) * 0.9 + 0.05 for _ in range(count)]


ELEMENTWISE = [
    prim
    for prim in _SAME
    if all(str(a.type) == "Tensor" for a in prim.default._schema.arguments)
    and prim not in (prims.where, prims.view_of)
]


@pytest.mark.parametrize("prim", ELEMENTWISE, ids=str)
def test_twin_computes_the_same(prim):
    given = operands(prim)
    if prim is prims.acosh:
        given = [given[0] + 1]
    expected = prim.default(*given)
    got = _SAME[prim](*given)
    torch.testing.assert_close(got, expected, equal_nan=True)


@pytest.mark.parametrize(
    "prim, args",
    [
        (prims.broadcast_in_dim, ([2, 3, 4], [0, 2])),
        (prims.collapse_view, (0, 1)),
        (prims.split_dim, (1, 2)),
        (prims.sum, ([0],)),
        (prims.prod, ([0, 1],)),
        (prims.amax, ([1],)),
        (prims.var, ([1], 1)),
    ],
    ids=str,
)
def test_rewritten_prim_computes_the_same(prim, args):
    x = torch.rand(2, 4, generator=torch.Generator().manual_seed(0))
    table = prim_decompositions(everything)
    torch.testing.assert_close(table[prim.default](x, *args), prim.default(x, *args))


def test_whole_numbers_are_divided_towards_zero():
    table = prim_decompositions(everything)
    a, b = torch.tensor([7, -7]), torch.tensor([2, 2])
    assert table[prims.div.default](a, b).tolist() == [3, -3]


def test_a_twin_that_the_core_does_not_know_is_left_out():
    assert prim_decompositions(lambda target: False) == {}
