"""Random rearrangements of images against eager PyTorch, on both kinds of kernels, under every way
to lay out inputs and outputs."""

import numpy as np
import pytest
import torch
from random_rearrangements import random_net

import ferryman
from ferryman.runtime import LITERT, Runner, to_stored

LAYOUTS = {
    "as in PyTorch": {},
    "channels last in": {"input_layout": "channels_last"},
    "channels last out": {"output_layout": "channels_last"},
    "channels last in and out": {
        "input_layout": "channels_last",
        "output_layout": "channels_last",
    },
    "any out": {"output_layout": "any"},
    "channels last in, any out": {"input_layout": "channels_last", "output_layout": "any"},
}

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.bool,
]


def channels_last(value):
    """For all means images."""
    return np.moveaxis(value, 1, -1) if value.ndim in (4, 5) else value


def check_net(seed: int, options: dict[str, str]) -> None:
    """Every branch, as the file computes it."""
    net, images = random_net(seed)
    model = ferryman.convert(net, tuple(images), verify=False, progress=False, **options)
    ports = sorted(model.report.native.outputs, key=lambda port: port.index)
    fed = [image.numpy() for image in images]
    if options.get("input_layout") == "channels_last":
        fed = [channels_last(image) for image in fed]
    with torch.no_grad():
        wanted = [result.numpy() for result in net(*images)]
    inputs = sorted(model.report.native.inputs, key=lambda port: port.index)
    arrays = {port.placement.tensor: array for port, array in zip(inputs, fed, strict=True)}
    for kernels in LITERT:
        runner = Runner(model.path, kernels)
        runner.run([arrays[detail["index"]] for detail in runner.inputs])
        for branch, (port, value) in enumerate(zip(ports, wanted, strict=True)):
            result = runner.tensor(port.placement.tensor)
            layout = options.get("output_layout", "channels_first")
            if layout == "any":
                value = to_stored(value, port.placement)
            elif layout == "channels_last":
                value = channels_last(value)
            place = f"seed {seed}, {kernels.value}, {options}\n{net.describe(branch)}"
            assert result.shape == value.shape, place
            np.testing.assert_allclose(result, value, 1e-4, 1e-4, err_msg=place)


@pytest.mark.parametrize("layouts", LAYOUTS)
def test_random_rearrangements_equal_eager(layouts):
    first = 1000 * list(LAYOUTS).index(layouts)
    for seed in range(first, first + 5):
        check_net(seed, LAYOUTS[layouts])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_blocks_of_every_element_type_move(dtype):
    """The kernels that move blocks take some types; TRANSPOSE takes the others."""

    def packed(x):
        return x.view(1, 3, 2, 2, 2, 5).permute(0, 1, 3, 2, 4, 5).reshape(1, 3, 2, 20)

    def unpacked(x):
        return x.view(1, 3, 2, 2, 2, 5).permute(0, 1, 3, 2, 4, 5).reshape(1, 6, 4, 5)

    def both(x, y):
        return packed(x), unpacked(y)

    x = torch.arange(120).remainder(2 if dtype is torch.bool else 120).to(dtype)
    images = x.reshape(1, 6, 4, 5), x.reshape(1, 3, 2, 20)
    model = ferryman.convert(both, images, verify=False, progress=False)
    for result, wanted in zip(model(*images), both(*images), strict=True):
        assert torch.equal(result, wanted)


def test_a_move_of_blocks_is_one_operator():
    """Between convolutions; nothing else is copied."""
    unshuffled = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.PixelUnshuffle(2), torch.nn.MaxPool2d(2)
    )
    model = ferryman.convert(unshuffled.eval(), (torch.randn(1, 3, 8, 8),), progress=False)
    assert model.report.native.ops["SPACE_TO_DEPTH"] == 1
