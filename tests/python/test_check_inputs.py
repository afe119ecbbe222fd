"""Which inputs a conversion is checked with: the user's own, which have to fit, and drawn ones."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman.drawing import random_afar, random_like
from ferryman.frozen import FrozenValues
from ferryman.verify_command import main


class Two(nn.Module):
    def forward(self, x, index, scale=2.0):
        return x[index] * scale


X, INDEX = torch.arange(12.0).reshape(4, 3), torch.tensor([0, 2])


def convert(module, args, kwargs=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrozenValues)
        module = module.eval() if isinstance(module, nn.Module) else module
        return ferryman.convert(module, args, kwargs, progress=False, **options)


# The options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"samples": 0}, ["samples=0", "1 at least"]),
        ({"samples": -1}, ["samples=-1"]),
        ({"samples": 2.5}, ["samples=2.5"]),
        ({"samples": True}, ["samples=True"]),
        ({"samples": None}, ["samples=None"]),
        ({"samples": "3"}, ["samples='3'"]),
        ({"seed": -1}, ["seed=-1"]),
        ({"rtol": -1e-3}, ["rtol=-0.001"]),
        ({"rtol": float("nan")}, ["rtol=nan"]),
        ({"atol": float("inf")}, ["atol=inf"]),
        ({"atol": "small"}, ["atol='small'"]),
        ({"rounding_factor": -1}, ["rounding_factor=-1"]),
        ({"every_node": "no"}, ["every_node='no'"]),
        ({"inputs": []}, ["no inputs", "verify=False"]),
        ({"inputs": ()}, ["no inputs"]),
        ({"inputs": {}}, ["a dict with nothing", "[(x,), (y,)]"]),
        ({"inputs": X}, ["a tensor float32 [4, 3]", "[(x,), (y,)]"]),
        ({"inputs": [X]}, ["call 0", "a tensor float32 [4, 3]", "[(x,), (y,)]"]),
        ({"inputs": (X, INDEX)}, ["call 0", "a tensor float32 [4, 3]"]),
        ({"inputs": [(X, INDEX), 3]}, ["call 1", "3 is not a tuple"]),
        ({"inputs": "x"}, ["'x'"]),
    ],
)
def test_options_that_check_nothing_are_refused_at_once(options, words):
    with pytest.raises(ferryman.InputError) as caught:
        ferryman.Verify(**options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_program_refuses_them_too(capsys):
    assert main(["verify", "a.pt2", "a.tflite", "--samples", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: Verify(samples=0)")


# Inputs of the user ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        [(X, INDEX)],
        [[X, INDEX], (X * 2, INDEX + 1)],
        [{"index": INDEX, "x": X}],
        [(X, INDEX, 2.0), {"x": X, "index": INDEX, "scale": 2.0}],
    ],
)
@pytest.mark.parametrize("way", ["module", "program"])
def test_own_inputs_are_what_is_checked(given, way):
    module = Two() if way == "module" else torch.export.export(Two(), (X, INDEX, 2.0))
    args = (X, INDEX) if way == "module" else ()
    model = convert(module, args, verify=ferryman.Verify(inputs=given, samples=9))
    assert model.report.checks.samples == len(given)


UNFIT = {
    "another shape": ([(X[:3], INDEX)], ["call 0", "'x'", "float32 [3, 3]", "float32 [4, 3]"]),
    "another rank": ([(X, INDEX), (X[0], INDEX)], ["call 1", "'x'", "float32 [3]"]),
    "another type": ([(X.double(), INDEX)], ["'x'", "float64 [4, 3]", "float32 [4, 3]"]),
    "another whole type": ([(X, INDEX.int())], ["'index'", "int32 [2]", "int64 [2]"]),
    "too few": ([(X,)], ["call 0", "'index'", "missing"]),
    "too many": ([(X, INDEX, 2.0, 1)], ["call 0", "too many"]),
    "an unknown name": ([{"x": X, "indices": INDEX}], ["call 0", "'indices'"]),
    "another number": ([(X, INDEX, 3.0)], ["call 0", "'scale'", "3.0", "2.0"]),
    "a list for a tensor": ([([1.0], INDEX)], ["'x'", "a list of 1"]),
    "an array": ([(X.numpy(), INDEX)], ["'x'", "an array float32 [4, 3]"]),
    "nothing": ([()], ["call 0", "'x'", "missing"]),
    "None": ([(None, INDEX)], ["'x'", "None"]),
}


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("way", ["module", "program", "archive"])
def test_inputs_that_do_not_fit_are_named(name, way, tmp_path):
    inputs, words = UNFIT[name]
    if way == "module":
        source, args = Two(), (X, INDEX)
    else:
        source, args = torch.export.export(Two(), (X, INDEX, 2.0)), ()
    if way == "archive":
        torch.export.save(source, tmp_path / "net.pt2")
        source = tmp_path / "net.pt2"
    with pytest.raises(ferryman.InputError) as caught:
        convert(source, args, verify=ferryman.Verify(inputs=inputs))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_inputs_that_do_not_fit_are_refused_before_anything_is_captured():
    class Called(nn.Module):
        calls = 0

        def forward(self, x):
            Called.calls += 1
            return x + 1

    with pytest.raises(ferryman.InputError, match="'x' is a tensor float32"):
        convert(Called(), (X,), verify=ferryman.Verify(inputs=[(X[0],)]))
    assert Called.calls == 0


# Drawn inputs ------------------------------------------------------------------------------------


class If(nn.Module):
    def __init__(self, condition):
        super().__init__()
        self.condition = condition

    def forward(self, x):
        return x * 2 if self.condition(x) else x * 5 - 1


class Frozen(If):
    """Control flow would be rewritten; what is looked up is not."""

    def forward(self, x):
        return {True: x * 2, False: x * 5 - 1}[bool(self.condition(x))]


on_both_sides = pytest.mark.parametrize(
    ("condition", "x"),
    [
        (lambda x: x.sum() > 0, torch.ones(2, 3)),
        (lambda x: x.sum() > 0, torch.ones(1, 3, 16, 16)),
        (lambda x: x.sum() < 0, torch.ones(2, 3)),
        (lambda x: x.sum() > -1, torch.zeros(64)),
        (lambda x: x.mean() < 0, torch.zeros(64)),
        (lambda x: x > 0, torch.tensor(3.0)),
        (lambda x: x.sum() < 0, torch.full((5,), -2.0)),
        (lambda x: x.mean() < 0.3, torch.rand(1000, generator=torch.Generator().manual_seed(0))),
        (lambda x: x.std() < 2, torch.randn(1000, generator=torch.Generator().manual_seed(0))),
        (
            lambda x: x.abs().max() < 6,
            torch.randn(1000, generator=torch.Generator().manual_seed(0)),
        ),
        (lambda x: x.sum() > 0, torch.ones(6, dtype=torch.int64)),
        (lambda x: x.sum() < 1, torch.zeros(6, dtype=torch.int64)),
        (lambda x: x > 4, torch.tensor(7)),
        (lambda x: x <= 7, torch.tensor(7)),
        (lambda x: x.all(), torch.tensor([True, False] * 20)),
        (lambda x: x.any(), torch.tensor([True, False] * 20)),
    ],
)


@on_both_sides
def test_a_frozen_value_is_tried_on_both_sides(condition, x):
    with pytest.raises(ferryman.VerificationError, match="looks at values"):
        convert(Frozen(condition), (x,))


@on_both_sides
def test_a_branch_is_taken_on_both_sides(condition, x):
    report = convert(If(condition), (x,)).report
    assert report.checks.untaken == [] and report.frozen == ()
    assert [statement.what for statement in report.rewritten] == ["if"]


def test_two_inputs_are_drawn_on_both_sides_of_each_other():
    def forward(x, y):
        return {True: x + y, False: x - y}[bool(x.sum() >= y.sum())]

    with pytest.raises(ferryman.VerificationError, match="looks at values"):
        convert(forward, (torch.ones(8), torch.ones(8)))


def test_what_the_model_refuses_is_not_drawn():
    class Root(nn.Module):
        def forward(self, x):
            return {False: x.sqrt()}[bool(x.min() < 0)]

    assert convert(Root(), (torch.ones(2, 3),)).report.checks.samples == 8


@pytest.mark.parametrize(
    "example",
    [
        torch.ones(2, 3),
        torch.zeros(()),
        torch.full((3,), 2.5, dtype=torch.float16),
        torch.randn(4, dtype=torch.complex64),
        torch.tensor([3, 3]),
        torch.tensor([0, 200], dtype=torch.uint8),
        torch.tensor([7, 7], dtype=torch.uint8),
        torch.tensor([True, False]),
        torch.zeros(0, 2),
        torch.tensor([float("inf"), 1.0]),
    ],
)
def test_what_is_drawn_has_the_type_and_shape_of_the_example(example):
    generator = torch.Generator().manual_seed(0)
    for turn in range(20):
        for drawn in (random_like(example, generator), random_afar(example, generator, turn)):
            assert (drawn.shape, drawn.dtype) == (example.shape, example.dtype)


def test_draws_are_repeatable():
    def draws(seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.stack([random_afar(torch.ones(4), generator, turn) for turn in range(5)])

    assert torch.equal(draws(1), draws(1)) and not torch.equal(draws(1), draws(2))
    assert np.isfinite(draws(1).numpy()).all()
