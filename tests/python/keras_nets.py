"""Small modules for tests of the target keras, and a process that has only Keras."""

import os
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as pytree

_LOAD = """
import sys, keras, numpy as np
assert "ferryman" not in sys.modules
model = keras.saving.load_model(sys.argv[1])
given = np.load(sys.argv[2])
inputs = [given[f"arr_{i}"] for i in range(len(given))]
outputs = model(inputs if len(inputs) > 1 else inputs[0])
outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
np.savez(sys.argv[3], *[keras.ops.convert_to_numpy(output) for output in outputs])
"""


def run_alone(model, inputs, folder):
    """What the saved file gives in a process that knows nothing of Ferryman."""
    path, given, got = folder / "model.keras", folder / "given.npz", folder / "got.npz"
    model.save(path)
    np.savez(given, *[tensor.numpy() for tensor in inputs])
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-c", _LOAD, str(path), str(given), str(got)]
    subprocess.run(command, check=True, env=environment, cwd=folder)
    arrays = np.load(got)
    return [torch.from_numpy(arrays[name]) for name in arrays.files]


def assert_same(got, expected):
    expected = pytree.tree_leaves(expected)
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def uneven(module):
    """Seeded, in evaluation mode, and with statistics that differ by channel."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.running_mean, -1, 1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -1, 1)
    return module.eval()


class Block(nn.Module):
    """A residual block, as ResNets have it."""

    def __init__(self, channels=8):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=1, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x + self.conv2(self.relu(self.bn1(self.conv1(x)))))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.blocks(self.pool(self.stem(x))).mean((2, 3)))


class Everything(nn.Module):
    """Every way in which a weight goes into a layer of Keras."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 16, 3, groups=8)
        self.grouped = nn.Conv2d(16, 8, 3, groups=2)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.prelu = nn.PReLU(4)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))
        self.positions = nn.Parameter(torch.rand(1, 4, 8, 8))
        self.group_norm = nn.GroupNorm(2, 4)
        self.fc = nn.Linear(256, 5)
        self.token = nn.Parameter(torch.rand(5))
        self.lstm = nn.LSTM(5, 4, 2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(8, 3, batch_first=True)
        self.rnn = nn.RNN(3, 3, batch_first=True)
        self.norm = nn.LayerNorm(3)
        self.embedding = nn.Embedding(7, 3)
        self.norm.requires_grad_(False)

    def forward(self, x, ids):
        y = self.prelu(self.up(self.grouped(self.depthwise(self.bn(self.conv(x)).relu()))))
        y = self.group_norm(y * self.scale + self.positions)
        y = self.fc(y.flatten(1)) + self.token
        z = self.lstm(y[:, None].expand(-1, 3, -1))[0]
        z = self.rnn(self.gru(z)[0])[0]
        return self.norm(z) + self.embedding(ids)


def everything_inputs(batch=2):
    return torch.randn(batch, 3, 15, 15), torch.randint(0, 7, (batch, 3))
