"""In-place writes and views against eager PyTorch: each program must give eager's outputs, and
leave eager's contents in its inputs, parameters and buffers."""

import pytest
import torch
import write_programs  # noqa: F401  enters its programs into the catalogue
from functional_program import check, functionalise
from random_programs import random_program
from small_programs import PROGRAMS, arange
from torch import nn
from view_programs import repeated_writes_to_one_view

from ferryman import _native, errors


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_equals_eager(name):
    function, inputs = PROGRAMS[name]
    check(function, *inputs)


def test_random_programs_equal_eager():
    refused = []
    for seed in range(100):
        random_function, x = random_program(seed)
        try:
            check(random_function.function, x)
        except _native.NativeError as error:
            names = {d["name"] for d in errors.from_native(error).diagnostics}
            assert names == {"unsupported-alias"}, f"seed {seed}\n{random_function}"
            refused.append(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}\n{random_function}") from error
    # Writes through slices of expanded tensors, as_strided of as_strided and their like.
    assert len(refused) <= 4, refused


def test_writes_with_a_symbolic_size_hold_for_other_sizes():
    def writes(x):
        y = x.clone()
        y[:, 1] = 5
        y.view(-1, 6)[0].add_(1)
        y.t()[2:].mul_(2)
        left, right = y.chunk(2, 1)
        left.add_(right)
        z = torch.zeros_like(y)
        z.copy_(x[:1])
        z[1:].fill_(3)
        z.unsqueeze(1).add_(1)
        return y, y.reshape(-1), z

    size = torch.export.Dim("size", min=3, max=64)
    shapes = {"args": ({0: size},)}
    check(writes, arange(4, 6), other_args=(arange(7, 6),), dynamic_shapes=shapes)


# State -------------------------------------------------------------------------------------------


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("window", torch.zeros(3, 4))

    def forward(self, x):
        self.calls += 1
        self.window[1:] = self.window[:-1].clone()
        self.window[0] = x
        return self.window.mean(0) + self.calls


def test_written_buffers_become_outputs():
    program = check(Counter().eval(), arange(4))
    outputs = [(output["kind"], output["name"]) for output in program.json["outputs"]]
    assert outputs == [
        ("buffer_mutation", "calls"),
        ("buffer_mutation", "window"),
        ("user", ""),
    ]


class Reassigned(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.ones(4))

    def forward(self, x):
        old = self.state
        self.state = self.state * 2 + x
        return old + 1, self.state


def test_reassigned_buffer_becomes_an_output():
    check(Reassigned().eval(), arange(4))


class WritesParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        with torch.no_grad():
            self.weight.mul_(2)
        return x * self.weight


def test_written_parameter_becomes_an_output():
    program = check(WritesParameter().eval(), arange(4))
    assert program.json["outputs"][0]["kind"] == "parameter_mutation"


def test_batch_statistics_of_training_become_outputs():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)).train()
    program = check(module, torch.randn(2, 3, 8, 8), training=True)
    names = {o["name"] for o in program.json["outputs"] if o["kind"] == "buffer_mutation"}
    assert names == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}


class TiedBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.ones(4))
        self.register_buffer("b", self.a)

    def forward(self, x):
        self.a.add_(x)
        return self.b * 2


def test_write_to_one_of_two_names_of_a_buffer_is_seen_by_both():
    check(TiedBuffers().eval(), arange(4))


class OverlappingBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        whole = torch.ones(6)
        self.register_buffer("head", whole[:4])
        self.register_buffer("tail", whole[2:])

    def forward(self, x):
        self.head.add_(x)
        return self.tail * 2


def rejected(module, *args):
    with pytest.raises(_native.NativeError) as caught:
        functionalise(module, args)
    return errors.from_native(caught.value).diagnostics


def test_write_to_buffers_that_overlap_is_refused():
    (diagnostic,) = rejected(OverlappingBuffers().eval(), arange(4))
    assert diagnostic["name"] == "unsupported-alias"
    assert "'head' and 'tail' share memory" in diagnostic["why"]


# Refusals ----------------------------------------------------------------------------------------


def test_write_through_overlapping_windows_is_refused():
    def overlapping(x):
        y = x.clone()
        y.as_strided((5, 3), (1, 1)).add_(1)
        return y

    (diagnostic,) = rejected(overlapping, arange(8))
    assert diagnostic["name"] == "unsupported-alias"
    assert "aten.add_.Tensor writes in place through the view 'as_strided'" in diagnostic["what"]


def test_several_out_arguments_without_a_row_are_refused():
    def factorised(x):
        q, r = torch.empty(0), torch.empty(0)
        torch.linalg.qr(x, out=(q, r))
        return q @ r

    assert [d["subject"] for d in rejected(factorised, arange(3, 3))] == ["aten.linalg_qr.out"]


def test_every_refusal_is_reported():
    def several(x):
        y = x.clone()
        y.unfold(0, 3, 1)[0].add_(1)
        y.unfold(0, 2, 3).mul_(2)
        return y

    assert len(rejected(several, arange(8))) == 2


# What stays as it is -----------------------------------------------------------------------------


def test_program_without_writes_is_untouched():
    def pure(x):
        y = x.view(2, 12).t().reshape(4, 6)
        a, b = y.split(2)
        return torch.cat([a.relu(), b[:, ::2].repeat(1, 2)]).detach() + 1

    program = functionalise(pure, (arange(4, 6),))
    assert program.targets == [
        "aten.view.default",
        "aten.t.default",
        "aten.reshape.default",
        "aten.split.Tensor",
        "aten.relu.default",
        "aten.slice.Tensor",
        "aten.repeat.default",
        "aten.cat.default",
        "aten.add.Tensor",
    ]


def test_in_place_activation_is_renamed_only():
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 5), nn.SiLU(True))
    program = check(module.eval(), arange(4, 6))
    assert program.targets == [
        "aten.linear.default",
        "aten.relu.default",
        "aten.linear.default",
        "aten.silu.default",
    ]
    assert [node["name"] for node in program.json["nodes"]] == [
        "linear", "relu_", "linear_1", "silu_"]


def test_repeated_writes_to_a_view_are_scattered_once():
    program = check(repeated_writes_to_one_view, arange(4, 6))
    assert program.targets.count("aten.select_scatter.default") == 1


def test_checks_and_dead_nodes_are_dropped():
    def checked(x):
        (x * 2).sum()
        return x.to(torch.float64).sin()

    assert functionalise(checked, (arange(3),)).targets == ["aten.to.dtype", "aten.sin.default"]
