"""Converters that are written with Keras: layers, keras.ops, finished models; models in models."""

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ferryman

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def of_keras(*subjects, **options):
    """A converter that only `converters=` knows."""

    def make(function):
        made = ferryman.converter(*subjects, target="keras", **options)(function)
        ferryman.unregister(made)
        return made

    return make


def convert(model, *args, **options):
    options = {"target": "keras", "progress": False, **options}
    return ferryman.convert(model.eval(), args or (X,), **options)


def assert_same(converted, model, *args):
    with torch.no_grad():
        expected = model(*(args or (X,)))
    torch.testing.assert_close(converted(*(args or (X,))), expected, rtol=1e-5, atol=1e-5)


class Triple(nn.Module):
    def forward(self, x):
        return x * 3


class Net(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.first, self.act, self.last = nn.Conv2d(3, 4, 3), act, nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.last(self.act(self.first(x)))


class Scale(keras.layers.Layer):
    """A layer of the user's own, with a weight."""

    def __init__(self, factor=3.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), initializer="ones", name="gain")

    def call(self, x):
        return x * self.factor * self.gain

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


def finished_model(x):
    entry = keras.Input(batch_shape=x.shape)
    scaled = Scale()(entry)
    return keras.Model(entry, scaled)


BODIES = {
    "keras.ops": lambda module, x: keras.ops.multiply(x, 3.0),
    "a layer": lambda module, x: keras.layers.Rescaling(3.0),
    "a layer that was called": lambda module, x: keras.layers.Rescaling(3.0)(x),
    "a layer of the user's own": lambda module, x: Scale(),
    "a finished model": lambda module, x: finished_model(x),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("dynamic_shapes", [None, {}], ids=["free batch", "fixed"])
def test_every_kind_of_body(body, dynamic_shapes, tmp_path):
    model = Net(Triple()).eval()
    made = of_keras(Triple)(BODIES[body])
    converted = convert(model, converters=[made], dynamic_shapes=dynamic_shapes)
    assert_same(converted, model)
    if dynamic_shapes is None:
        assert_same(converted, model, torch.randn(5, 3, 8, 8))
    converted.save(tmp_path / "net.keras")
    with keras.saving.custom_object_scope({"Scale": Scale}):
        loaded = keras.saving.load_model(tmp_path / "net.keras")
    with torch.no_grad():
        assert np.allclose(np.asarray(loaded(X.numpy()).detach()), model(X), atol=1e-5)


def test_weights_of_the_module_are_there_to_be_read():
    @of_keras(nn.Conv2d, axes="channels_last")
    def conv(module, x):
        layer = keras.layers.Conv2D(module.out_channels, module.kernel_size)
        layer.build(x.shape)
        kernel = module.weight.detach().numpy().transpose(2, 3, 1, 0)
        layer.set_weights([kernel, module.bias.detach().numpy()])
        return layer

    model = Net(nn.ReLU()).eval()
    converted = convert(model, converters=[conv])
    assert_same(converted, model)
    text = converted.report.to_json()
    assert text.count('"conv (') >= 2
    assert not any(isinstance(layer, keras.layers.Conv2D) for layer in converted.keras.layers)


def permutes(converted):
    return sum(isinstance(layer, keras.layers.Permute) for layer in converted.keras.layers)


@pytest.mark.parametrize("dynamic_shapes", [None, {}], ids=["free batch", "fixed"])
def test_what_goes_element_by_element_lies_as_its_neighbours_do(dynamic_shapes):
    model = Net(nn.Hardsigmoid()).eval()
    pointwise = of_keras(F.hardsigmoid)(lambda x, *_, **__: keras.ops.clip(x / 6 + 0.5, 0, 1))
    plain = convert(model, dynamic_shapes=dynamic_shapes)
    opened = convert(model, converters=[pointwise], dynamic_shapes=dynamic_shapes)
    assert permutes(opened) == permutes(plain)
    # Softmax, which goes along one, is an activation of Keras as well.
    axis = of_keras(F.softmax)(lambda x, dim, *_, **__: keras.layers.Activation("softmax")(x))
    softmax = convert(Net(nn.Softmax(-1)), converters=[axis], dynamic_shapes=dynamic_shapes)
    assert permutes(softmax) > permutes(plain)
    # Along an axis it does not, and Keras' axes are then PyTorch's.
    along = of_keras(Triple)(lambda module, x: keras.ops.cumsum(x, axis=1) * 0 + x * 3)
    assert permutes(convert(Net(Triple()), converters=[along])) > permutes(plain)


def test_several_arguments_and_results():
    @torch.library.custom_op("ferryman_test::pair", mutates_args=())
    def pair(x: torch.Tensor, y: torch.Tensor, k: float) -> tuple[torch.Tensor, torch.Tensor]:
        return x * k + y, x > y

    class Pair(nn.Module):
        def forward(self, x):
            scaled, mask = pair(x, x.flip(1), 2.0)
            return scaled + mask

    body = of_keras("ferryman_test::pair")(lambda x, y, k: (x * k + y, keras.ops.greater(x, y)))
    assert_same(convert(Pair(), converters=[body]), Pair())  # shapes as the example's run has them


def test_a_result_that_is_none_may_be_left_out():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x, need_weights=False)[0]

    @of_keras(nn.MultiheadAttention)
    def attention(module, query, key, value, need_weights=False):
        assert not need_weights
        layer = keras.layers.MultiHeadAttention(2, 4)
        layer.build(query.shape, value.shape, key.shape)
        weights = []
        for rows, bias in zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3)):
            weights += [rows.detach().T.reshape(8, 2, 4).numpy()]
            weights += [bias.detach().reshape(2, 4).numpy()]
        output = module.out_proj
        weights += [output.weight.detach().T.reshape(2, 4, 8).numpy()]
        layer.set_weights([*weights, output.bias.detach().numpy()])
        return layer(query, value, key=key)

    model, x = Attention().eval(), torch.randn(2, 5, 8)
    assert_same(convert(model, x, converters=[attention]), model, x)


