"""Recurrent layers and cells against eager PyTorch: the core's evaluator, and files on LiteRT."""

import warnings

import pytest
import torch
from recurrent_modules import KINDS, Layer, all_cells, all_layers
from test_ops_reference import evaluate
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils import _pytree as pytree

import ferryman
from ferryman.runtime import LITERT, Runner


def export(module, args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(module, args, strict=False)


def convert(module, args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ferryman.convert(module, args, progress=False, **options)


def eager(module, args):
    with torch.no_grad():
        return pytree.tree_leaves(module(*args))


def assert_runs_like(model, case, module, tolerance=2e-6):
    """On inputs other than those of the conversion, each kernel being called several times."""
    for kernels in LITERT:
        model._runner = Runner(model.path, kernels)
        for seed in (2, 3, 2):
            args = case.sample(seed)
            got = pytree.tree_leaves(model(*args))
            for mine, theirs in zip(got, eager(module, args), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=0, atol=tolerance)


def num_loops(model) -> int:
    return model.report.native.ops.get("WHILE", 0)


@pytest.mark.parametrize("case", all_layers() + all_cells(), ids=str)
def test_evaluator(case):
    module, args = case.module(), case.sample()
    got = evaluate(export(module, args), pytree.tree_leaves(args))
    for mine, theirs in zip(got, eager(module, args), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["unrolled", "loop"])
@pytest.mark.parametrize("case", all_layers(), ids=str)
def test_layers(case, form):
    module = case.module()
    model = convert(module, case.sample(), recurrent=form)
    assert (num_loops(model) > 0) == (form == "loop" and case.steps > 1)
    assert_runs_like(model, case, module)


@pytest.mark.parametrize("case", all_cells(), ids=str)
def test_cells(case):
    module = case.module()
    assert_runs_like(convert(module, case.sample()), case, module)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_500_steps(kind, bidirectional):
    case = Layer(kind, steps=500, batch=1, hidden=24, bidirectional=bidirectional, states=True)
    module = case.module()
    model = convert(module, case.sample())
    assert num_loops(model) in range(1, 6)  # one after the other
    assert_runs_like(model, case, module, tolerance=1e-5)


def test_steps_that_do_not_fill_the_loop():
    for steps in (97, 101):  # primes
        for kind in KINDS:
            case = Layer(kind, steps=steps, hidden=40, bidirectional=True, states=True)
            module = case.module()
            model = convert(module, case.sample(), recurrent="loop", verify=False)
            assert_runs_like(model, case, module, tolerance=1e-5)


def test_wide_layers_loop_over_each_direction():
    case = Layer("LSTM", steps=20, batch=1, hidden=128, layers=2, bidirectional=True)
    module = case.module()
    model = convert(module, case.sample())
    assert num_loops(model) == 4
    assert_runs_like(model, case, module)


def test_between_other_layers():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(3, 8, 3, padding=1)
            self.lstm = nn.LSTM(8, 16, bidirectional=True, batch_first=True)
            self.head = nn.Linear(32, 5)

        def forward(self, x):
            y, (h, _) = self.lstm(self.conv(x).relu().transpose(1, 2))
            return self.head(y).softmax(-1), h[0] + h[1]

    torch.manual_seed(0)
    module = Tagger().eval()
    for form in ("unrolled", "loop"):
        model = convert(module, (torch.randn(2, 3, 40),), recurrent=form)
        x = torch.randn(2, 3, 40)
        for mine, theirs in zip(pytree.tree_leaves(model(x)), eager(module, (x,)), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-6)


def test_weights_that_are_inputs_are_unrolled():
    case = Layer("GRU", batch=1)
    layer = case.module()
    names = [name for name, _ in layer.named_parameters()]

    class Functional(nn.Module):
        def forward(self, x, *weights):
            return torch.func.functional_call(layer, dict(zip(names, weights)), (x,))

    weights = [parameter.detach() for parameter in layer.parameters()]
    module = Functional().eval()
    model = convert(module, (*case.sample(), *weights), recurrent="loop")
    assert num_loops(model) == 0
    args = (*case.sample(2), *(2 * weight for weight in weights))
    for mine, theirs in zip(pytree.tree_leaves(model(*args)), eager(module, args)):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-6)


def test_dropout_in_training_mode_is_refused():
    case = Layer("LSTM", layers=2, dropout=0.5)
    with pytest.raises(ferryman.UnsupportedOps, match="dropout between its layers"):
        convert(case.module().train(), case.sample(), training=True)


def test_packed_sequences_are_refused():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 4)

        def forward(self, data, sizes):
            return self.lstm(PackedSequence(data, sizes))[0].data

    with pytest.raises(ferryman.UnsupportedOps, match="a packed sequence"):
        convert(Packed().eval(), (torch.randn(5, 3), torch.tensor([2, 2, 1])))


def test_an_unknown_form_is_refused():
    with pytest.raises(ferryman.Error, match="recurrent is 'fast'"):
        convert(Layer("GRU").module(), Layer("GRU").sample(), recurrent="fast")


def test_half_precision():
    case = Layer("LSTM", steps=8, bidirectional=True)
    module = case.module().half()
    args = tuple(x.half() for x in case.sample())
    model = convert(module, args)
    wide = case.module().half().float()
    want = eager(wide, tuple(x.float() for x in args))
    for mine, theirs in zip(pytree.tree_leaves(model(*args)), want, strict=True):
        torch.testing.assert_close(mine.float(), theirs, rtol=0, atol=2e-3)
