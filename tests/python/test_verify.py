"""What counts as the same numbers: the tolerance, and beyond it the exact value in float64."""

import copy
import functools

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman import _native, eager
from ferryman.capture import capture, walk
from ferryman.compare import compare
from ferryman.exact import Doubt, Judge, may_be_rounding

BLOCKS = 6
# Finer than float32 rounds in sums of this length, so that nothing passes without float64.
TIGHT = {"rtol": 1e-8, "atol": 0.0}


class Block(nn.Sequential):
    def __init__(self, channels):
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.Hardswish(),
        )


def deep_net(channels=8):
    torch.manual_seed(0)
    net = nn.Sequential(*(Block(channels) for _ in range(BLOCKS))).eval()
    for block in net:
        block[1].running_mean.normal_()
        block[1].running_var.uniform_(0.5, 2)
        block[1].weight.data.uniform_(0.5, 1.5)
        block[1].bias.data.normal_()
    return net


def example():
    return (torch.randn(1, 8, 12, 12, generator=torch.Generator().manual_seed(1)),)


def convert(net, **options):
    return ferryman.convert(net, example(), progress=False, verify=ferryman.Verify(**options))


# Rounding ----------------------------------------------------------------------------------------


def test_value_that_is_off_by_rounding_alone_is_right_and_remarked():
    report = convert(deep_net(), **TIGHT).report
    (remark,) = [r for r in report.remarks if r["subject"] == "rounding"]
    assert remark["what"].startswith("beyond the tolerance, but no further from the exact value")
    judged = report.checks.nodes["hardswish_5"]
    assert judged.ok and judged.is_rounding
    assert 0 < judged.error <= 8 * judged.torch_error < 1e-5
    assert "hardswish_5" in {place.get("node") for place in remark["places"]}


def test_tolerance_alone_decides_on_request():
    with pytest.raises(ferryman.VerificationError, match="gives another result"):
        convert(deep_net(), rounding_factor=0, **TIGHT)


def test_no_remark_within_the_tolerance():
    report = convert(deep_net()).report
    assert [r for r in report.remarks if r["subject"] == "rounding"] == []
    assert all(d.error is None for d in report.checks.nodes.values())


# Mistakes ----------------------------------------------------------------------------------------


def weights_off_by_a_thousandth(block):
    block[0].weight.data *= 1 + 1e-3


def bias_dropped(block):
    block[0].bias.data.zero_()


def channels_swapped(block):
    block[0].weight.data = block[0].weight.data[:, [1, 0, *range(2, 8)]]


@pytest.fixture
def core_that_converts(monkeypatch):
    """Makes the core convert another module of the same structure: a converter with a mistake."""
    convert_live = _native.convert_live

    def replace(module):
        def convert_other(buffer, tensors, path, options):
            return convert_live(*walk(capture(module, example())), path, options)

        monkeypatch.setattr(_native, "convert_live", convert_other)

    return replace


@pytest.mark.parametrize("tolerance", [{}, TIGHT], ids=["default", "tight"])
@pytest.mark.parametrize("mistake", [weights_off_by_a_thousandth, bias_dropped, channels_swapped])
def test_first_wrong_node_of_a_deep_net_is_named(core_that_converts, mistake, tolerance):
    net = deep_net()
    wrong = copy.deepcopy(net)
    mistake(wrong[3])
    core_that_converts(wrong)
    with pytest.raises(ferryman.VerificationError) as caught:
        convert(net, **tolerance)
    text = str(caught.value)
    assert "3.1" in text and "node batch_norm_3" in text
    assert "from the exact value, in float64, the file is" in text
    (difference,) = caught.value.diagnostics
    assert difference.error > 100 * difference.torch_error
    wrong_nodes = [n.name for n in caught.value.report.nodes.values()
                   if n.difference is not None and not n.difference.ok]  # fmt: skip
    assert wrong_nodes[0] == "batch_norm_3"
    assert "hardswish_2" not in wrong_nodes


# The judge ---------------------------------------------------------------------------------------


