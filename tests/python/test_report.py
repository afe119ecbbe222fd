"""The report of a live conversion, as it is printed and as data."""

import io
import json
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import torch
from rich.console import Console
from torch import nn

import ferryman
from ferryman import tree


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.body = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Hardswish())
        self.head = nn.Linear(8, 10)

    def forward(self, image):
        x = self.block(image)
        return {"logits": self.head(self.body(x).mean((2, 3))), "features": x + 1}


BLOCK = Block.forward.__code__.co_firstlineno + 1
NET = Net.forward.__code__.co_firstlineno + 1


@pytest.fixture(scope="module")
def report():
    torch.manual_seed(0)
    return ferryman.convert(Net().eval(), (torch.randn(1, 3, 8, 8),), progress=False).report


def test_tree_has_modules_with_classes_and_nodes_with_shape_operators_and_line(report):
    text = "\n".join(line.plain for line in tree.lines(report))
    text = re.sub(r"\d\.\de[-+]\d\d", "ERROR", text).replace(__file__, "net.py")
    text = text.replace(os.path.relpath(__file__), "net.py")
    assert text == f"""\
Net  ERROR
├── block: Block  ERROR
│   ├── conv: Conv2d
│   │   └── conv2d  f32[1, 8, 8, 8]  TRANSPOSE CONV_2D  in relu  net.py:{BLOCK}
│   ├── norm: BatchNorm2d
│   │   └── batch_norm  f32[1, 8, 8, 8]  in relu  net.py:{BLOCK}
│   └── relu  f32[1, 8, 8, 8]  ERROR  net.py:{BLOCK}
├── body: Sequential  ERROR
│   ├── 0: Conv2d  ERROR
│   │   └── conv2d  f32[1, 8, 8, 8]  CONV_2D  ERROR  net.py:{NET + 1}
│   └── 1: Hardswish  ERROR
│       └── hardswish  f32[1, 8, 8, 8]  HARD_SWISH  ERROR  net.py:{NET + 1}
├── mean  f32[1, 8]  AVERAGE_POOL_2D  ERROR  net.py:{NET + 1}
├── head: Linear  ERROR
│   └── linear  f32[1, 10]  FULLY_CONNECTED  ERROR  net.py:{NET + 1}
└── add  f32[1, 8, 8, 8]  ADD  ERROR  net.py:{NET + 1}"""


def test_colour_tells_how_exact_a_node_is(report):
    (line,) = [line for line in tree.lines(report) if "── hardswish" in line.plain]
    styles = {str(span.style) for span in line.spans}
    assert "green" in styles and "red" not in styles
    assert f"dim link file://{__file__}#{NET + 1}" in styles


def test_totals_are_printed(report):
    console = Console(width=200, record=True, file=io.StringIO())
    report.show(console)
    text = console.export_text()
    for part in (
        "operators: ",
        "transposes: 2, ",
        "proved to be the least possible",
        "at 'image': ",
        "remark: batch_norm folded into the layer before it",
        "check: 6 values compared on 2 inputs, none differs; worst output: ",
        "time: capture ",
    ):
        assert part in text, text


def test_schema_is_what_the_core_says():
    tool = Path(__file__).parents[2] / "tools" / "make_report_schema.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_reports_follow_their_schema(report):
    """Also with bodies, complex values and without a check."""

    class Turning(nn.Module):
        def forward(self, x):
            y = torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.exp() * 2, (x,))
            return torch.view_as_complex(y), y

    schema = json.loads(resources.files("ferryman").joinpath("report.schema.json").read_text())
    other = ferryman.convert(Turning(), (torch.randn(3, 2),), progress=False).report
    unchecked = ferryman.convert(nn.ReLU(), (torch.randn(3),), progress=False, verify=False).report
    for text in (report.to_json(), other.to_json(), unchecked.to_json()):
        jsonschema.validate(json.loads(text), schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(json.loads(text) | {"nodes": [{}]}, schema)
    assert json.loads(other.to_json())["bodies"] and json.loads(unchecked.to_json())["nodes"]


def test_json_tells_everything(report):
    content = json.loads(report.to_json())
    assert set(content) == {
        "version", "model", "modules", "verified", "samples", "file_bytes", "seconds", "ops",
        "training", "runtime", "layout", "inputs", "outputs", "nodes", "bodies", "remarks",
        "stages", "nan",
        "sizes", "checked_sizes", "tensors", "weights",
    }  # fmt: skip
    assert content["version"] == 2
    assert content["modules"]["body"] == "Sequential"
    nodes = {node["name"]: node for node in content["nodes"]}
    node = nodes["hardswish"]
    assert node["target"] == "aten.hardswish.default"
    assert node["type"] == "f32[1, 8, 8, 8]"
    assert node["ops"] == ["HARD_SWISH"]
    assert node["difference"]["ok"] is True
    assert node["location"]["module_path"] == "body.1"
    assert (node["location"]["file"], node["location"]["line"]) == (__file__, NET + 1)
    assert (nodes["conv2d"]["fused_into"], nodes["conv2d"]["difference"]) == ("relu", None)
    assert content["layout"]["bytes_moved"] == content["layout"]["lower_bound"] > 0
    assert len(content["layout"]["transposes"]) == 2
    assert content["file_bytes"] > 0
    assert content["runtime"]["operators"]
    assert [output["name"] for output in content["outputs"]] == ["logits", "features"]
    assert all(len(output["differences"]) == 2 for output in content["outputs"])
    assert {"capture", "functionalise", "translate", "simplify", "legalise", "plan layout",
            "lower", "polish", "write", "verify"} <= set(content["seconds"])  # fmt: skip


def test_every_transpose_names_a_node():
    """Also one of a value that passes made: a projection of attention, in parts."""

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x)[0]

    args = (torch.randn(1, 36, 8),)
    report = ferryman.convert(Attention().eval(), args, progress=False, verify=False).report
    named = {transpose.node for transpose in report.native.layout.transposes}
    assert named
    assert named <= {node.node for node in report.native.nodes}
