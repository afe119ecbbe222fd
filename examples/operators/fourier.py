"""Fourier transforms: of one axis and two, of real numbers and back, and of windows of a signal.

python -m examples.operators.fourier
"""

import torch

from examples.carry import carry


def transforms(x):
    """x: [2, 8, 12]."""
    spectrum, plane = torch.fft.rfft(x), torch.fft.rfft2(x)
    return {
        "spectrum": spectrum,
        "plane": plane,
        "power": spectrum.abs().square(),
        "back": torch.fft.irfft(spectrum * 2, n=12),
        "plane_back": torch.fft.irfft2(plane, s=(8, 12)),
        "complex": torch.fft.ifft(torch.fft.fft(x, dim=1), dim=1).real,
    }


def windows(signal):
    """signal: [2, 64]; there and back."""
    window = torch.hann_window(16)
    spectrum = torch.stft(signal, 16, hop_length=4, window=window, return_complex=True)
    louder = spectrum * spectrum.abs()
    return louder, torch.istft(louder, 16, hop_length=4, window=window, length=64)


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(transforms, [(torch.randn(2, 8, 12),) for _ in range(3)])
    carry(windows, [(torch.randn(2, 64),) for _ in range(3)])
