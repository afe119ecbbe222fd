"""864 convolutions: one and two axes, forward and transposed, with everything that they take.

Channels, kernels, strides, dilations, paddings with "same" among them, one group, four and eight;
transposed ones with output padding. One module holds all of a kind that start from one tensor.

python -m examples.operators.grouped_convolutions [--every 9]
"""

import argparse
import itertools

import torch
from torch import nn

from examples.carry import carry, claim

CHANNELS, KERNELS, DILATIONS, GROUPS = [(8, 8), (8, 16), (16, 8)], [2, 3], [1, 2], [1, 4, 8]
# With a stride, padding "same" is none of PyTorch's.
WAYS = [
    *({"padding": p, "stride": s} for p in (0, 1, 2) for s in (1, 2)),
    {"padding": "same", "stride": 1},
]
TRANSPOSED_WAYS = [
    *({"padding": p, "stride": s} for p in (0, 1) for s in (1, 2)),
    {"padding": 1, "stride": 2, "output_padding": 1},
]
KINDS = {
    nn.Conv1d: WAYS,
    nn.Conv2d: WAYS,
    nn.ConvTranspose1d: TRANSPOSED_WAYS,
    nn.ConvTranspose2d: TRANSPOSED_WAYS,
}


class Convolutions(nn.Module):
    def __init__(self, convolutions):
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, x):
        return [convolution(x) for convolution in self.convolutions]


def grid():
    """kind, channels, and the other options of each convolution."""
    for kind, ways in KINDS.items():
        for channels, *rest in itertools.product(CHANNELS, KERNELS, DILATIONS, GROUPS, ways):
            kernel, dilation, groups, way = rest
            options = {"kernel_size": kernel, "dilation": dilation, "groups": groups}
            yield kind, channels, options | way


def of_one_tensor(convolution):
    kind, (inputs, _), _ = convolution
    return kind, inputs


def main(every):
    torch.manual_seed(0)
    chosen = list(grid())[::every]
    claim("864 convolutions in all", len(list(grid())) == 864)
    for (kind, inputs), alike in itertools.groupby(chosen, key=of_one_tensor):
        layers = [kind(*channels, **options) for _, channels, options in alike]
        positions = (9,) if "1d" in kind.__name__ else (9, 8)
        images = [(torch.randn(1, inputs, *positions),) for _ in range(2)]
        print(f"\n{len(layers)} {kind.__name__} of {inputs} channels")
        carry(Convolutions(layers), images)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--every", type=int, default=1, help="only each so many-th of them")
    main(arguments.parse_args().every)
