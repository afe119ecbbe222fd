"""What the body of a converter has to keep of what it stands for: results, writes, state."""

import pytest
import torch
import torch.nn.functional as F
from converter_calls import (
    Calls,
    calls,
    convert,
    hard_sigmoid,
    hard_sigmoid_body,
    unregistered,
    used,
)
from torch import nn

import ferryman

# What they have to keep --------------------------------------------------------------------------


WRONG_RESULTS = {
    "shape": lambda x: x[0],
    "type": lambda x: x.double(),
    "count": lambda x: (x, x),
    "nothing": lambda x: None,
}


@pytest.mark.parametrize("subject", [nn.Hardsigmoid, "aten::hardsigmoid"])
@pytest.mark.parametrize("what", WRONG_RESULTS)
@pytest.mark.parametrize("verify", [True, False])
def test_results_of_another_kind(what, verify, subject):
    body = unregistered(subject)(lambda *x: WRONG_RESULTS[what](x[-1]))
    with pytest.raises(ferryman.Error, match="gives something else") as caught:
        convert(nn.Sequential(nn.Hardsigmoid()), converters=[body], verify=verify)
    assert "float32 [2, 3, 4, 4]" in caught.value.why


@pytest.mark.parametrize("subject", [nn.Hardsigmoid, F.hardsigmoid, "aten::hardsigmoid"])
def test_a_wrong_body_names_converter_place_and_values(subject):
    def wrong(*args, **_):
        x = args[1] if subject is nn.Hardsigmoid else args[0]
        return torch.clamp(x / 5 + 0.5, 0, 1)

    model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Hardsigmoid()))
    with pytest.raises(ferryman.VerificationError, match="wrong.*_duties.py") as caught:
        convert(model, converters=[unregistered(subject)(wrong)])
    assert "1.0" in caught.value.where and "PyTorch gives" in caught.value.why
    assert "and the converter" in caught.value.why


@pytest.mark.parametrize("subject", [nn.Hardsigmoid, "aten::hardsigmoid"])
def test_an_exception_has_the_converters_own_traceback(subject):
    def broken(*args):
        return args[-1].no_such_thing

    with pytest.raises(ferryman.CaptureError, match="fails") as caught:
        convert(nn.Hardsigmoid(), converters=[unregistered(subject)(broken)], verify=False)
    assert "in broken" in caught.value.why and "no_such_thing" in caught.value.why
    assert "ferryman/conversions" not in caught.value.why
    assert isinstance(caught.value.__cause__, AttributeError)


def test_an_exception_that_the_model_catches_is_none_the_less_one():
    def careful(x):
        try:
            return F.hardsigmoid(x)
        except Exception:
            return x

    def broken(x, inplace=False):
        raise ValueError("no")

    with pytest.raises(ferryman.CaptureError, match="fails"):
        convert(calls(careful), converters=[unregistered(F.hardsigmoid)(broken)])


def test_results_keep_their_structure():
    model = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.randn(1, 5, 8)

    def body(module, query, key, value, need_weights=True):
        return list(module(query, key, value))

    model = Calls(lambda self, x: self.part(x, x, x)[0], part=model).eval()
    converter = unregistered(nn.MultiheadAttention)(body)
    assert used(convert(model, x, converters=[converter])) == ["body"]


# Writes ------------------------------------------------------------------------------------------


def in_place(x):
    y = x + 1
    F.hardsigmoid(y, inplace=True)
    z = y[:, :2]
    torch.relu_(z)
    return y + 0


WRITERS = {
    "returns what is to be written": lambda x, *_, **__: hard_sigmoid_body(x),
    "writes": lambda x, *_, **__: x.copy_(hard_sigmoid_body(x)),
}


@pytest.mark.parametrize("how", WRITERS)
@pytest.mark.parametrize("subject", [F.hardsigmoid, "aten::hardsigmoid_"])
def test_a_call_that_writes(subject, how):
    converted = convert(calls(in_place), converters=[unregistered(subject)(WRITERS[how])])
    assert used(converted) == ["<lambda>"]


def test_a_write_that_would_be_lost():
    @ferryman.traceable
    def fill(x, y):
        x.fill_(1)
        return y + 1

    body = unregistered(fill)(lambda x, y: y + 1)
    model = calls(lambda x: (lambda y: fill(y, x) + y)(x * 2))
    with pytest.raises(ferryman.CaptureError, match="does not write"):
        convert(model, converters=[body], verify=False)


# State, statements, transforms -------------------------------------------------------------------


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        self.count += 1
        return x + self.count


def test_a_buffer_that_is_written_no_more():
    forgetful = unregistered(Counting)(lambda module, x: x + 1)
    with pytest.raises(ferryman.CaptureError, match="does not write") as caught:
        convert(nn.Sequential(Counting()), converters=[forgetful], state="explicit", verify=False)
    assert "count" in caught.value.why

    def counting(module, x):
        module.count.add_(1)
        return x - (-module.count)

    model = nn.Sequential(Counting())
    converter = unregistered(Counting)(counting)
    converted = convert(model, converters=[converter], state="explicit")
    assert used(converted) == ["counting"] and float(model[0].count) == 0


def test_a_call_that_gives_nothing():
    def filled(x):
        y = x + 1
        y[:, 0] = 5.0
        return y

    body = unregistered(torch.Tensor.__setitem__)(lambda x, at, value: x.select(1, 0).fill_(value))
    assert used(convert(calls(filled), converters=[body])) == ["<lambda>"]


def test_calls_inside_of_transforms():
    model = calls(lambda x: torch.func.vmap(F.hardsigmoid)(x))
    assert used(convert(model, converters=[hard_sigmoid])) == ["hard_sigmoid_body"]
