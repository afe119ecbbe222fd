"""Inputs and outputs have names: forward's parameters, and the keys of the dict that it returns.

Other names can be asked for. Whoever runs the file by its signature uses these.

python -m examples.layout.names_of_the_signature
"""

import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn

from examples.carry import carry, claim


class Named(nn.Module):
    def forward(self, x1, x2):
        both = torch.cat([x1, x2], dim=1)
        return {"y1": both, "y2": both.mean(dim=(2, 3)), "y3": both.amax(dim=1)}


def names(ports):
    return [port.name for port in ports]


def run_by_signature(path, **inputs):
    runner = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    return runner(**{name: value.numpy() for name, value in inputs.items()})


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 2, 8, 8), torch.randn(1, 3, 8, 8)) for _ in range(2)]
    for target in ("tflite", "keras"):
        model = carry(Named(), inputs, target=target)
        claim("inputs are x1 and x2", names(model.inputs) == ["x1", "x2"])
        claim("outputs are y1, y2 and y3", names(model.outputs) == ["y1", "y2", "y3"])

    given = {"input_names": ["left", "right"], "output_names": ["all", "mean", "largest"]}
    model = carry(Named(), inputs, **given)
    left, right = inputs[1]
    result = run_by_signature(model.path, left=left, right=right)
    claim("LiteRT takes and gives these names", set(result) == {"all", "mean", "largest"})
    claim("of the right shapes", result["mean"].shape == (1, 5))
