"""Runs the program `ferryman`, and looks at how it ended.

    done = convert(save(module, args, tmp_path / "net.pt2"), tmp_path, "--json")
    assert refused(run("inspect", "missing"), 2, "cannot open")
"""

import os
import subprocess
import sys
from pathlib import Path

import torch

PROGRAM = Path(
    os.environ.get("FERRYMAN_PROGRAM", Path(__file__).parents[2] / "build" / "src" / "ferryman")
)


def run(*arguments):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


def save(module, args, path):
    torch.export.save(torch.export.export(module.eval(), args), path)
    return path


def refused(done, status, *texts):
    """Ended with this status, the error on stderr alone."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    for text in texts:
        assert text in done.stderr
    return True


def convert(archive, tmp_path, *options):
    """Converts; what failed must have left nothing."""
    output = tmp_path / "out" / "model.tflite"
    output.parent.mkdir(exist_ok=True)
    done = run("convert", archive, "-o", output, *options)
    assert output.parent.exists()
    written = [path.name for path in output.parent.iterdir()]
    assert written == (["model.tflite"] if done.returncode == 0 else [])
    return done
