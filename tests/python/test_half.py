"""Half precision is computed in float32, with the same operators as a model of float32."""

import pytest
import torch
from torch import nn

import ferryman


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.norm = nn.BatchNorm2d(8)
        self.pointwise = nn.Conv2d(8, 4, 1)
        self.rows = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6))

    def forward(self, x):
        y = self.pointwise(self.norm(self.first(x)))
        return self.rows(y.mean((2, 3)))


class Autocast(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.net, self.dtype = Net(), dtype

    def forward(self, x):
        with torch.autocast("cpu", self.dtype):
            return self.net(x).float()


def settled(model):
    """With statistics as after training."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return model.eval()


FORMS = {
    "half": lambda: settled(Net()).half(),
    "bfloat16": lambda: settled(Net()).bfloat16(),
    "autocast to half": lambda: settled(Autocast(torch.float16)),
    "autocast to bfloat16": lambda: settled(Autocast(torch.bfloat16)),
    "float64": lambda: settled(Net()).double(),
}


@pytest.mark.parametrize("name", FORMS)
def test_batch_norms_are_folded_as_in_float32(name):
    model = FORMS[name]()
    dtype = torch.float32 if isinstance(model, Autocast) else next(model.parameters()).dtype
    x = torch.randn(2, 3, 8, 8).to(dtype)
    converted = ferryman.convert(model, (x,), progress=False)
    ops = {
        op: n for op, n in converted.report.native.ops.items() if op not in ("CAST", "TRANSPOSE")
    }
    plain = ferryman.convert(settled(Net()), (x.float(),), progress=False).report.native.ops
    assert ops == {op: n for op, n in plain.items() if op != "TRANSPOSE"}
    fresh = torch.randn(2, 3, 8, 8).to(dtype)
    tolerance = 0.05 if name.endswith(("bfloat16", "half")) else 1e-5
    torch.testing.assert_close(
        converted(fresh).float(), model(fresh).float().detach(), rtol=tolerance, atol=tolerance
    )


def test_large_weights_of_half_precision_are_constants():
    model = nn.Linear(1024, 1024).half().eval()  # 4 MB in float32
    converted = ferryman.convert(model, (torch.randn(2, 1024).half(),), progress=False)
    assert converted.report.native.ops == {"CAST": 2, "FULLY_CONNECTED": 1}
