"""Converts, checks, trains and writes with Keras on a backend that another environment has; a
process of its own, since Keras has one backend for good.

    KERAS_BACKEND=jax python own_process.py PACKAGES FOLDER

PACKAGES, the other environment's, come behind those that are here.
"""

import sys
from pathlib import Path

sys.path.append(sys.argv[1])

import keras  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import ferryman  # noqa: E402


class Net(nn.Module):
    """Images and whole numbers in, bfloat16 and float32 out."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.embedding, self.head = nn.Embedding(11, 8), nn.Linear(8, 4)

    def forward(self, image, ids):
        x = self.features(image).mean((2, 3)) + self.embedding(ids)
        return self.head(x), x.bfloat16() * 2


class Arithmetic(nn.Module):
    """What backends have each in a way of their own."""

    def forward(self, square, column, whole):
        flags = square > 0
        return (
            square + column,  # no bias along the last axis
            column + square.mean(-2, keepdim=True),
            flags > flags.flip(0),
            2**whole,  # 0 of negative ones
            whole**3 // 2,
        )


def arithmetic_inputs(batch: int):
    return torch.randn(batch, 4, 4), torch.randn(batch, 4, 1), torch.randint(-3, 4, (batch, 4))


def inputs(batch: int):
    return torch.randn(batch, 3, 8, 8), torch.randint(0, 11, (batch,))


def main() -> None:
    torch.manual_seed(0)
    net = Net().eval()
    model = ferryman.convert(net, inputs(2), target="keras", progress=False)  # checks every node
    print(keras.backend.backend(), len(model.report.checks.nodes))
    sums = ferryman.convert(Arithmetic(), arithmetic_inputs(2), target="keras", progress=False)
    for batch in (1, 4):
        given = arithmetic_inputs(batch)
        for got, expected in zip(sums(*given), Arithmetic()(*given), strict=True):
            torch.testing.assert_close(got, expected)
    given = inputs(3)
    for got, expected in zip(model(*given), net(*given), strict=True):
        torch.testing.assert_close(got, expected, rtol=2e-2, atol=1e-5)
    other = Net().eval()
    ferryman.load_state_dict(model.keras, other.state_dict())
    net.load_state_dict(ferryman.state_dict(model.keras), strict=False)
    torch.testing.assert_close(net(*given)[0], other(*given)[0])
    live = model.keras
    with_one = keras.Model(live.inputs, live.outputs[0])
    with_one.compile(keras.optimizers.SGD(0.01), keras.losses.MeanSquaredError())
    with_one.train_on_batch([each.numpy() for each in given], torch.zeros(3, 4).numpy())
    model.source(Path(sys.argv[2]) / "net.py")


if __name__ == "__main__":
    main()
