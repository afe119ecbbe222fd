"""Attention, however it is spelled, is Keras' layer for it where it is one."""

import attention_modules as modules
import numpy as np
import pytest
import torch
from attention_modules import STEPS, WIDTH
from keras_nets import assert_same, run_alone
from torch import nn

import ferryman

keras = pytest.importorskip("keras")

SEQUENCE = (STEPS, WIDTH)
LAYERS = {
    "self": (modules.SelfAttention, {}),
    "self without biases": (modules.SelfAttention, {"bias": False}),
    "self with weights of heads": (modules.SelfAttention, {"need_weights": True}),
    "causal": (modules.CausalAttention, {}),
    "causal with weights of heads": (modules.CausalAttention, {"need_weights": True}),
    "projected": (modules.Projected, {}),
    "projected, only the output has a bias": (modules.Projected, {"bias": False}),
    "projected and causal": (modules.Causal, {}),
    "spelled": (modules.Spelled, {}),
    "einsum": (modules.Einsum, {}),
    "filled": (modules.Filled, {}),
    "filled with a finite number": (modules.Filled, {"low": -1e9}),
    "band": (modules.Band, {}),
    "packed": (modules.Packed, {}),
    "packed without a bias": (modules.Packed, {"bias": False}),
    "chunked": (modules.Chunked, {}),
    "first step": (modules.FirstStep, {}),
    "in, out": (modules.InOut, {}),
    "one head of keys": (modules.Grouped, {}),
    "repeated": (modules.Repeated, {}),
    "windows": (modules.Windows, {}),
}
OTHERS = {
    "other scale": (modules.OtherScale, {}),
    "added numbers": (modules.AnyNumbers, {}),
    "interleaved": (modules.Interleaved, {}),
    "tied": (modules.TiedKeys, {}),
    "rotated": (modules.Rotated, {}),
    "weights are an output": (modules.WithWeights, {}),
    "the output alone has no bias": (modules.Projected, {"out_bias": False}),
}


def seeded(kind, options, seed=0):
    torch.manual_seed(seed)
    net = kind(**options).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            nn.init.uniform_(parameter, -0.7, 0.7)
    return net


def example(kind, batch=3):
    torch.manual_seed(batch)
    steps, width = (STEPS, 16) if kind is modules.Repeated else SEQUENCE
    return torch.randn(batch, 6 if kind is modules.Windows else steps, width)


def attention_layers(live):
    kinds = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
    return [layer for layer in live.layers if isinstance(layer, kinds)]


def run(live, *inputs):
    arrays = [tensor.numpy() for tensor in inputs]
    outputs = live(arrays if len(arrays) > 1 else arrays[0])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [torch.from_numpy(np.array(keras.ops.convert_to_numpy(each))) for each in outputs]


def converted(net, *inputs, **options):
    return ferryman.convert(net, inputs, target="keras", progress=False, **options)


@pytest.mark.parametrize("name", LAYERS)
def test_attention_is_a_layer(name):
    net = seeded(*LAYERS[name])
    x = example(type(net))
    model = converted(net, x)
    live = model.keras
    assert len(attention_layers(live)) == 1
    assert not any("Softmax" in type(op).__name__ for op in live.operations)
    for batch in (1, 2, 5):
        x = example(type(net), batch)
        assert_same(run(live, x), net(x))


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_layer_stays_in_products(name):
    net = seeded(*OTHERS[name])
    x = example(type(net))
    live = converted(net, x).keras
    assert attention_layers(live) == []
    assert_same(run(live, x), net(x))


@pytest.mark.parametrize("name", LAYERS)
def test_weights_of_attention_go_to_keras_and_come_back(name):
    net, other = seeded(*LAYERS[name]), seeded(*LAYERS[name], seed=1)
    x = example(type(net))
    model = converted(net, x, verify=False)
    ferryman.load_state_dict(model.keras, other.state_dict())
    assert_same(run(model.keras, x), other(x))
    state = ferryman.state_dict(model.keras)
    parameters = dict(other.named_parameters())
    assert set(state) == set(parameters)
    for key, parameter in parameters.items():
        torch.testing.assert_close(state[key], parameter.detach(), rtol=0, atol=0)


