"""nobuco's scripts with bodies in TensorFlow, to Keras' .h5 and on to TFLite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_models.environments import interpreter

pytest.importorskip("keras")
SCRIPT = Path(__file__).with_name("nobuco_script.py")
PYTHON = Path(__file__).resolve().parents[2] / "python"


def test_functions_control_flow_and_state_reach_tflite(tmp_path):
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = [interpreter("tensorflow"), "-c", ask]
    packages = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(PYTHON),
    }
    command = [sys.executable, str(SCRIPT), packages, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    finished = [line for line in done.stdout.splitlines() if line.endswith(" ok")]
    assert finished == ["functions ok", "control ok", "state ok"]
