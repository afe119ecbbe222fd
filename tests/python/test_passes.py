"""Passes left out one by one and all together: the numbers stay, since none of those that may be
left out is needed for them."""

import json

import pytest
import torch
from command_line import convert, refused, run, save
from torch import nn
from torch.nn import functional as F

import ferryman
from passes_off import without_passes

PASSES = json.loads(run("passes", "--json").stdout)
OPTIONAL = [p["name"] for p in PASSES if p["needed"] is None]
NEEDED = {p["name"]: p["needed"] for p in PASSES if p["needed"] is not None}


class Varied(nn.Module):
    """Something for each pass to find."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(4, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 1)
        self.linear = nn.Linear(8, 8)
        self.register_buffer("table", torch.randn(3, 8))

    def forward(self, image):
        x = F.pad(image, (1, 1, 1, 1))
        x = self.norm(self.first(x)).clamp(-float("inf"), float("inf"))
        x = torch.max(x, torch.zeros(())).clamp(max=6.0)
        x = x.view(x.shape[0], 2, 4, *x.shape[2:]).transpose(1, 2).flatten(1, 2)
        x = self.second(x) * (x + 3).clamp(0, 6) / 6
        row = x.mean((2, 3))
        centred = row - row.mean(-1, keepdim=True)
        row = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        row = self.linear(row) + self.table.t().reshape(3, 8).permute(1, 0)[:, 1] * 2
        order = row.argmax(-1)
        return row[:, 2:6], order // 3, torch.cat([row, row], 1)[:, :8], (self.table + 1).view(8, 3)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passes")
    return save(Varied().eval(), (torch.randn(2, 4, 6, 6),), folder / "varied.pt2")


def test_list_tells_which_passes_are_needed_and_why():
    text = run("passes").stdout
    assert "canonicalise" in OPTIONAL and "legalise_ops" in NEEDED
    for name in (*OPTIONAL, *NEEDED):
        assert f"{name} " in text
    for why in NEEDED.values():
        assert f"needed: {why}\n" in text


@pytest.mark.parametrize("name", OPTIONAL)
def test_optional_pass_is_left_out(archive, tmp_path, name):
    assert convert(archive, tmp_path, "--disable-pass", name).returncode == 0
    with without_passes(name):
        ferryman.convert(archive, progress=False)  # checked


def test_all_optional_passes_are_left_out_together(archive, tmp_path):
    count = []
    for disabled in ([], ["--disable-pass", "*"]):
        done = convert(archive, tmp_path, "--json", *disabled)
        count.append(sum(json.loads(done.stdout)["report"]["ops"].values()))
    assert count[0] < count[1]
    with without_passes("*"):
        ferryman.convert(archive, progress=False)


@pytest.mark.parametrize("name", NEEDED)
def test_needed_pass_is_not_left_out(archive, tmp_path, name):
    done = convert(archive, tmp_path, "--disable-pass", name)
    assert refused(done, 2, f"'{name}' cannot be left out", f"why:  {NEEDED[name]}")


def test_unknown_pass_is_refused_in_python(archive):
    with without_passes("fold_everything"):
        with pytest.raises(ferryman.InputError, match="the passes are"):
            ferryman.convert(archive, verify=False, progress=False)


@pytest.mark.parametrize("name", ["fuse_conv_bn", "legalise_ops"])
def test_graph_is_printed_after_a_pass(archive, tmp_path, name):
    done = convert(archive, tmp_path, "--print-after", name)
    assert done.stderr.startswith(f"// after {name}\ngraph @")
    assert done.stderr.count("// after ") == 1


def test_graph_is_printed_after_each_pass_that_changes_it(archive, tmp_path):
    done = convert(archive, tmp_path, "--print-after", "*")
    printed = [line[9:] for line in done.stderr.splitlines() if line.startswith("// after ")]
    assert {"canonicalise", "fuse_conv_bn", "legalise_ops"} <= set(printed)
