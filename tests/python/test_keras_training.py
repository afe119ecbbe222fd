"""Conversions to Keras are models to go on with: layers, names, weights, training."""

import numpy as np
import pytest
import torch
from keras_nets import Classifier, Everything, everything_inputs, uneven
from torch import nn

import ferryman

keras = pytest.importorskip("keras")


@pytest.fixture(scope="module")
def everything():
    net = uneven(Everything())
    model = ferryman.convert(
        net, everything_inputs(), target="keras", verify=False, progress=False
    )
    return net, model


def test_layers_are_keras_own_and_called_as_the_modules():
    net = uneven(Classifier())
    model = ferryman.convert(
        net, (torch.randn(2, 3, 32, 32),), target="keras", verify=False, progress=False
    )
    live = model.keras
    kinds = {layer.name: type(layer).__name__ for layer in live.layers}
    assert kinds["stem"] == kinds["blocks_1_conv2"] == "Conv2D"
    assert kinds["blocks_0_bn1"] == "BatchNormalization"
    assert kinds["blocks_0_relu"] == kinds["blocks_0_relu_1"] == "ReLU"
    assert kinds["blocks_0_add"] == "Add"
    assert kinds["pool"] == "MaxPooling2D"
    assert kinds["head"] == "Dense"
    assert live.get_layer("blocks_0_bn1").momentum == pytest.approx(0.9)
    assert len(live.layers) <= 1.5 * len(model.report.nodes)


def test_parameters_are_trainable_unless_torch_has_them_frozen(everything):
    net, model = everything
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    live = sum(int(np.prod(v.shape)) for v in model.keras.trainable_variables)
    merged = sum(
        p.numel() for n, p in net.named_parameters() if "bias_hh" in n and "gru" not in n
    )
    assert live == trained - merged  # Keras adds up the two biases of an LSTM
    assert [layer.name for layer in model.keras.layers if not layer.trainable] == ["norm"]


def test_the_mapping_knows_every_variable_and_key(everything):
    net, model = everything
    variables = {v.path for v in model.keras.variables if "seed_generator" not in v.path}
    assert set(model.mapping) == variables
    keys = {key for names in model.mapping.values() for key in names.split(" + ")}
    assert keys == set(net.state_dict()) - {"bn.num_batches_tracked"}
    assert model.mapping["conv/kernel"] == "conv.weight"
    assert model.mapping["lstm/forward_lstm/lstm_cell/bias"] == (
        "lstm.bias_ih_l0 + lstm.bias_hh_l0"
    )


def test_weights_go_to_keras_and_come_back(everything):
    _, model = everything
    other = uneven(Everything())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ferryman.load_state_dict(model.keras, other.state_dict())
    inputs = everything_inputs(3)
    got = keras.ops.convert_to_numpy(model.keras([tensor.numpy() for tensor in inputs]))
    np.testing.assert_allclose(got, other(*inputs).detach().numpy(), rtol=1e-4, atol=1e-5)
    third = Everything().eval()
    third.load_state_dict(ferryman.state_dict(model.keras), strict=False)
    torch.testing.assert_close(third(*inputs), other(*inputs), rtol=1e-4, atol=1e-5)


def test_weights_that_do_not_fit_are_refused(everything):
    net, model = everything
    state = net.state_dict()
    with pytest.raises(ferryman.InputError, match="has no 'conv.weight'"):
        ferryman.load_state_dict(
            model.keras, {k: v for k, v in state.items() if k != "conv.weight"}
        )
    with pytest.raises(ferryman.InputError, match="conv/kernel"):
        ferryman.load_state_dict(model.keras, {**state, "conv.weight": torch.zeros(1)})
    with pytest.raises(ferryman.InputError, match="does not know"):
        ferryman.state_dict(keras.Sequential([keras.layers.Dense(2)]))


def test_tied_weights_are_one_variable():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 6)
            self.head = nn.Linear(6, 11, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, ids):
            return self.head(self.embedding(ids).tanh())

    net = uneven(Tied())
    live = ferryman.to_keras(net, (torch.randint(0, 11, (2, 5)),), progress=False)
    assert [tuple(v.shape) for v in live.trainable_variables] == [(11, 6)]


