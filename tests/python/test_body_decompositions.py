"""Operators that the core does not know, and tensors of their own, inside of branches and loops."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from decomposed_bodies import CASES, inputs
from torch import nn
from torch._higher_order_ops import while_loop

import ferryman
import native_support
from ferryman import _native, archive
from ferryman.bodies import all_bodies
from ferryman.capture import capture, walk
from ferryman.decompose import decompose_unknown
from ferryman.operators import qualified_name

WAYS = [inputs(1.0, 3), inputs(-1.0, 2), inputs(0.0, 0)]


def targets(program) -> list[str]:
    """Of the operators of ATen in all bodies."""
    return [
        qualified_name(node.target)
        for body in all_bodies(program.graph_module)
        for node in body.module.graph.nodes
        if isinstance(node.target, torch._ops.OpOverload)
    ]


@pytest.mark.parametrize("case", CASES)
def test_bodies_convert_live_and_from_an_archive(case, tmp_path):
    module, path = case().eval(), tmp_path / "model.pt2"
    check = ferryman.Verify(inputs=WAYS)
    live = ferryman.convert(module, WAYS[0], progress=False, verify=check)
    ferryman.export(module, WAYS[0], path)
    stored = ferryman.convert(path, progress=False, verify=check)
    for given in WAYS:
        for model in (live, stored):
            torch.testing.assert_close(model(*given), module(*given))


@pytest.mark.parametrize("case", CASES)
def test_the_archive_is_the_same_program(case, tmp_path):
    module, path = case().eval(), tmp_path / "model.pt2"
    program = ferryman.export(module, WAYS[0], path)
    assert all(_native.knows_ops(targets(program)))
    assert decompose_unknown(program) is program
    loaded = archive.load(path)
    for given in WAYS:
        torch.testing.assert_close(loaded.module()(*given), module(*given))
    graph = native_support.core_ir_live(*walk(program))
    assert graph == native_support.core_ir_archive(str(path))


@pytest.mark.parametrize("case", CASES)
def test_the_users_program_is_left_as_it_was(case):
    program = capture(case().eval(), WAYS[0])
    before = program.graph_module.print_readable(print_output=False)
    decomposed = decompose_unknown(program)
    assert decomposed is not program
    assert program.graph_module.print_readable(print_output=False) == before
    for given in WAYS:
        torch.testing.assert_close(decomposed.module()(*given), program.module()(*given))


def test_the_command_line_converts_the_archive(tmp_path):
    path, file = tmp_path / "model.pt2", tmp_path / "model.tflite"
    ferryman.export(CASES[0]().eval(), WAYS[0], path)
    code = "import sys; from ferryman.program import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", str(path), "-o", str(file)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = ferryman.convert(CASES[0]().eval(), WAYS[0], progress=False, verify=False)
    assert file.read_bytes() == model.path.read_bytes()


class Refused(nn.Module):
    def forward(self, x, n):
        def body(i, x):
            high = lambda x: x * torch.randn(4)  # noqa: E731
            x = torch.cond(x.sum() > 0, high, lambda x: torch.poisson(x.abs()), (x,))
            return i + 1, x

        x = torch.cond(x.mean() > 0, lambda x: torch.bernoulli(x.sigmoid()), torch.neg, (x,))
        return while_loop(lambda i, x: i < n, body, (torch.zeros((), dtype=torch.int64), x))[1]


def test_all_that_bodies_have_unsupported_is_told_at_once_with_its_place():
    with pytest.raises(ferryman.UnsupportedOps) as refusal:
        ferryman.convert(Refused().eval(), WAYS[0], progress=False)
    text = str(refusal.value)
    for name in ("randn", "poisson", "bernoulli"):
        assert f"aten.{name}.default is not supported" in text
    assert f"({__file__}:" in text and "eval_with_key" not in text
    assert "node while_loop_body_graph_0/false_graph_0/poisson" in text
