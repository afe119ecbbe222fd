"""Fake quantisation, and the pairs of quantize and dequantize of PT2E graphs, in float."""

import pytest
import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  registers quantized_decomposed
from torch import nn

import ferryman


class PerTensor(nn.Module):
    def forward(self, x):
        return torch.fake_quantize_per_tensor_affine(x, 0.1, 3, 0, 255)


class Tensors(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(0.07))
        self.register_buffer("zero_point", torch.tensor(-2, dtype=torch.int32))

    def forward(self, x):
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, -128, 127)


class PerChannel(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 4)
        self.register_buffer("scale", torch.tensor([0.1, 0.02, 0.3, 0.005]))
        self.register_buffer("zero_point", torch.tensor([0, 1, -3, 7], dtype=torch.int32))

    def forward(self, x):
        weight = torch.fake_quantize_per_channel_affine(
            self.linear.weight, self.scale, self.zero_point, 0, -128, 127
        )
        # Before the layer: after it, sums that round otherwise may fall beyond a half.
        x = torch.fake_quantize_per_channel_affine(
            x, self.scale.repeat(2)[:6], self.zero_point.repeat(2)[:6], 1, -128, 127
        )
        return nn.functional.linear(x, weight, self.linear.bias)


class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        weight = torch.randint(-127, 128, (4, 6), dtype=torch.int8, generator=generator)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", torch.tensor([0.01, 0.02, 0.013, 0.004]))
        self.register_buffer("zero_points", torch.zeros(4, dtype=torch.int64))

    def forward(self, x):
        ops = torch.ops.quantized_decomposed
        q = ops.quantize_per_tensor(x, 0.05, -5, -128, 127, torch.int8)
        x = ops.dequantize_per_tensor(q, 0.05, -5, -128, 127, torch.int8)
        weight = ops.dequantize_per_channel(
            self.weight, self.scales, self.zero_points, 0, -127, 127, torch.int8
        )
        y = nn.functional.linear(x, weight)
        scales, zero_points = self.scales.repeat(2)[:6], self.zero_points.repeat(2)[:6] + 1
        q = ops.quantize_per_channel(x, scales, zero_points, 1, -128, 127, torch.int8)
        z = ops.dequantize_per_channel(q, scales, zero_points, 1, -128, 127, torch.int8)
        return y, q, z


class Trained(nn.Module):
    """As training with quantisation leaves it: observers off, the rounding on."""

    def __init__(self):
        super().__init__()
        from torch.ao.quantization import FakeQuantize

        self.linear, self.rounding = nn.Linear(6, 4), FakeQuantize()
        self.rounding(torch.randn(8, 4))
        self.rounding.disable_observer()

    def forward(self, x):
        return self.rounding(self.linear(x))


MODULES = [PerTensor, Tensors, PerChannel, Pairs, Trained]


def leaves(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


@pytest.mark.parametrize("make", MODULES)
def test_numbers_are_rounded_as_pytorch_rounds_them(make):
    module = make().eval()
    model = ferryman.convert(module, (torch.randn(5, 6),), progress=False)
    for seed in range(4):
        x = torch.randn(5, 6, generator=torch.Generator().manual_seed(seed)) * (seed + 1)
        for got, wanted in zip(leaves(model(x)), leaves(module(x)), strict=True):
            torch.testing.assert_close(got, wanted)


def test_half_is_rounded_to_even():
    module = PerTensor().eval()
    model = ferryman.convert(module, (torch.randn(7),), progress=False)
    x = torch.tensor([0.05, 0.15, 0.25, -0.05, 40.0, -9.0, 0.35])
    torch.testing.assert_close(model(x), module(x), rtol=0, atol=0)


@pytest.mark.parametrize("make", [PerTensor, PerChannel, Pairs])
def test_an_archive_is_read_without_torch(tmp_path, make):
    module = make().eval()
    torch.export.save(torch.export.export(module, (torch.randn(5, 6),)), tmp_path / "q.pt2")
    model = ferryman.convert(tmp_path / "q.pt2", progress=False)
    x = torch.randn(5, 6)
    for got, wanted in zip(leaves(model(x)), leaves(module(x)), strict=True):
        torch.testing.assert_close(got, wanted)


def test_quantised_tensors_that_are_turned_back_at_once():
    def there_and_back(x):
        y = torch.quantize_per_tensor(x, 0.1, 3, torch.quint8).dequantize()
        return torch.quantize_per_tensor(y * 3, 0.3, -4, torch.qint8).dequantize()

    model = ferryman.convert(there_and_back, (torch.randn(5, 2),), progress=False)
    for seed in range(3):
        x = torch.randn(5, 2, generator=torch.Generator().manual_seed(seed)) * 9
        torch.testing.assert_close(model(x), there_and_back(x))
