"""A target of 200 lines (tests/support/text_target.h): what targets share does not lean on one."""

import json
import re

import pytest
import torch
from torch import nn

import ferryman
import native_support
from models import zoo

NAMES = [
    "resnet50", "alexnet", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_large", "mnasnet1_0",
    "shufflenet_v2_x1_0", "regnet_y_400mf", "unet", "espcn",
]  # fmt: skip


def convert_to_text(module, args, folder):
    ferryman.export(module, args, folder / "net.pt2")
    out = folder / "net.txt"
    report = json.loads(native_support.convert_to_text(str(folder / "net.pt2"), str(out)))
    return out.read_text(), report


def count(text, op):
    return len(re.findall(rf"^t\d+ = {op}\(", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_models_are_written_with_their_layers_whole(name, tmp_path):
    module = zoo.build(name)
    text, report = convert_to_text(module, zoo.example_inputs(name), tmp_path)
    layers = sum(isinstance(m, nn.Conv2d) for m in module.modules())
    assert count(text, "conv") == layers > 0
    # No more transposes than the report explains, which are those of the plan.
    moves = count(text, "transpose") + count(text, "move_blocks")
    assert moves == len(report["layout"]["transposes"])
    assert report["ops"]["conv"] == layers
    assert all(node["placement"] or node["fused_into"] for node in report["nodes"])


def test_tensors_are_made_before_they_are_read(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)
            self.norm = nn.LayerNorm(8)

        def forward(self, x):
            y = self.conv(x)
            y = torch.cond(y.sum() > 0, lambda y: y.sin(), lambda y: y.exp() + 1, (y,))
            return self.norm(y.flatten(2).transpose(1, 2))

    text, report = convert_to_text(Net().eval(), (torch.randn(1, 3, 9, 9),), tmp_path)
    made = set()
    for line in text.splitlines():
        result, _, rest = line.partition(" = ")
        read = set(re.findall(r"\bt\d+\b", rest))
        assert read <= made, line
        made.add(result)
    assert count(text, "layer_norm") == 1 and count(text, "if") == 1
    assert count(text, "conv") == 1
    assert "body true_graph_0" in text
    assert report["runtime"]["oldest"] == ""


def test_attention_stays_whole_and_what_is_not_kept_does_not(tmp_path):
    class Net(nn.Module):
        def forward(self, x):
            y = nn.functional.scaled_dot_product_attention(x, x, x)
            return y.logsumexp(-1), torch.special.erfcx(y)

    text, report = convert_to_text(Net(), (torch.randn(1, 2, 5, 4),), tmp_path)
    assert report["ops"]["attention"] == count(text, "attention") == 1
    assert "logsumexp" not in report["ops"] and "erfcx" not in report["ops"]
    assert "exp" in report["ops"] and "softmax" not in report["ops"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    ferryman.export(nn.Linear(2, 2), (torch.randn(1, 2),), tmp_path / "net.pt2")
    with pytest.raises(native_support.NativeError):
        native_support.convert_to_text(str(tmp_path / "net.pt2"), str(tmp_path / "no" / "net.txt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.pt2"]