def test_rows_of_a_parameter_are_told_and_are_all_or_nothing():
    net = seeded(*LAYERS["self"])
    model = converted(net, example(type(net)), verify=False)
    assert model.mapping["attention/key/kernel"] == "attention.in_proj_weight[12:24]"
    assert model.mapping["attention/value/bias"] == "attention.in_proj_bias[24:36]"
    assert model.mapping["attention/attention_output/kernel"] == "attention.out_proj.weight"
    before = ferryman.state_dict(model.keras)
    wrong = {**before, "attention.in_proj_weight": torch.zeros(WIDTH, WIDTH)}
    with pytest.raises(ferryman.InputError, match="attention.in_proj_weight does not fit"):
        ferryman.load_state_dict(model.keras, wrong)
    after = ferryman.state_dict(model.keras)
    assert all(torch.equal(before[key], after[key]) for key in before)
    packed = converted(seeded(*LAYERS["in, out"]), example(modules.InOut), verify=False)
    assert packed.mapping["multi_head_attention/key/kernel"] == (
        "c_attn[:, 12:24]"
    )


def test_three_sequences_of_other_widths():
    for batch_first in (True, False):
        net = seeded(modules.CrossAttention, {"batch_first": batch_first})
        lead = (lambda batch, steps: (batch, steps)) if batch_first else (lambda b, s: (s, b))
        inputs = [torch.randn(*lead(3, s), w) for s, w in ((4, WIDTH), (6, 7), (6, 10))]
        batch_axis = 0 if batch_first else 1
        model = converted(net, *inputs, dynamic_shapes=tuple({batch_axis: "b"} for _ in inputs))
        assert len(attention_layers(model.keras)) == 1
        inputs = [torch.randn(*lead(2, s), w) for s, w in ((4, WIDTH), (6, 7), (6, 10))]
        assert_same(run(model.keras, *inputs), net(*inputs))


def test_time_first_and_free():
    net = seeded(modules.SelfAttention, {"batch_first": False})
    model = converted(net, torch.randn(4, 2, WIDTH), dynamic_shapes=({0: "steps", 1: "batch"},))
    assert len(attention_layers(model.keras)) == 1
    x = torch.randn(7, 3, WIDTH)
    assert_same(run(model.keras, x), net(x))


def test_steps_that_are_free_are_causal_as_well():
    net = seeded(modules.Causal, {})
    model = converted(net, torch.randn(2, 4, WIDTH), dynamic_shapes=({0: "batch", 1: "steps"},))
    assert len(attention_layers(model.keras)) == 1
    x = torch.randn(3, 9, WIDTH)
    assert_same(run(model.keras, x), net(x))


def test_a_mask_that_is_an_input():
    net = seeded(modules.FiniteMask, {})
    x, seen = example(type(net)), torch.rand(3, STEPS) > 0.4
    seen[1] = False  # such rows are the mean of all values, on both sides
    model = converted(net, x, seen)
    assert len(attention_layers(model.keras)) == 1
    assert_same(run(model.keras, x, seen), net(x, seen))


def test_rows_that_see_nothing_stay_zero():
    net = seeded(modules.BoolMask, {})
    x, seen = example(type(net)), torch.rand(3, STEPS) > 0.4
    seen[1] = False
    model = converted(net, x, seen)
    assert attention_layers(model.keras) == []  # Keras' layer would give the mean of all values
    assert_same(run(model.keras, x, seen), net(x, seen))


def test_padding_of_pytorch_s_layer():
    class Padded(modules.SelfAttention):
        def forward(self, x, padding):
            return super().forward(x, key_padding_mask=padding)

    net = seeded(Padded, {})
    x, padding = example(Padded), torch.zeros(3, STEPS, dtype=torch.bool)
    padding[:, 3:] = True
    padding[2] = True
    assert_same(run(converted(net, x, padding).keras, x, padding), net(x, padding))


