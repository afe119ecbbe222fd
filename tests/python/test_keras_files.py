"""Files of Keras 3: what Keras loads, alone, and what a conversion tells of it."""

import pytest
import torch
from keras_nets import Classifier, Everything, assert_same, everything_inputs, run_alone, uneven
from torch import nn

import ferryman

pytest.importorskip("keras")


@pytest.fixture(scope="module")
def classifier():
    net = uneven(Classifier())
    return net, ferryman.convert(net, (torch.randn(1, 3, 32, 32),), target="keras", progress=False)


def test_keras_loads_the_file_alone_and_any_batch(classifier, tmp_path):
    net, model = classifier
    for batch in (1, 5):
        x = torch.randn(batch, 3, 32, 32)
        assert_same(run_alone(model, [x], tmp_path), net(x))


def test_every_node_was_compared_on_keras(classifier):
    report = classifier[1].report
    assert list(report.checks.outputs) == ["Keras"]
    assert all(difference.ok for difference in report.checks.nodes.values())
    assert len(report.checks.nodes) > 15
    assert report.native.runtime.name == "Keras"


def test_equal_models_are_equal_files(classifier, tmp_path):
    net, model = classifier
    x = torch.randn(1, 3, 32, 32)
    again = ferryman.convert(net, (x,), target="keras", verify=False, progress=False)
    assert again.path.read_bytes() == model.path.read_bytes()


def test_the_file_has_little_beside_its_weights(classifier):
    net, model = classifier
    weights = sum(tensor.nbytes for tensor in net.state_dict().values())
    assert model.path.stat().st_size < 1.01 * weights + 60_000


def test_every_kind_of_weight(tmp_path):
    net = uneven(Everything())
    model = ferryman.convert(net, everything_inputs(), target="keras", progress=False)
    inputs = everything_inputs(3)
    assert_same(run_alone(model, inputs, tmp_path), net(*inputs))


def test_channels_last_inputs_need_no_permutation():
    net = uneven(Classifier())
    x = torch.randn(2, 3, 32, 32)
    model = ferryman.convert(
        net, (x,), target="keras", input_layout="channels_last", progress=False
    )
    assert model.inputs[0].shape == ("batch", 32, 32, 3)
    assert "Permute" not in model.report.native.ops


def test_a_batch_that_cannot_be_free_is_a_remark():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.reshape(3, 4)

    model = ferryman.convert(Fixed(), (torch.randn(3, 4),), target="keras", progress=False)
    assert model.inputs[0].shape == (3, 4)
    (remark,) = (r for r in model.report.remarks if r["subject"] == "batch")
    assert "cannot be free" in remark["why"]


def test_sizes_that_the_user_gives_are_those_that_are_free():
    net = uneven(nn.Linear(4, 2))
    x = torch.randn(3, 7, 4)
    model = ferryman.convert(
        net, (x,), target="keras", dynamic_shapes=({1: "length"},), progress=False
    )
    assert model.inputs[0].shape == (3, "length", 4)
    fixed = ferryman.convert(net, (x,), target="keras", dynamic_shapes={}, progress=False)
    assert fixed.inputs[0].shape == (3, 7, 4)


def test_positions_along_a_free_batch_are_counted():
    class Numbered(nn.Module):
        def forward(self, x):
            return x + torch.arange(x.shape[0])[:, None]

    model = ferryman.convert(Numbered(), (torch.randn(2, 4),), target="keras", progress=False)
    x = torch.randn(5, 4)
    assert_same([model(x)], Numbered()(x))
    assert model.inputs[0].shape == ("batch", 4)


def test_a_chain_that_keras_cannot_follow_is_refused():
    class Deep(nn.Module):
        def forward(self, x):
            for _ in range(500):
                x = torch.sin(x) * torch.cos(x)
            return x

    with pytest.raises(ferryman.Error, match="operations, one after the other"):
        ferryman.convert(Deep(), (torch.randn(2),), target="keras", progress=False)


def test_what_keras_lacks_is_named_with_its_place():
    class Boxes(nn.Module):
        def forward(self, x, flag):
            return torch.cond(flag.sum() > 0, lambda x: x / x.sum().round().int(), torch.sin, (x,))

    with pytest.raises(ferryman.UnsupportedOps) as caught:
        ferryman.convert(
            Boxes(), (torch.ones(2, 3), torch.ones(2)), target="keras", progress=False
        )
    assert "take Python functions" in str(caught.value)


def test_an_unknown_target_is_told_which_there_are():
    with pytest.raises(ferryman.InputError, match='"tflite", "keras"'):
        ferryman.convert(nn.ReLU(), (torch.randn(2),), target="kers")


def test_the_command_line_writes_keras(classifier, tmp_path):
    from command_line import run

    net, _ = classifier
    x = torch.randn(2, 3, 32, 32)
    ferryman.export(net, (x,), tmp_path / "net.pt2")
    done = run("convert", tmp_path / "net.pt2", "-o", tmp_path / "net.keras")
    assert "runtime: Keras" in done.stdout
    model = ferryman.convert(tmp_path / "net.pt2", target="keras", progress=False)
    assert model.path.read_bytes() == (tmp_path / "net.keras").read_bytes()


def test_verify_compares_a_file_with_its_archive(classifier, tmp_path):
    from command_line import refused, run

    net, _ = classifier
    batch = torch.export.Dim("batch")
    program = torch.export.export(
        net, (torch.randn(2, 3, 32, 32),), dynamic_shapes=({0: batch},)
    )
    torch.export.save(program, tmp_path / "net.pt2")
    options = ("--input-layout", "channels_last")
    run("convert", tmp_path / "net.pt2", "-o", tmp_path / "net.keras", *options)
    done = run("verify", tmp_path / "net.pt2", tmp_path / "net.keras")
    assert done.returncode == 0, done.stderr
    assert "with Keras: the same" in done.stdout
    (tmp_path / "no.keras").write_bytes(b"nothing")
    done = run("verify", tmp_path / "net.pt2", tmp_path / "no.keras")
    assert refused(done, 2, "cannot be loaded")
