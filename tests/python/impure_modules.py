"""Modules that are no functions of their inputs, and such that only look so."""

import collections
import dataclasses
import datetime
import functools
import itertools
import os
import random
import threading
import time
import types
import uuid

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TOTAL = 0.0
PAST: list = []
TABLES: dict = {}
STATE = types.SimpleNamespace(hidden=torch.zeros(4))


class Module(nn.Module):
    """With attributes given as keywords."""

    def __init__(self, **attributes):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)


@dataclasses.dataclass
class Memory:
    hidden: torch.Tensor
    steps: int = 0


class Slotted:
    __slots__ = ("value",)

    def __init__(self):
        self.value = 0.0


# Remembering -------------------------------------------------------------------------------------


class Recurrent(Module):
    def forward(self, x):
        self.state = torch.tanh(x + self.state) if self.state is not None else torch.tanh(x)
        return self.state


class Counter(Module):
    def forward(self, x):
        self.calls += 1
        return x * self.calls


class FirstCall(Module):
    def forward(self, x):
        if self.is_first:
            self.is_first = False
            return x - 1
        return x + 1


class Toggle(Module):
    def forward(self, x):
        self.flip = not self.flip
        return x if self.flip else -x


class Anchor(Module):
    """Keeps what it saw first: two equal calls in a row give the same."""

    def forward(self, x):
        if self.anchor is None:
            self.anchor = x
        return x - self.anchor


class Window(Module):
    def forward(self, x):
        y = torch.stack(list(self.past)).sum(0) + x
        self.past.append(x)
        return y


class DelayLine(Module):
    def forward(self, x):
        self.past.append(x)
        return self.past.pop(0)


class TwoDelays(Module):
    def forward(self, x):
        y = x + self.second
        self.third, self.second, self.first = self.second, self.first, x
        return y + self.third


class Ring(Module):
    def forward(self, x):
        y = x + self.ring[(self.position + 1) % 4]
        self.ring[self.position] = x
        self.position = (self.position + 1) % 4
        return y


class InPlace(Module):
    def forward(self, x):
        with torch.no_grad():
            self.mean.mul_(0.9).add_(x * 0.1)
        return x - self.mean


class Cached(Module):
    """A cache of keys that grows."""

    def forward(self, x):
        keys = self.cache.setdefault("layer", {})
        keys["k"] = torch.cat([keys["k"], x[None]]) if "k" in keys else x[None]
        return x @ keys["k"].sum(0)[None].mT + keys["k"].shape[0]


class OfMemory(Module):
    def forward(self, x):
        self.memory.hidden = self.memory.hidden * 0.5 + x
        self.memory.steps += 1
        return self.memory.hidden


class OfSlots(Module):
    def forward(self, x):
        self.memory.value += 1.5
        return x + self.memory.value


class OfTuple(Module):
    def forward(self, x):
        h, c = self.state
        self.state = (h + x, c + 1)
        return self.state[0] * c


class OfClass(Module):
    seen = 0

    def forward(self, x):
        type(self).seen += 1
        return x + OfClass.seen


class OfClassList(Module):
    history = [torch.zeros(4)]

    def forward(self, x):
        self.history.append(self.history[-1] + x)
        return self.history[-1]


class NewClassAttribute(Module):
    def forward(self, x):
        kind = type(self)
        kind.last = x + getattr(kind, "last", 0.0)
        return kind.last


class OfGlobal(Module):
    def forward(self, x):
        global TOTAL
        TOTAL += 2.0
        return x * TOTAL


class OfGlobalList(Module):
    def forward(self, x):
        return remember(x)


def remember(x):
    PAST.append(x)
    return sum(PAST)


class OfNamespace(Module):
    def forward(self, x):
        STATE.hidden = STATE.hidden + x
        return STATE.hidden


class OfDefault(Module):
    def forward(self, x, past=[]):  # noqa: B006
        past.append(x)
        return torch.stack(past).sum(0)


class OfFunction(Module):
    def forward(self, x):
        return counted(x)


def counted(x):
    counted.calls += 1
    return x + counted.calls


counted.calls = 0


class Every(Module):
    """Something else at each tenth call."""

    def forward(self, x):
        self.calls += 1
        return x if self.calls % 10 else x * 2


class After(Module):
    def forward(self, x):
        self.seen["n"] = self.seen.get("n", 0) + 1
        return x * 0.5 if self.seen["n"] > 200 else x


class InChild(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), Recurrent(state=None))

    def forward(self, x):
        return self.encoder(x)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.seen = []
        self.linear.register_forward_hook(self.keep)

    def keep(self, module, args, output):
        self.seen.append(output)
        return output + len(self.seen)

    def forward(self, x):
        return self.linear(x)


class Array(Module):
    def forward(self, x):
        self.counts += 1
        return x + float(self.counts[0])


class Iterating(Module):
    def forward(self, x):
        return x + next(self.numbers)


class PerThread(Module):
    def forward(self, x):
        self.local.n = getattr(self.local, "n", 0) + 1
        return x * self.local.n


