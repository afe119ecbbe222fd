"""The check inside of branches and loops: what differs there is found, named with its branch or
iteration, and where rounding decides about the way there is no alarm."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from control_modules import CASES, build
from rich.console import Console
from torch import nn
from torch._higher_order_ops import while_loop

import ferryman
from ferryman import _native
from ferryman.arguments import Arguments
from ferryman.bodies import outlines
from ferryman.body_sample import is_compared
from ferryman.capture import capture, walk
from ferryman.decompose import decompose_unknown
from ferryman.native_contract import NativeReport, Options
from ferryman.report import Report
from ferryman.runtime import Kernels, Runner
from ferryman.sight import stored_values
from ferryman.verdict import find_failure
from ferryman.verify import Verify, verify

ZERO = torch.zeros((), dtype=torch.int64)


class Written:
    """A module's file and those of its bodies, to be spoilt before they are checked."""

    def __init__(self, module: nn.Module, args: tuple, folder: Path):
        self.module, self.path = module.eval(), folder / "model.tflite"
        (folder / "bodies").mkdir()
        self.program = decompose_unknown(capture(self.module, args))
        options = Options(bodies_folder=str(folder / "bodies")).to_json()
        buffer, tensors = walk(self.program)
        text = _native.convert_live(buffer, tensors, str(self.path), options)
        self.native = NativeReport.from_json(text)

    def spoil(self, old, new, *, bodies: str = "") -> None:
        """Writes other weights into all files that have them, or only into those of bodies whose
        path holds a text."""
        old, new = (np.asarray(values, np.float32).tobytes() for values in (old, new))
        paths = [Path(body.file) for body in self.native.bodies if bodies in body.name]
        found = 0
        for path in paths if bodies else [self.path, *paths]:
            content = path.read_bytes()
            found += content.count(old)
            path.write_bytes(content.replace(old, new))
        assert found > 0, "no file has these weights"

    def check(self, *inputs: tuple, **options):
        arguments = Arguments.of_program(self.program)
        checks = verify(
            self.program, self.path, self.native, Verify(inputs=inputs, **options), self.module,
            arguments,
        )  # fmt: skip
        return checks, find_failure(
            Report(self.native, checks, {}, "Model", bodies=outlines(self.program))
        )


class Branches(nn.Module):
    """One of two tables is added; softmax keeps the branches from being computed both."""

    up, down = (1.25, -2.5, 3.75, 0.5), (7.25, 5.5, -1.75, 2.5)

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(self.up))
        self.b = nn.Parameter(torch.tensor(self.down))

    def forward(self, x):
        def high(x):
            return (x.softmax(-1) + self.a).cumsum(-1)

        def low(x):
            return (x.cumsum(-1) + self.b).tanh() * x.softmax(-1)

        return torch.cond(x.mean() > 0, high, low, (x,))


class Table(nn.Module):
    """Iteration i adds entry i of a table."""

    table = (0.5, 1.5, -2.25, 3.125, 0.75, 1.0, 2.0, 4.0)

    def __init__(self):
        super().__init__()
        self.entries = nn.Parameter(torch.tensor(self.table))

    def forward(self, x, n):
        def body(i, x):
            return i + 1, x * 0.5 + torch.index_select(self.entries, 0, i.reshape(1))

        return while_loop(lambda i, x: i < n, body, (ZERO, x))[1]


X = torch.tensor([[0.5, 1.0, 2.0, 0.25], [1.0, 3.0, 0.125, 1.0]])


# What differs ------------------------------------------------------------------------------------


def test_a_difference_in_a_branch_names_the_branch(tmp_path):
    written = Written(Branches(), (X,), tmp_path)
    assert written.check((X,), (-X,))[1] is None
    written.spoil(Branches.down, (7.25, 5.5, 9.75, 2.5))
    _, failure = written.check((X,))
    assert failure is None, "the other branch is right"
    checks, failure = written.check((X,), (-X,))
    assert failure.what.startswith("add, in the branch false_graph_0 of cond, gives another result")
    assert "node false_graph_0/add" in failure.where
    assert f"{__file__}:" in failure.where
    assert not checks.nodes["false_graph_0/add"].ok and checks.nodes["true_graph_0/add"].ok


