"""The logarithms, as functions, methods and in place.

python -m examples.operators.logarithms
"""

import torch

from examples.carry import carry


def logarithms(x):
    y, z = x.clone(), x + 1
    y.log_()
    z.log2_()
    of_two = (torch.logaddexp(x, z), torch.xlogy(x, x))
    return y, z, x.log10(), torch.log1p(x), x.log10().exp2_(), of_two


if __name__ == "__main__":
    torch.manual_seed(0)
    carry(logarithms, [(scale * torch.rand(3, 4) + 1e-3,) for scale in (1, 100, 1e-2)])
