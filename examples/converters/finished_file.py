"""A finished .tflite file as a part of a model, in the place of a module.

Whoever made it: the operators of its main graph become operators of the new file, its constants
constants. What is checked is the module that it stands for.

python -m examples.converters.finished_file
"""

import tempfile
from pathlib import Path

import torch
from torch import nn

import ferryman
from examples.carry import carry, claim, num_transposes, operators


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3))

    def forward(self, x):
        return self.layers(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.backbone, self.head = nn.Conv2d(3, 8, 1), Backbone(), nn.Conv2d(8, 4, 1)

    def forward(self, image):
        return self.head(self.backbone(self.stem(image)))


def save_backbone(module, path):
    """Takes and gives channels last, as files of images usually do."""
    layouts = {"input_layout": "channels_last", "output_layout": "channels_last"}
    example = torch.randn(1, 8, 20, 20)
    ferryman.convert(module, (example,), progress=False, **layouts).save(path)


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net().eval()
    images = [(torch.randn(1, 3, 20, 20),) for _ in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.tflite"
        save_backbone(net.backbone, path)

        @ferryman.converter(Backbone, target="tflite")
        def finished(module, x):
            part = ferryman.tflite.graph(path)
            return part(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

        layouts = {"input_layout": "channels_last", "output_layout": "channels_last"}
        model = carry(net, images, **layouts)
        ferryman.unregister(finished)
    claim("its operators are in the file", operators(model)["CONV_2D"] == 4)
    claim("the permutes cost nothing", num_transposes(model) == 0)
