"""Files of Keras on its backends, without Ferryman; `make keras-models` runs many more."""

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from keras_models import run, table
from keras_models.backends import NAMES, Backend
from keras_models.environments import interpreter

pytest.importorskip("keras")

SAMPLE = """
README:every_other_relu README:wavenet own:lstm own:conv_tasnet own:diffusion_unet own:mamba_scan
torchvision:mobilenet_v3_small transformers:bert transformers:gpt2 transformers:llama
""".split()
ON_ALL = "own:crnn"  # convolutions, batch norms, pools, a permutation, an LSTM both ways
SECONDS = 180


@pytest.fixture(scope="module", params=NAMES)
def backend(request):
    with Backend(request.param, interpreter(request.param), seconds=SECONDS) as one:
        assert one.ask("versions")["backend"] == request.param
        yield one


def _rows(names, backend):
    tasks = [tuple(name.split(":")) for name in names]
    return run.rows(tasks, [backend], seconds=SECONDS)


def test_networks_give_pytorchs_results_on_each_backend(backend):
    names = [*SAMPLE, ON_ALL] if backend.name == "torch" else [ON_ALL]
    rows = list(_rows(names, backend))
    assert [table.line(row) for row in rows if table.state(row, NAMES) != "right"] == []
    assert all(row.batches == (1, 2, 5) for row in rows)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.Hardswish(),
        )  # fmt: skip
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.norm(self.features(x).mean((2, 3))))


def test_five_steps_of_training_give_pytorchs_losses_on_each_backend(backend, tmp_path):
    net, x, y = Tiny(), torch.randn(8, 3, 16, 16), torch.randint(0, 5, (8,))
    ferryman.convert(
        net.eval(), (x,), target="keras", verify=False, progress=False
    ).save(tmp_path / "net.keras")
    np.savez(tmp_path / "batch.npz", x=x.numpy(), y=y.numpy())
    got = backend.ask(
        "train", model=tmp_path / "net.keras", batch=tmp_path / "batch.npz", rate=0.05, steps=5
    )
    np.testing.assert_allclose(got["losses"], _losses(net, x, y), atol=1e-3)


def _losses(net, x, y):
    net.train()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses
