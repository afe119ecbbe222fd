"""nobuco's names on Ferryman: what each parameter does, converters of each kind and strategy."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from ferryman import nobuco
from ferryman.nobuco import ChannelOrder, ChannelOrderingStrategy, TraceLevel, notices
from ferryman.nobuco.addons.torch.dense_image_warp import DenseImageWarp
from ferryman.nobuco.addons.torch.depth_to_space import DepthToSpace
from ferryman.nobuco.addons.torch.space_to_depth import SpaceToDepth
from ferryman.nobuco.converters.channel_ordering import get_channel_order, set_channel_order
from ferryman.nobuco.converters.tensor import (
    dim_pytorch2keras,
    dims_pytorch2keras,
    perm_compose,
    perm_invert,
    perm_keras2pytorch,
    perm_pytorch2keras,
    permute_keras2pytorch,
    permute_pytorch2keras,
)
from ferryman.nobuco.converters.type_cast import dtype_pytorch2keras
from ferryman.nobuco.layers.channel_order import ChangeOrderingLayer
from ferryman.nobuco.layers.weight import WeightLayer

X = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))
PYTORCH, TENSORFLOW = ChannelOrder.PYTORCH, ChannelOrder.TENSORFLOW
STRATEGIES = list(ChannelOrderingStrategy)


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Converters and notices of a test are its own."""
    from ferryman.nobuco.converters import node_converter

    before = dict(node_converter._CONVERTERS)
    monkeypatch.setattr(notices, "_SAID", set())
    yield
    for op in set(node_converter._CONVERTERS) - set(before):
        nobuco.unregister_converter(op)


def convert(model, *args, order=PYTORCH, **options):
    """With the axes of inputs and outputs as in PyTorch, so that results compare."""
    options = {"inputs_channel_order": order, "outputs_channel_order": order, **options}
    return nobuco.pytorch_to_keras(model, list(args) or [X], **options)


def results(keras_model, *args):
    given = [arg.numpy() for arg in args or (X,)]
    found = keras_model(given[0] if len(given) == 1 else given)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [each.detach().cpu() for each in found]


