"""convert(), Model, verification and report around a core that is replaced by a hand-made file."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import ferryman
import hand_made
from ferryman import _native


@pytest.fixture
def core(monkeypatch):
    """Stands in for the core; `core.spoil` puts an error into the file."""

    class Core:
        spoil = None
        options = None

        def convert_live(self, buffer, tensors, path, options):
            self.options = json.loads(options)
            return hand_made.write(Path(path), hand_made.module(), self.spoil)

    stand_in = Core()
    monkeypatch.setattr(_native, "convert_live", stand_in.convert_live, raising=False)
    return stand_in


def convert(**options):
    return ferryman.convert(hand_made.module(), hand_made.args(), progress=False, **options)


def test_model_runs_with_the_structure_of_forward(core):
    image = torch.rand(1, 3, 6, 6)
    expected = hand_made.module()(image)
    result = convert()(image)
    assert list(result) == ["features", "flag", "twice"]
    assert result["flag"] is True
    torch.testing.assert_close(result["features"], expected["features"])
    torch.testing.assert_close(result["twice"][0], expected["twice"][0])


def test_numpy_in_gives_numpy_out(core):
    result = convert()(np.zeros((1, 3, 6, 6), np.float32))
    assert isinstance(result["features"], np.ndarray)


def test_input_of_another_shape_is_refused(core):
    with pytest.raises(ferryman.InputError, match="'image' has shape"):
        convert()(torch.rand(1, 3, 7, 7))


def test_every_node_and_output_is_compared_on_both_kernels(core):
    checks = convert(verify=ferryman.Verify(samples=3)).report.checks
    assert checks.samples == 3
    assert set(checks.nodes) == {"conv2d", "relu", "mul"}
    assert {k: set(v) for k, v in checks.outputs.items()} == {
        "built-in kernels": {"features", "twice_0"},
        "XNNPACK": {"features", "twice_0"},
    }
    assert all(d.ok and d.worst < 1e-5 for d in checks.nodes.values())


def test_first_node_that_differs_is_named_with_its_place_and_both_values(core):
    core.spoil = "bias"
    with pytest.raises(ferryman.VerificationError) as caught:
        convert()
    text = str(caught.value)
    assert text.startswith("conv2d gives another result on LiteRT than in PyTorch: expected ")
    assert "conv (net.py:7), node conv2d" in text
    (difference,) = caught.value.diagnostics
    assert difference.worst == pytest.approx(0.5, rel=1e-4)
    assert difference.index[1] == 2
    assert caught.value.report.nodes["conv2d"].difference is difference


def test_error_after_a_right_node_is_found(core):
    core.spoil = "mul"
    with pytest.raises(ferryman.VerificationError, match="^mul gives another result"):
        convert()


def test_outputs_alone_are_compared_on_request(core):
    core.spoil = "mul"
    with pytest.raises(ferryman.VerificationError, match="^output 'twice_0' differs"):
        convert(verify=ferryman.Verify(every_node=False))


def test_file_that_the_runtime_refuses_is_an_error_with_its_reason(core, monkeypatch):
    def write_half(buffer, tensors, path, options):
        report = hand_made.write(Path(path), hand_made.module())
        content = Path(path).read_bytes()
        Path(path).write_bytes(content[: len(content) // 2])
        return report

    monkeypatch.setattr(_native, "convert_live", write_half)
    with pytest.raises(ferryman.VerificationError, match="LiteRT does not run the file"):
        convert()


def test_verification_can_be_left_out(core):
    core.spoil = "mul"
    assert convert(verify=False).report.checks is None


def test_value_that_export_froze_is_found_by_the_users_own_module(core):
    class Frozen(hand_made.ConvRelu):
        def forward(self, image, flag=True):
            result = super().forward(image, flag)
            if not torch.compiler.is_compiling():  # what torch.export saw was another program
                result["twice"] = (result["twice"][0] + 1,)
            return result

    module = Frozen().eval()
    module.load_state_dict(hand_made.module().state_dict())
    ways = "^output 'twice_0' of the program that torch.export captured differs from the module's"
    with pytest.raises(ferryman.VerificationError, match=ways):
        ferryman.convert(module, hand_made.args(), progress=False)


def test_report_is_json_of_everything(core):
    report = json.loads(convert().report.to_json())
    assert report["model"] == "ConvRelu"
    assert [node["name"] for node in report["nodes"]] == ["conv2d", "relu", "mul"]
    assert report["nodes"][0]["difference"]["ok"] is True
    assert report["layout"]["optimal"] is True
    assert {"capture", "plan layout", "verify"} <= set(report["seconds"])


def test_report_shows_modules_ops_and_differences(core):
    from rich.console import Console

    console = Console(width=120, record=True, file=open(os.devnull, "w"))
    convert().report.show(console)
    text = console.export_text()
    for part in ("ConvRelu", "conv", "conv2d", "CONV_2D", "relu", "3 values compared on 2 inputs"):
        assert part in text


def test_saved_file_is_complete_or_untouched(core, tmp_path):
    model = convert()
    model.save(tmp_path / "model.tflite")
    assert (tmp_path / "model.tflite").read_bytes() == model.path.read_bytes()
    with pytest.raises(ferryman.Error, match="cannot write"):
        model.save(tmp_path / "missing" / "model.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


def test_options_reach_the_core(core):
    convert(input_layout={"image": "channels_last"}, output_layout="any", verify=False)
    assert core.options["input_layouts"] == {"image": "channels_last"}
    assert core.options["output_layouts"] == {"*": "any"}


@pytest.mark.parametrize(
    "options",
    [
        {"target": "onnx"},
        {"input_layout": "any"},
        {"output_layout": {"features": "nhwc"}},
        {"quantize": "fp16"},
        {"verify": "yes"},
    ],
)
def test_option_that_would_have_no_effect_is_refused(core, options):
    with pytest.raises(ferryman.InputError):
        convert(**options)


def test_conversion_leaves_module_and_random_state_alone(core):
    module = hand_made.module()
    state = {key: value.clone() for key, value in module.state_dict().items()}
    random_state = torch.get_rng_state()
    ferryman.convert(module, hand_made.args(), progress=False)
    assert not module.training
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(torch.equal(value, module.state_dict()[key]) for key, value in state.items())
