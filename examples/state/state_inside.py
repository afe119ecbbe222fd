"""State in a part of a network: convolutions around a module that remembers the frame before.

Only the part holds a buffer. Its name in the file is its path in the module.

python -m examples.state.state_inside
"""

import torch
from torch import nn

import ferryman
from examples.carry import claim, compare, describe

CHANNELS, HEIGHT, WIDTH = 4, 8, 10


class Remember(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("before", torch.zeros(1, CHANNELS, HEIGHT, WIDTH))

    def forward(self, x):
        change = x - self.before
        self.before = x
        return change


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.memory = Remember()
        self.last = nn.Conv2d(CHANNELS, 2, 1)

    def forward(self, image):
        return self.last(self.memory(self.first(image)))


if __name__ == "__main__":
    torch.manual_seed(0)
    frames = [torch.randn(1, 3, HEIGHT, WIDTH) for _ in range(10)]
    net = Network().eval()
    model = ferryman.convert(net, (frames[0],), state="explicit", progress=False)
    describe(model)
    claim("the state is named by its path", model.inputs[-1].name == "memory.before")
    state, worst = {}, 0.0
    with torch.no_grad():
        for frame in frames:
            got, state = model(frame, **({"state": state} if state else {}))
            worst = max(worst, compare(net(frame), got))
    print(f"worst difference in {len(frames)} calls: {worst:.1e}")
