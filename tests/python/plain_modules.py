"""Modules with plain Python control flow over tensors, and inputs that take their ways."""

import dataclasses
from collections.abc import Callable

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class Case:
    module: Callable[[], nn.Module]
    inputs: tuple[tuple, ...]
    rewritten: frozenset[str] | set[str]

    @property
    def name(self) -> str:
        return self.module.__name__


X = torch.tensor([[0.3, -0.2, 0.9, -0.4], [0.1, 0.8, -0.7, 0.5]])
SIGNS = tuple((x,) for x in (X, X + 3, X - 3, X * 0, -X))
COUNTED = tuple((x, torch.tensor(n)) for x in (X, X + 3, X - 3) for n in (3, 0, 1, 6))
CASES: list[Case] = []


def case(inputs, *rewritten: str):
    def add(kind):
        CASES.append(Case(kind, inputs, set(rewritten)))
        return kind

    return add


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.register_buffer("offset", torch.arange(4.0))
        self.flag = True


# Conditions --------------------------------------------------------------------------------------


@case(SIGNS, "if")
class OnMean(Layers):
    def forward(self, x):
        if x.mean() > 0:
            y = self.first(x)
        else:
            y = self.second(x)
        return y + 1


@case(SIGNS, "if")
class Elif(Layers):
    def forward(self, x):
        if x.sum() > 5:
            y = x + 1
        elif x.sum() < -5:
            y = x - 1
        elif self.flag:
            y = x * 2
        else:
            y = x / 0
        return y


@case(SIGNS, "if")
class BoolOperators(Layers):
    def forward(self, x):
        y = x
        if x.mean() > 0 and self.flag and x.max() > 1:
            y = y + 1
        if x.mean() < 0 or not self.flag or x.min() > 1:
            y = y * 3
        if not (x.sum() > 0 and not x.max() > 1):
            y = y - 7
        if self.flag and None is None:
            y = y * 2
        return y


@case(tuple((X, torch.tensor(flag)) for flag in (True, False)), "if")
class OnFlag(Layers):
    def forward(self, x, flag):
        if flag:
            return self.first(x)
        return self.second(x) + self.offset


@case(tuple((X, torch.tensor([n])) for n in (0, 1, 5)), "if")
class OnOneElement(Layers):
    def forward(self, x, n):
        if n:
            x = x * 3
        if n == 1:
            x = x - 1
        return x


@case(COUNTED, "if")
class OnNumbers(Layers):
    def forward(self, x, n):
        y = x + 1 if int(n) > 2 else x - 1
        if n.item() == 1 or float(x.sum()) > 5:
            y = y * 2
        if bool(n):
            y = y - 3
        k = n.item()
        if k > 2:
            y = y + k
        return y


@case(SIGNS, "if")
class Chained(Layers):
    def forward(self, x):
        if -1 < x.sum() <= 1:
            return x * 2
        return x if 5 > x.max() > 1 else -x


@case(COUNTED, "if")
class ShortCircuit(Layers):
    """The right operand exists only where the left one says so."""

    def forward(self, x, n):
        if n < 4 and x[0, n] > 0:
            return x * 2
        return x


@case(SIGNS)
class ValuesOfOperators(Layers):
    def forward(self, x):
        both = x.sum() > 0 and x.max() > 1
        either = x.sum() < 0 or x.max() > 1
        return both, either


@case(SIGNS, "if", "assert", "raise")
class Checked(Layers):
    def forward(self, x):
        assert x.abs().max() < 100, "too large"
        if x.min() < -50:
            raise ValueError("too small")
        if x.sum() > 0:
            return x
        elif x.max() > 1e6:
            raise ValueError("no such sum")
        return -x


# Branches ----------------------------------------------------------------------------------------


@case(SIGNS, "if")
class EarlyReturns(Layers):
    def forward(self, x):
        if x.sum() > 0:
            y = self.first(x)
            if y.max() > 1:
                return y * 3
            z = y + 1
        elif x.min() < -2:
            return x
        else:
            z = x - 1
        z = z * 2
        return self.second(z)


