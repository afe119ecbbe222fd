"""Complex numbers through pairs of reals: what goes in and out, and that the numbers are right."""

import numpy as np
import pytest
import torch
from torch import nn

import ferryman


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *tensors):
        return self.function(*tensors)


def convert(function, *example):
    """Verified: every value that the file has agrees with PyTorch, on the example and others."""
    return ferryman.convert(Call(function).eval(), example, progress=False)


def complex_randn(*shape):
    return torch.randn(*shape, dtype=torch.complex64)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


# ---- what goes in and comes out ----


def test_a_model_takes_and_gives_complex_tensors():
    z, w = complex_randn(3, 4), complex_randn(4)
    model = convert(lambda z, w: {"product": z * w.conj(), "size": z.abs()}, z, w)
    result = model(z, w)
    assert result["product"].dtype is torch.complex64
    torch.testing.assert_close(result["product"], z * w.conj())
    torch.testing.assert_close(result["size"], z.abs())


def test_numpy_goes_in_and_comes_out():
    z = complex_randn(3, 4)
    result = convert(lambda z: z * 2j, z)(z.numpy())
    assert isinstance(result, np.ndarray) and result.dtype == np.complex64
    np.testing.assert_allclose(result, z.numpy() * 2j, rtol=1e-6)


def test_axes_of_one_and_other_layouts():
    z = complex_randn(2, 3, 1, 2)
    for layout in ("channels_first", "channels_last"):
        model = ferryman.convert(
            Call(lambda z: z * 2j).eval(), (z,), progress=False, output_layout=layout
        )
        got = model(z) if layout == "channels_first" else model(z).permute(0, 3, 1, 2)
        torch.testing.assert_close(got, z * 2j)


def test_infinite_parts_stay_apart():
    z = torch.complex(torch.tensor([1.0, float("inf")]), torch.tensor([float("-inf"), 2.0]))
    got = convert(lambda z: z.reshape(2, 1), complex_randn(2))(z)
    assert torch.equal(torch.view_as_real(got), torch.view_as_real(z.reshape(2, 1)))


def test_the_file_has_pairs():
    model = convert(lambda z: z + 1j, complex_randn(3, 4))
    assert [port.placement.part for port in model.report.native.inputs] == ["pair"]
    assert [port.placement.part for port in model.report.native.outputs] == ["pair"]
    (detail,) = ferryman.runtime.Runner(model.path, ferryman.runtime.Kernels.PLAIN).inputs
    assert tuple(detail["shape"]) == (3, 4, 2)
    assert detail["dtype"] is np.float32


def test_values_inside_are_compared_by_their_parts():
    report = convert(lambda z: (z * z + 1).abs(), complex_randn(3, 4)).report
    parts = [placement.part for placement in report.nodes["mul"].trace.parts]
    assert parts == ["real", "imag"]
    assert report.nodes["mul"].difference.ok


def test_viewing_as_complex_and_back_is_free():
    there_and_back = lambda x: torch.view_as_real(torch.view_as_complex(x)).relu()  # noqa: E731
    model = convert(there_and_back, torch.randn(3, 2))
    assert model.report.native.ops == {"RELU": 1}


def test_a_complex_weight_may_be_a_view():
    module = Call(lambda z: z)
    module.register_buffer("weight", complex_randn(4, 6).t()[1:, ::2])
    module.function = lambda z: z * module.weight
    z = complex_randn(5, 2)
    torch.testing.assert_close(
        ferryman.convert(module.eval(), (z,), progress=False)(z), z * module.weight
    )


def test_what_has_no_complex_form_is_refused():
    with pytest.raises(ferryman.UnsupportedOps, match="it has no form for complex numbers"):
        convert(torch.atan, complex_randn(3))


def test_a_product_of_three_is_refused():
    z = complex_randn(3, 3)
    with pytest.raises(ferryman.UnsupportedOps, match="more than two complex operands"):
        convert(lambda a, b: torch.einsum("ij,jk,kl->il", a, b, b), z, z + 1)


def test_an_op_that_only_decomposes_still_does_for_real_numbers():
    x = torch.randn(3, 3)
    torch.testing.assert_close(convert(torch.trace, x)(x), x.trace())


