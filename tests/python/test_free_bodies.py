"""Free sizes inside of branches and loops, and what programs assert of sizes."""

import pytest
import torch
from torch import nn
from torch._higher_order_ops.map import map as map_rows
from torch._higher_order_ops.scan import scan

import ferryman

draw = torch.randn


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 5, padding=2)

    def forward(self, x):
        return torch.cond(
            x.mean() > 0, lambda x: self.narrow(x).relu(), lambda x: self.wide(x), (x,)
        )


def size_from_outside(x):
    length, total = x.shape[1], x.sum(1)
    return torch.cond(total.sum() > 0, lambda t: t * length, lambda t: t / length + 1, (total,))


def looped(x):
    def body(i, y):
        places = torch.arange(y.shape[1])[None, :, None]
        step = torch.cond(y.sum() > 0, lambda y: y - y.mean(1, keepdim=True), lambda y: y + 1, (y,))
        return i + 1, step * 0.5 + places

    return torch.while_loop(lambda i, y: i < x.shape[1], body, (torch.tensor(0), x))[1]


def scanned(x):
    state = torch.zeros(x.shape[0], 3)
    return scan(lambda h, t: (h * 0.5 + t, (h + t).tanh()), state, x.transpose(0, 1))


def plain_if(x):
    if x.sum() > 0:
        return x + torch.arange(x.shape[1])[:, None]
    return torch.cat([x[:, :1], x[:, 1:] * 2], 1)


def plain_loop(x):
    half, y = (x.shape[1] + 1) // 2, x
    while y.abs().max() > 0.5:
        y = torch.cat([y[:, half:], y[:, :half]], 1) * 0.5
        if y.sum() > 1:
            y = y - 1 / x.shape[1]
    return y


def filled_by_steps(x):
    y = torch.zeros_like(x)
    for i in range(int(x.abs().sum()) % x.shape[1] + 1):
        y[:, i] = x[:, i] * 2 + i
    return y


CASES = {
    "size from outside": size_from_outside,
    "loop": looped,
    "scan": scanned,
    "map": lambda x: map_rows(lambda t: t.cumsum(0) * torch.arange(t.shape[0])[:, None], x),
    "plain if": plain_if,
    "plain loop": plain_loop,
    "filled by steps": filled_by_steps,
}


def check(module, example, shapes, others):
    model = ferryman.convert(module, example, dynamic_shapes=shapes, progress=False)
    for call in (*others, example, *others[::-1]):
        torch.testing.assert_close(model(*call), module(*call), rtol=1e-4, atol=1e-5)
    return model


@pytest.mark.parametrize("name", CASES)
def test_bodies_of_free_sizes(name):
    others = [(draw(4, 7, 3),), (draw(1, 2, 3),), (draw(2, 9, 3),)]
    check(CASES[name], (draw(2, 5, 3),), {"x": {0: "batch", 1: "length"}}, others)


def test_branches_with_weights():
    others = [(draw(2, 3, 5, 9),), (draw(1, 3, 16, 4),)]
    shapes = {"x": {0: "batch", 2: "height", 3: "width"}}
    check(Convolved().eval(), (draw(1, 3, 8, 8),), shapes, others)


# What the program asserts ------------------------------------------------------------------------


def of_fours(x):
    torch._check(x.shape[0] % 4 == 0)
    torch._check(x.shape[0] >= 8)
    return x.view(-1, 4, 3).sum(1) + x[:8].sum()


def test_asserted_sizes_are_in_the_report():
    model = check(of_fours, (draw(8, 3),), {"x": {0: "n"}}, [(draw(12, 3),), (draw(20, 3),)])
    assert model.report.sizes[0].min == 8
    for size in (4, 10):
        with pytest.raises(ferryman.InputError, match="'n'|n % 4"):
            model(draw(size, 3))


def first(x, count):
    number = count.item()
    torch._check(number >= 0)
    torch._check(number <= x.shape[1])
    return torch.cat([x[:, :number], torch.zeros(x.shape[0], 2)], 1)


def test_asserted_numbers_are_sizes():
    calls = [(draw(3, 12), torch.tensor(n)) for n in (4, 0, 12)]
    check(first, (draw(2, 12), torch.tensor(5)), {"x": {0: "batch", 1: "n"}}, calls)