def test_a_module_that_is_called_again_is_one_model():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.part, self.linear = Triple(), nn.Linear(8, 8)

        def forward(self, x):
            return self.part(self.linear(self.part(x)))

    model = Twice().eval()
    converted = convert(model, converters=[of_keras(Triple)(lambda module, x: Scale())])
    assert_same(converted, model)
    inner = [layer for layer in converted.keras.layers if isinstance(layer, keras.Model)]
    assert len(inner) == 1


class Counter(keras.layers.Layer):
    """Adds how often it was called: state, which each check has to begin anew."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign(self.calls + 1)
        return x + self.calls

    def reset_states(self):
        self.calls.assign(0.0)


def test_a_layer_with_state():
    class Stateful(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    body = of_keras(Stateful)(lambda module, x: Counter())
    model = convert(Stateful(), converters=[body], dynamic_shapes={}).keras
    first, second = (np.asarray(model(X.numpy()).detach()) for _ in range(2))
    assert np.allclose(first, X + 1) and np.allclose(second, X + 2)


@pytest.mark.parametrize("is_run_before", [True, False])
def test_a_live_model_is_trained_apart_from_the_file(is_run_before):
    """They share the layers of the user's own."""
    model = Net(Triple()).eval()
    converted = convert(model, converters=[of_keras(Triple)(lambda module, x: Scale())])
    if is_run_before:
        assert_same(converted, model)
    live = converted.keras
    (part,) = [layer for layer in live.layers if isinstance(layer, keras.Model)]
    part.set_weights([np.zeros_like(weight) for weight in part.get_weights()])
    assert_same(converted, model)
    assert all(not weight.any() for weight in part.get_weights())


def test_a_wrong_body_and_one_in_pytorch():
    with pytest.raises(ferryman.VerificationError, match="computes something else than Triple"):
        convert(Net(Triple()), converters=[of_keras(Triple)(lambda module, x: x * 2)])
    with pytest.raises(ferryman.CaptureError, match="fails for Triple") as caught:
        convert(Net(Triple()), converters=[of_keras(Triple)(lambda m, x: torch.clamp(x, 0, 1))])
    assert "keras.ops" in caught.value.hint
    with pytest.raises(ferryman.CaptureError, match="gives no tensor of Keras"):
        convert(Net(Triple()), converters=[of_keras(Triple)(lambda module, x: None)])
    with pytest.raises(ferryman.InputError, match="axes"):
        ferryman.converter(Triple, axes="channels_last")


def test_a_layer_that_does_not_say_what_it_is_made_of(tmp_path):
    class Secret(keras.layers.Layer):
        def __init__(self, factor):
            super().__init__()
            self.function = lambda x: x * factor

        def call(self, x):
            return self.function(x)

    body = of_keras(Triple)(lambda module, x: Secret(np.float32(3)))
    converted = convert(Net(Triple()), converters=[body])  # runs here
    with pytest.raises(ferryman.Error, match="cannot be saved") as caught:
        converted.save(tmp_path / "net.keras")
    assert "get_config" in caught.value.hint and not list(tmp_path.iterdir())


def test_converting_tells_of_the_call():
    seen = []

    @of_keras(F.linear)
    def linear(x, weight, bias=None):
        call = ferryman.converting()
        seen.append([tuple(t.shape) for t in (*call.args, *call.kwargs.values())])
        kernel = call.args[1].detach().numpy().T
        call.memory.setdefault("runs", []).append(1)
        layer = keras.layers.Dense(kernel.shape[1])
        layer.build(x.shape)
        layer.set_weights([kernel, call.args[2].detach().numpy()])
        assert call.outputs().shape == (2, 3, 8, kernel.shape[1])
        return layer(x)

    model = nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 4)).eval()
    assert_same(convert(model, converters=[linear]), model)  # each with weights of its own
    assert {tuple(shapes[1]) for shapes in seen} == {(5, 8), (4, 5)}
    with pytest.raises(ferryman.InputError, match="no converter runs here"):
        ferryman.converting()


