"""Ferryman where Keras is on another backend than PyTorch: the check, live models, sources."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_models.environments import interpreter

pytest.importorskip("keras")
SCRIPT = Path(__file__).with_name("own_process.py")
PYTHON = Path(__file__).resolve().parents[2] / "python"


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_conversions_are_checked_and_live_on_each_backend(backend, tmp_path):
    asked = [interpreter(backend), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "PYTHONPATH": str(PYTHON),
    }
    command = [sys.executable, str(SCRIPT), packages, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    name, nodes = done.stdout.split()[:2]
    assert name == backend and int(nodes) > 5
    assert (tmp_path / "net.py").exists()
