"""Results with as many entries as the values ask for: on LiteRT they have PyTorch's sizes."""

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman
from models import torchvision_ops

torchvision_ops.with_operators()


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def positive(x):
    return x[x[:, 0] > 0]


def numbered(x):
    return torch.where(x[:, 0] > 0)[0]


def written(x):
    places = numbered(x)
    result = torch.zeros(len(x), 3)
    result[places] = x[places] * 2
    return result


def scaled_in_place(x):
    result = x.clone()
    result[x < 0] *= 0.1
    return result


def rows_replaced(x):
    result = x.clone()
    result[x[:, 0] > 0] = positive(x).flip(1)
    return result


def columns_added(x):
    result = x.clone()
    result[:, x[0] > 0] += x[:, x[0] > 0]
    return result


def smallest_so_far(x):
    best = torch.full((len(x),), 0.5)
    for column in range(3):
        smaller = x[:, column] < best
        best[smaller] = x[:, column][smaller]
    return best


def scattered(x):
    return x.masked_scatter(x[:, :1] > 0, positive(x) + 1)


def gathered(x):
    y = positive(x)
    return y.gather(-1, y.argsort(-1)[:, :2])


def taken(x):
    y = positive(x)
    return y.take_along_dim(y.argsort(-1), -1)


def written_by_lines(x):
    chosen = x[:, 0] > 0
    y, order = x[chosen], x.argsort(-1)[chosen]
    return torch.zeros_like(y).scatter(-1, order, y), y.scatter_add(1, order, y * 2)


def bins_of(x):
    """The spline of a flow: bins by lines, values at them, back to where they came from."""
    inside = x[:, 0] > 0
    widths = x[inside].abs()
    edges = widths.cumsum(-1)
    place = torch.searchsorted(edges, widths.sum(-1, keepdim=True) * 0.5).clamp(0, 2)
    result = torch.zeros_like(x[:, 0])
    result[inside] = edges.gather(-1, place)[:, 0]
    return result


def lines_added(x):
    y = positive(x)
    return y.index_add(1, torch.tensor([2, 0]), y[:, 1:])


# Whose results have a size of their own, which the counts inside do not show.
OF_FIXED_SIZE = {
    "sum of all": lambda x: positive(x).sum(),
    "write at counted places": written,
    "elements scaled in place": scaled_in_place,
    "rows replaced": rows_replaced,
    "columns added": columns_added,
    "smallest so far": smallest_so_far,
    "rows scattered by a mask": scattered,
    "bins of lines": bins_of,
}


def small_of_positive(x):
    y = positive(x)
    return y[y[:, 1] < 1]


FUNCTIONS = {
    "mask of rows": positive,
    "mask of elements": lambda x: x[x > 0] + 1,
    "mask of columns": lambda x: x[:, x[0] > 0],
    "mask of a mask": small_of_positive,
    "nonzero": lambda x: torch.nonzero(x > 0),
    "where": lambda x: torch.where(x > 0),
    "masked_select": lambda x: torch.masked_select(x, x > 0),
    "masked_select that broadcasts": lambda x: torch.masked_select(x, x[0] > 0),
    "gather at counted places": lambda x: x[numbered(x)],
    "index into counted rows": lambda x: positive(x)[torch.where(positive(x)[:, 1] > 0)[0]],
    "linear and softmax of rows": lambda x: torch.softmax(positive(x) @ torch.ones(3, 4), -1),
    "sums of rows": lambda x: positive(x).sum(1),
    "cat": lambda x: torch.cat([positive(x), x[:2], x[x[:, 1] > 0]]),
    "beginning": lambda x: positive(x)[:2],
    "after the beginning": lambda x: positive(x)[1:],
    "sorted": lambda x: torch.sort(x[x > 0], descending=True),
    "sorted upwards": lambda x: torch.sort(x[x > 0]),
    "view": lambda x: positive(x).view(-1),
    "zeros like": lambda x: torch.zeros_like(positive(x)),
    "running sum": lambda x: positive(x).cumsum(0),
    "gather by lines": gathered,
    "take along lines": taken,
    "scatter by lines": written_by_lines,
    "searchsorted in lines": lambda x: torch.searchsorted(torch.tensor([-1.0, 0, 1]), positive(x)),
    "index_select in lines": lambda x: positive(x).index_select(-1, torch.tensor([2, 0])),
    "index_add in lines": lines_added,
    "median of lines": lambda x: positive(x).median(-1),
    "rolled lines": lambda x: positive(x).roll(1, -1),
    "flipped lines": lambda x: positive(x).flip(-1),
    "times their number": lambda x: positive(x) * len(positive(x)),
    "whole numbers": lambda x: (x * 3).to(torch.int64)[x > 0] % 4,
    **OF_FIXED_SIZE,
}


