"""Scripts as nobuco's users write them, with bodies in TensorFlow; a process of its own, since
Keras has one backend for good.

    KERAS_BACKEND=tensorflow python nobuco_script.py PACKAGES FOLDER

PACKAGES, those of the environment with TensorFlow, come behind those that are here. Each model is
compared with PyTorch as it is, loaded from its file, and in TFLite's interpreter.
"""

import sys
from pathlib import Path

sys.path.append(sys.argv[1])

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import ferryman.nobuco as nobuco  # noqa: E402
from ferryman.nobuco import ChannelOrder, ChannelOrderingStrategy  # noqa: E402
from ferryman.nobuco.layers.weight import WeightLayer  # noqa: E402

ORDERS = {
    "inputs_channel_order": ChannelOrder.PYTORCH,
    "outputs_channel_order": ChannelOrder.PYTORCH,
}
LAST = ChannelOrderingStrategy.FORCE_TENSORFLOW_ORDER
AS_PYTORCH = ChannelOrderingStrategy.FORCE_PYTORCH_ORDER


def convert(module, *args, **options):
    return nobuco.pytorch_to_keras(module, list(args), **ORDERS, **options)


def loaded(model, name, custom_objects):
    path = Path(sys.argv[2]) / f"{name}.h5"
    model.save(path)
    known = {"WeightLayer": WeightLayer, **custom_objects}
    return keras.models.load_model(path, custom_objects=known, safe_mode=False)


def in_tflite(model):
    """A function of the interpreter's, by TensorFlow's converter."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    (entry,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(array):
        interpreter.set_tensor(entry["index"], array)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return run


def compare_all(name, module, model, samples, custom_objects):
    again = loaded(model, name, custom_objects)
    forms = {"model": model, "file": again, "tflite": in_tflite(again)}
    for form, run in forms.items():
        for sample in samples:
            with torch.no_grad():
                expected = module(sample).numpy()
            found = np.asarray(run(sample.numpy()))
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=form)
    print(name, "ok")


# Bodies that call TensorFlow on symbolic tensors -------------------------------------------------


class Warp(nn.Module):
    def forward(self, x):
        return torch.softmax(x.flip(3) * 2, dim=1)


@nobuco.converter(Warp, channel_ordering_strategy=LAST)
def warp(self, x):
    def flipped(x):
        return tf.reverse(x, axis=[2])

    def func(x):
        return tf.nn.softmax(flipped(x) * tf.constant(2.0), axis=-1)

    return func


class Attended(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.warp, self.last = nn.Conv2d(3, 4, 3), Warp(), nn.Conv2d(4, 2, 1)

    @nobuco.traceable
    def shifted(self, by, x, sizes):
        return x * by + sizes["bias"][0]

    def forward(self, x):
        return self.last(self.shifted(2, self.warp(self.conv(x)), {"bias": [3]}))


@nobuco.converter(Attended.shifted, channel_ordering_strategy=LAST)
def shifted(self, by, x, sizes):
    """With the instance and numbers among its tensors."""
    return lambda self, by, x, sizes: tf.add(tf.multiply(x, by), sizes["bias"][0])


def functions():
    module = Attended().eval()
    x = torch.randn(1, 3, 8, 8)
    compare_all("functions", module, convert(module, x), [x, torch.randn(1, 3, 8, 8)], {})


# Control flow ------------------------------------------------------------------------------------


class Controlled(nn.Module):
    """An if and a while that follow the values."""

    def __init__(self):
        super().__init__()
        self.first, self.yes, self.no = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    @nobuco.traceable
    def choose(self, x):
        return self.yes(x) if x.mean() > 0 else self.no(x)

    @nobuco.traceable
    def grow(self, x):
        while x.abs().mean() < 3:
            x = x * 2
        return x

    def forward(self, x):
        return self.grow(self.choose(self.first(x)))


class Choice(keras.layers.Layer):
    def __init__(self, yes, no, **kwargs):
        super().__init__(**kwargs)
        self.yes, self.no = yes, no

    def get_config(self):
        return super().get_config() | {"yes": self.yes, "no": self.no}

    @tf.function
    def call(self, x):
        if tf.reduce_mean(x) > 0:
            return self.yes(x)
        return self.no(x)


class Growth(keras.layers.Layer):
    @tf.function
    def call(self, x):
        while tf.reduce_mean(tf.abs(x)) < 3:
            x = x * 2
        return x


@nobuco.converter(Controlled.choose, channel_ordering_strategy=AS_PYTORCH)
def choose(self, x):
    choice = Choice(convert(self.yes, x), convert(self.no, x))
    return lambda self, x: choice(x)


@nobuco.converter(Controlled.grow, channel_ordering_strategy=AS_PYTORCH)
def grow(self, x):
    growth = Growth()
    return lambda self, x: growth(x)


def control():
    module = Controlled().eval()
    samples = [torch.randn(2, 4) * scale for scale in (0.1, 1.0, 30.0)]
    with torch.no_grad():
        signs = {bool(module.first(each).mean() > 0) for each in [*samples, -samples[2]]}
    assert signs == {True, False}  # both branches are taken
    model = convert(module, samples[0])
    known = {"Choice": Choice, "Growth": Growth}
    compare_all("control", module, model, [*samples, -samples[2]], known)


# State -------------------------------------------------------------------------------------------


class Averaged(nn.Module):
    """The result follows the inputs of before."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.register_buffer("average", torch.ones(1, 4))

    def forward(self, x):
        self.average = self.average * 0.8 + self.first(x) * 0.2
        return self.average.clone()


class AveragedLayer(keras.layers.Layer):
    def __init__(self, first, **kwargs):
        super().__init__(**kwargs)
        self.first = first
        self.average = self.add_weight(
            shape=(1, 4), initializer="ones", trainable=False, name="average"
        )

    def get_config(self):
        return super().get_config() | {"first": self.first}

    def call(self, x):
        average = self.average * 0.8 + self.first(x) * 0.2
        self.average.assign(average)
        return average

    def reset_states(self):
        self.average.assign(tf.ones((1, 4)))


@nobuco.converter(Averaged, channel_ordering_strategy=AS_PYTORCH)
def averaged(self, x):
    return AveragedLayer(convert(self.first, x))


def state():
    module = Averaged().eval()
    samples = [torch.randn(1, 3) for _ in range(4)]
    model = convert(module, samples[0])
    assert bool((module.average == 1).all())
    model.reset_states()
    again = loaded(model, "state", {"AveragedLayer": AveragedLayer})
    runs = {"model": model, "file": again, "tflite": in_tflite(again)}
    with torch.no_grad():
        expected = [module(sample).numpy() for sample in samples]
    for form, run in runs.items():
        for sample, wanted in zip(samples, expected, strict=True):
            found = np.asarray(run(sample.numpy()))
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=form)
        if form == "model":
            model.reset_states()
            first = np.asarray(model(samples[0].numpy()))
            np.testing.assert_allclose(first, expected[0], rtol=1e-4, atol=1e-4)
    print("state ok")


def main() -> None:
    torch.manual_seed(0)
    functions()
    control()
    state()


if __name__ == "__main__":
    main()
