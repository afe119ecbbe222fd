#!/usr/bin/env python3
"""The table of models in the README: each converted and measured in a process of its own.

tests/models/table.py [--write README.md] [name …]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "python")]

from models import zoo  # noqa: E402
from models.measure import Row  # noqa: E402

BEGIN, END = "<!-- models: written by `make models` -->", "<!-- end of models -->"
TOLERANCE, TIGHT = 1e-4, 1e-5
HEAD = (
    "| model | worst difference | transposes | bytes moved | capture s | core ms | core memory MB "
    "| file MB |\n|---|---:|---:|---:|---:|---:|---:|---:|"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help="default: all")
    parser.add_argument("--write", type=Path, help="replace the table in this file")
    options = parser.parse_args()
    rows, failures = [], {}
    for name in options.names or zoo.NAMES:
        result = _run(name)
        if isinstance(result, Row):
            rows.append(result)
            print(line(result), flush=True)
        else:
            failures[name] = result
            print(f"{name}: FAILED\n{result}", flush=True)
    text = table(rows, failures)
    print("\n" + text)
    if options.write:
        replace(options.write, text)
    return 1 if failures or any(row.error > TOLERANCE for row in rows) else 0


def _run(name: str) -> Row | str:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("measure.py")), name, folder],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        return done.stderr.strip()[-2000:] or f"exit status {done.returncode}"
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def line(row: Row) -> str:
    proof = "" if row.optimal and row.bytes_moved == row.lower_bound else f" ≥ {row.lower_bound}"
    core = sum(seconds for name, seconds in row.seconds.items() if name != "capture")
    return (
        f"| {row.name} | {row.error:.1e} | {row.transposes} | {row.bytes_moved}{proof} "
        f"| {row.seconds['capture']:.2f} | {1e3 * core:.1f} | {row.peak_bytes / 1e6:.0f} "
        f"| {row.file_bytes / 1e6:.1f} |"
    )


def table(rows: list[Row], failures: dict[str, str]) -> str:
    lines = [HEAD, *map(line, rows)]
    lines += [f"| {name} | fails | | | | | | |" for name in failures]
    within = sum(row.error <= TOLERANCE for row in rows)
    tight = sum(row.error <= TIGHT for row in rows)
    proved = sum(row.optimal and row.bytes_moved == row.lower_bound for row in rows)
    lines.append(
        f"\n{within} of {len(rows) + len(failures)} models are within {TOLERANCE:.0e} of PyTorch, "
        f"{tight} within {TIGHT:.0e}, relative to the largest output, on inputs other than the "
        f"example and on both kinds of kernels. For {proved} the planner proves that no layout "
        "moves fewer bytes."
    )
    return "\n".join(lines)


def replace(path: Path, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    start, end = content.index(BEGIN) + len(BEGIN), content.index(END)
    path.write_text(f"{content[:start]}\n{text}\n{content[end:]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