@case(SIGNS, "if")
class OtherNames(Layers):
    """A name of one branch that nobody reads, one that keeps its value, one that is deleted."""

    def forward(self, x):
        kept, other = x, x + 1
        if x.sum() > 0:
            passing = x[:1] * 2
            kept = x + passing
        else:
            passing = x[:, :2]
            other = other + passing.sum()
            del passing
        return kept * other


@case(SIGNS, "if")
class OnlyIfBound(Layers):
    def forward(self, x):
        if x.sum() > 0:
            y = x * 2
        if x.sum() > 0:
            x = y + 1
        return x


@case(SIGNS, "if")
class InPlace(Layers):
    def forward(self, x):
        y, first = x * 1, x + 0
        if x.sum() > 0:
            y[0] = 7.0
            y += first
            y[:, 1:].mul_(2)
        else:
            y -= 1
        return y


@case(SIGNS, "if")
class WritesInput(Layers):
    def forward(self, x):
        if x.sum() > 0:
            x += 1
            x[0, 0] = 5
        return x * 2


@case(SIGNS, "if")
class Unpacked(Layers):
    def forward(self, x):
        a, (b, *c) = x, (x + 1, x + 2, x + 3)
        if x.sum() > 0:
            a, b = b, a
            c[0], c[1] = c[1], c[0]
        else:
            (a, *c), b = (x * 2, x, x), a
        return a - b * 2 + c[0] * 3 + c[1]


@case(SIGNS, "if")
class Containers(Layers):
    def forward(self, x):
        state = {"hidden": x, "count": 0}
        seen = []
        for i in range(3):
            if x[0, i] > 0:
                seen.append(x * i)
                state["hidden"] = state["hidden"] + 1
                state["count"] += 1
            else:
                seen.append(x - i)
        return torch.stack(seen) + state["hidden"] * state["count"]


@case(SIGNS, "if")
class Numbers(Layers):
    def forward(self, x):
        scale, mode, kind = 2, "same", None
        if x.sum() > 0:
            scale, mode = 3, "same"
        shift = 0.5 if x.max() > 1 else -1
        assert mode == "same" and kind is None
        return x * scale + shift


@case(SIGNS, "if")
class Nothing(Layers):
    def forward(self, x):
        if x.sum() > 0:
            pass
        y = x + 1
        return y


@case(SIGNS, "if")
class Inner(Layers):
    """Functions inside, lambdas, comprehensions, nonlocal."""

    def forward(self, x):
        total = x

        def add(y):
            nonlocal total
            if y.sum() > 0:
                total = total + y
            return total

        largest = lambda y: y * 2 if y.max() > 1 else y * 3  # noqa: E731
        parts = [largest(part) if part.sum() > 0 else part for part in (x, x + 1, -x)]
        for part in parts:
            add(part)
        return total


def halved(x):
    while x.abs().max() > 0.5:
        x = x / 2
    return x


def decorated(function):
    def around(*args):
        return function(*args) + 1

    return around


@decorated
def positive(x, scale=2):
    if x.sum() > 0:
        return x * scale
    return -x


@case(SIGNS, "if", "while")
class Helpers(Layers):
    def forward(self, x):
        return self.method(halved(x)) + positive(x)

    def method(self, x):
        return self.first(x) if x.mean() > 0.1 else x


