"""Models that look at values of tensors: what is frozen is told, and checked on other inputs."""

import inspect
import json
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman import archive
from ferryman.capture import capture
from ferryman.errors import CaptureError, VerificationError
from ferryman.freezing import depends_on_values
from ferryman.frozen import FrozenValues, values_of_inputs
from ferryman.tree import summary


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x)
        # Control flow would be rewritten; what is looked up is not.
        return {True: y * 2, False: y - 1}[bool(x.sum() > 0)]


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Branch(), Branch()])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Size(nn.Module):
    def forward(self, x, n):
        count = int(n)
        return torch.cat([x[:, :count] for _ in range(count)])


class Lengths(nn.Module):
    def forward(self, x, lengths):
        counts = lengths.tolist()
        return torch.cat([x] * len(range(sum(counts)))) + torch.tensor(counts).sum()


class Positive(nn.Module):
    def forward(self, x):
        if bool((x > 0).any()):
            return x[x > 0].sum() + (x > 0).nonzero().sum()
        return x.sum()


class WrittenInPlace(nn.Module):
    def forward(self, x):
        row = torch.zeros(3)
        row[1:2].copy_(x[:1])
        return {True: x + 1, False: x - 1}[bool(row.sum() > 0)]


class Constants(nn.Module):
    """Looks at many values, and at none of its inputs."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("kinds", torch.tensor([1, 1, 2]))

    def forward(self, x):
        for _ in range(int(self.count)):
            x = x + 1
        if torch.ones_like(x).sum() > 0 and torch.tensor(x.shape).prod() == 4:
            x = x * 2
        for kind in self.kinds.unique().tolist():
            x = x + kind
        mask = nn.functional.dropout(x.new_ones(4), 0.5, self.training) > 0
        return x if mask.all() else x * 100


class ThroughNumpy(nn.Module):
    def forward(self, x):
        if x.sum() > 0:  # not even strict mode takes both
            return torch.from_numpy(np.asarray(x.detach()) * 2)
        return x


def line_of(module, text):
    lines, first = inspect.getsourcelines(type(module))
    return first + next(number for number, line in enumerate(lines) if text in line)


def frozen(module, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrozenValues)
        program = capture(module.eval(), args)
    return program, values_of_inputs(program)


def positive(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 0.1


# What is told ------------------------------------------------------------------------------------


def test_branch_on_a_value_is_told_with_its_place():
    module = Outer()
    with torch.no_grad():
        module.blocks[0].linear.weight.fill_(1)  # so that the sum stays positive
        module.blocks[0].linear.bias.fill_(0)
    program, values = frozen(module, positive(2, 4))
    assert [(v.what, v.op, v.module_path, v.module_type) for v in values] == [
        ("True", "item", "blocks.0", "Branch"),
        ("True", "item", "blocks.1", "Branch"),
    ]
    assert {(v.file, v.line) for v in values} == {(__file__, line_of(Branch(), "x.sum() > 0"))}
    x = positive(2, 4)
    assert torch.equal(program.module()(x), module(x))


@pytest.mark.parametrize(
    ("module", "args", "text", "expected"),
    [
        (Size(), (positive(2, 4), torch.tensor(3)), "int(n)", {"3"}),
        (Lengths(), (positive(5), torch.tensor([2, 3])), "lengths.tolist()", {"2", "3"}),
        (WrittenInPlace(), (positive(3),), "row.sum() > 0", {"True"}),
    ],
)
def test_numbers_that_inputs_give_are_told(module, args, text, expected):
    program, values = frozen(module, *args)
    assert {value.what for value in values} == expected
    assert {(v.file, v.line) for v in values} == {(__file__, line_of(module, text))}
    assert torch.equal(program.module()(*args), module(*args))


def test_sizes_that_depend_on_values_are_told():
    x = torch.tensor([1.0, -1.0, 2.0])
    _, values = frozen(Positive(), x)
    assert [(v.what, v.op) for v in values] == [
        ("True", "item"),
        ("size (2,)", "index"),
        ("size (2, 1)", "nonzero"),
    ]


def test_values_of_constants_and_shapes_alone_raise_no_alarm():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program = capture(Constants().eval(), (positive(4),))
    assert values_of_inputs(program) == ()
    x = positive(4) + 5
    assert torch.equal(program.module()(x), Constants().eval()(x))
    assert ferryman.convert(Constants().eval(), (positive(4),), progress=False).report.frozen == ()


def test_tensors_made_of_tensors_are_told():
    class Gathered(nn.Module):
        def forward(self, x, n):
            counts = torch.tensor([n, n + 1])
            return torch.cat([x] * len(range(int(n)))) * counts.sum()

    program, values = frozen(Gathered(), positive(2), torch.tensor(2))
    assert {value.what for value in values} == {"2", "3"}
    args = (positive(2), torch.tensor(2))
    assert torch.equal(program.module()(*args), Gathered()(*args))


def test_values_of_chance_are_told():
    class Tossed(nn.Module):
        def forward(self, x):
            return {True: x + 1, False: x - 1}[bool(torch.rand(()) > 2)]

    _, values = frozen(Tossed(), positive(3))
    assert [value.what for value in values] == ["False"]


def test_torchs_graphs_and_logs_of_what_it_cannot_do_are_not_shown(capfd):
    class Talking(Branch):
        def forward(self, x):
            print("here I am", file=sys.stderr)
            return super().forward(x)

    frozen(Talking(), positive(2, 4))
    shown = capfd.readouterr().err.split("here I am")
    assert len(shown) > 3 and "".join(shown).strip() == ""


def test_the_warning_stands_at_the_users_call_and_lists_the_values():
    module = Lengths().eval()
    args = (positive(4), torch.arange(1, 11))
    with pytest.warns(FrozenValues) as caught:
        ferryman.convert(module, args, verify=False, progress=False)
    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.splitlines() == [
        "values that depend on the inputs were frozen at those of the example; the model is right "
        "only for inputs that give the same ones:",
        "  1, 2, 3, 4, 5, 6, 7, 8 and 2 more of item in Lengths "
        f"({__file__}:{line_of(module, 'lengths.tolist()')})",
        f"  its value is asked for by what is no if, while or range ({__file__}:"
        f"{line_of(module, 'torch.cat([x]')})",
    ]


def test_sizes_that_torch_leaves_open_stay_open():
    """Torch captures these by itself, and the size is counted when the file runs."""

    class Chosen(nn.Module):
        def forward(self, x):
            return x[x > 0] * 2

    assert values_of_inputs(capture(Chosen().eval(), (positive(3),))) == ()
    converted = ferryman.convert(Chosen().eval(), (positive(3),), progress=False)
    x = torch.tensor([-1.0, 2.0, -3.0])
    torch.testing.assert_close(converted(x), Chosen()(x))


def test_sizes_that_no_input_has_a_part_in_are_constants():
    class Chosen(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("kept", torch.tensor([True, False, True]))

        def forward(self, x):
            with torch.no_grad():
                counts = self.kept.unique(return_counts=True)[1]
            return x[self.kept.nonzero()[:, 0]] * counts.repeat_interleave(counts)[:2]

    assert depends_on_values(torch.export.export(Chosen(), (positive(3),)))
    model = ferryman.convert(Chosen().eval(), (positive(3),), progress=False)
    assert model.report.frozen == ()
    x = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(model(x), Chosen()(x))


@pytest.mark.parametrize("place", ["input", "chance"])
def test_what_inputs_and_chance_choose_is_no_constant(place):
    class Chosen(nn.Module):
        def forward(self, x, place):
            places = torch.ones(4, 4).nonzero()
            if x.sum() > 0:
                x = x + 1
            if place is None:
                place = torch.multinomial(torch.ones(16), 4)
            return x.sum() + places[place].sum(0)

    place = torch.tensor([1, 2]) if place == "input" else None
    program, _ = frozen(Chosen(), positive(3), place)
    if place is not None:
        args = (positive(3), torch.tensor([5, 15]))
        assert torch.equal(program.module()(*args), Chosen()(*args))
        return
    targets = [str(node.target) for node in program.graph.nodes]
    assert targets.index("aten.multinomial.default") < targets.index("aten.index.Tensor")


def test_numpy_inside_forward_is_an_error_that_says_so():
    with pytest.raises(CaptureError) as caught:
        capture(ThroughNumpy().eval(), (positive(3),))
    text = str(caught.value)
    assert "RuntimeError: .numpy() is not supported" in text
    assert "the model leaves torch for numpy" in text


def test_a_mode_that_was_asked_for_freezes_nothing():
    with pytest.raises(CaptureError):
        capture(Branch().eval(), (positive(2, 4),), strict=False)


def test_nothing_of_the_model_changes():
    class Counting(Branch):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            self.seen.add_(1)
            return super().forward(x)

    module = Counting().eval()
    weight, state = module.linear.weight.clone(), torch.get_rng_state()
    x = positive(2, 4)
    given = x.clone()
    frozen(module, x)
    assert module.seen == 0
    assert torch.equal(module.linear.weight, weight) and torch.equal(x, given)
    assert torch.equal(torch.get_rng_state(), state)


# What the check finds ----------------------------------------------------------------------------


def convert(module, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrozenValues)
        return ferryman.convert(module.eval(), args, progress=False, **options)


@pytest.mark.parametrize(
    ("module", "args"),
    [
        (Branch(), (torch.tensor([[0.1, -0.2, 0.3, -0.1]]),)),
        (Size(), (positive(2, 4), torch.tensor(3))),
        (WrittenInPlace(), (torch.tensor([0.5, -0.5, 1.0]),)),
    ],
)
def test_a_model_that_goes_another_way_on_other_inputs_fails_the_check(module, args):
    with pytest.raises(VerificationError) as caught:
        convert(module, *args)
    text = str(caught.value)
    assert "the likely cause is that the model looks at values, which were frozen:" in text
    assert f"in {type(module).__name__} ({__file__}:" in text


def test_values_that_stay_the_same_on_other_inputs_pass_with_a_remark():
    class InRange(nn.Module):
        def forward(self, x):
            return {False: x.sqrt()}[bool(x.min() < 0)]

    model = convert(InRange(), positive(2, 4))
    assert model.report.checks.samples == 8
    (remark,) = [r for r in model.report.remarks if r["subject"] == "frozen"]
    assert remark["what"].startswith("values that depend on the inputs were frozen")
    assert [(place["what"], place["op"]) for place in remark["places"]] == [("False", "item")]
    assert json.loads(model.report.to_json())["remarks"][-1]["places"] == remark["places"]


def test_own_inputs_that_give_the_same_values_pass():
    inputs = [(positive(2, 4),), (positive(2, 4) * 3,)]
    model = convert(Branch(), positive(2, 4), verify=ferryman.Verify(inputs=inputs))
    assert len(model.report.frozen) == 1


def test_without_the_check_the_remark_is_there():
    report = convert(Branch(), positive(2, 4), verify=False).report
    assert [value.what for value in report.frozen] == ["True"]
    assert "frozen" in [r["subject"] for r in report.remarks]
    lines = summary(report)
    assert any(line.startswith("  True of item in Branch (") for line in lines)


def test_an_archive_keeps_the_frozen_values(tmp_path):
    path = tmp_path / "model.pt2"
    with pytest.warns(FrozenValues):
        program = ferryman.export(Branch().eval(), (positive(2, 4),), path)
    assert values_of_inputs(archive.load(path)) == values_of_inputs(program) != ()
    model = ferryman.convert(path, verify=False, progress=False)
    assert [value.what for value in model.report.frozen] == ["True"]