class Cancelling(nn.Module):
    """float32 keeps about three digits of x."""

    def forward(self, x):
        return (x + 1e4) - 1e4


def judge(got, factor=4.0, expected=None, x=(0.1, 0.2, 0.3)):
    program = capture(Cancelling().eval(), (torch.zeros(3),))
    x = torch.tensor(x)
    (computed,) = eager.run_program(program, [x], None)
    computed = computed.numpy()
    expected = computed if expected is None else np.float32(expected)
    got = x.numpy() + np.float32(got)
    doubt = Doubt(compare(expected, got, rtol=1e-4, atol=0.0), expected, computed, got)
    run = functools.partial(eager.run_float64, program, [x])
    Judge(run, rtol=1e-4, atol=0.0, factor=factor).settle({}, [(0, doubt)])
    return doubt.difference, np.abs(computed - x.numpy()).max()


def test_error_is_allowed_in_proportion_to_pytorchs_own():
    _, own = judge([0, 0, 0])
    assert 1e-4 < own < 1e-3  # so float32 itself is beyond the tolerance
    assert judge([3.9 * own, 0, 0])[0].ok
    assert not judge([3.9 * own, 0, 0], factor=1.0)[0].ok
    assert not judge([12 * own, 0, 0])[0].ok


def test_where_pytorch_rounded_nothing_by_luck_rounding_is_still_allowed():
    lucky = (0.25, 0.5, 0.75)
    _, own = judge([0, 0, 0], x=lucky)
    assert own == 0
    unit = 2.0**-24 * 1e4  # what float32 rounds off the sum
    assert judge([2 * unit, 0, 0], x=lucky)[0].ok
    assert not judge([12 * unit, 0, 0], x=lucky)[0].ok


def test_expected_value_of_another_program_stays_wrong():
    assert not judge([0, 0, 0], expected=[0.1, 0.2, 0.4])[0].ok


def test_integers_and_values_that_are_not_finite_are_no_matter_of_rounding():
    def doubted(expected, got):
        expected, got = np.asarray(expected), np.asarray(got)
        return may_be_rounding(compare(expected, got, rtol=1e-4, atol=0.0), expected)

    assert doubted([1.0, 2.0], [1.0, 3.0])
    assert not doubted([1.0, 2.0], [1.0, 2.0])
    assert not doubted([1, 2], [1, 3])
    assert not doubted([True], [False])
    assert not doubted([1.0], [np.inf])
    assert not doubted([1.0, 2.0], [[1.0, 2.0]])


# float64 -----------------------------------------------------------------------------------------


def run_float64(module, x):
    values = {}
    outputs = eager.run_float64(
        capture(module, (x,)), [x], lambda name, value: values.setdefault(name, value)
    )
    return outputs, values


class Casting(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        index = x.argmax(1)
        return self.linear(x.half().float()) + torch.arange(2, dtype=torch.float32), index


def test_casts_and_factories_of_the_program_stay_wide():
    x = torch.randn(3, 4)
    module = Casting().eval()
    outputs, values = run_float64(module, x)
    wide = copy.deepcopy(module).double()
    expected = wide.linear(x.double()) + torch.arange(2)
    torch.testing.assert_close(outputs[0], expected, rtol=1e-15, atol=1e-15)
    assert outputs[1].dtype is torch.int64
    assert values["linear"].dtype is torch.float64


def test_random_numbers_have_no_exact_value():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    assert run_float64(Noisy().eval(), torch.zeros(3))[0] is None
    assert run_float64(nn.Dropout().eval(), torch.zeros(3))[0] is not None


def test_float64_run_changes_neither_weights_nor_inputs():
    class Writing(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x):
            self.total.add_(x)
            return x.mul_(2) + self.total

    module, x = Writing().eval(), torch.ones(3)
    program = capture(module, (x.clone(),))
    eager.run_float64(program, [x], lambda name, value: None)
    assert x.tolist() == [1, 1, 1]
    assert program.state_dict["total"].tolist() == [0, 0, 0]