@pytest.mark.parametrize("position", [0, 2, 5])
def test_a_difference_in_one_iteration_names_it(tmp_path, position):
    written = Written(Table(), (X, torch.tensor(3)), tmp_path)
    spoilt = list(Table.table)
    spoilt[position] += 0.5
    written.spoil(Table.table, spoilt)
    checks, failure = written.check((X, torch.tensor(position)))
    assert failure is None, "the entry is not read yet"
    checks, failure = written.check((X, torch.tensor(8)))
    assert failure.what.startswith(
        f"index_select, in iteration {position + 1} of while_loop, gives another result"
    )
    assert not checks.nodes["while_loop_body_graph_0/add_1"].ok


@pytest.mark.parametrize(
    "name", ["Convolutions", "Nested", "CountedLoop", "BranchInALoop", "LoopInALoop", "ScanOfRows"]
)
def test_random_weights_in_any_body_are_found(name, tmp_path):
    module, case = build(name), CASES[name]
    written = Written(module, case.inputs[0], tmp_path)
    generator = torch.Generator().manual_seed(5)
    for parameter in module.parameters():
        noise = torch.rand(parameter.shape, generator=generator) * 0.02 + 0.01
        old, new = (p.detach().numpy() for p in (parameter, parameter + noise))
        if parameter.ndim != 1:
            continue  # biases have one layout
        written.spoil(old, new, bodies="graph")
    checks, failure = written.check(*case.inputs)
    wrong = [key for key, difference in checks.nodes.items() if not difference.ok]
    assert failure is not None and wrong and all("/" in key for key in wrong)
    assert failure.diagnostics[0].run.startswith("in ")


class Named(nn.Module):
    """Small branches, both computed; what is called `add` and `mul` outside is left out."""

    def forward(self, x, flag):
        y = torch.cond(flag, lambda x: x * 2, lambda x: x + 1, (x * 1,))
        return (y + 0).reshape(-1)


def test_names_inside_of_branches_are_not_those_outside(tmp_path):
    written = Written(Named(), (X, torch.tensor(True)), tmp_path)
    assert not written.native.bodies
    checks, failure = written.check((X, torch.tensor(True)), (X, torch.tensor(False)))
    assert failure is None
    assert checks.bodies["true_graph_0"].runs == 1 and checks.bodies["true_graph_0"].compared == 0


# Ties --------------------------------------------------------------------------------------------


class Halved(nn.Module):
    """As long as the sum is above a limit."""

    factors = (0.5, 0.5, 0.5, 0.5625)

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(self.factors))

    def forward(self, x, limit):
        def body(x, steps):
            return x * self.factor, steps + 1

        x, steps = while_loop(lambda x, steps: x.sum() > limit, body, (x, ZERO))
        return x.softmax(-1), steps


def _limit(x: torch.Tensor, iterations: int) -> torch.Tensor:
    for _ in range(iterations):
        x = x * torch.tensor(Halved.factors)
    return x.sum()


@pytest.mark.parametrize("error", [1e-6, -1e-6])
def test_a_loop_that_ends_at_a_tie_is_followed(tmp_path, error):
    """The file is right but for rounding, and does another number of iterations."""
    written = Written(Halved(), (X, torch.tensor(1.0)), tmp_path)
    written.spoil(Halved.factors, np.float32(Halved.factors) * np.float32(1 + error))
    limit = _limit(X, 3)
    if error < 0:  # PyTorch has to go on where the file stops
        limit = limit - 1e-6
    (steps,) = [result for result in _run(written, X, limit) if result.dtype != np.float32]
    assert int(steps) != int(written.module(X, limit)[1]), "the file is to go another way"
    checks, failure = written.check((X, limit))
    assert failure is None
    assert "while_loop" in checks.decided