# Models in models ---------------------------------------------------------------------------------


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x))


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.part, self.last = Part(), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.last(F.relu(self.part(x)))


def nested(target, change=lambda model: None):
    def part(module, x):
        inner = ferryman.convert(module, (X,), target=target, progress=False)
        change(inner)
        return inner(x)

    made = ferryman.converter(Part, target=None if target == "tflite" else target)(part)
    ferryman.unregister(made)
    return made


@pytest.mark.parametrize("target", ["tflite", "keras"])
def test_a_model_in_a_model(target):
    model = Whole().eval()
    fixed = {} if target == "tflite" else {"dynamic_shapes": {}}
    converted = convert(model, target=target, converters=[nested(target)], **fixed)
    assert_same(converted, model)


@pytest.mark.parametrize("target", ["tflite", "keras"])
def test_a_model_whose_weights_are_edited_in_between(target):
    def double(inner):
        for key in ("norm.weight", "norm.bias"):
            inner.weights[key] = 2 * inner.weights[key]

    fixed = {} if target == "tflite" else {"dynamic_shapes": {}}
    made = nested(target, double)
    with pytest.raises(ferryman.VerificationError, match="part"):
        convert(Whole(), target=target, converters=[made], **fixed)
    model = Whole().eval()
    converted = convert(model, target=target, converters=[made], verify=False, **fixed)
    with torch.no_grad():
        model.part.norm.weight *= 2
        model.part.norm.bias *= 2
    assert_same(converted, model)


def test_a_model_in_a_model_takes_the_order_of_axes_of_its_file():
    def part(module, x):
        last = {"input_layout": "channels_last", "output_layout": "channels_last"}
        inner = ferryman.convert(module, (X,), progress=False, **last)
        return inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    made = ferryman.converter(Part, target="tflite")(part)
    ferryman.unregister(made)
    model = Whole().eval()
    converted = convert(model, target="tflite", converters=[made])
    assert_same(converted, model)
    assert converted.report.native.ops["TRANSPOSE"] == 2  # of input and output


def test_models_in_a_body_are_edited_by_what_others_tell():
    """The program is traced meanwhile: parameters of the module have no values then."""

    def part(module, x):
        norm = ferryman.convert(module.norm, (module_input,), progress=False).weights
        scale = norm["weight"] / np.sqrt(norm["running_var"] + module.norm.eps)
        inner = ferryman.convert(module.conv, (X,), progress=False)
        inner.weights["weight"] = inner.weights["weight"] * scale.reshape(-1, 1, 1, 1)
        shift = norm["bias"] - norm["running_mean"] * scale
        inner.weights["bias"] = inner.weights["bias"] * scale + shift
        return inner(x)

    made = ferryman.converter(Part, target="tflite")(part)
    ferryman.unregister(made)
    model, module_input = Whole().eval(), torch.zeros(2, 4, 8, 8)
    nn.init.normal_(model.part.norm.running_mean)
    assert_same(convert(model, target="tflite", converters=[made]), model)


@pytest.mark.parametrize("target", ["tflite", "keras"])
def test_weights(target):
    model = Whole().eval()
    converted = convert(model, target=target)
    state = model.state_dict()
    assert set(converted.weights) == set(state)
    for key, value in converted.weights.items():
        assert np.array_equal(value, state[key].numpy())
    before = converted(X)
    for key in ("last.weight", "last.bias"):
        converted.weights[key] = -converted.weights[key]
    torch.testing.assert_close(converted(X), -before, rtol=1e-5, atol=1e-5)
    assert_same(convert(model, target=target), model)  # the module is what it was
    with pytest.raises(ferryman.InputError, match=r"\(3,\)"):
        converted.weights["last.bias"] = np.zeros(3)
    with pytest.raises(KeyError, match="last.weight"):
        converted.weights["last"]


def test_a_saved_model_has_the_weights_that_were_assigned(tmp_path):
    model = nn.Linear(4, 2).eval()
    converted = convert(model, torch.ones(1, 4), target="tflite")
    converted.weights["bias"] = [5.0, 6.0]
    converted.weights["weight"] = np.zeros((2, 4))
    converted.save(tmp_path / "linear.tflite")
    assert converted.path.read_bytes() == (tmp_path / "linear.tflite").read_bytes()
    assert converted(torch.ones(1, 4)).tolist() == [[5.0, 6.0]]