def test_a_module_called_twice_is_a_layer_called_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(self.fc(x).relu())

    live = ferryman.to_keras(uneven(Twice()), (torch.randn(2, 4),), progress=False)
    assert [type(layer).__name__ for layer in live.layers].count("Dense") == 1


def test_five_steps_of_training_give_pytorch_s_losses():
    """Batch norms in training mode: gradients of the biased variance of a batch are the same on
    both sides; only the running one is not."""
    net = uneven(Classifier())
    live = ferryman.to_keras(net, (torch.randn(8, 3, 32, 32),), verify=False, progress=False)
    x, y = torch.randn(8, 3, 32, 32), torch.randint(0, 5, (8,))
    net.train()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    live.compile(
        keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    got = [float(live.train_on_batch(x.numpy(), y.numpy())) for _ in range(5)]
    np.testing.assert_allclose(got, losses, atol=1e-3)


class Dropping(nn.Module):
    """Dropout in all its places, and a second output that no loss is of."""

    def __init__(self):
        super().__init__()
        self.classifier, self.drop = Classifier(), nn.Dropout(0.5)
        self.rnn = nn.LSTM(5, 6, 2, dropout=0.3, batch_first=True)

    def forward(self, x):
        y = self.drop(self.classifier(x))
        y = nn.functional.dropout(y, 0.2, self.training)
        return self.rnn(y[:, None].repeat(1, 3, 1))[0], y.argmax(-1)


def test_a_conversion_compares_training_when_it_is_asked_to():
    net = uneven(Dropping())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    check = ferryman.Verify(training_steps=5)
    model = ferryman.convert(
        net, (torch.randn(4, 3, 32, 32),), target="keras", verify=check, progress=False
    )
    losses = model.report.checks.training
    assert len(losses) == 5 and all(step.ok for step in losses)
    assert losses[4].torch < losses[0].torch
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not net.training


def test_what_cannot_be_trained_says_so():
    check = ferryman.Verify(training_steps=1)
    with pytest.raises(ferryman.InputError, match="no effect on this target"):
        ferryman.convert(nn.Linear(2, 2), (torch.randn(1, 2),), verify=check)
    for net in (nn.ReLU(), nn.Linear(2, 2).requires_grad_(False)):
        with pytest.raises(ferryman.InputError, match="trained"):
            ferryman.to_keras(net, (torch.randn(1, 2),), verify=check, progress=False)


def test_another_way_of_learning_is_an_error(monkeypatch):
    from ferryman import training_check

    honest = training_check._torch_losses

    def sped_up(*given):
        return [loss * (1 - 0.01 * step) for step, loss in enumerate(honest(*given))]

    monkeypatch.setattr(training_check, "_torch_losses", sped_up)
    with pytest.raises(ferryman.VerificationError, match="loss of step 2"):
        ferryman.convert(
            nn.Linear(4, 2), (torch.randn(3, 4),), target="keras",
            verify=ferryman.Verify(training_steps=3), progress=False,
        )  # fmt: skip


def test_a_model_that_keras_loaded_takes_a_state_dict_by_its_file(everything, tmp_path):
    net, model = everything
    model.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    with pytest.raises(ferryman.InputError, match="does not know"):
        ferryman.state_dict(loaded)
    state = ferryman.state_dict(loaded, file=tmp_path / "net.keras")
    assert state.keys() == ferryman.state_dict(model.keras).keys()
    doubled = {key: 2 * value for key, value in net.state_dict().items()}
    ferryman.load_state_dict(loaded, doubled, file=tmp_path / "net.keras")
    after = ferryman.state_dict(loaded, file=tmp_path / "net.keras")
    assert all(torch.allclose(after[key], 2 * value) for key, value in state.items())
    with pytest.raises(ferryman.InputError, match="has no weight"):
        other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        ferryman.state_dict(other, file=tmp_path / "net.keras")
    loaded.save(tmp_path / "again.keras")
    with pytest.raises(ferryman.InputError, match="does not say where"):
        ferryman.state_dict(loaded, file=tmp_path / "again.keras")