def rows(seed):
    """Counts from none to all."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(7, 3, generator=generator) + (seed - 4) * 0.6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_and_values_are_those_of_pytorch(name):
    function = FUNCTIONS[name]
    model = ferryman.convert(Function(function).eval(), (rows(4),), progress=False)
    seen = set()
    for seed in range(-2, 11):
        expected = pytree.tree_leaves(function(rows(seed)))
        got = pytree.tree_leaves(model(rows(seed)))
        seen.add(expected[0].shape)
        for a, b in zip(got, expected, strict=True):
            torch.testing.assert_close(a, b)
    assert len(seen) > 2 or name == "beginning" or name in OF_FIXED_SIZE


@pytest.mark.parametrize(
    "function, what",
    [
        (lambda x: positive(x).softmax(0), "'softmax' combines entries"),
        (lambda x: positive(x).mean(0), "'mean' combines entries"),
        (lambda x: positive(x).flip(0), "'flip' combines entries"),
        (lambda x: positive(x) @ positive(x).T, "combines entries|two sizes"),
        (lambda x: positive(x).roll(1, 0), "combines entries"),
        (lambda x: positive(x)[::2], "steps"),
    ],
)
def test_what_mixes_entries_is_refused_at_its_place(function, what):
    with pytest.raises(ferryman.Error, match=what) as refused:
        ferryman.convert(Function(function).eval(), (rows(4),), progress=False)
    assert "test_run_time_sizes.py" in str(refused.value)


def test_two_counted_slices_are_refused_with_what_to_write_instead():
    def crop(x, at):
        at = at.item()
        return x[at : at + 2, at : at + 3]

    def narrowed(x, at):
        return x.narrow(0, at.item(), 2).narrow(1, at.item(), 3)

    args = (torch.randn(6, 7), torch.tensor(1))
    with pytest.raises(ferryman.UnsupportedOps, match=r"x\.narrow\(axis, start, length\)"):
        ferryman.convert(Function(crop).eval(), args, progress=False)
    model = ferryman.convert(Function(narrowed).eval(), args, progress=False)
    assert model.outputs[0].shape == (2, 3)


def boxes(seed, count=40):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator)
    size = torch.rand(count, 2, generator=generator) * (0.05, 0.4, 2.0)[seed % 3]
    result = torch.cat([corner, corner + size], 1)
    scores = torch.rand(count, generator=generator)
    if seed % 2:
        scores = (scores * 5).round() / 5  # ties
        result[::7] = result[::7][:, [2, 3, 0, 1]]  # corners the other way round
        result[3, 2:] = result[3, :2]  # no area
    return result, scores


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_nms_keeps_the_same_boxes_in_the_same_order(threshold):
    def call(given, scores):
        return torch.ops.torchvision.nms(given, scores, threshold)

    model = ferryman.convert(Function(call).eval(), boxes(0), progress=False)
    for seed in range(12):
        torch.testing.assert_close(model(*boxes(seed)), call(*boxes(seed)))


def test_nms_drops_what_overlaps_by_more_than_the_threshold_only():
    def call(given, scores):
        return torch.ops.torchvision.nms(given, scores, 0.5)

    halves = torch.tensor([[0.0, 0, 2, 1], [0, 0, 1, 1], [0, 0, 2, 1.01]])
    model = ferryman.convert(Function(call).eval(), boxes(0, 3), progress=False)
    assert model(halves, torch.tensor([0.9, 0.8, 0.7])).tolist() == [0, 1]


def test_batched_nms_is_captured_whatever_it_branches_on():
    from torchvision.ops import batched_nms

    def call(given, scores, classes):
        chosen = torch.where(scores > 0.5)[0]
        given, scores, classes = given[chosen], scores[chosen], classes[chosen]
        kept = batched_nms(given, scores, classes, 0.5)[:10]
        return given[kept], scores[kept], classes[kept]

    code = batched_nms.__code__
    classes = torch.arange(40) % 3
    model = ferryman.convert(Function(call).eval(), (*boxes(0), classes), progress=False)
    assert batched_nms.__code__ is code
    for seed in range(8):
        given, scores = boxes(seed)
        scores = scores * seed / 4  # none of the first
        for got, expected in zip(model(given, scores, classes), call(given, scores, classes)):
            torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("aligned", [False, True])
def test_roi_align_samples_as_torchvision_does(aligned):
    def call(image, regions):
        return torch.ops.torchvision.roi_align(image, regions, 0.25, 3, 4, 2, aligned)

    def regions(seed):
        generator = torch.Generator().manual_seed(seed)
        corner = torch.rand(6, 2, generator=generator) * 50 - 8  # some begin outside
        size = torch.rand(6, 2, generator=generator) * 40
        number = torch.randint(0, 2, (6, 1), generator=generator)
        return torch.cat([number, corner, corner + size], 1)

    image = torch.randn(2, 5, 12, 10)
    model = ferryman.convert(Function(call).eval(), (image, regions(0)), progress=False)
    for seed in range(4):
        torch.testing.assert_close(model(image, regions(seed)), call(image, regions(seed)))


def test_ps_roi_align_takes_channels_of_its_own_for_each_bin():
    def call(image, regions):
        return torch.ops.torchvision.ps_roi_align(image, regions, 0.5, 2, 2, 2)[0]

    image = torch.randn(1, 12, 9, 11)
    given = torch.tensor([[0.0, 1, 2, 15, 12], [0, -3, 0, 30, 4.5]])
    model = ferryman.convert(Function(call).eval(), (image, given), progress=False)
    torch.testing.assert_close(model(image, given * 0.9), call(image, given * 0.9))


def test_roi_align_without_a_sampling_ratio_says_what_to_do():
    def call(image, regions):
        return torch.ops.torchvision.roi_align(image, regions, 1.0, 2, 2, -1, False)

    given = (torch.randn(1, 2, 8, 8), torch.tensor([[0.0, 1, 1, 5, 6]]))
    with pytest.raises(ferryman.UnsupportedOps, match="pass a sampling_ratio above 0"):
        ferryman.convert(Function(call).eval(), given, progress=False)
