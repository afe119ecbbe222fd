"""Models with free sizes: calls, checks, reports and files."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

import ferryman
import hand_made
from ferryman import _native

# With a hand-made file ---------------------------------------------------------------------------


@pytest.fixture
def core(monkeypatch):
    def convert_live(buffer, tensors, path, options):
        return hand_made.write(Path(path), hand_made.module(), is_free=True)

    monkeypatch.setattr(_native, "convert_live", convert_live)


def convert(**options):
    return ferryman.convert(
        hand_made.module(), hand_made.args(), progress=False,
        dynamic_shapes={"image": {0: "batch"}}, **options,
    )  # fmt: skip


def test_a_model_takes_any_size_in_range(core):
    model, module = convert(verify=False), hand_made.module()
    for batch in (1, 4, 2, 7, 1):
        image = torch.randn(batch, 3, 6, 6)
        torch.testing.assert_close(model(image)["features"], module(image)["features"])
    assert model.inputs[0].shape == ("batch", 3, 6, 6)
    assert model.outputs[0].shape == ("batch", 4, 4, 4)


@pytest.mark.parametrize(
    "shape, told",
    [
        ((0, 3, 6, 6), r"input 'image' has size 0 along axis 0 \('batch'\), the model takes 1 or"),
        ((2, 3, 7, 6), "input 'image' has size 7 along axis 2, the model takes 6"),
        ((3, 6, 6), r"input 'image' has 3 axes \[3, 6, 6\], the model takes 4: \[batch, 3, 6, 6\]"),
    ],
)
def test_a_model_refuses_other_sizes(core, shape, told):
    with pytest.raises(ferryman.InputError, match=told):
        convert(verify=False)(torch.zeros(shape))


def test_a_conversion_is_checked_with_other_sizes(core):
    report = convert(verify=ferryman.Verify(sizes=[{"batch": 7}])).report
    assert report.checks.sizes[:2] == [{"batch": 1}, {"batch": 7}]
    assert len(report.checks.sizes) == 4
    assert [(size.name, size.range, size.hint) for size in report.sizes] == [
        ("batch", "1 or more", 1)
    ]
    content = json.loads(report.to_json())
    assert content["sizes"][0]["name"] == "batch"
    assert content["checked_sizes"] == report.checks.sizes


def test_the_report_tells_the_sizes(core, capsys):
    convert().report.show()
    text = capsys.readouterr().out
    assert "free sizes: batch 1 or more (1 in the example)" in text
    assert "inputs with batch = 1; batch = 2; batch = 3, none differs" in text


@pytest.mark.parametrize("sizes", [[{"bach": 2}], [{"batch": 0}], [{}], {"batch": 2}])
def test_sizes_to_check_must_say_something(core, sizes):
    with pytest.raises(ferryman.InputError, match="sizes"):
        convert(verify=ferryman.Verify(sizes=sizes))


def test_own_inputs_may_have_other_sizes(core):
    report = convert(verify=ferryman.Verify(inputs=[(torch.randn(3, 3, 6, 6),)])).report
    assert report.checks.sizes == [{"batch": 3}]


# End to end --------------------------------------------------------------------------------------


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, image):
        high = self.down(image).relu()
        low = F.interpolate(self.deep(F.max_pool2d(high, 2)), size=high.shape[-2:])
        return self.out(torch.cat([high, low], 1))


class First(nn.Module):
    def forward(self, values):
        return values[0]


def conv_net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip


def mlp():
    return nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 3), nn.Softmax(-1))


def transformer():
    return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)


class Windows(nn.Module):
    def forward(self, x):
        batch, channels, height, width = x.shape
        x = x.view(batch, channels, height // 4, 4, width // 4, 4)
        return x.permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, channels)


CASES = {
    "mlp": (mlp, (1, 6), {0: "batch"}, [(2, 6), (7, 6), (1, 6)]),
    "conv net": (conv_net, (1, 3, 16, 16), {0: "batch"}, [(3, 3, 16, 16), (1, 3, 16, 16)]),
    "conv net of any picture": (
        conv_net, (1, 3, 16, 24), {0: "batch", 2: "height", 3: "width"},
        [(2, 3, 9, 31), (1, 3, 40, 8), (1, 3, 16, 24)],
    ),
    "windows": (
        Windows, (1, 3, 16, 24), {0: "batch", 2: "4*height", 3: "4*width"},
        [(2, 3, 8, 32), (1, 3, 4, 4), (3, 3, 16, 24)],
    ),
    "u-net": (
        UNet, (1, 3, 16, 24), {2: "height", 3: "width"}, [(1, 3, 9, 31), (1, 3, 40, 8)],
    ),
    "lstm": (
        lambda: nn.Sequential(nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True), First()),
        (1, 7, 4), {0: "batch", 1: "time"}, [(3, 9, 4), (1, 2, 4), (2, 7, 4)],
    ),
    "transformer": (
        transformer, (1, 7, 16), {0: "batch", 1: "length"}, [(2, 9, 16), (1, 3, 16), (3, 7, 16)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_file_takes_every_size(name):
    make, shape, axes, others = CASES[name]
    module = make().eval()
    model = ferryman.convert(
        module, (torch.randn(shape),), dynamic_shapes=(axes,), progress=False,
        verify=ferryman.Verify(every_node=True),
    )  # fmt: skip
    assert len(model.report.checks.sizes) >= 3
    for other in (*others, shape):
        x = torch.randn(other)
        torch.testing.assert_close(model(x), module(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_an_archive_converts_to_the_same_model(name, tmp_path):
    make, shape, axes, others = CASES[name]
    module, path = make().eval(), tmp_path / "model.pt2"
    ferryman.export(module, (torch.randn(shape),), path, dynamic_shapes=(axes,))
    model = ferryman.convert(path, progress=False)
    x = torch.randn(others[0])
    torch.testing.assert_close(model(x), module(x), rtol=1e-4, atol=1e-5)


def test_a_program_of_torch_has_its_names():
    module = mlp().eval()
    program = torch.export.export(
        module, (torch.randn(2, 6),), dynamic_shapes=({0: Dim("batch", max=16)},)
    )
    model = ferryman.convert(program, progress=False)
    (size,) = model.report.sizes
    assert (size.name, size.min, size.max) == (size.symbol, 1, 16)
    assert model.inputs[0].shape == (size.name, 6)
    torch.testing.assert_close(model(x := torch.randn(5, 6)), module(x))
    with pytest.raises(ferryman.InputError, match="the model takes 1 to 16"):
        model(torch.randn(17, 6))


def test_equal_and_derived_sizes_meet():
    def forward(x, mask, twice):
        y = torch.cat([x, x], 1) * twice
        return y[:, : x.shape[1]] * mask

    same = {0: "b", 1: "n"}
    model = ferryman.convert(
        forward, (torch.randn(1, 5), torch.randn(1, 5), torch.randn(1, 10)), progress=False,
        dynamic_shapes={"x": same, "mask": same, "twice": {0: "b", 1: "2*n"}},
    )  # fmt: skip
    args = (torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 8))
    torch.testing.assert_close(model(*args), forward(*args))
    with pytest.raises(ferryman.InputError, match=r"takes 2 ?\* ?n = 8"):
        model(args[0], args[1], torch.randn(3, 9))


def test_channels_last_inputs_may_be_free():
    module = conv_net().eval()
    model = ferryman.convert(
        module, (torch.randn(1, 3, 16, 16),), dynamic_shapes=({0: "b", 2: "h", 3: "w"},),
        input_layout="channels_last", progress=False,
    )  # fmt: skip
    assert model.inputs[0].shape == ("b", "h", "w", 3)
    x = torch.randn(2, 3, 10, 14)
    torch.testing.assert_close(model(x.permute(0, 2, 3, 1)), module(x), rtol=1e-4, atol=1e-5)
