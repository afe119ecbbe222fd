"""The text of a Keras model: it builds the same one, and reads as if a person had written it."""

import importlib.util
import inspect
import operator
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman.keras_source import expressions

keras = pytest.importorskip("keras")


class Block(nn.Module):
    def __init__(self, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(width, 2 * width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * width)
        self.conv2 = nn.Conv2d(2 * width, width, 1)
        self.shortcut = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.conv2(torch.relu(self.bn1(self.conv1(x))))
        return torch.relu(y + self.shortcut(x))


class Net(nn.Module):
    """Blocks of one class, of two forms; a layer called twice; uneven pads; a part of an axis."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 4))
        self.pool = nn.Sequential(nn.ConstantPad2d(1, 0.5), nn.MaxPool2d(3, 1))
        self.blocks = nn.Sequential(Block(8), Block(8), Block(8, 2), Block(8))
        self.shared = nn.Linear(8, 8)
        self.register_buffer("table", torch.linspace(-1, 1, 40).reshape(5, 8).roll(3))

    def forward(self, x):
        x = self.blocks(self.pool(self.stem(x))).mean((2, 3))
        x = self.shared(torch.tanh(self.shared(x)))
        rows = x[:, None] * self.table
        return {"rows": rows[:, 1:4], "sum": rows.sum(1)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    torch.manual_seed(0)
    x = torch.randn(1, 3, 18, 18)
    folder = tmp_path_factory.mktemp("source")
    model = ferryman.convert(Net().eval(), (x,), target="keras", verify=False, progress=False)
    files = model.source(folder / "net.py")
    return model, folder / "net.py", files


def load(path):
    spec = importlib.util.spec_from_file_location("net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_text_builds_the_same_model(written):
    model, path, _ = written
    built = load(path).build_model()
    x = np.random.default_rng(0).standard_normal((3, 3, 18, 18)).astype(np.float32)
    expected, given = model.keras(x), built(x)
    for one, other in zip(keras.tree.flatten(expected), keras.tree.flatten(given), strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))
    assert [layer.name for layer in built.layers] == [layer.name for layer in model.keras.layers]
    untrained = load(path).build_model(weights=None)
    assert [w.path for w in untrained.weights] == [w.path for w in built.weights]


def test_blocks_are_functions_and_lines_are_short(written):
    _, path, files = written
    text = path.read_text()
    assert all(file.exists() for file in files) and files[0] == path
    assert text.count("\ndef block") == 2  # with and without a stride
    assert 'x = block(x, name="blocks_0")' in text
    assert 'name=f"{name}_bn1"' in text
    assert "layer_shared = layers.Dense(8" in text and text.count("layer_shared(") == 2
    assert max(map(len, text.splitlines())) < 100
    assert text.isascii()


def test_a_text_that_builds_another_model_is_not_written(tmp_path, monkeypatch):
    x = torch.randn(1, 3, 18, 18)
    model = ferryman.convert(Net().eval(), (x,), target="keras", progress=False)
    compact = expressions._compact
    halved = [[0, 1], [0, 1]]
    monkeypatch.setattr(expressions, "_compact", lambda v: (0, 1) if v == halved else compact(v))
    with pytest.raises(ferryman.VerificationError, match="would not build"):
        model.source(tmp_path / "net.py")
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    assert len(model.source(tmp_path / "net.py")) == 3


def test_layers_may_be_called_as_keras_calls_operations(tmp_path):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.add, self.multiply_1 = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.multiply_1(2 * self.add(x + 1) * x)

    model = ferryman.convert(Named().eval(), (torch.randn(2, 4),), target="keras", progress=False)
    model.source(tmp_path / "net.py")  # which Keras builds
    assert "name=\"add\"" not in (tmp_path / "net.py").read_text()


OPERATION = re.compile(r'(?:\(|{|, )(kNumpy|kMath|kNn|kCore|kImage), "([A-Z]\w+)"')


def test_every_operation_that_is_written_has_its_function():
    """What stands in the call stands in the same order in the function, or is given by name."""
    folder = Path(__file__).parents[2] / "src" / "targets" / "keras" / "lower"
    texts = [path.read_text() for path in folder.glob("*.cc")]
    found = {match for text in texts for match in OPERATION.findall(text)}
    assert len(found) > 50
    for room, kind in sorted(found - {("kNumpy", "GetItem")}):
        room = room.removeprefix("k").lower()
        operation = getattr(getattr(keras.src.ops, room), kind)
        name = expressions.function_of({"class_name": kind, "module": f"keras.src.ops.{room}"})
        function = operator.attrgetter(name.removeprefix("ops."))(keras.ops)
        takes = list(inspect.signature(function).parameters)
        given = list(inspect.signature(operation.call).parameters)[1:]
        named = set(inspect.signature(operation.__init__).parameters) - {"self", "name"}
        assert named - {"args", "kwargs"} <= set(takes), kind
        assert kind == "Pad" or takes[: len(given)] == given, kind


def test_the_command_line_writes_it_too(tmp_path):
    torch.manual_seed(0)
    ferryman.export(Net().eval(), (torch.randn(1, 3, 18, 18),), tmp_path / "net.pt2")
    command = [sys.executable, "-m", "ferryman", "convert", "net.pt2", "-o", "net.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("net.py: ")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["net.constants.npz", "net.pt2", "net.py", "net.weights.h5"]
    x = np.ones((1, 3, 18, 18), np.float32)
    assert keras.tree.flatten(load(tmp_path / "net.py").build_model()(x))[0].shape == (1, 3, 8)


def test_what_is_no_keras_model_has_no_source(tmp_path):
    model = ferryman.convert(nn.ReLU(), (torch.randn(2),), verify=False, progress=False)
    with pytest.raises(ferryman.InputError, match="no Keras model"):
        model.source(tmp_path / "net.py")
    assert not list(tmp_path.iterdir())
