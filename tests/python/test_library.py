"""The C++ library as its users have it: installed, and an example built outside of the tree."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

import ferryman

ROOT = Path(__file__).parents[2]


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def must(*command):
    status, stdout, stderr = run(*command)
    assert status == 0, stdout + stderr
    return stdout


@pytest.fixture(scope="module")
def carry(tmp_path_factory):
    """The example, against a Ferryman that was installed into an empty folder."""
    folder = tmp_path_factory.mktemp("library")
    build = ROOT / "build"
    must("cmake", "--install", build, "--component", "library", "--prefix", folder / "installed")
    must("cmake", "-S", ROOT / "examples" / "cpp", "-B", folder / "build", "-G", "Ninja",
         "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={folder / 'installed'}")  # fmt: skip
    must("cmake", "--build", folder / "build")
    return folder / "build" / "carry"


def test_example_converts(carry, tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    archive, out = tmp_path / "net.pt2", tmp_path / "net.tflite"
    ferryman.export(net, (torch.randn(1, 3, 8, 8),), archive)
    stdout = must(carry, archive, out)
    assert f"{out.stat().st_size} bytes, by Ferryman {ferryman.__version__}" in stdout
    assert "1 CONV_2D" in stdout
    with_python = ferryman.convert(net, (torch.randn(1, 3, 8, 8),), input_layout="channels_last",
                                   verify=False)  # fmt: skip
    assert json.loads(with_python.report.to_json())["ops"] == {"CONV_2D": 1, "TRANSPOSE": 1}


def test_example_tells_what_is_wrong(carry, tmp_path):
    (tmp_path / "net.pt2").write_bytes(b"no archive")
    status, stdout, stderr = run(carry, tmp_path / "net.pt2", tmp_path / "net.tflite")
    assert (status, stdout) == (1, "")
    assert stderr.startswith("error[E0102]") or stderr.startswith("error[E0104]")
    assert not (tmp_path / "net.tflite").exists()


def test_only_the_interface_is_visible(carry):
    (library,) = (carry.parents[1] / "installed").glob("lib*/**/libferryman.so")
    symbols = must("nm", "-D", "--defined-only", "-C", library).splitlines()
    names = {re.split(r"[(\[]", line.split(maxsplit=2)[2])[0] for line in symbols}
    own = {name for name in names if name.startswith("ferryman::")}
    assert own == {
        f"ferryman::{name}" for name in ("convert_archive", "library_version", "target_names")
    }