def closure():
    past = torch.zeros(4)

    def forward(x):
        nonlocal past
        past = past + x
        return past

    return forward


def method():
    return Recurrent(state=None).eval().forward


def partial():
    def forward(past, x):
        past["x"] = past.get("x", 0) + x
        return past["x"]

    return functools.partial(forward, {})


class Callable:
    def __init__(self):
        self.total = torch.zeros(4)

    def __call__(self, x):
        self.total = self.total + x
        return self.total


# name of what the message says, and a function that makes the module
REMEMBERING = {
    "recurrent": ("`state`", lambda: Recurrent(state=None)),
    "counter": ("`calls`", lambda: Counter(calls=0)),
    "first_call": ("`is_first`", lambda: FirstCall(is_first=True)),
    "toggle": ("`flip`", lambda: Toggle(flip=False)),
    "anchor": ("`anchor`", lambda: Anchor(anchor=None)),
    "window": ("`past`", lambda: Window(past=collections.deque([torch.zeros(4)] * 2, maxlen=2))),
    "delay": ("`past`", lambda: DelayLine(past=[torch.zeros(4) for _ in range(6)])),
    "two_delays": (
        "`second`",
        lambda: TwoDelays(first=torch.zeros(4), second=torch.zeros(4), third=torch.zeros(4)),
    ),
    "ring": ("`position`", lambda: Ring(ring=torch.zeros(4, 4), position=0)),
    "in_place": ("`mean`", lambda: InPlace(mean=torch.zeros(4))),
    "dict_in_dict": ("`cache", lambda: Cached(cache={})),
    "object": ("`memory.", lambda: OfMemory(memory=Memory(torch.zeros(4)))),
    "slots": ("`memory.value`", lambda: OfSlots(memory=Slotted())),
    "tuple": ("`state`", lambda: OfTuple(state=(torch.zeros(4), 0))),
    "class_attribute": ("`OfClass.seen`", OfClass),
    "class_list": ("history`", OfClassList),
    "new_class_attribute": ("`NewClassAttribute.last`", NewClassAttribute),
    "global": ("impure_modules.TOTAL`", OfGlobal),
    "global_list": ("`PAST`", OfGlobalList),
    "global_object": ("`STATE.hidden`", OfNamespace),
    "default": ("`a default of forward", OfDefault),
    "function_attribute": ("`counted.calls`", OfFunction),
    "every_tenth": ("`calls`", lambda: Every(calls=0)),
    "after_many": ("`seen", lambda: After(seen={})),
    "child": ("`encoder.1.state`", InChild),
    "hook": ("`seen`", Hooked),
    "array": ("`counts`", lambda: Array(counts=np.zeros(1))),
    "iterator": ("`numbers`", lambda: Iterating(numbers=itertools.count())),
    "thread_local": ("`local.n`", lambda: PerThread(local=threading.local())),
    "closure": ("`past`", closure),
    "method": ("`owner.state`", method),
    "partial": ("['x']", partial),
    "callable": ("total`", Callable),
}

# Numbers from outside ----------------------------------------------------------------------------


class Draws(Module):
    """`draw` gives a number from outside torch."""

    def forward(self, x):
        return x + self.draw()


class Rarely(Module):
    def forward(self, x):
        return x * 2 if random.random() < 0.06 else x


class RarelyInNumpy(Module):
    def forward(self, x):
        return x * 2 if np.random.uniform() > 0.95 else x


class Generator(Module):
    def forward(self, x):
        return x + float(self.generator.random())


class Shuffled(Module):
    def forward(self, x):
        order = list(range(16))
        random.shuffle(order)
        return x + float(order[0] * 16 + order[1])


class Clock(Module):
    def forward(self, x):
        return x * time.time()  # in float32 the same for two minutes


class NewGenerator(Module):
    def forward(self, x):
        return x + float(np.random.default_rng().random())


class FromNumpy(Module):
    def forward(self, x):
        return x + torch.from_numpy(np.random.randn(4).astype(np.float32))


# what the message says, and a function that makes the module
OUTSIDE = {
    "random": ("random.random", lambda: Draws(draw=lambda: random.random())),
    "gauss": ("random.gauss", lambda: Draws(draw=lambda: random.gauss(0, 1))),
    "uniform": ("random.uniform", lambda: Draws(draw=lambda: random.uniform(1, 2))),
    "shuffle": ("random.shuffle", Shuffled),
    "rarely": ("random.random", Rarely),
    "rarely_numpy": ("numpy.random", RarelyInNumpy),
    "numpy": ("numpy.random", lambda: Draws(draw=lambda: np.random.rand())),
    "numpy_array": ("numpy.random", FromNumpy),
    "held_python": ("`generator`", lambda: Generator(generator=random.Random(1))),
    "held_numpy": ("`generator`", lambda: Generator(generator=np.random.default_rng(1))),
    "held_old_numpy": ("`generator`", lambda: Generator(generator=np.random.RandomState(1))),
    "new_numpy": ("numbers from outside torch", NewGenerator),
    "urandom": ("os.urandom", lambda: Draws(draw=lambda: int.from_bytes(os.urandom(2), "big"))),
    "uuid": ("uuid.uuid4", lambda: Draws(draw=lambda: uuid.uuid4().int % 10**6)),
    "system_random": ("random.", lambda: Draws(draw=lambda: random.SystemRandom().random())),
    "time": ("time.time", Clock),
    "perf_counter": ("time.perf_counter", lambda: Draws(draw=lambda: time.perf_counter())),
    "monotonic_ns": ("time.monotonic_ns", lambda: Draws(draw=lambda: time.monotonic_ns())),
    "now": ("datetime.now", lambda: Draws(draw=lambda: datetime.datetime.now().timestamp())),
}

