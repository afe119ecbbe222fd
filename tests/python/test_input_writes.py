"""A forward that writes into its own inputs: the outputs are right, the caller's tensors stay, and
a remark tells the line."""

import copy
import inspect
import subprocess

import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from test_cli import PROGRAM
from torch import nn

import ferryman


class Writes(nn.Module):
    """Runs a function that writes; by its name."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def row(x):
    x[:, 0] = 0
    return x * 2


def whole(x):
    x += 1
    return x


def through_views(x):
    x.view(-1)[::2].mul_(3)
    x.transpose(1, 2)[:, 1].add_(1)
    return x.sum(-1), x


def write_and_return_the_input(x):
    x.clamp_(0, 1)
    return x


def view_of_the_written_input(x):
    y = x[:, 1:]
    x.neg_()
    return y


def never_read_again(x):
    y = x * 2
    x.zero_()
    return y


def copied_over(x, y):
    x.copy_(y)
    return x + y


def both(x, y):
    x.add_(y)
    y.sub_(x)
    return x, y


def swapped(x, y):
    kept = x.clone()
    x.copy_(y)
    y.copy_(kept)
    return x - 2 * y


def by_index(x, y):
    x[:, [0, 1]] = y[:, :2]
    x[x > 1] = 0.5
    return x.mean(1)


def unused_output_of_a_write(x):
    torch.add(x, 1, out=x)
    return x * x


def twice_in_one_line(x):
    x.add_(1).mul_(2)
    return x


def fill_counts(x, n):
    n += 1
    return x * n


def in_a_dict(x, y):
    inputs = {"x": x, "y": [y]}
    inputs["y"][0].relu_()
    return inputs


def gen(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


IMAGE, OTHER = gen(2, 3, 4, 5), gen(2, 3, 4, 5, seed=1)
PROGRAMS = {
    function.__name__: (Writes(function), args)
    for function, args in [
        (row, (IMAGE,)),
        (whole, (IMAGE,)),
        (through_views, (gen(2, 3, 4),)),
        (write_and_return_the_input, (IMAGE,)),
        (view_of_the_written_input, (IMAGE,)),
        (never_read_again, (IMAGE,)),
        (copied_over, (IMAGE, OTHER)),
        (both, (IMAGE, OTHER)),
        (swapped, (IMAGE, OTHER)),
        (by_index, (gen(4, 3), gen(4, 3, seed=1))),
        (unused_output_of_a_write, (IMAGE,)),
        (twice_in_one_line, (gen(),)),
        (fill_counts, (gen(3), torch.tensor([1, 2, 3]))),
        (in_a_dict, (IMAGE, OTHER)),
    ]
}
PROGRAMS["relu first"] = (nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3)), (IMAGE,))
PROGRAMS["hardswish first"] = (nn.Sequential(nn.Hardswish(inplace=True), nn.Flatten()), (IMAGE,))
PROGRAMS["dropout first"] = (
    nn.Sequential(nn.Dropout(inplace=True), nn.LeakyReLU(0.1, inplace=True)), (IMAGE,))  # fmt: skip


def copies(args):
    return tuple(arg.clone() for arg in args)


def writes_of(report):
    return [remark for remark in report.remarks if remark["subject"] == "input-write"]


@pytest.mark.parametrize("layout", [None, "channels_last"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_outputs_are_right_and_the_callers_tensors_stay(name, layout):
    module, args = PROGRAMS[name]
    given = copies(args)
    model = ferryman.convert(module.eval(), given, input_layout=layout, progress=False)
    assert all(map(torch.equal, given, args))
    assert writes_of(model.report)
    if layout is None:
        fresh = tuple(arg + 1 for arg in args)
        expected, kept = module(*copies(fresh)), copies(fresh)
        torch.testing.assert_close(model(*fresh), expected)
        assert all(map(torch.equal, fresh, kept))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("way", ["exported", "functional"])
def test_archives_and_the_program(name, way, tmp_path):
    module, args = PROGRAMS[name]
    program = torch.export.export(copy.deepcopy(module).eval(), copies(args))
    if way == "functional":
        program = program.run_decompositions({})
    torch.export.save(program, tmp_path / "net.pt2")
    model = ferryman.convert(tmp_path / "net.pt2", progress=False)
    fresh = tuple(arg + 1 for arg in args)
    torch.testing.assert_close(model(*fresh), module.eval()(*copies(fresh)))
    assert writes_of(model.report)
    done = subprocess.run(
        [PROGRAM, "convert", tmp_path / "net.pt2", "-o", tmp_path / "net.tflite", "--remarks"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "forward writes into its input" in done.stdout
    assert (tmp_path / "net.tflite").read_bytes() == model.path.read_bytes()
    Interpreter(str(tmp_path / "net.tflite")).allocate_tensors()


def test_a_remark_tells_the_input_and_every_line():
    def forward(x, mask):
        x[0] = 0
        y = x * mask
        x.view(-1)[1:] += 1
        return x + y

    model = ferryman.convert(forward, (gen(3, 2), gen(3, 2, seed=1)), progress=False)
    (remark,) = writes_of(model.report)
    assert remark["what"] == "forward writes into its input 'x'"
    assert "the caller's own tensor is not written" in remark["why"]
    lines, first = inspect.getsourcelines(forward)
    expected = {first + n for n, line in enumerate(lines) if "x[0] = 0" in line or "+= 1" in line}
    assert {place["line"] for place in remark["places"]} == expected
    assert {place["file"] for place in remark["places"]} == {__file__}


def test_no_remark_where_no_input_is_written():
    def forward(x):
        y = x.clone()
        y[0] = 0
        return y

    assert writes_of(ferryman.convert(forward, (gen(3),), progress=False).report) == []
