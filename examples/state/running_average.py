"""A running average that the module keeps, passed from call to call by the caller.

With state="explicit" a buffer that forward writes is an input and an output of its name: the first
call starts from the module's own value, each later one from what came out of the call before.

python -m examples.state.running_average
"""

import torch
from torch import nn

import ferryman
from examples.carry import claim, compare, describe

CALLS = 10


class RunningAverage(nn.Module):
    def __init__(self, size, keep=0.8):
        super().__init__()
        self.keep = keep
        self.register_buffer("mean", torch.zeros(size))

    def forward(self, x):
        """x: [batch, size]."""
        self.mean *= self.keep
        self.mean += (1 - self.keep) * x.mean(0)
        return x - self.mean


def several_calls(model, net, inputs):
    """Each call passes on the state; the worst difference of any result."""
    worst, state = 0.0, None
    for x in inputs:
        got, state = model(x) if state is None else model(x, state=state)
        worst = max(worst, compare(net(x), got))
    claim("the state is what the module keeps", compare(net.mean, state["mean"]) < 1e-6)
    print(f"worst difference in {len(inputs)} calls: {worst:.1e}")


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [torch.randn(2, 8) + 1 for _ in range(CALLS)]
    for options in ({"target": "tflite", "state": "explicit"}, {"target": "keras"}):
        net = RunningAverage(8)
        model = ferryman.convert(net, (inputs[0],), progress=False, **options)
        describe(model)
        claim("conversion leaves the module's buffer alone", not net.mean.any())
        several_calls(model, net, inputs)
        again, _ = model(inputs[0])
        claim("without a state it starts anew", compare(0.8 * inputs[0] + 0.2 * (
            inputs[0] - inputs[0].mean(0)), again) < 1e-6)
