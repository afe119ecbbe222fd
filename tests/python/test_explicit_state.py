"""Buffers that forward writes as inputs and outputs of the file: state="explicit", and Keras."""

import subprocess

import pytest
import torch
from command_line import PROGRAM
from torch import nn

import ferryman

pytest.importorskip("keras")


class Average(nn.Module):
    """A running average, a counter and a ring of the last inputs."""

    def __init__(self, assigns=True):
        super().__init__()
        self.assigns = assigns
        self.register_buffer("mean", torch.randn(4))
        self.inner = nn.Module()
        self.inner.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.inner.register_buffer("ring", torch.randn(3, 4), persistent=False)
        self.register_buffer("scale", torch.rand(4))  # which stays
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        self.mean.mul_(0.9).add_(x.mean(0), alpha=0.1)
        self.inner.count += 1
        ring = torch.cat([self.inner.ring[1:], x[:1]])
        if self.assigns:
            self.inner.ring = ring
        else:
            self.inner.ring.copy_(ring)
        return self.linear(x - self.mean) * self.scale / self.inner.count, self.inner.ring.sum(0)


class Overwrites(nn.Module):
    """The buffer is never read; an input has its name."""

    def __init__(self):
        super().__init__()
        self.register_buffer("x", torch.zeros(2, 3))

    def forward(self, x, state=1.0):
        self.x.copy_(x * 2 * state)
        return x + 1


def steps(model, net, inputs):
    """Each call passes on what the call before gave, as the module keeps it."""
    buffers = {}
    for x in inputs:
        expected = net(x)
        got, buffers = model(x, **({"state": buffers} if buffers else {}))
        for mine, theirs in zip(got, expected, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)
    for name, value in buffers.items():
        torch.testing.assert_close(value, net.get_buffer(name), rtol=1e-5, atol=1e-5)
    return buffers


EXPLICIT = [{"target": "tflite", "state": "explicit"}, {"target": "keras"}]


@pytest.mark.parametrize("options", EXPLICIT)
def test_calls_in_a_row_are_the_module(options):
    net = Average()
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    x = [torch.randn(2, 4) for _ in range(4)]
    model = ferryman.convert(net, (x[0],), progress=False, **options)
    for name, buffer in net.named_buffers():
        assert torch.equal(buffer, before[name])
    assert model.report.checks.samples >= 3  # calls in a row
    assert [port.name for port in model.inputs][-3:] == ["mean", "inner.count", "inner.ring"]
    buffers = steps(model, net, x)
    assert set(buffers) == {"mean", "inner.count", "inner.ring"}
    assert buffers["inner.count"].item() == 4
    _, again = model(x[0])  # from the module's own values
    assert again["inner.count"].item() == 1
    (remark,) = (r for r in model.report.native.remarks if r["subject"] == "explicit-state")
    assert "'inner.ring'" in remark["what"]


def test_tflite_keeps_no_state_by_itself():
    with pytest.raises(ferryman.Error, match="buffers 'mean'") as refused:
        ferryman.convert(Average(), (torch.randn(2, 4),), progress=False)
    assert 'state="explicit"' in str(refused.value)


@pytest.mark.parametrize("target", ["tflite", "keras"])
def test_names_that_are_taken(target):
    net = Overwrites()
    x = torch.randn(2, 3)
    model = ferryman.convert(net, (x,), target=target, state="explicit", progress=False)
    assert [port.name for port in model.inputs] == ["x", "x_1"]
    y, buffers = model(x, buffers={"x": torch.zeros(2, 3)})
    torch.testing.assert_close(y, x + 1)
    torch.testing.assert_close(buffers["x"], x * 2)


def test_a_buffer_of_another_shape_is_refused():
    net = Average()
    model = ferryman.convert(net, (torch.randn(2, 4),), target="keras", progress=False)
    given = {**dict(net.named_buffers()), "mean": torch.zeros(5)}
    del given["scale"]
    with pytest.raises(ferryman.InputError, match=r"state\['mean'\]|'mean'"):
        model(torch.randn(2, 4), state=given)


@pytest.mark.parametrize("is_functional", [False, True])
@pytest.mark.parametrize("suffix", ["tflite", "keras"])
def test_archives(tmp_path, is_functional, suffix):
    net = Average(assigns=False)  # torch.export.export forgets what a module inside assigns
    x = [torch.randn(2, 4) for _ in range(3)]
    program = torch.export.export(net, (x[0],))
    if is_functional:
        program = program.run_decompositions()
    torch.export.save(program, tmp_path / "net.pt2")
    output = tmp_path / f"net.{suffix}"
    command = [PROGRAM, "convert", tmp_path / "net.pt2", "-o", output, "--state", "explicit"]
    done = subprocess.run([*command, "--remarks"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "explicit-state" in done.stdout or "buffers: " in done.stdout
    model = ferryman.convert(
        tmp_path / "net.pt2", target=suffix, state="explicit", progress=False
    )
    assert output.read_bytes() == model.path.read_bytes()
    steps(model, net, x)


class Table(nn.Module):
    """Builds its table anew where another length is asked for; `carries` computes with the old."""

    def __init__(self, carries):
        super().__init__()
        self.carries = carries
        self.inner = nn.Module()
        self.inner.register_buffer("table", torch.arange(3.0), persistent=False)

    def forward(self, x):
        before = self.inner.table.sum() if self.carries else 0
        if self.inner.table.shape[0] != x.shape[-1]:
            self.inner.table = torch.arange(float(x.shape[-1]))
        return x * self.inner.table + before


def test_a_table_for_another_length_is_no_state():
    net, x = Table(carries=False), torch.randn(2, 5)
    model = ferryman.convert(net, (x,), progress=False)
    assert torch.equal(model(x), net(x))
    assert [port.name for port in model.inputs] == ["x"]


def test_a_buffer_that_changes_its_shape_and_is_read_is_an_error():
    with pytest.raises(ferryman.CaptureError, match="inner.table"):
        ferryman.convert(Table(carries=True), (torch.randn(2, 5),), progress=False)


def test_an_input_that_python_has_a_name_for():
    """torch renames it as it copies a graph."""

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, input):
            self.count += 1
            return input + self.count

    model = ferryman.convert(Counting(), (torch.ones(3),), state="explicit", progress=False)
    y, state = model(torch.ones(3), state={"count": torch.zeros(1)})
    assert y.tolist() == [2.0, 2.0, 2.0] and state["count"].tolist() == [1.0]
