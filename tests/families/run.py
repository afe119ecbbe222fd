#!/usr/bin/env python3
"""Real models of many families, converted and compared with PyTorch on LiteRT.

    tests/families/run.py [--json out/families.json] [--write docs/families.md] [suite[:name] …]

Without names: all. Each family is a task of its own with a time limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])

from families import suites, table  # noqa: E402
from families.check import Row  # noqa: E402
from workers import Failure, run_all  # noqa: E402

# All but the networks that are there to be timed.
MATRIX = ("own", "torchvision", "timm", "transformers", "ultralytics")


def main() -> int:
    options = _options()
    tasks = [task for text in options.families for task in _tasks(text)]
    rows = []
    for task, result in run_all(
        "families.check:check", tasks, processes=options.processes, seconds=options.seconds
    ):
        if isinstance(result, Failure):
            result = Row(*task, state="wrong", reason=result.what)
        rows.append(result)
        print(table.line(result), flush=True)
    rows.sort(key=lambda row: (suites.NAMES.index(row.suite), row.name))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps([dataclasses.asdict(row) for row in rows], indent=1)
        options.json.write_text(text + "\n")
    if options.write:
        options.write.write_text(table.page(rows))
    print(table.summary(rows))
    print(table.missing(rows))
    return 1 if any(row.state in ("wrong", "refused") for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", metavar="suite[:name]", default=list(MATRIX))
    parser.add_argument("--seconds", type=float, default=300, help="for one family at most")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    return parser.parse_args()


def _tasks(text: str) -> list[tuple[str, str]]:
    suite, _, name = text.partition(":")
    return [(suite, name)] if name else [(suite, name) for name in suites.families(suite)]


if __name__ == "__main__":
    sys.exit(main())
