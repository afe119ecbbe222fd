"""The first conversion: an image goes through a few layers, is checked, saved and run.

python -m examples.essentials
"""

import tempfile
from pathlib import Path

import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

import ferryman
from examples.carry import claim, compare


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.activation = nn.Hardsigmoid()

    def forward(self, image):
        x = self.activation(self.convolution(image))
        return 1 - x[:, ::2] * x[:, 1::2]


if __name__ == "__main__":
    torch.manual_seed(0)
    net = First().eval()
    image, other = torch.randn(1, 3, 64, 64), torch.randn(1, 3, 64, 64)
    model = ferryman.convert(net, (image,), input_layout="channels_last", progress=False)
    model.report.show()  # modules and operations as a tree, and how far each is from PyTorch

    with torch.no_grad():
        expected = net(other)
    got = model(other.permute(0, 2, 3, 1))
    print(f"on another image: {compare(expected, got):.1e}")
    compared = [n.difference for n in model.report.nodes.values() if n.difference is not None]
    claim("values inside were compared, too", compared and all(each.ok for each in compared))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "first.tflite"
        model.save(path)
        runner = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
        saved = torch.from_numpy(runner(image=other.permute(0, 2, 3, 1).numpy())["output"])
    claim("the saved file gives the same", compare(expected, saved) < 1e-5)