# Harmless ----------------------------------------------------------------------------------------


class MaskPerLength(Module):
    def forward(self, x):
        n = x.shape[-1]
        if self.mask is None or self.mask.shape[0] != n:
            self.mask = torch.ones(n, n).tril()
        return x @ self.mask


class TablesOf(Module):
    def forward(self, x):
        n = x.shape[-1]
        if n not in TABLES:
            TABLES[n] = torch.arange(n) * 0.5
        return x + TABLES[n]


class CacheInDict(Module):
    def forward(self, x):
        key = (x.shape[-1], str(x.dtype))
        if key not in self.cache:
            self.cache[key] = torch.linspace(0, 1, x.shape[-1])
        return x + self.cache[key]


@functools.lru_cache(maxsize=8)
def positions(length):
    return torch.arange(length, dtype=torch.float32) * 0.25


class Positions(Module):
    def forward(self, x):
        return x + positions(x.shape[-1])


class MethodCache(Module):
    @functools.lru_cache  # noqa: B019
    def table(self, length):
        return torch.full((length,), 2.0)

    def forward(self, x):
        return x * self.table(x.shape[-1])


class Unread(Module):
    def forward(self, x):
        self.calls += 1
        self.weights = torch.softmax(x, -1)
        self.history.append(self.weights.mean())
        return x * self.weights


class Scratch(Module):
    """Hands a value from one method to the next through an attribute."""

    def forward(self, x):
        self.hidden = torch.relu(x)
        return self.finish()

    def finish(self):
        return self.hidden + 1


class Lazy(Module):
    def forward(self, x):
        if not hasattr(self, "table"):
            self.table = [torch.ones(4) * k for k in range(3)]
        return sum(self.table) + x


class LazyFlag(Module):
    def forward(self, x):
        if not self.is_ready:
            self.scale, self.is_ready = 3.0, True
        return x * self.scale


class Property(Module):
    @functools.cached_property
    def scale(self):
        return torch.tensor([1.0, 2.0, 3.0, 4.0])

    def forward(self, x):
        return x * self.scale


class Timed(Module):
    """Draws and does nothing with it, as layer drop does in evaluation mode."""

    def forward(self, x):
        skip = np.random.uniform() < 0.5 and self.training
        keep = random.random() < 0.5 and self.training
        return x if skip or keep else x + 1


class Seeded(Module):
    def forward(self, x):
        return x + random.Random(3).random() + float(np.random.default_rng(3).random())


class Shapes(Module):
    def forward(self, x):
        self.last_shape = tuple(x.shape)
        self.shapes.add(self.last_shape)
        return x.reshape(-1).reshape(self.last_shape)


class EmptyBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", None, persistent=False)

    def forward(self, x):
        if self.table is None:
            self.table = torch.arange(4.0)
        return x + self.table


class Memo(Module):
    """Keeps one result for each length, in an object."""

    def forward(self, x):
        if getattr(self.memo, "length", None) != x.shape[-1]:
            self.memo.length, self.memo.table = x.shape[-1], torch.ones(x.shape[-1]) * 2
        return x * self.memo.table


class Gradients(Module):
    def forward(self, x):
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad((x**3).sum(), x)[0]


class Statistics(nn.Module):
    """A buffer that is a constant, dropout that is off, a norm in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)

    def forward(self, x):
        return F.dropout(self.drop(self.norm(x[None])), 0.3, self.training)[0]


HARMLESS = {
    "mask_per_length": lambda: MaskPerLength(mask=None),
    "global_tables": TablesOf,
    "dict_cache": lambda: CacheInDict(cache={}),
    "lru_cache": Positions,
    "method_cache": MethodCache,
    "unread": lambda: Unread(calls=0, history=[], weights=None),
    "scratch": Scratch,
    "lazy": Lazy,
    "lazy_flag": lambda: LazyFlag(is_ready=False),
    "cached_property": Property,
    "drawn_in_vain": Timed,
    "seeded": Seeded,
    "shapes": lambda: Shapes(shapes=set()),
    "empty_buffer": EmptyBuffer,
    "memo": lambda: Memo(memo=types.SimpleNamespace()),
    "gradients": Gradients,
    "statistics": Statistics,
}
