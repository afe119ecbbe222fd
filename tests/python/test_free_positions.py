"""Free sizes beside what values tell: positions, caches, counted entries."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from models import torchvision_ops

torchvision_ops.with_operators()

at = torch.tensor
_NUMBERS = torch.Generator().manual_seed(0)  # equal scores would have no order


def draw(*shape):
    return torch.randn(shape, generator=_NUMBERS)


def written_slice(x, at):
    y, begin = x.clone(), at.item()
    y[:, begin : begin + 2] = 1.0
    return y


def written_narrow(x, at):
    y = x.clone()
    y.narrow(1, at.item(), 2).mul_(3)
    return y


def written_entry(x, at):
    y = x.clone()
    y[:, at.item()] = x[:, 0]
    return y


def cropped(x, at):
    begin = at.item()
    return x.narrow(1, begin, 3), torch.cat([x[:, begin:], x[:, :begin]], 1)


def placed(x, at):
    table, begin = torch.linspace(0, 1, 192).view(64, 3), at.item()
    return x + table[begin : begin + x.shape[1]]


def convolved_part(x, at):
    begin = at.item()
    torch._check(begin >= 0)
    torch._check(begin + 5 <= x.shape[1])
    return F.conv1d(x[:, begin : begin + 5], torch.ones(2, 5, 2))


def cached_at(cache, new, at):
    cache = cache.clone()
    begin = at.item()
    cache[:, :, begin : begin + new.shape[2]] = new
    return cache


def nms_of_scored(boxes, scores):
    boxes, scores = boxes[scores > 0.3], scores[scores > 0.3]
    kept = torch.ops.torchvision.nms(boxes, scores, 0.3)
    return boxes[kept], scores[kept]


class Decoder(nn.Module):
    """One step, or some at once, with a cache that grows."""

    def __init__(self):
        super().__init__()
        self.inputs, self.outputs = nn.Linear(8, 24), nn.Linear(8, 8)
        self.positions = nn.Embedding(64, 8)

    def forward(self, x, keys, values):
        batch, steps, past = x.shape[0], x.shape[1], keys.shape[2]
        x = x + self.positions(torch.arange(past, past + steps))
        q, k, v = self.inputs(x).view(batch, steps, 3, 2, 4).permute(2, 0, 3, 1, 4)
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        y = F.scaled_dot_product_attention(q, keys, values).transpose(1, 2)
        return self.outputs(y.reshape(batch, steps, 8)), keys, values


class FixedCache(nn.Module):
    """The same with a cache of fixed length that is written at positions."""

    def __init__(self):
        super().__init__()
        self.inputs = nn.Linear(8, 24)

    def forward(self, x, keys, values, places):
        q, k, v = self.inputs(x).view(x.shape[0], x.shape[1], 3, 2, 4).permute(2, 0, 3, 1, 4)
        keys, values = keys.index_copy(2, places, k), values.index_copy(2, places, v)
        mask = torch.arange(keys.shape[2])[None] <= places[:, None]
        return F.scaled_dot_product_attention(q, keys, values, mask), keys, values


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 5, 3, 2, 1))

    def forward(self, image):
        y = self.layers(image)[0].permute(1, 2, 0)
        rows, columns = torch.meshgrid(*(torch.arange(n) * 4.0 for n in y.shape[:2]), indexing="ij")
        centre = torch.stack([columns, rows], -1).reshape(-1, 2) + y[..., :2].reshape(-1, 2)
        half, score = y[..., 2:4].exp().reshape(-1, 2) * 4, y[..., 4].sigmoid().reshape(-1)
        boxes = torch.cat([centre - half, centre + half], 1)[score > 0.5]
        kept = torch.ops.torchvision.nms(boxes, score[score > 0.5], 0.5)
        return boxes[kept]


def boxes(count):
    def drawn(*shape):
        return torch.rand(shape, generator=_NUMBERS)

    corner = drawn(count, 2) * 8
    return torch.cat([corner, corner + 1 + drawn(count, 2) * 3], 1), drawn(count)


def decoder_call(batch, steps, past):
    return draw(batch, steps, 8), draw(batch, 2, past, 4), draw(batch, 2, past, 4)


def fixed_call(batch, steps, begin):
    cache = draw(batch, 2, 16, 4)
    return draw(batch, steps, 8), cache, cache.flip(2), torch.arange(begin, begin + steps)


LINES = {"x": {0: "batch", 1: "length"}}
ROWS = {"x": {0: "rows"}}
PAST = {0: "batch", 2: "past"}
PLACED = (draw(2, 8, 3), at(2))
PLACED_OTHERS = [(draw(1, 6, 3), at(1)), (draw(4, 12, 3), at(7)), (draw(2, 9, 3), at(0))]

# The model, an example, what is free, other calls.
CASES = {
    "slice": (
        lambda x, at: x[:, at : at + 5], PLACED, LINES, [*PLACED_OTHERS, (draw(1, 9, 3), at(7))],
    ),
    "slice that fits": (convolved_part, PLACED, LINES, PLACED_OTHERS),
    "crop": (cropped, PLACED, LINES, PLACED_OTHERS),
    "narrow by a tensor": (lambda x, at: torch.narrow(x, 1, at, 2), PLACED, LINES, PLACED_OTHERS),
    "index_select": (
        lambda x, at: x.index_select(1, torch.arange(3) + at), PLACED, LINES, PLACED_OTHERS,
    ),
    "part of a table": (placed, PLACED, LINES, PLACED_OTHERS),
    "write to a slice": (written_slice, PLACED, LINES, PLACED_OTHERS),
    "write to narrow": (written_narrow, PLACED, LINES, PLACED_OTHERS),
    "write to an entry": (
        written_entry, PLACED, LINES, [*PLACED_OTHERS, (draw(2, 4, 3), at(-3))],
    ),
    "cache written at a position": (
        cached_at, (draw(1, 2, 16, 4), draw(1, 2, 1, 4), at(3)),
        {"cache": PAST, "new": {0: "batch", 2: "steps"}},
        [
            (draw(2, 2, 18, 4), draw(2, 2, 5, 4), at(13)),
            (draw(1, 2, 4, 4), draw(1, 2, 1, 4), at(0)),
        ],
    ),
    "growing cache": (
        Decoder, decoder_call(1, 1, 5),
        {"x": {0: "batch", 1: "steps"}, "keys": PAST, "values": PAST},
        [decoder_call(2, 1, 9), decoder_call(1, 3, 1), decoder_call(3, 7, 20)],
    ),
    "fixed cache": (
        FixedCache, fixed_call(1, 1, 3),
        {"x": {0: "b", 1: "t"}, "keys": {0: "b"}, "values": {0: "b"}, "places": {0: "t"}},
        [fixed_call(2, 3, 0), fixed_call(1, 1, 15), fixed_call(2, 7, 4)],
    ),
    "mask of rows": (
        lambda x: F.linear(x[x[:, 0] > 0], torch.ones(4, 3)).softmax(-1), (draw(6, 3),), ROWS,
        [(draw(9, 3),), (draw(1, 3),), (draw(4, 3),)],
    ),
    "places of all": (
        lambda x: ((x > 0).nonzero(), x[x > 0], x.masked_select(x < 0)), (draw(4, 5),),
        {"x": {0: "rows", 1: "columns"}}, [(draw(2, 9),), (draw(7, 1),)],
    ),
    "counted and free, joined": (
        lambda x: torch.cat([x[x[:, 0] > 0], x, x[x[:, 1] > 0]]).sort(0)[0], (draw(6, 3),), ROWS,
        [(draw(9, 3),), (draw(1, 3),)],
    ),
    "unique": (
        lambda x: torch.unique(x, return_inverse=True, return_counts=True), (at([3, 1, 2, 2, 3]),),
        {"x": {0: "n"}}, [(at([1, 1]),), (at([5]),), (at([7, 6, 5, 4, 3, 2, 1]),)],
    ),
    "nms": (
        nms_of_scored, boxes(8), {"boxes": {0: "n"}, "scores": {0: "n"}},
        [boxes(20), boxes(1), boxes(5)],
    ),
    "detector": (
        Detector, (draw(1, 3, 32, 48),), {"image": {2: "height", 3: "width"}},
        [(draw(1, 3, 24, 24),), (draw(1, 3, 50, 33),)],
    ),
}  # fmt: skip


def check(model, module, calls):
    for call in calls:
        expected = module(*(argument.clone() for argument in call))
        torch.testing.assert_close(model(*call), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_positions_and_counts_beside_free_sizes(name):
    make, example, shapes, others = CASES[name]
    module = make().eval() if isinstance(make, type) else make
    model = ferryman.convert(module, example, dynamic_shapes=shapes, progress=False)
    assert len(model.report.checks.sizes) >= 3
    check(model, module, [*others, example, *others[::-1]])


@pytest.mark.parametrize("name", ["growing cache", "fixed cache", "cache written at a position"])
def test_caches_of_archives(name, tmp_path):
    make, example, shapes, others = CASES[name]
    module, path = make().eval() if isinstance(make, type) else make, tmp_path / "model.pt2"
    ferryman.export(module, example, path, dynamic_shapes=shapes)
    check(ferryman.convert(path, progress=False), module, others)