def test_a_loop_that_ends_elsewhere_is_found(tmp_path):
    """As above, but off by more than rounding."""
    written = Written(Halved(), (X, torch.tensor(1.0)), tmp_path)
    written.spoil(Halved.factors, np.float32(Halved.factors) * np.float32(1.01))
    _, failure = written.check((X, _limit(X, 3)))
    assert failure is not None
    assert "in iteration 1 of while_loop" in failure.what


def test_a_wrong_number_of_iterations_is_no_tie(tmp_path):
    """The bodies are right, and the loop around them is not: nothing hangs on rounding there."""
    written = Written(Table(), (X, torch.tensor(3)), tmp_path)
    _, failure = written.check((X, torch.tensor(4)))
    assert failure is None
    spoilt = Written.__new__(Written)
    spoilt.__dict__ |= written.__dict__
    other = tmp_path / "other"
    other.mkdir()
    spoilt.path = Written(_OneMore(), (X, torch.tensor(3)), other).path
    _, failure = spoilt.check((X, torch.tensor(4)))
    assert failure is not None and "while_loop" in failure.what


class _OneMore(Table):
    def forward(self, x, n):
        def body(i, x):
            return i + 1, x * 0.5 + torch.index_select(self.entries, 0, i.reshape(1))

        return while_loop(lambda i, x: i <= n, body, (ZERO, x))[1]


class Chosen(nn.Module):
    factors = (1.5, -0.5, 1.25, 0.75)

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(self.factors))

    def forward(self, x, limit):
        x = x * self.factor
        return torch.cond(x.sum() > limit, lambda x: x.softmax(-1), lambda x: x.cumsum(-1), (x,))


def test_a_branch_at_a_tie_is_followed(tmp_path):
    written = Written(Chosen(), (X, torch.tensor(0.0)), tmp_path)
    written.spoil(Chosen.factors, np.float32(Chosen.factors) * np.float32(1 + 1e-6))
    limit = (X * torch.tensor(Chosen.factors)).sum()
    expected = written.module(X, limit)
    assert not np.allclose(_run(written, X, limit)[0], expected.detach(), atol=1e-2)
    checks, failure = written.check((X, limit))
    assert failure is None and checks.decided


class RoundedInside(nn.Module):
    """Cut to whole numbers inside of a loop."""

    factors = (3.0, 5.0, 7.0, 9.0)

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(self.factors))

    def forward(self, x, n):
        def body(i, x):
            return i + 1, (x * self.factor).floor() * 0.5

        return while_loop(lambda i, x: i < n, body, (ZERO, x))[1]


def test_a_floor_at_an_edge_inside_of_a_loop_is_followed(tmp_path):
    written = Written(RoundedInside(), (X, torch.tensor(2)), tmp_path)
    written.spoil(RoundedInside.factors, np.float32(RoundedInside.factors) * np.float32(1 - 1e-6))
    x = torch.ones(2, 4)
    expected = written.module(x, torch.tensor(1)).detach()
    assert not np.array_equal(_run(written, x, torch.tensor(1))[0], expected)
    checks, failure = written.check((x, torch.tensor(1)), (x, torch.tensor(3)))
    assert failure is None
    assert "while_loop_body_graph_0/floor" in checks.decided


def _run(written: Written, *inputs: torch.Tensor) -> list[np.ndarray]:
    runner = Runner(written.path, Kernels.PLAIN)
    return runner.run(stored_values(written.native.inputs, runner, list(inputs)))


def test_what_float32_cannot_tell_is_judged_in_float64(tmp_path):
    class Cancelling(nn.Module):
        def forward(self, x, n):
            def body(i, x):
                return i + 1, ((x.exp() + 1e4) * 1.1 - 1.1e4).cumsum(-1).tanh()

            return while_loop(lambda i, x: i < n, body, (ZERO, x))[1]

    written = Written(Cancelling(), (X, torch.tensor(3)), tmp_path)
    checks, failure = written.check((X, torch.tensor(4)), rtol=1e-9, atol=0.0)
    inside = {key: d for key, d in checks.nodes.items() if "/" in key}
    assert failure is None or "/" not in failure.where
    assert any(difference.is_rounding for difference in inside.values())
    assert all(difference.ok for difference in inside.values())


