"""Linear layers over an axis that is not the last: products from the left, no transpositions."""

import json

import pytest
import torch
from torch import nn

import ferryman


class TokenMixing(nn.Module):
    def __init__(self, bias: bool):
        super().__init__()
        self.wide = nn.Linear(16, 24, bias=bias)
        self.narrow = nn.Linear(24, 16, bias=bias)

    def forward(self, x):
        y = torch.relu(self.wide(x.transpose(1, 2)))
        return x + self.narrow(y).transpose(1, 2)


class TalkingHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, scores):  # [n, heads, queries, keys]
        scores = self.before(scores.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.after(scores.softmax(-1).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (TokenMixing(bias=True), (1, 16, 40)),
        (TokenMixing(bias=True), (3, 16, 40)),
        (TokenMixing(bias=False), (3, 16, 40)),
        (TalkingHeads(), (1, 4, 10, 10)),
    ],
)
def test_no_copies(module, shape):
    torch.manual_seed(0)
    model = ferryman.convert(module.eval(), (torch.randn(shape),))  # checked, every value
    layout = json.loads(model.report.to_json())["layout"]
    assert layout["transposes"] == []
    assert layout["optimal"]
