#!/usr/bin/env python3
"""Five steps of plain SGD in PyTorch, and of the same network as a Keras model on each backend.

    bench/keras_training.py --python jax=PATH --python tensorflow=PATH [network …]

Prints the losses, and the largest difference between them. Batch norms are in training mode on both
sides; dropout is off, since the networks are converted in evaluation mode.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

from keras_models.backends import Backend, interpreters  # noqa: E402

import ferryman  # noqa: E402
from models import zoo  # noqa: E402

STEPS = 5


@dataclasses.dataclass(frozen=True)
class Task:
    make: Callable[[], nn.Module]
    x: Callable[[], torch.Tensor]
    y: Callable[[], torch.Tensor]
    rate: float = 0.01


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 24, bidirectional=True, batch_first=True)
        self.head = nn.Linear(48, 7)

    def forward(self, ids):
        return self.head(self.lstm(self.embedding(ids))[0])


def _image_net(name: str, **options):
    return lambda: getattr(zoo.torchvision_models(), name)(weights=None, num_classes=10, **options)


def _vit():
    return zoo.torchvision_models().VisionTransformer(
        image_size=32, patch_size=8, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128,
        num_classes=10,
    )  # fmt: skip


def _images(batch: int, size: int):
    return lambda: torch.randn(batch, 3, size, size)


def _classes(*shape: int, count: int = 10):
    return lambda: torch.randint(0, count, shape)


TASKS = {
    # With other scales of its branches PyTorch itself is far from what it gives in float64.
    "resnet50": Task(_image_net("resnet50", zero_init_residual=True), _images(8, 96), _classes(8)),
    "mobilenet_v3_small": Task(_image_net("mobilenet_v3_small"), _images(8, 64), _classes(8)),
    "vit": Task(_vit, _images(8, 32), _classes(8)),
    "lstm_tagger": Task(Tagger, lambda: torch.randint(0, 50, (8, 12)), _classes(8, 12, count=7),
                        rate=0.1),
}  # fmt: skip


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            expected = _prepare(TASKS[name], Path(folder))
            print(f"{name}: PyTorch {_text(expected)}", flush=True)
            for backend, python in interpreters(dict(options.python)).items():
                _on_backend(backend, python, TASKS[name], Path(folder), expected)


def _prepare(task: Task, folder: Path) -> list[float]:
    """Writes the model and the batch; PyTorch's losses."""
    torch.manual_seed(0)
    net, x, y = task.make(), task.x(), task.y()
    for layer in net.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    model = ferryman.convert(net.eval(), (x,), target="keras", verify=False, progress=False)
    model.save(folder / "net.keras")
    np.savez(folder / "batch.npz", x=x.numpy(), y=y.numpy())
    net.train()
    optimiser = torch.optim.SGD(net.parameters(), lr=task.rate)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(x).flatten(0, -2), y.flatten())
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def _on_backend(backend, python, task: Task, folder: Path, expected: list[float]) -> None:
    with Backend(backend, python, seconds=1800) as process:
        losses = process.ask(
            "train", model=folder / "net.keras", batch=folder / "batch.npz", rate=task.rate,
            steps=STEPS,
        )["losses"]  # fmt: skip
    worst = max(abs(a - b) for a, b in zip(losses, expected))
    print(f"    {backend}: {_text(losses)}, off by {worst:.1e}", flush=True)


def _text(losses: list[float]) -> str:
    return ", ".join(f"{loss:.5f}" for loss in losses)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(TASKS), choices=[*TASKS, []])
    parser.add_argument("--python", action="append", default=[], metavar="backend=path",
                        type=lambda text: tuple(text.split("=", 1)))  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    main()
