"""An operator that nobody knows: what its error says, a wrong converter, the right one.

The error of an unknown operator ends in a converter to be filled in. A wrong body is found by the
check, which compares it with the operator on the model's own values, and named. The right one gives
the file that the same code in the model gives.

python -m examples.converters.essentials
"""

import torch
from torch import nn

import ferryman
from examples.carry import carry, claim, operators


@torch.library.custom_op("examples::gate", mutates_args=())
def gate(x: torch.Tensor, y: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
    return scale * x * torch.sigmoid(y)


@gate.register_fake
def _(x, y, scale=2.0):
    return torch.empty_like(x)


class Gated(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.gate = gate

    def forward(self, image):
        x = self.convolution(image)
        return 1 - self.gate(x[:, ::2], x[:, 1::2], 3.0)


def error_of(net, image, **options):
    try:
        ferryman.convert(net, (image,), progress=False, **options)
    except ferryman.Error as error:
        print(f"\n{type(error).__name__}: {error}\n")
        return error
    return None


def filled_in(skeleton, body):
    """The converter that the skeleton's code makes with this line for a body."""
    names = {"ferryman": ferryman, "torch": torch}
    exec(skeleton[: skeleton.index("raise")] + body, names)
    return names["gate"]


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Gated(gate).eval()
    image, other = torch.randn(1, 3, 64, 64), torch.randn(1, 3, 64, 64)

    error = error_of(net, image)
    claim("nobody knows the operator", isinstance(error, ferryman.UnsupportedOps))
    skeleton = str(error)[str(error).index("@ferryman.converter(") :]
    claim("its error shows a converter", 'converter("examples::gate")' in skeleton)

    wrong = filled_in(skeleton, "return x * torch.sigmoid(y)")
    error = error_of(net, image)
    claim("a wrong one is found", isinstance(error, ferryman.VerificationError))
    claim("and named, with both values", "converter gate" in str(error))
    ferryman.unregister(wrong)

    right = filled_in(skeleton, "return scale * x * torch.sigmoid(y)")
    model = carry(net, [(image,), (other,)])
    model.report.show()
    converters = {node.converter.partition(" ")[0] for node in model.report.nodes.values()}
    claim("its nodes say which converter they are of", "gate" in converters)
    ferryman.unregister(right)

    plain = Gated(lambda x, y, scale: scale * x * torch.sigmoid(y)).eval()
    plain.load_state_dict(net.state_dict())
    same = carry(plain, [(image,), (other,)])
    claim("the file is that of the same code", operators(model) == operators(same))
