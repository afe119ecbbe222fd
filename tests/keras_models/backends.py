"""Keras on one backend, in a process of an environment of its own.

    with Backend("jax", Path("…/bin/python"), seconds=120) as jax:
        jax.ask("compare", model=…, cases=…)      # {"errors": {…}}; Failure if it says none

The process serves many questions, since TensorFlow takes seconds to start; one that dies or hangs
costs its own question.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = ("torch", "jax", "tensorflow")


def interpreters(given: dict[str, str]) -> dict[str, Path]:
    """Of the environments that are there: given, or named by KERAS_JAX_PYTHON and so on. PyTorch is
    in this one."""
    here = {"torch": sys.executable}
    named = {name: os.environ.get(f"KERAS_{name.upper()}_PYTHON") for name in NAMES}
    found = {name: given.get(name) or named[name] or here.get(name) for name in NAMES}
    return {name: Path(python) for name, python in found.items() if python}


class Failure(Exception):
    """What the backend says, in a line."""


class Backend:
    def __init__(self, name: str, python: Path, *, seconds: float):
        self.name, self._python, self._seconds = name, python, seconds
        self._process: subprocess.Popen | None = None

    def ask(self, task: str, **options: Any) -> dict[str, Any]:
        process = self._running()
        question = json.dumps({"task": task, **{k: _plain(v) for k, v in options.items()}})
        with contextlib.suppress(BrokenPipeError):  # then it gives no answer
            process.stdin.write(question + "\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], self._seconds)
        if not ready:
            self.close()
            raise Failure(f"ran out of time ({self._seconds:.0f} s)")
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self.close()
            raise Failure(f"the process died with exit code {code}")
        answer = json.loads(line)
        if "failure" in answer:
            raise Failure(answer["failure"])
        return answer

    def _running(self) -> subprocess.Popen:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, str(Path(__file__).with_name("alone.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=_environment(self.name),
            )
        return self._process

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _environment(backend: str) -> dict[str, str]:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # half the time of compiling
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        environment.setdefault(name, "1")
    environment.pop("PYTHONPATH", None)
    return environment


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value
