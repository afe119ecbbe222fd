"""Modules with bodies that hold what the core does not know, or tensors of their own."""

from __future__ import annotations

import torch
from torch import nn
from torch._higher_order_ops import scan, while_loop
from torch._higher_order_ops.map import map as map_


class Constants(nn.Module):
    """Tensors of a branch's own, and inside of a loop."""

    def forward(self, x, n):
        def positive(x):
            return x.softmax(-1) + torch.tensor([1.0, 2.0, 3.0, 4.0])

        def body(i, x):
            x = torch.cond(
                x.sum() > 0,
                lambda x: x.tanh() * torch.tensor([0.5, 0.25, 2.0, 1.0]),
                lambda x: x.sigmoid() - torch.tensor(3.0),
                (x,),
            )
            return i + 1, x

        x = torch.cond(x.mean() > 0, positive, lambda x: x.cumsum(-1), (x,))
        return while_loop(lambda i, x: i < n, body, (torch.zeros((), dtype=torch.int64), x))[1]


class Unknown(nn.Module):
    """Operators that torch has to decompose, one of them with constants."""

    def forward(self, x, n):
        def body(i, x):
            area = torch.cond(
                x.sum() > 0,
                lambda x: x - torch.trapezoid(x, dx=0.5).unsqueeze(1),
                lambda x: x * torch.hann_window(4) + torch.trapezoid(x).unsqueeze(1),
                (x,),
            )
            return i + 1, x.cos() * area

        return while_loop(lambda i, x: i < n, body, (torch.zeros((), dtype=torch.int64), x))[1]


class Scanned(nn.Module):
    def forward(self, x, n):
        def step(h, row):
            h = h * torch.tensor(0.5) + torch.trapezoid(row, dx=0.5)
            return h, h * torch.hann_window(4)

        last, rows = scan(step, x[0], x)
        halves = map_(lambda row, h: (row - h) * torch.tensor([1.0, 2.0, 1.0, 2.0]), rows, last)
        return halves + n


class Quantised(nn.Module):
    def forward(self, x, n):
        def quantised(x):
            return torch.quantize_per_tensor(x, 0.1, 10, torch.quint8).dequantize() + x.softmax(-1)

        return torch.cond(n > 2, quantised, lambda x: x.cumsum(0).tanh(), (x,))


CASES = [Constants, Unknown, Scanned, Quantised]


def inputs(shift: float, n: int) -> tuple:
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(3))
    return x + shift, torch.tensor(n)
