"""A weight that several ops read is stored once, unless a copy is small beside what it saves."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ferryman

TOKENS = torch.randint(0, 1000, (1, 6))


class Tied(nn.Module):
    """An embedding tied to the output layer, a norm in front of that."""

    def __init__(self, norm, scale=1.0):
        super().__init__()
        self.table = nn.Embedding(1000, 64)
        self.norm, self.scale = norm, scale
        self.head = nn.Linear(64, 1000, bias=False)
        self.head.weight = self.table.weight
        nn.init.uniform_(self.norm.weight, 0.5, 2)

    def forward(self, tokens):
        return self.head(self.norm(self.table(tokens)) * self.scale)


class Reused(nn.Module):
    """A convolution with a norm for each of two inputs, or one for both."""

    def __init__(self, norms):
        super().__init__()
        self.conv = nn.Conv2d(128, 128, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(128).eval() for _ in range(norms))
        for norm in self.norms:
            nn.init.uniform_(norm.weight, 0.5, 2)

    def forward(self, x, y):
        return self.norms[0](self.conv(x)), self.norms[-1](self.conv(y))


def unique_bytes(module) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())


def assert_stored_once(module, *args):
    model = ferryman.convert(module.eval(), args, progress=False)
    assert model.path.stat().st_size < 1.05 * unique_bytes(module) + 10_000
    return model


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_a_tied_table_behind_a_norm(norm, scale):
    assert_stored_once(Tied(norm(64), scale), TOKENS)


def test_a_tied_table_in_half_precision():
    module = Tied(nn.LayerNorm(64)).half()
    model = ferryman.convert(module.eval(), (TOKENS,), progress=False)
    assert model.path.stat().st_size < 1.05 * 2 * unique_bytes(module) + 10_000


def test_a_tied_table_in_an_archive(tmp_path):
    module = Tied(nn.LayerNorm(64)).eval()
    torch.export.save(torch.export.export(module, (TOKENS,)), tmp_path / "tied.pt2")
    model = ferryman.convert(tmp_path / "tied.pt2", progress=False)
    assert model.path.stat().st_size < 1.05 * unique_bytes(module) + 10_000


def test_a_factor_behind_a_norm_is_no_operator_of_its_own():
    ops = assert_stored_once(Tied(nn.RMSNorm(64), 0.125), TOKENS).report.native.ops
    plain = assert_stored_once(Tied(nn.RMSNorm(64)), TOKENS).report.native.ops
    assert ops == plain


def images():
    return torch.randn(1, 128, 4, 4), torch.randn(1, 128, 4, 4)


@pytest.mark.parametrize("norms", [1, 2])
def test_a_convolution_that_runs_twice(norms):
    model = assert_stored_once(Reused(norms), *images())
    folded = "DEPTHWISE_CONV_2D" not in model.report.native.ops
    assert folded == (norms == 1)


def test_a_small_copy_is_worth_it():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1)
            self.norms = nn.ModuleList(nn.BatchNorm2d(4).eval() for _ in range(2))
            nn.init.uniform_(self.norms[0].weight, 0.5, 2)

        def forward(self, x):
            return self.norms[1](self.conv(self.norms[0](self.conv(x)).relu()))

    model = ferryman.convert(Small().eval(), (torch.randn(1, 4, 32, 32),), progress=False)
    assert "DEPTHWISE_CONV_2D" not in model.report.native.ops


def test_the_remark_names_the_weight_and_the_bytes():
    model = ferryman.convert(Tied(nn.LayerNorm(64)).eval(), (TOKENS,), progress=False)
    (text,) = [r["what"] for r in model.report.remarks if "another reader" in r["what"]]
    assert "256000 bytes" in text and "weight" in text


def test_layers_that_share_all_weights_fold_alike():
    class Repeated(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.layer = nn.LayerNorm(64), nn.Linear(64, 64)
            nn.init.uniform_(self.norm.weight, 0.5, 2)

        def forward(self, x):
            for _ in range(3):
                x = x + F.gelu(self.layer(self.norm(x)))
            return x

    module = Repeated()
    model = assert_stored_once(module, torch.randn(1, 2, 64))
    assert any(r["subject"] == "norm_before_linear" for r in model.report.remarks)
    assert not any("another reader" in r["what"] for r in model.report.remarks)
