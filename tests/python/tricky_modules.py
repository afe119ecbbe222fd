"""Small modules, each with something in its program that a reader may get wrong."""

import collections
import dataclasses

import torch
from torch import nn

Point = collections.namedtuple("Point", ["x", "y"])


@dataclasses.dataclass
class Result:
    logits: torch.Tensor
    hidden: torch.Tensor | None
    loss: torch.Tensor | None = None


torch.export.register_dataclass(Result, serialized_type_name="tricky_modules.Result")
torch.utils._pytree._register_namedtuple(Point, serialized_type_name="tricky_modules.Point")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return torch.relu(self.linear(x))


class CalledTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = Block()

    def forward(self, x):
        return self.shared(self.shared(x))


class NestedArguments(nn.Module):
    def forward(self, x, ys, flag=3, *rest, scale, **more):
        total = x + ys[0] * ys[1]["k"] + rest[0] * flag
        return {"out": total * scale, "pair": (more["extra"] + 1, flag), "nothing": None}


class ReturnsDataclass(nn.Module):
    def forward(self, x):
        return Result(logits=x + 1, hidden=None, loss=x.sum())


class ReturnsNamedTuple(nn.Module):
    def forward(self, point):
        return Point(point.x + 1, {"inner": point.y, "list": [point.x, point.y * 2]})


class SeveralResults(nn.Module):
    def forward(self, x):
        values, indices = x.max(dim=1)
        unused = x.split(2, 1)
        first = x.chunk(2, 1)[1]
        top = x.topk(2)
        normed, _, _ = torch.native_layer_norm(x, [4], None, None, 1e-5)
        return values, unused[1], first, top[1], normed, x.sort().values


class Constants(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("persistent", torch.arange(4.0))
        self.register_buffer("temporary", torch.arange(4.0) + 10, persistent=False)
        self.plain = torch.arange(4.0) + 20

    def forward(self, x):
        return x + self.persistent + self.temporary + self.plain + torch.tensor([1.0, 2, 3, 4])


class SharedStorage(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        base = torch.arange(24.0)
        self.register_buffer("whole", base)
        self.register_buffer("part", base[4:16:3])
        self.register_buffer("turned", torch.randn(4, 4).t())
        self.conv = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)

    def forward(self, x, image):
        y = self.second(self.first(x)) @ self.turned + self.part + self.whole[:4]
        return y, self.conv(image)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        y = x * 2
        y[:, ::2].relu_()
        y[0] = 1
        self.count.add_(1)
        x.mul_(2)
        return y + self.count


class EveryArgumentKind(nn.Module):
    def forward(self, x, index):
        a = x.to(torch.float64).to(memory_format=torch.contiguous_format)
        b = torch.zeros(2, dtype=torch.int64, device="cpu") + torch.full((2,), float("inf")).long()
        c = x[:, None, index]
        d = torch.clamp(x, max=-0.5) + torch.nn.functional.gelu(x, approximate="tanh")
        e = torch.einsum("ij,kj->ik", x, x).to(torch.complex64) + 2j
        f = torch.cat([x, x], 0).permute(1, 0).clone(memory_format=torch.preserve_format)
        return a, b, c, d, e.real, f, x[..., :-1], torch.empty_like(x).zero_() + float("-inf")


class SwallowedError(nn.Module):
    def forward(self, x):
        try:
            x @ x
        except RuntimeError:
            pass
        return x + 1


class Dynamic(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x):
        y = self.conv(x)
        b, c, h, w = y.shape
        scale = torch.sym_float(h) / 2 if isinstance(h, torch.SymInt) else h / 2
        return y.reshape(b, c, h * w) * scale, torch.arange(w), y.shape[0] + 1


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x):
        def yes(x):
            return torch.cond(x.max() > 5, lambda x: x * 2, lambda x: x * 3, (x,))

        return torch.cond(x.sum() > 0, yes, lambda x: self.block(x), (x,))


class NoGrad(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x * 2
        return x + y


class Unbacked(nn.Module):
    def forward(self, x):
        return x.nonzero() + 1


def image(batch=2, height=9, width=11):
    return torch.randn(batch, 3, height, width)


def cases():
    """Name -> module, args, kwargs, dynamic_shapes."""
    x = torch.randn(4, 4)
    nested = ((x, [x + 1, {"k": x + 2}], 5, x + 3), {"scale": x + 4, "extra": x + 5})
    dims = {"x": {0: torch.export.Dim("batch", min=2, max=64), 2: torch.export.Dim.AUTO}}
    return {
        "called_twice": (CalledTwice(), (x,), {}, None),
        "nested_arguments": (NestedArguments(), *nested, None),
        "dataclass": (ReturnsDataclass(), (x,), {}, None),
        "named_tuple": (ReturnsNamedTuple(), (Point(x, x + 1),), {}, None),
        "several_results": (SeveralResults(), (x,), {}, None),
        "constants": (Constants(), (x,), {}, None),
        "shared_storage": (SharedStorage(), (x, image()), {}, None),
        "in_place": (InPlace(), (x,), {}, None),
        "every_argument_kind": (EveryArgumentKind(), (x, torch.tensor([0, 2])), {}, None),
        "swallowed_error": (SwallowedError(), (torch.randn(2, 3),), {}, None),
        "dynamic": (Dynamic(), (image(),), {}, dims),
        "branches": (Branches(), (x,), {}, None),
        "no_grad": (NoGrad(), (x,), {}, None),
        "unbacked": (Unbacked(), (x,), {}, None),
        "recurrent": (nn.LSTM(4, 5, 2, bidirectional=True), (torch.randn(3, 2, 4),), {}, None),
    }
