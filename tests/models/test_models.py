"""Models of the zoo: converted, compared node by node and on other inputs, layout proved.

The quick ones here; tests/models/table.py (`make models`) holds all of them to the same.
"""

import pytest
import torch

import ferryman
import native_support
from ferryman.capture import capture, walk
from models import zoo
from models.measure import compare_outputs

TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=zoo.QUICK_NAMES)
def converted(request):
    """The module, and its model checked at every node on the example and on random inputs."""
    module = zoo.build(request.param)
    model = ferryman.convert(module, zoo.example_inputs(request.param), progress=False)
    return request.param, module, model


def test_outputs_agree_on_other_inputs_with_both_kernels(converted):
    name, module, model = converted
    errors = compare_outputs(name, module, model.path, model.report.native)
    assert max(errors.values()) <= TOLERANCE, errors


def test_every_convolution_was_compared_or_fused(converted):
    _, _, model = converted
    checked = model.report.checks.nodes
    unseen = [
        node.name
        for node in model.report.nodes.values()
        if node.op.startswith("conv") and node.name not in checked and not node.trace.fused_into
    ]
    assert unseen == []


def test_layout_is_proved_optimal(converted):
    _, _, model = converted
    native = model.report.native
    assert native.layout.optimal
    assert native.layout.bytes_moved == native.layout.lower_bound


def test_archive_gives_the_same_core_graph_and_the_same_file(converted, tmp_path):
    name, module, model = converted
    program = capture(module, zoo.example_inputs(name))
    archive = tmp_path / f"{name}.pt2"
    torch.export.save(program, archive)
    graph = native_support.core_ir_live(*walk(program))
    assert graph == native_support.core_ir_archive(str(archive))
    assert graph.count(" = ") >= 5
    again = ferryman.convert(archive, verify=False, progress=False)
    assert again.path.read_bytes() == model.path.read_bytes()


def test_converting_twice_gives_the_same_bytes():
    module = zoo.build("mobilenet_v3_large")
    example = zoo.example_inputs("mobilenet_v3_large")
    first, second = (
        ferryman.convert(module, example, verify=False, progress=False) for _ in range(2)
    )
    assert first.path.read_bytes() == second.path.read_bytes()
