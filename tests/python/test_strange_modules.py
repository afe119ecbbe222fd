"""Whatever a module does: what comes out of convert is a model, or an error of the package."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from strange_modules import STRANGE, X
from torch import nn

import ferryman
from ferryman.border import at_the_border


@pytest.mark.parametrize("name", STRANGE)
def test_nothing_but_errors_of_the_package_comes_out(name):
    model, args = STRANGE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converted = ferryman.convert(model, args, progress=False)
        except ferryman.Error as error:
            assert "a mistake inside Ferryman" not in str(error)
        else:
            assert isinstance(converted, ferryman.Model)
    assert torch.equal(X, torch.ones(2, 3) * 0.5)  # no trace of it in the caller's tensors
    assert not torch._C._functorch.get_dynamic_layer_stack_depth()


def test_errors_of_forward_are_told_as_such():
    for name in ("raises a key error", "wrong shapes", "refuses to be looked at"):
        model, args = STRANGE[name]
        with pytest.raises(ferryman.InputError, match="does not run on these example inputs"):
            ferryman.convert(model, args, progress=False)


def test_mistakes_of_our_own_say_so_and_keep_their_traceback(monkeypatch):
    def fails(program):
        raise IndexError("list index out of range")

    monkeypatch.setattr("ferryman.conversion.decompose_unknown", fails)
    with pytest.raises(ferryman.Error, match="a mistake inside Ferryman: IndexError") as caught:
        ferryman.convert(nn.Linear(3, 3).eval(), (X,), progress=False)
    assert isinstance(caught.value.__cause__, IndexError)
    assert "report" in caught.value.hint


def test_what_the_caller_asked_to_be_raised_passes_the_border():
    @at_the_border
    def interrupted(error):
        raise error

    with pytest.raises(KeyboardInterrupt):
        interrupted(KeyboardInterrupt())
    with pytest.raises(UserWarning):
        interrupted(UserWarning("an error where warnings are"))


def test_verify_without_torch_says_what_to_install(tmp_path):
    (tmp_path / "torch.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(ferryman.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-m", "ferryman", "verify", "model.pt2", "model.tflite"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'verify' needs the package torch\n  hint: pip install torch\n"
