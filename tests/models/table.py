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
MAX_EXTRA_BYTES = 100e6  # of memory, beside the size of the file
HEAD = (
    "| model | worst difference | transposes | MB moved | capture s | core ms: read | simplify "
    "| layout | write | core memory MB | file MB | operators |\n" + "|---" + "|---:" * 11 + "|"
)
# The core's stages, in the columns of the table.
READ = ("hand over", "op table", "functionalise", "translate")
SIMPLIFY = ("simplify", "legalise")
LAYOUT = ("plan layout", "lower", "polish")
WRITE = ("write", "report")


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
            print(line(result), *faults(result), flush=True)
        else:
            failures[name] = result
            print(f"{name}: FAILED\n{result}", flush=True)
    text = table(rows, failures)
    print("\n" + text)
    if options.write:
        replace(options.write, text)
    return 1 if failures or any(map(faults, rows)) else 0


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
    proof = "" if is_proved(row) else f" (at least {row.lower_bound / 1e6:.2f})"
    columns = [
        row.name,
        f"{row.error:.1e}",
        str(row.transposes),
        f"{row.bytes_moved / 1e6:.2f}{proof}",
        f"{row.seconds['capture']:.2f}",
        *(
            f"{1e3 * sum(row.seconds.get(stage, 0) for stage in stages):.0f}"
            for stages in (READ, SIMPLIFY, LAYOUT, WRITE)
        ),
        f"{row.peak_bytes / 1e6:.0f}",
        f"{row.file_bytes / 1e6:.1f}",
        str(row.operators),
    ]
    return f"| {' | '.join(columns)} |"


def is_proved(row: Row) -> bool:
    return row.optimal and row.bytes_moved == row.lower_bound


def faults(row: Row) -> list[str]:
    """What the row does not hold of what is promised."""
    found = []
    if row.error > TOLERANCE:
        found.append(f"outputs differ by {row.error:.1e}")
    if not is_proved(row):
        found.append("the layout is not proved")
    if row.peak_bytes > row.file_bytes + MAX_EXTRA_BYTES:
        found.append(f"the core takes {row.peak_bytes / 1e6:.0f} MB")
    if not row.same_graph:
        found.append("live module and archive give different graphs")
    return found


def table(rows: list[Row], failures: dict[str, str]) -> str:
    lines = [HEAD, *map(line, rows)]
    lines += [f"| {name} | fails |" + " |" * 10 for name in failures]
    total = len(rows) + len(failures)
    within = sum(row.error <= TOLERANCE for row in rows)
    tight = sum(row.error <= TIGHT for row in rows)
    proved = sum(map(is_proved, rows))
    same = sum(row.same_graph for row in rows)
    lines.append(
        f"\n{within} of {total} models are within {TOLERANCE:.0e} of PyTorch, {tight} within "
        f"{TIGHT:.0e}: the worst difference relative to the largest value of an output, on inputs "
        "other than the example, with XNNPACK and with the built-in kernels. Every value inside "
        f"was checked as well. For {proved} it is proved that no layout moves fewer bytes. "
        f"{same} give the same core graph from the live module as from the .pt2."
    )
    return "\n".join(lines)


def replace(path: Path, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    start, end = content.index(BEGIN) + len(BEGIN), content.index(END)
    path.write_text(f"{content[:start]}\n{text}\n{content[end:]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
