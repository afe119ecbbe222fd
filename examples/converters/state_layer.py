"""State that a layer of one's own keeps, from call to call of the Keras model.

Only the module that remembers is written anew; the network around it is converted. The layer has
reset_states, so that checks, and whoever runs the model, can begin anew.

python -m examples.converters.state_layer
"""

import keras
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


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.average, self.last = nn.Linear(6, 8), RunningAverage(8), nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.average(torch.relu(self.first(x))))


@keras.saving.register_keras_serializable("examples")
class RunningAverageLayer(keras.layers.Layer):
    def __init__(self, keep, **kwargs):
        super().__init__(**kwargs)
        self.keep = keep

    def build(self, shape):
        self.mean = self.add_weight(
            shape=shape[1:], initializer="zeros", trainable=False, name="mean"
        )

    def call(self, x):
        mean = self.keep * self.mean + (1 - self.keep) * keras.ops.mean(x, axis=0)
        self.mean.assign(mean)
        return x - mean

    def reset_states(self):
        self.mean.assign(keras.ops.zeros_like(self.mean))

    def get_config(self):
        return super().get_config() | {"keep": self.keep}


@ferryman.converter(RunningAverage, target="keras")
def average(module, x):
    return RunningAverageLayer(module.keep)


def several_calls(model, net, inputs):
    """The worst difference of calls in a row."""
    worst = 0.0
    with torch.no_grad():
        for x in inputs:
            got = torch.as_tensor(keras.ops.convert_to_numpy(model(x.numpy())))
            worst = max(worst, compare(net(x), got))
    return worst


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Net().eval()
    inputs = [torch.randn(2, 6) + 1 for _ in range(CALLS)]
    model = ferryman.convert(net, (inputs[0],), target="keras", progress=False)
    describe(model)
    claim("conversion leaves the module's buffer alone", not net.average.mean.any())
    worst = several_calls(model.keras, net, inputs)
    claim(f"{CALLS} calls in a row differ by {worst:.1e}", worst < 1e-5)
    claim("the module remembers", bool(net.average.mean.any()))
