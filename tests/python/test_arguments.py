"""model(...) takes what forward takes, and another value of what was frozen is an error."""

import dataclasses
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from torch import nn

import ferryman

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Boxes:
    corners: torch.Tensor
    scale: float = 1.0


torch.export.register_dataclass(Boxes)


class Options(nn.Module):
    def forward(self, x, mask=None, scale=2.0, mode="a"):
        x = x * scale if mode == "a" else -x * scale
        return x if mask is None else x * mask


class Count(nn.Module):
    def forward(self, x, n):
        return x * n


class Anything(nn.Module):
    def forward(self, first, *rest, flag=True, **named):
        total = first
        for value in (*rest, *named.values()):
            total = total + value
        return total if flag else -total


class Nested(nn.Module):
    def forward(self, inputs, settings=(1, {"power": 2})):
        factor, more = settings
        return (inputs["a"][0] + inputs["b"]) * factor ** more["power"]


class OfClasses(nn.Module):
    def forward(self, boxes, pair):
        return boxes.corners * boxes.scale + pair.left - pair.right


class PositionOnly(nn.Module):
    def forward(self, x, /, factor=3, *, shift=1.0):
        return x * factor + shift


X = torch.arange(6.0).reshape(2, 3) + 1
Y = torch.full((2, 3), 0.5)
NESTED = {"a": (X,), "b": Y}


def convert(module, args, kwargs=None, **options):
    options = {"verify": False, "progress": False, **options}
    return ferryman.convert(module, args, kwargs, **options)


def call(f, *args, **kwargs):
    return f(*args, **kwargs)


# What is taken -----------------------------------------------------------------------------------