class Base(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x * 3


@case(SIGNS, "if")
class Derived(Base):
    def __init__(self):
        super().__init__()
        self.__private = 4

    def forward(self, x):
        if x.max() > 1:
            return super().forward(x) + self.__private
        return super().forward(-x)


@case(SIGNS, "if")
class Submodules(Layers):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([EarlyReturns(), OnMean(), nn.Sequential(Base(), Base())])

    def forward(self, x):
        for block in self.blocks:
            if x.abs().max() < 100:
                x = block(x)
        return x


@case(SIGNS, "if", "for")
class PlainLoopThatBreaks(Layers):
    def forward(self, x):
        for layer in (self.first, self.second, self.first):
            x = layer(x)
            if x.sum() > 0.5:
                break
            if x.sum() < -1:
                continue
            x = x * 2
        return x


@case(SIGNS, "if")
class Regions(Layers):
    def forward(self, x):
        with torch.no_grad():
            if x.sum() > 0:
                return x + 1
        try:
            if x.min() < -1:
                return x * 5
        except ValueError:
            return x
        return x - 1


# Loops -------------------------------------------------------------------------------------------


@case(SIGNS, "while")
class While(Layers):
    def forward(self, x):
        while x.sum() < 20:
            x = x + self.first(x).abs() + 0.5
        return x


@case(SIGNS, "while")
class Counting(Layers):
    def forward(self, x):
        count, scale = 0, 1.0
        while x.sum() < 10 and count < 5:
            x = x + scale
            scale = scale * 0.5
            count += 1
        return x, count, scale * x


@case(COUNTED, "for")
class Trips(Layers):
    def forward(self, x, n):
        for _ in range(int(n)):
            x = torch.tanh(self.first(x))
        return x


@case(COUNTED, "for")
class Indexed(Layers):
    def forward(self, x, n):
        out = torch.zeros(4)
        for i in range(n):
            out[i % 4] = x[0, i % 4] * i
            out[i // 4] += x[:, -1 - i % 4].sum()
        return out


@case(COUNTED, "for")
class Ranges(Layers):
    def forward(self, x, n):
        total = 0
        for i in range(1, int(n), 2):
            total = total + x * i
        for i in range(n.item(), 0, -1):
            total = total - i
        for i in range(n, 4):
            x = x + i
        return total + x


@case(COUNTED, "for", "if")
class Jumps(Layers):
    def forward(self, x, n):
        for i in range(int(n)):
            x = x + self.first(x)
            if x.sum() > 5:
                return x * 10
            if x.sum() < -5:
                continue
            if i == 4:
                break
            x = x + 0.5
        else:
            x = x + 100
        return x


@case(SIGNS, "while", "if")
class Nested(Layers):
    def forward(self, x):
        while x.abs().sum() < 50:
            if x.sum() > 0:
                x = x * 2
                while x.max() > 20:
                    x = x - 5
            else:
                x = -x + 0.1
        return x


@case(COUNTED, "for")
class NestedLoops(Layers):
    def forward(self, x, n):
        total = torch.zeros(2, 4)
        for i in range(int(n)):
            for j in range(i):
                total = total + x * j
            last = i
        return total + n * (last if self.flag is None else 1)


@case(SIGNS, "while", "if")
class Forever(Layers):
    def forward(self, x):
        count = 0
        while True:
            x = x * 0.5
            count += 1
            if x.abs().max() < 0.1:
                break
        return x, count


@case(COUNTED, "for")
class WritesInLoop(Layers):
    def forward(self, x, n):
        y, seen = x * 1, [x]
        for i in range(int(n)):
            y += 1
            y[0] *= 2
            seen[0] = seen[0] + i
        return y + seen[0]


@case(COUNTED, "for", "if")
class Swapped(Layers):
    def forward(self, x, n):
        a, b = x, x
        for i in range(int(n)):
            a, b = b, a + i
            found = i
        return a - 2 * b if n == 0 else a + found


@case(COUNTED, "while")
class Walrus(Layers):
    def forward(self, x, n):
        while (total := x.sum()) < 20:
            x = x + 1
        return x * total


@case(COUNTED, "for", "if")
class InBranch(Layers):
    def forward(self, x, n):
        if n > 2:
            for i in range(int(n)):
                x = self.second(x) * min(i, 2)
        else:
            x = self.first(x) * max(float(n), 0.5)
        return x
