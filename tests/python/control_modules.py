"""Modules with torch's own control flow, each with inputs that take every way through it.

    for case in CASES: case.build(), case.inputs
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch._higher_order_ops.map import map as map_


@dataclass
class Case:
    build: Callable[[], nn.Module]
    inputs: list[tuple]  # the first is the example
    operators: set[str] = field(default_factory=set)  # of the file
    name: str = ""


CASES: dict[str, Case] = {}


def case(*inputs: tuple, operators: set[str] = frozenset()):
    def register(build):
        CASES[build.__name__] = Case(build, list(inputs), set(operators), build.__name__)
        return build

    return register


def _seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


_IMAGE = _seeded(1, 3, 8, 8)
_ROWS = _seeded(2, 4)


@case((_IMAGE + 1,), (_IMAGE - 1,), operators={"IF"})
class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.bright = nn.Conv2d(3, 4, 3, padding=1)
        self.dark = nn.Conv2d(3, 4, 5, padding=2)

    def forward(self, x):
        return torch.cond(x.mean() > 0, self.bright, lambda x: self.dark(x).sigmoid(), (x,))


@case((_IMAGE + 1,), (_IMAGE - 1,), operators={"IF"})
class BetweenConvolutions(nn.Module):
    """The image stays channels last on its way through the branch."""

    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(3, 4, 3, padding=1)
        self.inside = nn.Conv2d(4, 4, 3, padding=1)
        self.after = nn.Conv2d(4, 2, 3)

    def forward(self, x):
        x = self.before(x)
        y = torch.cond(x.sum() > 0, lambda y: self.inside(y), lambda y: y.tanh() * 2, (x,))
        return self.after(y)


@case((_IMAGE + 1,), (_IMAGE - 1,), operators={"IF"})
class SharedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Conv2d(3, 3, 3, padding=1)
        self.other = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        y = self.shared(x)
        y = torch.cond(
            y.mean() > 0, lambda y: self.shared(y), lambda y: self.other(self.shared(y)), (y,)
        )
        return self.shared(y)


@case((_ROWS, torch.tensor(True)), (_ROWS, torch.tensor(False)), operators={"IF"})
class SeveralResults(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, flag):
        return torch.cond(
            flag,
            lambda x: (self.linear(x), x.sum(), x.argmax()),
            lambda x: (x.softmax(-1), x.amax(), x.argmin()),
            (x,),
        )


@case(
    (_ROWS, torch.tensor(2)), (_ROWS, torch.tensor(-1)), (_ROWS, torch.tensor(7)), operators={"IF"}
)
class UntakenGather(nn.Module):
    """The branch that is not taken would read out of range."""

    def forward(self, x, at):
        inside = (at >= 0) & (at < 4)
        return torch.cond(
            inside,
            lambda x, at: torch.index_select(x, 1, at.reshape(1)).squeeze(1),
            lambda x, at: x.sum(1),
            (x, at),
        )


@case(
    *((_ROWS + shift, torch.tensor(flag)) for shift in (2.0, -2.0) for flag in (True, False)),
    operators={"IF"},
)
class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, flag):
        def outer(x, flag):
            return torch.cond(flag, lambda x: self.a(x), lambda x: self.b(x), (x,)) + 1

        return torch.cond(x.mean() > 0, outer, lambda x, flag: self.c(x), (x, flag))


@case((_ROWS, torch.tensor(True)), (_ROWS, torch.tensor(False)))
class SmallBranches(nn.Module):
    """Chosen rather than branched."""

    def forward(self, x, flag):
        return torch.cond(flag, lambda x: x * 2, lambda x: x + 1, (x,))


@case(
    (torch.tensor([6, 3]), torch.tensor(3)), (torch.tensor([6, 3]), torch.tensor(0)),
    operators={"IF"},
)
class GuardedDivision(nn.Module):
    """A division by zero in the branch that is not taken would end the process."""

    def forward(self, x, by):
        return torch.cond(
            by != 0,
            lambda x, by: torch.div(x, by, rounding_mode="floor"),
            lambda x, by: x.clone(),
            (x, by),
        )


_TRIPS = [(_ROWS, torch.tensor(n)) for n in (3, 0, 1, 9)]


@case(*_TRIPS, operators={"WHILE"})
class CountedLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, n):
        return while_loop(
            lambda i, x: i < n,
            lambda i, x: (i + 1, self.linear(x).tanh()),
            (torch.zeros((), dtype=torch.int64), x),
        )


@case(((_IMAGE + 3).abs() * 9,), (_IMAGE * 0.1,), operators={"WHILE"})
class UntilSmall(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        (x,) = while_loop(
            lambda x: x.abs().max() > 0.5, lambda x: (self.conv(x) * 0.3,), (x,)
        )
        return self.conv(x)


@case(*((torch.tensor(n),) for n in (7, 1, 0, 20)), operators={"WHILE"})
class Fibonacci(nn.Module):
    """Carried values change places."""

    def forward(self, n):
        zero, one = torch.zeros((), dtype=torch.int64), torch.ones((), dtype=torch.int64)
        return while_loop(
            lambda i, a, b: i < n,
            lambda i, a, b: (i + 1, b.clone(), a + b),
            (zero, zero.clone(), one),
        )[1:]


@case(*((_ROWS, _seeded(2, 4, seed=1), torch.tensor(n)) for n in (3, 0, 4)), operators={"WHILE"})
class Swapped(nn.Module):
    """Each takes the place of the other, as it is."""

    def forward(self, x, y, n):
        i = torch.zeros((), dtype=torch.int32)
        return while_loop(
            lambda i, x, y: i < n, lambda i, x, y: (i + 1, y.clone(), x.clone()), (i, x, y)
        )[1:]


@case(*((_ROWS, _seeded(4, 2, seed=1), torch.tensor(n)) for n in (3, 0, 4)), operators={"WHILE"})
class SwappedViews(nn.Module):
    def forward(self, x, y, n):
        i = torch.zeros((), dtype=torch.int32)
        return while_loop(
            lambda i, x, y: i < n,
            lambda i, x, y: (i + 1, y.clone().reshape(2, 4), x.clone().reshape(4, 2)),
            (i, x, y),
        )[1:]


@case(*((_ROWS + shift, torch.tensor(n)) for shift in (1.0, -1.0) for n in (2, 5)),
      operators={"WHILE", "IF"})  # fmt: skip
class BranchInALoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, n):
        def body(i, x):
            x = torch.cond(x.sum() > 0, lambda x: self.down(x), lambda x: self.up(x), (x,))
            return i + 1, x

        return while_loop(lambda i, x: i < n, body, (torch.zeros((), dtype=torch.int64), x))[1]


@case(*((_ROWS, torch.tensor(n), torch.tensor(flag)) for n in (2, 0) for flag in (True, False)),
      operators={"WHILE", "IF"})  # fmt: skip
class LoopInABranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, n, flag):
        def looped(x, n):
            zero = torch.zeros((), dtype=torch.int64)
            step = lambda i, x: (i + 1, self.linear(x))  # noqa: E731
            return while_loop(lambda i, x: i < n, step, (zero, x))[1]

        return torch.cond(flag, looped, lambda x, n: x * n, (x, n))


@case(*((_ROWS, torch.tensor(a), torch.tensor(b)) for a, b in ((2, 3), (0, 2), (3, 0))),
      operators={"WHILE"})  # fmt: skip
class LoopInALoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, n, m):
        zero = torch.zeros((), dtype=torch.int64)

        def inner(x):
            return while_loop(
                lambda j, x: j < m, lambda j, x: (j + 1, self.linear(x)), (zero.clone(), x)
            )[1]

        return while_loop(lambda i, x: i < n, lambda i, x: (i + 1, inner(x) + 1), (zero, x))[1]


@case((_ROWS, _seeded(5, 2, 4)), (_ROWS * 2, _seeded(5, 2, 4, seed=3)), operators={"WHILE"})
class ScanOfRows(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, h, xs):
        def step(h, x):
            h = torch.tanh(self.linear(h) + x)
            return h, h.sum(-1)

        return scan(step, h, xs)


@case((_ROWS, _seeded(2, 5, 4)), operators={"WHILE"})
class ScanBackwards(nn.Module):
    def forward(self, h, xs):
        return scan(lambda h, x: (h * 0.5 + x, h - x), h, xs, dim=1, reverse=True)


@case((_seeded(1, 4, 6, 6), _seeded(3, 1, 2, 6, 6)), operators={"WHILE"})
class ScanOfImages(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, h, frames):
        def step(h, frame):
            h = torch.tanh(self.conv(torch.cat([h, frame], 1)))
            return h, h * 2

        return scan(step, h, frames)


@case((_seeded(3, 4), _seeded(4)), operators={"WHILE"})
class MapOfRows(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, xs, y):
        return map_(lambda x, y: self.linear(x * y), xs, y)


@case((_seeded(5, 4),))
class AssociativeScan(nn.Module):
    def forward(self, xs):
        return associative_scan(lambda a, b: a * b + a, xs, dim=0, combine_mode="generic")


@case(*((_ROWS.double() + shift,) for shift in (1.0, -1.0)), operators={"IF"})
class DoublePrecision(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4).double()

    def forward(self, x):
        return torch.cond(x.mean() > 0, lambda x: self.linear(x), lambda x: x.cumsum(-1), (x,))


@case(*((_ROWS.half() + shift,) for shift in (1.0, -1.0)), operators={"IF"})
class HalfPrecision(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4).half()

    def forward(self, x):
        return torch.cond(x.mean() > 0, lambda x: self.linear(x), lambda x: x.softmax(-1), (x,))


def build(name: str) -> nn.Module:
    torch.manual_seed(1)
    return CASES[name].build().eval()