def test_a_module_that_is_called_twice_is_one_layer():
    net = seeded(modules.Twice, {})
    x = example(modules.Twice)
    live = converted(net, x).keras
    (layer,) = attention_layers(live)
    assert layer.name == "attention"
    assert len(live.trainable_variables) == 8
    assert_same(run(live, x), net(x))


def test_a_layer_between_two_attentions_belongs_to_the_first():
    net = seeded(modules.Chained, {})
    x = example(modules.Chained)
    live = converted(net, x).keras
    assert [layer.name for layer in attention_layers(live)] == ["first"]
    assert_same(run(live, x), net(x))


def test_a_sequence_without_a_batch():
    net = seeded(modules.SelfAttention, {})
    x = torch.randn(STEPS, WIDTH)
    live = converted(net, x, dynamic_shapes={}).keras
    assert len(attention_layers(live)) == 1
    assert_same(run(live, x), net(x))


def test_masks_of_free_steps():
    class Masked(modules.Projected):
        def attend(self, q, k, v, seen):
            low = torch.finfo(q.dtype).min
            scores = q @ k.transpose(-2, -1) / self.head_width**0.5
            return scores.masked_fill(~seen[:, None], low).softmax(-1) @ v

    net = seeded(Masked, {})
    shapes = ({0: "batch", 1: "steps"}, ({0: "batch", 1: "steps", 2: "steps"},))
    x, seen = torch.randn(2, 4, WIDTH), torch.rand(2, 4, 4) > 0.5
    live = converted(net, x, seen, dynamic_shapes=shapes).keras
    assert len(attention_layers(live)) == 1
    x, seen = torch.randn(3, 7, WIDTH), torch.rand(3, 7, 7) > 0.5
    assert_same(run(live, x, seen), net(x, seen))


def test_names_are_those_of_the_module_around_the_parts():
    net = nn.Sequential(seeded(modules.Projected, {}), nn.ReLU(), seeded(modules.Packed, {}))
    live = converted(net, example(modules.Packed)).keras
    assert [layer.name for layer in attention_layers(live)] == ["0", "2"]


def test_frozen_attention_is_not_trained():
    net = seeded(modules.Projected, {}).requires_grad_(False)
    live = converted(net, example(modules.Projected)).keras
    assert [layer.trainable for layer in attention_layers(live)] == [False]


def test_transformers_of_pytorch():
    options = {"d_model": WIDTH, "nhead": 3, "dim_feedforward": 20, "batch_first": True}
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**options), 2)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**options), 2)
    x, memory = torch.randn(2, STEPS, WIDTH), torch.randn(2, 4, WIDTH)
    for net, inputs, count in ((encoder, (x,), 2), (decoder, (x, memory), 4)):
        live = converted(net.eval(), *inputs).keras
        assert len(attention_layers(live)) == count
        assert_same(run(live, *inputs), net(*inputs))


def test_five_steps_of_training_give_pytorch_s_losses():
    net = seeded(modules.Packed, {})
    x, target = example(modules.Packed, 8), torch.randn(8, *SEQUENCE)
    live = ferryman.to_keras(net, (x,), progress=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    expected = []
    for _ in range(5):
        loss = nn.functional.mse_loss(net(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    live.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    got = [live.train_on_batch(x.numpy(), target.numpy()) for _ in range(5)]
    np.testing.assert_allclose([float(each) for each in got], expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["self", "band", "one head of keys", "in, out"])
def test_files_load_without_ferryman(name, tmp_path):
    net = seeded(*LAYERS[name])
    x = example(type(net))
    assert_same(run_alone(converted(net, x, verify=False), (x,), tmp_path), net(x))


@pytest.mark.parametrize("name", LAYERS)
def test_the_source_builds_the_same(name, tmp_path):
    net = seeded(*LAYERS[name])
    model = converted(net, example(type(net)))
    model.source(tmp_path / "net.py")  # which compares the two
    text = (tmp_path / "net.py").read_text()
    assert "layers.MultiHeadAttention(" in text or "layers.GroupQueryAttention(" in text
