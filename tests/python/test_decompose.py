"""Operators that the core does not know, written by PyTorch's decompositions in ones that it does.
"""

import pytest
import torch
from torch import nn

import ferryman
from ferryman.capture import capture
from ferryman.decompose import decompose_unknown


class Trapezoid(nn.Module):
    def forward(self, x):
        x = torch.sin(x)
        y = torch.trapezoid(x.mul_(2), dx=0.5)  # composite: torch.export keeps it whole
        return y + 1


class WithConstant(nn.Module):
    def forward(self, x):
        return torch.nn.functional.gaussian_nll_loss(x, x + 1, x.abs() + 0.1)


def example():
    torch.manual_seed(0)
    return torch.randn(3, 5)


class NamedAsPythonNames(nn.Module):
    """torch.export calls the placeholder "input", which copying a graph would rename."""

    def forward(self, input, range):
        return torch.trapezoid(input, dx=0.5) + torch.trapezoid(range)


class Windowed(nn.Module):
    def forward(self, x):
        return x * torch.hann_window(5) + torch.kaiser_window(5, periodic=False)


def test_only_unknown_nodes_are_replaced_and_keep_their_names_and_places():
    program = capture(Trapezoid().eval(), (example(),))
    names = {node.name: node for node in program.graph.nodes}
    decomposed = decompose_unknown(program)
    assert {node.name for node in program.graph.nodes} == set(names)  # the user's is untouched
    kept = {node.name: node for node in decomposed.graph.nodes}
    assert {name for name in names if name in kept} == set(names)
    assert str(kept["mul_"].target) == "aten.mul_.Tensor"
    torch.testing.assert_close(decomposed.module()(example()), Trapezoid()(example()))


def test_program_of_known_ops_comes_back_as_it_is():
    program = capture(nn.Linear(5, 2).eval(), (example(),))
    assert decompose_unknown(program) is program


def test_decomposed_ops_convert_live_and_from_an_archive(tmp_path):
    module, x = Trapezoid().eval(), example()
    live = ferryman.convert(module, (x,), progress=False)
    torch.testing.assert_close(live(x + 1), module(x + 1))
    plain = tmp_path / "plain.pt2"
    torch.export.save(torch.export.export(module, (x,)), plain)
    torch.testing.assert_close(ferryman.convert(plain, progress=False)(x + 1), module(x + 1))


def test_inputs_keep_names_that_python_knows():
    model = ferryman.convert(NamedAsPythonNames().eval(), (example(), example()), progress=False)
    given = (example() + 1, example() * 2)
    torch.testing.assert_close(model(*given), NamedAsPythonNames()(*given))


def test_values_of_numbers_alone_become_constants():
    model = ferryman.convert(Windowed().eval(), (example(),), progress=False)
    torch.testing.assert_close(model(example() + 1), Windowed()(example() + 1))


def test_drawn_values_are_refused():
    with pytest.raises(ferryman.UnsupportedOps, match="aten.randn.default"):
        ferryman.convert(lambda x: x + torch.randn(5), (example(),), progress=False)


def test_export_writes_an_archive_without_unknown_ops(tmp_path):
    module, x = Trapezoid().eval(), example()
    path = tmp_path / "model.pt2"
    program = ferryman.export(module, (x,), path)
    assert decompose_unknown(program) is program
    loaded = torch.export.load(path)
    torch.testing.assert_close(loaded.module()(x), module(x))
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.pt2"]


def test_archive_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(ferryman.Error, match="cannot write"):
        ferryman.export(Trapezoid().eval(), (example(),), tmp_path / "missing" / "model.pt2")