# How much ----------------------------------------------------------------------------------------


def test_the_first_runs_are_compared_and_then_ever_fewer():
    compared = [number for number in range(100_000) if is_compared(number)]
    assert compared[:16] == list(range(16))
    assert len([n for n in compared if n < 1000]) == 64
    assert len(compared) < 128
    assert all(b - a <= a / 8 for a, b in zip(compared[16:], compared[17:]))


def test_a_thousand_iterations_take_bounded_time(tmp_path):
    written = Written(Halving(), (X, torch.tensor(3)), tmp_path)
    started = time.process_time()
    checks, failure = written.check((X, torch.tensor(1000)))
    assert failure is None
    runs = checks.bodies["while_loop_body_graph_0"]
    assert (runs.runs, runs.compared) == (1000, 64)
    assert time.process_time() - started < 20


class Halving(nn.Module):
    def forward(self, x, n):
        def body(i, x):
            return i + 1, (x * 0.5).sin() + 1

        return while_loop(lambda i, x: i < n, body, (ZERO, x))[1]


# What is told ------------------------------------------------------------------------------------


def test_the_report_tells_ways_and_nodes_inside():
    case = CASES["BranchInALoop"]
    check = ferryman.Verify(inputs=case.inputs[:1])
    model = ferryman.convert(build("BranchInALoop"), case.inputs[0], progress=False, verify=check)
    body = "while_loop_body_graph_0"
    report = json.loads(model.report.to_json())
    bodies = {entry["name"]: entry for entry in report["bodies"]}
    assert bodies[body]["runs"] == {"runs": 2, "compared": 2, "fewest": 2, "most": 2}
    taken = bodies[f"{body}/true_graph_0"]
    assert taken["of"] == f"{body}/cond" and taken["runs"]["runs"] == 2
    (linear,) = [node for node in taken["nodes"] if node["name"].endswith("/linear")]
    assert linear["ops"] == ["FULLY_CONNECTED"] and linear["difference"]["ok"]
    run = "in iteration 1 of while_loop, in the branch true_graph_0 of cond"
    assert linear["difference"]["run"] == run
    assert not any("/" in node["name"] for node in report["nodes"])
    text = _shown(model)
    lines = [line.strip("│├└─ ") for line in text.splitlines()]
    assert any(line.startswith("true_graph_0: taken 2 times") for line in lines)
    assert any(line.startswith(f"{body}: 2 iterations") for line in lines)
    assert "ways of branches and loops that no input which was tried takes" in text


def test_ways_that_no_input_takes_are_remarked():
    case = CASES["Nested"]
    check = ferryman.Verify(inputs=case.inputs[3:])  # the branch that has no branch inside
    model = ferryman.convert(build("Nested"), case.inputs[0], progress=False, verify=check)
    (remark,) = [r for r in model.report.remarks if r["subject"] == "untaken"]
    ways = [place["what"] for place in remark["places"]]
    assert ways.count("the condition is true") == 2  # of the cond, and of the one in its branch
    assert ways.count("the condition is false") == 1
    check = ferryman.Verify(inputs=case.inputs)
    model = ferryman.convert(build("Nested"), case.inputs[0], progress=False, verify=check)
    assert [r for r in model.report.remarks if r["subject"] == "untaken"] == []


def _shown(model) -> str:
    console = Console(file=io.StringIO(), width=200)
    model.report.show(console)
    return console.file.getvalue()


@pytest.mark.parametrize("verify", [True, False, ferryman.Verify(every_node=False)])
def test_files_of_bodies_go_with_the_check(verify):
    case = CASES["Convolutions"]
    model = ferryman.convert(build("Convolutions"), case.inputs[0], progress=False, verify=verify)
    assert [path.name for path in model.path.parent.iterdir()] == ["model.tflite"]
