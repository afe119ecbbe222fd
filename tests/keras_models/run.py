#!/usr/bin/env python3
"""Networks converted to Keras and compared with PyTorch on Keras' backends, each of them in an
environment of its own.

    tests/keras_models/run.py --python jax=PATH --python tensorflow=PATH \\
        [--json out/keras_models.jsonl] [--write docs/keras_models.md] [suite[:name] …]

PATH is the environment's interpreter; KERAS_JAX_PYTHON and so on say the same. PyTorch's is this
one, unless it is given. A backend without an environment is left out. Results are written as they
come; what the file of results has already is not run again, unless --again says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])

from families import suites  # noqa: E402
from keras_models import table  # noqa: E402
from keras_models.backends import NAMES, Backend, Failure, interpreters  # noqa: E402
from keras_models.prepare import README, Row, names  # noqa: E402
from workers import Failure as Lost  # noqa: E402
from workers import run_all  # noqa: E402

MATRIX = (README, "own", "torchvision", "timm", "transformers")


def main() -> int:
    options = _options()
    asked = [task for text in options.networks for task in _tasks(text)]
    known = {} if options.json is None else read(options.json)
    if options.again:
        known = {task: row for task, row in known.items() if task not in asked}
    with ExitStack() as stack:
        backends = [
            stack.enter_context(Backend(name, python, seconds=options.seconds))
            for name, python in interpreters(dict(options.python)).items()
        ]
        tasks = [task for task in asked if task not in known]
        for row in rows(tasks, backends, seconds=options.seconds):
            known[row.suite, row.name] = row
            print(table.line(row), flush=True)
            if options.json:
                append(options.json, row)
    order = (README, *suites.NAMES)
    found = sorted(known.values(), key=lambda row: (order.index(row.suite), row.name))
    if options.write:
        options.write.write_text(table.page(found))
    print(table.summary(found))
    return 1 if any(table.state(known[task], NAMES) != "right" for task in asked) else 0


def rows(tasks, backends, *, seconds: float):
    """One process converts, while the backends run what it has converted before."""
    with tempfile.TemporaryDirectory() as around:
        foldered = [(*task, f"{around}/{'-'.join(task)}") for task in tasks]
        found = run_all("keras_models.prepare:prepare", foldered, processes=1, seconds=seconds)
        for (suite, name, folder), row in found:
            if isinstance(row, Lost):
                row = Row(suite, name, state="refused", reason=row.what)
            if row.state == "converted":
                for backend in backends:
                    run_on(backend, row, Path(folder))
            shutil.rmtree(folder, ignore_errors=True)
            yield row


def run_on(backend: Backend, row: Row, folder: Path) -> None:
    try:
        answer = backend.ask("compare", model=folder / "model.keras", cases=folder / "cases.npz")
        row.errors[backend.name] = answer["errors"]
    except Failure as failure:
        row.failures[backend.name] = str(failure)


def read(path: Path) -> dict[tuple[str, str], Row]:
    """The last line of a network counts."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [Row(**json.loads(line)) for line in lines]
    return {(row.suite, row.name): row for row in found}


def append(path: Path, row: Row) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(dataclasses.asdict(row)) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="suite[:name]", default=list(MATRIX))
    parser.add_argument("--python", action="append", default=[], metavar="backend=path",
                        type=lambda text: tuple(text.split("=", 1)))  # fmt: skip
    parser.add_argument("--seconds", type=float, default=300, help="for one step of one network")
    parser.add_argument("--again", action="store_true", help="also what the results have already")
    parser.add_argument("--json", type=Path, help="the file of results, a line for each network")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    return parser.parse_args()


def _tasks(text: str) -> list[tuple[str, str]]:
    suite, _, name = text.partition(":")
    return [(suite, name)] if name else [(suite, name) for name in names(suite)]


if __name__ == "__main__":
    sys.exit(main())