# The module, its example, a call, and the call of forward that it stands for.
TAKEN = {
    "as the example": (Options(), (X,), {}, lambda f: f(X), None),
    "by keyword": (Options(), (X,), {}, lambda f: f(x=X), None),
    "a default by position": (Options(), (X,), {}, lambda f: f(X, None), None),
    "all defaults by position": (Options(), (X,), {}, lambda f: f(X, None, 2.0, "a"), None),
    "a default by keyword": (Options(), (X,), {}, lambda f: f(X, scale=2.0), None),
    "keywords in any order": (Options(), (X,), {}, lambda f: f(mode="a", scale=2.0, x=X), None),
    "a tensor by position": (Options(), (X,), {"mask": Y}, lambda f: f(X, Y), None),
    "a tensor by keyword": (Options(), (X, Y), {}, lambda f: f(mask=Y, x=X), None),
    "a frozen keyword": (Options(), (X,), {"scale": 3.0}, lambda f: f(X, scale=3.0), None),
    "a frozen one by position": (
        Options(), (X,), {"scale": 3.0}, lambda f: f(X, None, 3.0), None),
    "without the frozen one": (
        Options(), (X,), {"scale": 3.0}, lambda f: f(X), lambda f: f(X, scale=3.0)),
    "without one that has no default": (
        Count(), (X, 3), {}, lambda f: f(X), lambda f: f(X, 3)),
    "a number of numpy": (Count(), (X, 3), {}, lambda f: f(X, np.int64(3)), lambda f: f(X, 3)),
    "more arguments": (Anything(), (X, X, Y), {}, lambda f: f(X, Y, X), None),
    "more keywords": (
        Anything(), (X,), {"b": Y, "a": X}, lambda f: f(X, a=X, b=Y, flag=True), None),
    "frozen among more": (
        Anything(), (X, Y, 4), {"z": 5}, lambda f: f(X, Y), lambda f: f(X, Y, 4, z=5)),
    "nested": (Nested(), (NESTED,), {}, lambda f: f({"a": (Y,), "b": X}), None),
    "keys in another order": (Nested(), (NESTED,), {}, lambda f: f({"b": X, "a": (Y,)}), None),
    "a list for a tuple": (Nested(), (NESTED,), {}, lambda f: f({"a": [Y], "b": X}), None),
    "another kind of dict": (
        Nested(), (NESTED,), {}, lambda f: f(OrderedDict(b=X, a=(Y,))), None),
    "a nested default": (
        Nested(), (NESTED,), {}, lambda f: f(NESTED, (1, {"power": 2})), None),
    "nested and frozen": (
        Nested(), (NESTED, (3, {"power": 1})), {},
        lambda f: f(NESTED, settings=[3, {"power": 1}]), None),
    "a dataclass and a named tuple": (
        OfClasses(), (Boxes(X, 2.0), Pair(X, Y)), {},
        lambda f: f(pair=Pair(left=Y, right=X), boxes=Boxes(Y, 2.0)), None),
    "only by position": (PositionOnly(), (X,), {}, lambda f: f(X, 3, shift=1.0), None),
    "a function": (
        lambda x, n=2: x**n, (X,), {}, lambda f: f(n=2, x=X), lambda f: f(X)),
    "a method": (Options().eval().forward, (X,), {}, lambda f: f(scale=2.0, x=X), None),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_call_that_forward_takes(name):
    module, args, kwargs, given, meant = TAKEN[name]
    module = module.eval() if isinstance(module, nn.Module) else module
    expected = (meant or given)(module)
    torch.testing.assert_close(given(convert(module, args, kwargs)), expected)


# What is refused ---------------------------------------------------------------------------------

REFUSED = {
    "another number": (Count(), (X, 3), {}, lambda f: f(X, 5), ["'n'", "5", "3"]),
    "a float for an int": (Count(), (X, 3), {}, lambda f: f(X, 3.0), ["'n'", "3.0", "with 3"]),
    "a flag for an int": (Count(), (X, 1), {}, lambda f: f(X, True), ["'n'", "True", "with 1"]),
    "the other flag": (
        Anything(), (X,), {"flag": True}, lambda f: f(X, flag=False), ["'flag'", "False", "True"]),
    "another string": (
        Options(), (X, None, 2.0, "a"), {}, lambda f: f(X, None, 2.0, "b"),
        ["'mode'", "'b'", "'a'"]),
    "another keyword": (
        Options(), (X,), {"scale": 3.0}, lambda f: f(X, scale=5.0), ["'scale'", "5.0", "3.0"]),
    "its default, where another was frozen": (
        Options(), (X,), {"scale": 3.0}, lambda f: f(X, scale=2.0), ["'scale'", "2.0", "3.0"]),
    "not the default": (
        Options(), (X,), {}, lambda f: f(X, scale=2.5), ["'scale'", "2.5", "with 2.0"]),
    "a tensor for None": (
        Options(), (X, None), {}, lambda f: f(X, Y), ["'mask'", "float32 [2, 3]", "None"]),
    "a tensor for the default None": (
        Options(), (X,), {}, lambda f: f(X, Y), ["'mask'", "float32 [2, 3]", "None"]),
    "None for a tensor": (
        Options(), (X, Y), {}, lambda f: f(X, None), ["'mask'", "None", "float32 [2, 3]"]),
    "a tensor for a number": (
        Count(), (X, 3), {}, lambda f: f(X, torch.tensor(3)), ["'n'", "tensor", "3"]),
    "another value deep inside": (
        Nested(), (NESTED, (3, {"power": 1})), {}, lambda f: f(NESTED, (3, {"power": 2})),
        ["'settings[1]['power']'", "is 2", "with 1"]),
    "deep inside a default": (
        Nested(), (NESTED,), {}, lambda f: f(NESTED, (1, {"power": 3})),
        ["'settings[1]['power']'", "is 3", "with 2"]),
    "a number in a dataclass": (
        OfClasses(), (Boxes(X, 2.0), Pair(X, Y)), {},
        lambda f: f(Boxes(X, 4.0), Pair(X, Y)), ["'boxes.scale'", "4.0", "2.0"]),
    "a number among more": (
        Anything(), (X, Y, 4), {}, lambda f: f(X, Y, 6), ["'rest[1]'", "is 6", "with 4"]),
    "a number among keywords": (
        Anything(), (X,), {"z": 5}, lambda f: f(X, z=6), ["'named['z']'", "is 6", "with 5"]),
    "a missing tensor": (Options(), (X, Y), {}, lambda f: f(X), ["'mask'", "missing"]),
    "nothing": (Options(), (X,), {}, lambda f: f(), ["'x'", "missing"]),
    "too many": (Count(), (X, 3), {}, lambda f: f(X, 3, 4), ["too many", "'x', 'n'"]),
    "an unknown keyword": (Count(), (X, 3), {}, lambda f: f(X, m=3), ["'m'", "'x', 'n'"]),
    "one twice": (Count(), (X, 3), {}, lambda f: f(X, x=X), ["'x'"]),
    "one more than the example": (
        Anything(), (X, X), {}, lambda f: f(X, X, X), ["'rest[1]'", "'first', 'rest[0]'"]),
    "another key": (
        Nested(), (NESTED,), {}, lambda f: f({"a": (X,), "c": Y}), ["'inputs'", "'c'", "'b'"]),
    "another length": (
        Nested(), (NESTED,), {}, lambda f: f({"a": (X, X), "b": Y}),
        ["'inputs['a']'", "2 items", "takes 1"]),
    "another structure": (
        Nested(), (NESTED,), {}, lambda f: f([X, Y]), ["'inputs'", "a list of 2", "a dict"]),
    "a list for a tensor": (
        Options(), (X,), {}, lambda f: f([1.0, 2.0]), ["'x'", "a list of 2", "float32 [2, 3]"]),
    "another class": (
        OfClasses(), (Boxes(X, 2.0), Pair(X, Y)), {},
        lambda f: f(Pair(X, 2.0), Pair(X, Y)), ["'boxes'", "Boxes"]),
    "a text for a tensor": (Options(), (X,), {}, lambda f: f("x"), ["'x'", "float32 [2, 3]"]),
    "another shape": (Options(), (X,), {}, lambda f: f(X[:1]), ["'x'", "(1, 3)", "(2, 3)"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_call_that_the_file_cannot_answer(name):
    module, args, kwargs, given, words = REFUSED[name]
    model = convert(module.eval(), args, kwargs)
    with pytest.raises(ferryman.InputError) as caught:
        given(model)
    assert all(word in str(caught.value) for word in words), str(caught.value)


# Without forward at hand -------------------------------------------------------------------------

ARCHIVES = {
    "by name": (Options(), (X, Y), {}, lambda f: f(mask=Y, x=X), None),
    "without a frozen one": (Count(), (X, 3), {}, lambda f: f(X), lambda f: f(X, 3)),
    "with the frozen one": (Count(), (X, 3), {}, lambda f: f(n=3, x=X), None),
    "more": (Anything(), (X, Y), {"k": X}, lambda f: f(X, Y, k=X), None),
    "nested": (Nested(), (NESTED,), {}, lambda f: f(inputs={"b": X, "a": [Y]}), None),
    "keywords": (
        Options(), (), {"scale": 3.0, "x": X}, lambda f: f(x=X), lambda f: f(X, scale=3.0)),
}  # fmt: skip


@pytest.mark.parametrize("way", ["archive", "program"])
@pytest.mark.parametrize("name", ARCHIVES)
def test_a_program_goes_by_the_names_of_its_inputs(name, way, tmp_path):
    module, args, kwargs, given, meant = ARCHIVES[name]
    program = torch.export.export(module.eval(), args, kwargs)
    if way == "archive":
        torch.export.save(program, tmp_path / "net.pt2")
    model = ferryman.convert(tmp_path / "net.pt2" if way == "archive" else program, progress=False)
    torch.testing.assert_close(given(model), (meant or given)(module))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda f: f(X, 5), ["'n'", "5", "3"]),
        (lambda f: f(X, m=3), ["'m'", "'x', 'n'"]),
        (lambda f: f(X, 3, None), ["too many", "'x', 'n'"]),
        (lambda f: f(n=3), ["'x'", "missing"]),
    ],
)
def test_a_program_refuses_by_the_names_of_its_inputs(given, words, tmp_path):
    torch.export.save(torch.export.export(Count(), (X, 3)), tmp_path / "net.pt2")
    model = ferryman.convert(tmp_path / "net.pt2", progress=False)
    with pytest.raises(ferryman.InputError) as caught:
        given(model)
    assert all(word in str(caught.value) for word in words), str(caught.value)
