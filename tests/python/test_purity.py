"""Modules that remember or draw are refused; harmless ones convert; all are left as they were."""

import itertools
import random
import time
import warnings

import numpy as np
import pytest
import torch
from impure_modules import HARMLESS, OUTSIDE, REMEMBERING
from torch import nn
from torch._subclasses import FakeTensor

import ferryman
from ferryman.capture import capture
from ferryman.errors import CaptureError, Error
from ferryman.frozen import FrozenValues
from ferryman.outside import random_states, seed_extremes, set_random_states
from ferryman.purity import require_function
from ferryman.reach import Array, Chance, Iteration, Remembered, reach
from ferryman.restore import State
from ferryman.values import copied, same

convert = ferryman.convert  # imported here: what it imports draws random numbers
X = torch.tensor([0.5, -1.0, 2.0, 0.25])


def made(make):
    model = make()
    return model.eval() if isinstance(model, nn.Module) else model


def everything(model):
    """All values that can be reached: who they are, and copies of what they hold."""
    found = reach(model)
    kinds = (Array, Chance, Iteration, Remembered)
    slots = {
        id(holder.owner): {key: identity(value) for key, value in holder.read().items()}
        for holder in found.holders
        if not isinstance(holder, kinds)
    }
    return slots, [(name, copied(tensor)) for name, tensor, _ in found.tensors]


def identity(value):
    return repr(value) if isinstance(value, itertools.count) else id(value)


def assert_unchanged(before, model):
    after = everything(model)
    assert before[0] == after[0]
    assert len(before[1]) == len(after[1])
    for (name, old), (_, new) in zip(before[1], after[1]):
        assert same(old, new), name
    for name, tensor, _ in reach(model).tensors:
        assert not isinstance(tensor, FakeTensor), name


@pytest.mark.parametrize("name", REMEMBERING)
def test_module_that_remembers_is_refused_by_name_and_left_as_it_was(name):
    text, make = REMEMBERING[name]
    model = made(make)
    before, state = everything(model), torch.get_rng_state()
    with pytest.raises(CaptureError, match="is not a function of its inputs") as caught:
        capture(model, (X,))
    assert text in caught.value.why
    assert "buffer" in caught.value.hint and "argument" in caught.value.hint
    assert_unchanged(before, model)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", OUTSIDE)
def test_number_from_outside_torch_is_refused_with_its_source(name):
    text, make = OUTSIDE[name]
    model = made(make)
    before, states = everything(model), (random.getstate(), np.random.get_state()[1].tobytes())
    with pytest.raises(CaptureError, match="is not a function of its inputs") as caught:
        capture(model, (X,))
    assert text in caught.value.why
    assert "argument" in caught.value.hint
    assert_unchanged(before, model)
    assert states == (random.getstate(), np.random.get_state()[1].tobytes())


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_module_converts_and_is_left_as_it_was(name):
    model = made(HARMLESS[name])
    before = everything(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = capture(model, (X,))
    assert_unchanged(before, model)
    other = X * -3 + 1
    expected = made(HARMLESS[name])(other)
    assert torch.allclose(program.module()(other), expected)


# However it ends ---------------------------------------------------------------------------------


class Ends(nn.Module):
    """Changes what it can reach, then raises."""

    def __init__(self, error):
        super().__init__()
        self.error, self.notes, self.inner = error, {"deep": [[1]]}, nn.Linear(4, 4)
        self.register_buffer("count", torch.zeros(4))
        self.plain = torch.zeros(4)

    def forward(self, x):
        self.notes["deep"][0].append(x)
        self.new, self.inner.mark = x, x
        self.inner.training = not self.inner.training
        self.count, self.plain = self.count + 1, self.plain.add_(1)
        with torch.no_grad():
            self.inner.weight.mul_(2)
        self.inner.bias.data = torch.ones(4)
        random.random(), np.random.rand(), torch.rand(1)
        if self.error is not None:
            raise self.error
        return self.inner(x)


@pytest.mark.parametrize("error", [None, ValueError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("training", [False, True])
def test_module_is_as_before_however_its_forward_ends(error, training):
    model = Ends(error).train(training)
    before, flags = everything(model), [child.training for child in model.modules()]
    states = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()
    with pytest.raises((Error, KeyboardInterrupt)):
        convert(model, (X,), progress=False)
    assert_unchanged(before, model)
    assert flags == [child.training for child in model.modules()]
    assert states[:2] == (random.getstate(), np.random.get_state()[1].tobytes())
    assert torch.equal(states[2], torch.get_rng_state())


def test_weights_written_in_forward_are_copied_before_the_write_only():
    model = nn.Linear(64, 64)
    state = State(model)
    content = next(c for c in state._tensors if c.owner is model.weight)
    assert content._copy is None
    before = model.weight.detach().clone()

    class Writing(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = model

        def forward(self, x):
            with torch.no_grad():
                self.linear.weight.mul_(0.5)
            return self.linear(x)

    require_function(Writing(), (torch.ones(1, 64),), {})
    assert torch.equal(model.weight, before)


@pytest.mark.parametrize("name", ["unread", "mask_per_length", "lru_cache"])
def test_converted_module_is_as_before(name):
    model = made(HARMLESS[name])
    before = everything(model)
    convert(model, (X,), progress=False)
    assert_unchanged(before, model)
    assert type(model(X)) is torch.Tensor


def test_clock_without_effect_is_told():
    class Timed(nn.Module):
        def forward(self, x):
            begin = time.perf_counter()
            y = x + 1
            self.seconds = time.perf_counter() - begin
            return y

    with pytest.warns(FrozenValues, match=r"Timed reads the clock \(time.perf_counter at .*:\d+"):
        capture(Timed().eval(), (X,))


def test_random_numbers_of_torch_are_the_cores_to_refuse():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.generator = torch.Generator()

        def forward(self, x):
            return x + torch.rand(4) + torch.rand(4, generator=self.generator)

    require_function(Noisy().eval(), (X,), {})
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout()).eval()
    assert capture(model, (X[None],)) is not None


def test_writes_to_buffers_are_the_cores_to_refuse():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(4))

        def forward(self, x):
            self.count.add_(1)
            return x + self.count

    model = Counting().eval()
    with pytest.raises(ferryman.UnsupportedOps, match="writes to its buffers 'count'"):
        convert(model, (X,), progress=False)
    assert torch.equal(model.count, torch.zeros(4))


@pytest.mark.parametrize("end", [0, 1])
def test_extreme_seeds_begin_with_extreme_draws(end):
    states = random_states()
    seed_extremes(end)
    drawn = [random.random() for _ in range(3)] + np.random.random_sample(3).tolist()
    set_random_states(states)
    assert all(number > 0.95 if end else number < 0.05 for number in drawn)
