#!/usr/bin/env python3
"""Every operator, or module, of PyTorch's own databases, on LiteRT or Keras against eager PyTorch.

    tests/opinfo/run.py [--samples 20] [--json out/opinfo.json] [--write docs/operators.md] [op …]
    tests/opinfo/run.py --target keras [op …]
    tests/opinfo/run.py --database modules [nn.GRU …]
    tests/opinfo/run.py --only-free --write docs/operators.md      # free axes; the rest as it is

Exit status 1 if one is wrong, or one that passes by the table in docs no longer does.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]
# Some samples depend on the order of a set.
os.environ["PYTHONHASHSEED"] = "0"
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])

from opinfo import table  # noqa: E402
from opinfo.check import Outcome  # noqa: E402
from opinfo.databases import DATABASES  # noqa: E402
from opinfo.families import MODULES  # noqa: E402
from opinfo.free_axes import FreeOutcome  # noqa: E402
from opinfo.samples import DTYPES, REAL_DTYPES  # noqa: E402
from workers import Failure, run_all  # noqa: E402

SECONDS = 180.0  # for all samples of one operator in one dtype


def main() -> int:
    options = _options()
    if options.only_free:
        return _only_free(options)
    name = options.database
    infos = DATABASES[name].infos()
    samples = DATABASES[name].table_samples if options.samples is None else options.samples
    more = () if options.target == "tflite" else ((), options.target)
    tasks = [
        (name, op, dtype, samples, *more)
        for op in options.ops or infos
        for dtype in options.dtypes
        if DTYPES[dtype] in infos[op].dtypes
    ]
    outcomes = run(tasks, options.processes, progress=sys.stderr.isatty())
    _write_json(options.json, outcomes)
    for outcome in outcomes:
        if options.ops or outcome.state == "wrong":
            print(f"{outcome.op} {outcome.dtype}: {outcome.state}", *outcome.reasons, sep="\n    ")
    print(table.summary(name, outcomes))
    if options.target != "tflite":  # the tables are of LiteRT
        return 1 if any(outcome.state == "wrong" for outcome in outcomes) else 0
    lost = lost_operators(name, outcomes, options.processes)
    for op in lost:
        print(f"{op} passed, by {DATABASES[name].page.name}, and does not any more")
    free = []
    if options.write and name == "operators":
        free = run_free(options.ops, options.processes)
    if options.write:
        options.write.write_text(table.page(name, table.rows(outcomes), free))
    return 1 if lost or any(outcome.state == "wrong" for outcome in [*outcomes, *free]) else 0


def _write_json(path: Path | None, outcomes: Sequence[Outcome | FreeOutcome]) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1)
    path.write_text(text + "\n")


def _only_free(options: argparse.Namespace) -> int:
    outcomes = run_free(options.ops, options.processes)
    _write_json(options.json, outcomes)
    for outcome in outcomes:
        if options.ops or outcome.state == "wrong":
            print(f"{outcome.op}: {table.free_cell(outcome)}", *outcome.reasons, sep="\n    ")
    print(table.free_summary(outcomes))
    if options.write:
        known = table.read(DATABASES["operators"].page)
        options.write.write_text(table.page("operators", known, outcomes))
    return 1 if any(outcome.state == "wrong" for outcome in outcomes) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="op", help="default: all")
    parser.add_argument("--database", choices=DATABASES, default="operators")
    parser.add_argument("--target", choices=("tflite", "keras"), default="tflite")
    parser.add_argument("--samples", type=int, help="at most; 0: all; default: as the table has")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=REAL_DTYPES)
    parser.add_argument("--only-free", action="store_true", help="free axes, not the samples")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    return parser.parse_args()


def lost_operators(name: str, outcomes: list[Outcome], processes: int) -> list[str]:
    """What passes by the table and does not any more. Fewer samples than the table has may all be
    random or the like, so each candidate is judged on as many."""
    page, samples = DATABASES[name].page, DATABASES[name].table_samples
    candidates = [(name, o.op, o.dtype, samples) for o in table.lost(outcomes, page)]
    again = run(candidates, processes) if candidates else []
    return [f"{o.op} in {o.dtype}" for o in table.lost(again, page)]


def run(tasks: list[tuple], processes: int, *, progress: bool = False) -> list[Outcome]:
    """In the order of the tasks."""
    outcomes = {}
    for task, result in run_all(
        "opinfo.check:check_op", tasks, processes=processes, seconds=SECONDS
    ):
        if isinstance(result, Failure):
            result = Outcome(task[1], task[2], wrong=1, reasons=[result.what])
        outcomes[task] = result
        if progress:
            print(f"\r{len(outcomes)} of {len(tasks)}", end="", file=sys.stderr)
    return [outcomes[task] for task in tasks]


def run_free(ops: list[str], processes: int) -> list[FreeOutcome]:
    """Of the operators, and the layers that have a family with them; in that order."""
    infos = DATABASES["operators"].infos()
    tasks = [
        (op, table.FREE_SAMPLES, "operators" if op in infos else "modules")
        for op in ops or [*infos, *MODULES]
        if op not in infos or DTYPES["float32"] in infos[op].dtypes
    ]
    outcomes = {}
    call = "opinfo.free_axes:check_free_axes"
    for task, result in run_all(call, tasks, processes=processes, seconds=SECONDS):
        if isinstance(result, Failure):
            result = FreeOutcome(task[0], wrong=1, reasons=[result.what])
        outcomes[task] = result
    return [outcomes[task] for task in tasks]


if __name__ == "__main__":
    sys.exit(main())
