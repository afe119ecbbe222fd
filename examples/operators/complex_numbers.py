"""Complex numbers: pairs of real ones in the file, complex tensors for the caller.

python -m examples.operators.complex_numbers
"""

import torch
from torch import nn

from examples.carry import carry


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("rotation", torch.polar(torch.ones(4), torch.arange(4.0)))

    def forward(self, real, imag):
        """Both [3, 4]."""
        z = torch.complex(real, imag) * self.rotation
        return {
            "product": z @ z.t().conj(),
            "deviation": z.std(),
            "parts": torch.view_as_real(z).flatten(1),
            "angle": z.angle(),
            "again": z.view(2, 6).abs(),
            "quotient": (1 + 2j) / (z + 3),
        }


class Double(nn.Module):
    """complex128 is computed in float32, and a remark says so."""

    def forward(self, z):
        return z.to(torch.complex128).exp().t()


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(Complex(), [(torch.randn(3, 4), torch.randn(3, 4)) for _ in range(3)])
    model = carry(Double(), [(torch.randn(3, 4, dtype=torch.complex64),) for _ in range(3)])
    print("; ".join(remark["what"] for remark in model.report.remarks))