def assert_same(keras_model, model, *args):
    with torch.no_grad():
        expected = model(*(args or (X,)))
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    for found, wanted in zip(results(keras_model, *args), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


class Net(nn.Module):
    def __init__(self, act=F.hardsigmoid):
        super().__init__()
        self.first, self.act, self.last = nn.Conv2d(3, 4, 1), act, nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.last(self.act(self.first(x)))


class Triple(nn.Module):
    def forward(self, x):
        return x * 3


class Marked(nn.Module):
    """With a method and a function that are nodes of their own."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))

    @nobuco.traceable
    def scaled(self, x, times=1):
        return x * self.gain * times

    def forward(self, x):
        return halved(self.scaled(x, times=3))


@nobuco.traceable
def halved(x):
    return x / 2


# pytorch_to_keras --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [PYTORCH, TENSORFLOW])
@pytest.mark.parametrize("wanted", [None, PYTORCH, TENSORFLOW])
def test_channel_orders_of_inputs_and_outputs(given, wanted):
    model = Net().eval()
    converted = nobuco.pytorch_to_keras(
        model, [X], inputs_channel_order=given, outputs_channel_order=wanted
    )
    assert converted.inputs[0].shape == ((2, 3, 6, 8) if given is PYTORCH else (2, 6, 8, 3))
    cheapest = TENSORFLOW  # convolutions end the model
    last = (wanted or cheapest) is TENSORFLOW
    assert converted.outputs[0].shape == ((2, 6, 8, 5) if last else (2, 5, 6, 8))
    entry = X if given is PYTORCH else X.permute(0, 2, 3, 1).contiguous()
    found = results(converted, entry)[0]
    expected = model(X).detach()
    expected = expected.permute(0, 2, 3, 1) if last else expected
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_channel_orders_by_tensor_and_by_number():
    a, b = X, X + 1  # equal shapes: only the tensor itself tells them apart
    converted = nobuco.pytorch_to_keras(
        lambda a, b: (a + b, a - b),
        [a, b],
        inputs_channel_order={b: PYTORCH},
        outputs_channel_order={0: PYTORCH, 1: TENSORFLOW},
    )
    assert [each.shape for each in converted.inputs] == [(2, 6, 8, 3), (2, 3, 6, 8)]
    assert [each.shape for each in converted.outputs] == [(2, 3, 6, 8), (2, 6, 8, 3)]


def test_inputs_and_outputs_are_flat_and_have_the_names_given():
    def model(pair, *, third):
        return {"sum": pair["a"] + pair["b"], "rest": [third * 2]}

    a, b, c = torch.ones(2), torch.ones(2) * 2, torch.ones(3)
    converted = nobuco.pytorch_to_keras(
        model,
        [{"a": a, "b": b}],
        {"third": c},
        input_names={a: "left", c: "third_one"},
        output_names={1: "doubled"},
    )
    assert [each.name for each in converted.inputs] == ["left", "argument_2", "third_one"]
    assert converted.output_names[1] == "doubled"
    found = results(converted, a, b, c)
    assert [each.tolist() for each in found] == [[3, 3], [2, 2, 2]]


def test_sizes_are_fixed_unless_input_shapes_says_none():
    fixed = convert(Net().eval())
    assert fixed.inputs[0].shape == (2, 3, 6, 8)
    model = Net().eval()
    free = convert(model, input_shapes={X: (None, 3, None, None)})
    assert free.inputs[0].shape == (None, 3, None, None)
    assert_same(free, model, torch.randn(1, 3, 9, 5))


def test_an_output_may_be_called_as_a_layer_is():
    model = Net().eval()
    converted = convert(model, output_names={0: "last"})
    assert converted.output_names == ["last"]
    assert_same(converted, model)


def test_free_sizes_that_the_model_makes_equal():
    model = lambda a, b: (a + b) @ torch.ones(4, 2)  # noqa: E731
    a, b = torch.randn(3, 5, 4), torch.randn(3, 5, 4)
    shapes = {a: (3, None, 4), b: (3, None, 4)}
    converted = convert(model, a, b, input_shapes=shapes)
    assert [each.shape for each in converted.inputs] == [(3, None, 4)] * 2
    assert_same(converted, model, torch.randn(3, 7, 4), torch.randn(3, 7, 4))


def test_a_size_that_is_a_number_in_the_model_cannot_be_free():
    with pytest.raises(ferryman.CaptureError, match="axis 1 of input 'x' cannot be free"):
        convert(Net().eval(), input_shapes={X: (2, None, 6, 8)})


def test_the_outputs_of_pytorch_are_returned_for_the_next_conversion():
    first, second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)
    left, outputs = convert(first, return_outputs_pt=True)
    torch.testing.assert_close(outputs, first(X).detach())
    assert not outputs.requires_grad
    right = convert(second, outputs)
    assert_same(keras.Sequential([left, right]), nn.Sequential(first, second))


@pytest.mark.parametrize("full", [True, False])
def test_a_wrong_converter_is_told_and_the_model_returned(full, capsys):
    @nobuco.converter(F.hardsigmoid)
    def wrong(input, inplace=False):
        return lambda input, inplace=False: keras.ops.sigmoid(input)

    converted = convert(Net().eval(), full_validation=full)
    said = capsys.readouterr().err
    assert "conversion imprecise" in said and "hardsigmoid" in said.lower() or not full
    assert "conversion imprecise" in said
    assert len(results(converted)) == 1
    convert(Net().eval(), full_validation=full, validation_tolerance=1.0)
    assert "imprecise" not in capsys.readouterr().err
    with pytest.raises(ferryman.VerificationError):
        convert(Net().eval(), full_validation=full, raise_on_difference=True)


def test_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    convert(Net().eval())
    assert not (tmp_path / "trace.html").exists()
    convert(Net().eval(), save_trace_html=True)
    page = (tmp_path / "trace.html").read_text(encoding="utf-8")
    assert "conv" in page and "hardsigmoid" in page and "<html" in page


@pytest.mark.parametrize(
    "option",
    [
        {"trace_shape": True},
        {"enable_torch_tracing": True},
        {"constants_to_variables": False},
        {"debug_traces": TraceLevel.ALWAYS},
    ],
    ids=lambda option: next(iter(option)),
)
def test_what_has_no_meaning_is_said_once(option):
    with pytest.warns(UserWarning, match=f"{next(iter(option))}.* has no effect: "):
        convert(Net().eval(), **option)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        convert(Net().eval(), **option)


def test_validate_func_is_said_to_have_no_effect():
    with pytest.warns(UserWarning, match="validate_func has no effect"):
        nobuco.converter(Triple, validate_func=lambda *_: None)(lambda self, x: lambda x: x)


def test_buffers_that_the_model_writes_are_inputs_and_outputs(capsys):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x):
            self.count += 1
            return x + self.count

    model, given = Counting(), torch.zeros(2)
    converted = nobuco.pytorch_to_keras(model, [given])
    assert model.count == 0 and given.tolist() == [0, 0]
    assert "writes to 1 of its buffers" in capsys.readouterr().err
    result, count = results(converted, given, torch.tensor(4.0))
    assert result.tolist() == [5, 5] and count == 5

    @nobuco.converter(Counting)
    def counting(self, x):
        return lambda x: x + 1

    assert len(nobuco.pytorch_to_keras(model, [given]).inputs) == 1


# Converters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_in_which_a_strategy_gives_tensors(strategy):
    class Cumulated(nn.Module):
        def forward(self, x):
            return x.cumsum(1)

    seen = []

    @nobuco.converter(Cumulated, channel_ordering_strategy=strategy)
    def along_channels(self, x):
        def func(x):
            order = get_channel_order(x)
            seen.append((order, tuple(x.shape)))
            axis = dim_pytorch2keras(1, 4) if order is TENSORFLOW else 1
            return set_channel_order(keras.ops.cumsum(x, axis), order)

        return func

    model = Net(Cumulated()).eval()
    assert_same(convert(model), model)
    last = strategy is ChannelOrderingStrategy.FORCE_TENSORFLOW_ORDER
    expected = (TENSORFLOW, (2, 6, 8, 4)) if last else (PYTORCH, (2, 4, 6, 8))
    assert set(seen) == {expected}


def test_a_manual_converter_may_give_the_other_order():
    @nobuco.converter(Triple, channel_ordering_strategy=ChannelOrderingStrategy.MANUAL)
    def by_hand(self, x):
        def func(x):
            x = keras.ops.transpose(x, perm_pytorch2keras(4))
            return set_channel_order(x * 3, TENSORFLOW)

        return func

    model = Net(Triple()).eval()
    assert_same(convert(model), model)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", ["function", "method", "module", "marked method", "marked"])
def test_what_can_be_converted(kind, strategy):
    class Squared(nn.Module):
        def forward(self, x):
            return x.square() if kind == "method" else F.hardsigmoid(x)

    calls = []

    def made(*args, **kwargs):
        calls.append((args, kwargs))

        def func(*args, **kwargs):
            x = next(arg for arg in args if keras.ops.is_tensor(arg) or hasattr(arg, "dtype"))
            return set_channel_order(BODY[kind](x), get_channel_order(x))

        return func

    nobuco.converter(TARGETS[kind], channel_ordering_strategy=strategy)(made)
    model = {"module": Net(Triple()), "marked": Marked(), "marked method": Marked()}.get(kind)
    model = Squared() if model is None else model
    assert_same(convert(model.eval()), model)
    args, kwargs = calls[-1]
    if kind in ("module", "marked method"):
        assert isinstance(args[0], nn.Module)
    if kind == "marked method":
        assert isinstance(args[1], torch.Tensor) and kwargs == {"times": 3}


TARGETS = {
    "function": F.hardsigmoid,
    "method": torch.Tensor.square,
    "module": Triple,
    "marked method": Marked.scaled,
    "marked": halved,
}
BODY = {
    "function": lambda x: keras.ops.clip(x / 6 + 0.5, 0, 1),
    "method": lambda x: x * x,
    "module": lambda x: x * 3,
    "marked method": lambda x: x * 6,
    "marked": lambda x: x * 0.5,
}


def test_the_latest_converter_holds_until_it_is_unregistered():
    model = Net(Triple()).eval()
    nobuco.converter(Triple)(lambda self, x: lambda x: x * 5)
    nobuco.converter(Triple)(lambda self, x: lambda x: keras.ops.add(x, 2 * x))
    assert_same(convert(model), model)
    nobuco.unregister_converter(Triple)
    nobuco.unregister_converter(Triple)  # nothing to do, nothing said
    assert_same(convert(model), model)


@pytest.mark.parametrize("reusable", [True, False])
def test_a_module_that_is_called_again_is_the_layer_that_it_was(reusable):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return self.inner(self.inner(x)[:1])

    made = []

    @nobuco.converter(nn.Linear, reusable=reusable)
    def linear(self, input):
        layer = keras.layers.Dense(self.out_features)
        layer.build((None, self.in_features))
        layer.set_weights([self.weight.detach().numpy().T, self.bias.detach().numpy()])
        made.append(layer)
        return layer

    model = Twice().eval()
    converted = convert(model, torch.ones(2, 4))
    assert_same(converted, model, torch.ones(2, 4))
    assert len(made) == (1 if reusable else 2)
    if reusable:
        assert len(converted.weights) == 2
        with torch.no_grad():
            model.inner.weight.mul_(2)  # the next conversion makes its own
        assert_same(convert(model, torch.ones(2, 4)), model, torch.ones(2, 4))


@pytest.mark.parametrize("autocast", [True, False])
def test_autocast_brings_tensors_to_one_type(autocast):
    @nobuco.traceable
    def joined(whole, real):
        return whole + real

    seen = []

    @nobuco.converter(joined, autocast=autocast)
    def join(whole, real):
        def func(whole, real):
            seen.append({keras.backend.standardize_dtype(t.dtype) for t in (whole, real)})
            return keras.ops.add(keras.ops.cast(whole, "float32"), real)

        return func

    given = torch.ones(2, dtype=torch.int32), torch.ones(2)
    model = lambda whole, real: joined(whole, real)  # noqa: E731
    assert_same(convert(model, *given), model, *given)
    assert seen[-1] == ({"float32"} if autocast else {"int32", "float32"})


def test_results_have_the_type_that_pytorch_gives():
    @nobuco.traceable
    def largest(x):
        return x.argmax(-1)

    @nobuco.converter(largest, channel_ordering_strategy=ChannelOrderingStrategy.MANUAL)
    def convert_largest(x):
        return lambda x: keras.ops.argmax(x, -1)  # of int32

    converted = convert(lambda x: largest(x))
    assert keras.backend.standardize_dtype(converted.outputs[0].dtype) == "int64"


def test_weights_at_construction_as_keras_2_took_them(tmp_path):
    plain = keras.layers.Layer.__init__

    @nobuco.converter(nn.BatchNorm2d)
    def norm(self, input):
        weights = [self.weight, self.bias, self.running_mean, self.running_var]
        weights = [each.detach().numpy() for each in weights]
        return keras.layers.BatchNormalization(epsilon=self.eps, weights=weights)

    module = nn.BatchNorm2d(4).eval()
    with torch.no_grad():
        for tensor in (*module.parameters(), module.running_mean, module.running_var):
            tensor.uniform_(0.5, 2)
    model = Net(module).eval()
    converted = convert(model)
    assert_same(converted, model)
    assert keras.layers.Layer.__init__ is plain
    converted.save(tmp_path / "model.h5")
    assert_same(keras.models.load_model(tmp_path / "model.h5"), model)


class Repeated(keras.layers.Layer):
    """Called with a number in front of its tensor, which Keras 3 does not take."""

    def call(self, times, x):
        return x * times


def test_numbers_among_the_tensors_of_a_layer():
    @nobuco.converter(Marked.scaled)
    def scaled(self, x, times=1):
        layer = Repeated()
        return lambda self, x, times=1: layer(2 * times, x)

    model = Marked()
    converted = convert(model)
    assert_same(converted, model)


def test_a_converter_calls_another():
    @nobuco.converter(F.hardsigmoid)
    def inner(input, inplace=False):
        return lambda input, inplace=False: keras.ops.clip(input / 6 + 0.5, 0, 1)

    @nobuco.converter(F.hardswish)
    def outer(input, inplace=False):
        gate = inner.convert(input, inplace)
        return lambda input, inplace=False: input * gate(input)

    model = Net(F.hardswish).eval()
    assert_same(convert(model), model)


def test_converters_within_a_converter():
    """Weights of inner conversions are read and written."""

    class Fusible(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)
            self.norm.running_mean.uniform_(-1, 1)
            self.norm.running_var.uniform_(0.5, 2)

        @nobuco.traceable
        def both(self, x):
            return self.conv(self.norm(x))

        def forward(self, x):
            return self.both(x).relu()

    @nobuco.converter(Fusible.both)
    def fused(self, x):
        norm, between = convert(self.norm, x, order=TENSORFLOW, return_outputs_pt=True)
        conv = convert(self.conv, between, order=TENSORFLOW)
        gamma, beta, mean, variance = norm.get_weights()
        kernel, bias = conv.get_weights()
        gain = gamma / np.sqrt(variance + self.norm.eps)
        shift = (kernel * (beta - mean * gain)[:, None]).sum((0, 1, 2))
        conv.set_weights([kernel * gain[:, None], bias + shift])
        return lambda self, x: conv(x)

    model = Fusible().eval()
    converted = convert(model)
    assert_same(converted, model)
    assert len(converted.get_weights()) == 2


def test_the_place_of_a_converter():
    @nobuco.converter(Triple)
    def of_triple(self, x):
        return lambda x: x * 3

    place, source = nobuco.locate_converter(Triple)
    assert place.startswith('File "') and "test_nobuco.py" in place and ", line " in place
    assert "def of_triple" in source
    place, source = nobuco.locate_converter(torch.Tensor.repeat)
    assert place and source
    assert nobuco.locate_converter(Marked) == (None, None)


# Functions within models, tensors between frameworks ---------------------------------------------


def test_functions_within_models():
    class Sized(nn.Module):
        def forward(self, x):
            x = nobuco.force_pytorch_order(nobuco.force_tensorflow_order(x))
            batch, _, height, _ = nobuco.shape(x)
            return x + batch + height * nobuco.shape(x, 3), nobuco.length(x)

    model = Sized()
    converted = convert(model, input_shapes={X: (None, 3, None, None)})
    assert_same(converted, model)
    assert_same(converted, model, torch.randn(5, 3, 4, 9))
    assert model(X)[1].dtype == torch.int32


@pytest.mark.parametrize("order", [PYTORCH, TENSORFLOW])
@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (4, 3, 5), (2, 3, 4, 5), (1, 2, 3, 4, 5)])
def test_tensors_go_to_keras_and_back(shape, order):
    tensor = torch.randn(shape)
    there = nobuco.t_pytorch2keras(tensor, order)
    last = order is TENSORFLOW and len(shape) > 2
    assert tuple(there.shape) == ((shape[0], *shape[2:], shape[1]) if last else shape)
    assert get_channel_order(there) is order
    torch.testing.assert_close(nobuco.t_keras2pytorch(there, restore_channel_order=True), tensor)


def test_axes_in_both_orders():
    assert dims_pytorch2keras([0, 1, 2, 3, -1], 4) == [0, 3, 1, 2, 2]
    assert dim_pytorch2keras(None, 4) is None
    for rank in range(6):
        sizes = [10 * axis for axis in range(rank)]
        assert permute_keras2pytorch(permute_pytorch2keras(sizes)) == sizes
        assert perm_invert(perm_pytorch2keras(rank)) == perm_keras2pytorch(rank)
        both = perm_compose(perm_keras2pytorch(rank), perm_pytorch2keras(rank))
        assert both == list(range(rank))
    assert permute_pytorch2keras("nchw") == list("nhwc")


def test_element_types():
    assert dtype_pytorch2keras(None) is None
    found = dtype_pytorch2keras(torch.int64)
    assert getattr(found, "name", found) == "int64"


@pytest.mark.parametrize("order", [PYTORCH, TENSORFLOW])
def test_change_ordering_layer(order):
    force = {
        PYTORCH: ChannelOrderingStrategy.FORCE_PYTORCH_ORDER,
        TENSORFLOW: ChannelOrderingStrategy.FORCE_TENSORFLOW_ORDER,
    }[order]
    seen = []
    layer = ChangeOrderingLayer(lambda x: seen.append(tuple(x.shape)) or x, force)
    found = layer(nobuco.t_pytorch2keras(X, PYTORCH))
    assert seen == [(2, 3, 6, 8) if order is PYTORCH else (2, 6, 8, 3)]
    torch.testing.assert_close(nobuco.t_keras2pytorch(found, restore_channel_order=True), X)


# Addons, layers, files ---------------------------------------------------------------------------


def test_blocks_and_channels_in_tensorflows_order():
    """As TensorFlow defines them: of each block, its pixels one after the other, each with all of
    its channels."""
    there = SpaceToDepth(2)(X)
    expected = torch.cat([X[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    torch.testing.assert_close(there, expected)
    torch.testing.assert_close(DepthToSpace(2)(there), X)
    model = nn.Sequential(SpaceToDepth(2), nn.Conv2d(12, 8, 1), DepthToSpace(2)).eval()
    assert_same(convert(model), model)


def test_pixels_moved_by_offsets():
    flow = torch.zeros(2, 2, 6, 8)
    torch.testing.assert_close(DenseImageWarp()(X, flow), X, rtol=1e-5, atol=1e-5)
    flow[:, 0] = 1.0  # each row is the one above it; the first stays
    moved = DenseImageWarp()(X, flow)
    expected = torch.cat([X[:, :, :1], X[:, :, :-1]], 2)
    torch.testing.assert_close(moved, expected, rtol=1e-5, atol=1e-5)
    model = DenseImageWarp()
    assert_same(convert(model, X, flow * 0.3), model, X, flow * 0.3)


def test_a_weight_as_a_layer():
    weight = np.arange(6, dtype="float32").reshape(2, 3)
    layer = WeightLayer.create(torch.tensor(weight), trainable=False)
    assert not layer.trainable_weights and len(layer.weights) == 1
    again = WeightLayer.from_config(layer.get_config())
    again.set_weights(layer.get_weights())
    assert np.array_equal(keras.ops.convert_to_numpy(again(np.zeros(1))), weight)


class Operations(nn.Module):
    """What becomes an operation of Keras with each kind of argument: slices, ellipses, lists,
    constants, numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.register_buffer("table", torch.arange(8.0))

    def forward(self, x):
        y = self.conv(x)[:, 1:, ::2] + self.table
        z = torch.cat([y, y.flip(3)], 1).sum((2, 3))
        return torch.where(z > 0, z, -z).reshape(2, 3, 2), y.amax(1), y.argmax(-1)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_files_hold_every_operation(ending, tmp_path):
    model = Operations().eval()
    converted = convert(model)
    assert_same(converted, model)
    path = tmp_path / f"model{ending}"
    converted.save(path)
    loaded = keras.models.load_model(path, custom_objects={"WeightLayer": WeightLayer})
    assert_same(loaded, model)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_files_hold_models_within_converters(ending, tmp_path):
    @nobuco.converter(Triple)
    def of_triple(self, x):
        inner = convert(nn.Conv2d(4, 4, 1, bias=False), x, order=TENSORFLOW)
        inner.set_weights([np.eye(4, dtype="float32")[None, None] * 3])
        return inner

    model = Net(Triple()).eval()
    converted = convert(model)
    path = tmp_path / f"model{ending}"
    converted.save(path)
    assert_same(keras.models.load_model(path), model)


def test_every_name_is_there_and_torch_is_as_it_was():
    code = (
        "import torch, torch.nn as nn\n"
        "kinds = torch.Tensor, nn.Module, nn.functional\n"
        "before = [dict(vars(kind)) for kind in kinds]\n"
        "import ferryman.nobuco as nobuco\n"
        "from ferryman.nobuco import *\n"
        "assert all(hasattr(nobuco, name) for name in nobuco.__all__)\n"
        "for old, kind in zip(before, kinds):\n"
        "    assert all(vars(kind)[name] is value for name, value in old.items())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