def test_empty_tensors():
    z = complex_randn(0, 2, 1, 0)
    assert convert(lambda z: z + 1j, z)(z).shape == z.shape


# ---- models ----


class Rotary(nn.Module):
    """Queries and keys turned by their position, as Llama does it."""

    def __init__(self, size=16, length=32):
        super().__init__()
        self.query, self.key = nn.Linear(64, 64), nn.Linear(64, 64)
        angles = torch.outer(torch.arange(length), 1e4 ** (-torch.arange(0, size, 2) / size))
        self.register_buffer("turns", torch.polar(torch.ones_like(angles), angles))

    def turned(self, x):
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
        turns = self.turns[: x.shape[1]].view(1, x.shape[1], 1, -1)
        return torch.view_as_real(pairs * turns).flatten(3).type_as(x)

    def forward(self, x):
        query, key = (layer(x).unflatten(2, (4, 16)) for layer in (self.query, self.key))
        query, key = self.turned(query), self.turned(key)
        return (query.transpose(1, 2) @ key.permute(0, 2, 3, 1)).softmax(-1)


def test_rotary_embedding():
    report = ferryman.convert(Rotary().eval(), (torch.randn(2, 10, 64),), progress=False).report
    assert max(node.difference.relative for node in report.nodes.values() if node.difference) < 1e-5


class Spectrogram(nn.Module):
    def __init__(self, n_fft, hop, **options):
        super().__init__()
        self.n_fft, self.hop, self.options = n_fft, hop, options
        self.register_buffer("window", torch.hann_window(options.get("win_length", n_fft)))

    def forward(self, x):
        return torch.stft(
            x, self.n_fft, self.hop, window=self.window, return_complex=True, **self.options
        )


class Resynthesis(Spectrogram):
    def forward(self, z):
        return torch.istft(z, self.n_fft, self.hop, window=self.window, **self.options)


SPECTROGRAMS = [
    (400, 160, {}),
    (512, 128, {"win_length": 400, "normalized": True}),
    (1024, 256, {"center": False}),
    (400, 147, {"pad_mode": "constant"}),
    (255, 64, {"onesided": False}),
]


@pytest.mark.parametrize("n_fft, hop, options", SPECTROGRAMS)
def test_stft(n_fft, hop, options):
    module, x = Spectrogram(n_fft, hop, **options).eval(), torch.randn(2, 4000)
    got = ferryman.convert(module, (x,), progress=False)(x)
    torch.testing.assert_close(got, module(x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"length": 4000}, {"normalized": True}])
@pytest.mark.parametrize("n_fft, hop", [(400, 160), (512, 128), (64, 16)])
def test_istft(n_fft, hop, options):
    normalized = options.get("normalized", False)
    z = Spectrogram(n_fft, hop, normalized=normalized)(torch.randn(2, 4000))
    module = Resynthesis(n_fft, hop, **options).eval()
    got = ferryman.convert(module, (z,), progress=False)(z)
    torch.testing.assert_close(got, module(z), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 7, 256, 257, 480, 1000, 1024, 2 * 331])
def test_transforms_of_any_size(size):
    x, z = torch.randn(3, size), complex_randn(3, size)
    fft = torch.fft

    def transforms(x, z):
        of_real = fft.fft(x), fft.rfft(x)
        return *of_real, fft.fft(z), fft.ifft(z), fft.irfft(z, size), fft.hfft(z, size)

    for got, expected in zip(convert(transforms, x, z)(x, z), transforms(x, z)):
        scale = expected.abs().max().clamp(min=1.0)
        torch.testing.assert_close(got / scale, expected / scale, rtol=0, atol=3e-6)


def test_transforms_of_several_axes():
    x, z = torch.randn(3, 4, 6), complex_randn(3, 4, 6)
    fft = torch.fft

    def transforms(x, z):
        return (
            fft.fft2(x, (5, 3)), fft.ifftn(z, norm="ortho"), fft.rfftn(x, dim=(2, 0)),
            fft.irfft2(z, norm="forward"), fft.hfftn(z), fft.ihfft2(x), fft.fftshift(z, (0, 2)),
        )  # fmt: skip

    for got, expected in zip(convert(transforms, x, z)(x, z), transforms(x, z)):
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-4)
