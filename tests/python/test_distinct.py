"""unique, bincount and repeat_interleave: what is counted by its values, with PyTorch's sizes."""

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def whole(seed, shape=(9,), high=5):
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(seed))


def logits(seed):
    return torch.randn(12, 5, generator=torch.Generator().manual_seed(seed))


def greedy(x):
    """Greedy decoding of CTC: repeated tokens are one, and blanks none."""
    tokens = torch.unique_consecutive(x.argmax(-1))
    return tokens[tokens != 0]


def of_positive(x):
    values, inverse, counts = torch.unique(
        x[x > 1], return_inverse=True, return_counts=True
    )
    return values, inverse, counts


ALL = {"return_inverse": True, "return_counts": True}
OF_WHOLE = {
    "unique": torch.unique,
    "unique with all": lambda x: torch.unique(x, **ALL),
    "unique of floats": lambda x: torch.unique(x * 0.5 - 1, **ALL),
    "unique of bools": lambda x: torch.unique(x > 2, return_counts=True),
    "unique of bytes": lambda x: torch.unique(x.to(torch.uint8), return_inverse=True),
    "unique of a matrix": lambda x: torch.unique(x.reshape(3, 3), **ALL),
    "unique rows": lambda x: torch.unique(x.reshape(-1, 1) // torch.tensor([1, 2]), dim=0, **ALL),
    "unique columns": lambda x: torch.unique((x % 2).reshape(1, 9), dim=1, **ALL),
    "consecutive": torch.unique_consecutive,
    "consecutive with all": lambda x: torch.unique_consecutive(x // 2, **ALL),
    "consecutive rows": lambda x: torch.unique_consecutive((x % 2).reshape(-1, 1), dim=0, **ALL),
    "unique of what a mask chose": of_positive,
    "consecutive of what a mask chose": lambda x: torch.unique_consecutive(x[x > 1] // 2, **ALL),
    "sum of the unique": lambda x: torch.unique(x).sum(),
    "bincount": torch.bincount,
    "bincount of at least some": lambda x: torch.bincount(x, minlength=7),
    "bincount of remainders": lambda x: torch.bincount(x % 4, minlength=2),
    "bincount of weights": lambda x: torch.bincount(x, weights=x.float() * 0.5, minlength=2),
    "bincount of what a mask chose": lambda x: torch.bincount(x[x > 1], minlength=3),
}


@pytest.mark.parametrize("name", OF_WHOLE)
def test_values_and_sizes_are_those_of_pytorch(name):
    function = OF_WHOLE[name]
    model = ferryman.convert(Function(function).eval(), (whole(0),), progress=False)
    for seed in range(8):
        x = whole(seed, high=2 + seed)
        expected = pytree.tree_leaves(function(x))
        for got, wanted in zip(pytree.tree_leaves(model(x)), expected, strict=True):
            torch.testing.assert_close(got, wanted)


def test_greedy_decoding():
    model = ferryman.convert(Function(greedy).eval(), (logits(0),), progress=False)
    seen = set()
    for seed in range(8):
        expected = greedy(logits(seed))
        seen.add(len(expected))
        torch.testing.assert_close(model(logits(seed)), expected)
    assert len(seen) > 1


def test_bins_of_positions_are_as_many_as_there_are_positions():
    def count(x):
        return torch.bincount(x.argmax(-1), minlength=5)

    model = ferryman.convert(Function(count).eval(), (logits(0),), progress=False)
    assert model.report.native.file_bytes < 20_000
    for seed in range(4):
        torch.testing.assert_close(model(logits(seed)), count(logits(seed)))


class Repeated(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.register_buffer("repeats", torch.tensor([2, 0, 3, 1]))

    def forward(self, x):
        y = x.repeat_interleave(self.repeats, dim=self.dim)
        return y * 2, y.sum(self.dim), y[1:]


@pytest.mark.parametrize("dim, shape", [(0, (4, 3)), (-1, (2, 4)), (1, (2, 4, 3))])
def test_repeats_that_are_constants_give_a_size_that_is_known(tmp_path, dim, shape):
    module = Repeated(dim).eval()
    program = torch.export.export(module, (torch.randn(shape),))
    torch.export.save(program, tmp_path / "repeated.pt2")
    for source in ((module, (torch.randn(shape),)), (tmp_path / "repeated.pt2",)):
        model = ferryman.convert(*source, progress=False)
        x = torch.randn(shape)
        for got, wanted in zip(model(x), module(x), strict=True):
            torch.testing.assert_close(got, wanted)


def test_repeats_that_are_an_input_take_the_size_that_is_stated():
    def call(x, repeats):
        return torch.repeat_interleave(x, repeats, dim=0, output_size=6)

    inputs = torch.randn(4, 3), torch.tensor([1, 0, 3, 2])
    options = ferryman.Verify(inputs=[inputs])
    model = ferryman.convert(Function(call).eval(), inputs, verify=options, progress=False)
    for repeats in ([1, 0, 3, 2], [6, 0, 0, 0], [0, 2, 2, 2]):
        given = torch.randn(4, 3), torch.tensor(repeats)
        torch.testing.assert_close(model(*given), call(*given))


def test_repeats_that_are_an_input_ask_for_the_size():
    def call(x, repeats):
        return torch.repeat_interleave(x, repeats, dim=0)

    inputs = torch.randn(4, 3), torch.tensor([1, 0, 3, 2])
    with pytest.raises(ferryman.Error, match="output_size"):
        ferryman.convert(Function(call).eval(), inputs, progress=False)
