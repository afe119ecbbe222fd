"""Dropout of a model in evaluation: layers that do nothing yet, and drop when they are trained."""

import pytest
import torch
from keras_nets import assert_same, run_alone
from torch import nn

import ferryman

pytest.importorskip("keras")


class Drops(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.of_channels = nn.Conv2d(3, 8, 3), nn.Dropout2d(0.3)
        self.drop, self.alpha = nn.Dropout(0.1), nn.AlphaDropout(0.2)
        self.rnn = nn.LSTM(8, 8, num_layers=2, dropout=0.4, batch_first=True)
        self.of_alpha_channels = nn.FeatureAlphaDropout(0.15)
        self.none = nn.Dropout(0.0)

    def forward(self, x):
        y = self.of_channels(self.conv(x)).flatten(2).transpose(1, 2)
        y = self.alpha(self.none(y))
        y = self.drop(y) + 2 * self.drop(y)
        return self.of_alpha_channels(self.rnn(y)[0].transpose(1, 2))


@pytest.fixture(scope="module")
def drops():
    net = Drops().eval()
    x = torch.randn(2, 3, 8, 8)
    return net, x, ferryman.convert(net, (x,), target="keras", progress=False)


def test_each_is_a_layer_of_its_kind(drops):
    layers = {layer.name: layer for layer in drops[2].keras.layers}
    kinds = {name: (type(la).__name__, la.rate) for name, la in layers.items() if "rop" in str(la)}
    assert kinds == {
        "of_channels": ("SpatialDropout2D", 0.3),
        "alpha": ("AlphaDropout", 0.2),
        "drop": ("Dropout", 0.1),
        "drop_1": ("Dropout", 0.1),  # two draws from one tensor are not one
        "rnn_dropout": ("Dropout", 0.4),
        "of_alpha_channels": ("AlphaDropout", 0.15),
    }
    assert layers["of_alpha_channels"].noise_shape == [None, 1, None]


def test_nothing_is_dropped_before_it_is_trained(drops, tmp_path):
    net, x, model = drops
    assert all(difference.ok for difference in model.report.checks.nodes.values())
    assert_same(run_alone(model, [x], tmp_path), net(x))


def test_training_drops_whole_channels(drops):
    live = drops[2].keras
    layer = live.get_layer("of_channels")
    channels = torch.as_tensor(layer(torch.ones(4, 6, 6, 64), training=True))
    each = channels.amax((1, 2))
    assert torch.equal(each, channels.amin((1, 2)))
    assert {round(float(value), 4) for value in each.unique()} == {0.0, round(1 / 0.7, 4)}


@pytest.mark.parametrize("shape", [(2, 8), (2, 8, 5), (2, 8, 5, 5), (2, 8, 3, 3, 3)])
@pytest.mark.parametrize("function", ["feature_dropout", "feature_alpha_dropout"])
def test_channels_of_any_rank(shape, function):
    def drop(x):
        return getattr(torch, function)(x, 0.5, False)

    live = ferryman.to_keras(drop, (torch.randn(shape),), progress=False)
    (layer,) = (layer for layer in live.layers if "Dropout" in type(layer).__name__)
    given = torch.ones(1, *shape[2:], shape[1])
    dropped = torch.as_tensor(layer(given, training=True))
    assert dropped.shape == given.shape


def test_tflite_has_none():
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval()
    model = ferryman.convert(net, (torch.randn(2, 4),), progress=False)
    assert model.report.native.ops == {"FULLY_CONNECTED": 1}


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        q, k, v = (
            part(x).reshape(*x.shape[:2], 4, 4).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        weights = self.drop((q @ k.transpose(-1, -2) / 2).softmax(-1))
        return self.out((weights @ v).transpose(1, 2).reshape(x.shape))


def test_attention_has_the_dropout_of_its_weights(tmp_path):
    net, x = Attends().eval(), torch.randn(2, 5, 16)
    check = ferryman.Verify(training_steps=3)
    model = ferryman.convert(net, (x,), target="keras", verify=check, progress=False)
    (layer,) = (la for la in model.keras.layers if type(la).__name__ == "MultiHeadAttention")
    assert layer.dropout == 0.2
    assert_same(run_alone(model, [x], tmp_path), net(x))
    model.source(tmp_path / "net.py")
    assert "dropout=0.2" in (tmp_path / "net.py").read_text()
