"""The tables in docs/operators.md and docs/modules.md: written from outcomes, and read again as the
lists of what must go on passing.

    rows = table.rows(outcomes)             # or table.read(path)
    path.write_text(table.page("operators", rows, free_outcomes))
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from opinfo.check import Outcome
from opinfo.databases import DATABASES
from opinfo.families import FAMILIES, family
from opinfo.free_axes import FreeOutcome

HEAD = """\
# {title}

Written by `make {name}`: every {source}, run on
LiteRT with other values, and compared with eager PyTorch. The error is at most 1e-4 of
max(|reference|, 1) for each element in float32; integers and booleans are exact. *passes*: all \
samples
that `torch.export` captures; *refused*: at least one is refused with an error, whose reason stands
beside it; *not expressible*: random, uninitialised, sparse, no tensor goes in, sizes that depend on
values, or not captured by `torch.export`.

"""


FREE_HEAD = """\
## Free axes

One axis of a sample after the other is made free (docs/free_sizes.md), together with what PyTorch
ties it to, and the file is run on other sizes; in float32, {samples} of each operator's samples
that have an axis, and up to four axes of it. *passes*: all of them; otherwise the first reason
stands beside how many do; *none*: there is none, or PyTorch fixes them all, or refuses other sizes.
Recurrent layers and layers of attention are those of `torch.nn`.

"""
FREE_SAMPLES = 1
COLUMNS = ("dtype", "state", "samples", "free axes", "reason")


@dataclasses.dataclass
class Row:
    op: str
    dtype: str
    state: str
    samples: str
    free: str
    reason: str


def rows(outcomes: Iterable[Outcome]) -> list[Row]:
    table = []
    for o in outcomes:
        total = o.passed + o.refused + o.wrong
        reason = "" if o.state == "passes" else _cell(o.reasons[:1])
        table.append(Row(o.op, o.dtype, o.state, f"{o.passed} of {total}", "", reason))
    return table


def read(path: Path) -> list[Row]:
    """The rows of a page; none if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    table, header = [], None
    for line in lines:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if "dtype" in cells:
            header = ["op", *cells[1:]]
        elif header and len(cells) == len(header) and not cells[0].startswith("---"):
            known = dict(zip(header, cells))
            known["free"] = known.pop("free axes", "")
            table.append(Row(**known))
    return table


def free_cell(outcome: FreeOutcome) -> str:
    if outcome.state in ("passes", "none"):
        return outcome.state
    total = outcome.passed + outcome.refused + outcome.wrong
    state = f"{outcome.passed} of {total}" if outcome.passed else outcome.state
    return f"{state}: {_cell(outcome.reasons[:1])}"


def free_summary(outcomes: Iterable[FreeOutcome]) -> str:
    """By family, how many operators and axes pass; operators without an axis that is free are left
    out."""
    by_family = collections.defaultdict(list)
    for outcome in outcomes:
        if outcome.state != "none":
            by_family[family(outcome.op)].append(outcome)
    lines = [
        "| family | operators | pass | in part | refused | wrong | share | axes |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for kind in [*FAMILIES, "all"]:
        found = by_family[kind] if kind != "all" else [o for f in by_family.values() for o in f]
        if not found:
            continue
        states = collections.Counter(o.state for o in found)
        share = 100 * states["passes"] / len(found)
        axes = sum(o.passed for o in found)
        total = sum(o.passed + o.refused + o.wrong for o in found)
        counts = " | ".join(str(states[s]) for s in ("passes", "in part", "refused", "wrong"))
        lines.append(f"| {kind} | {len(found)} | {counts} | {share:.0f} % | {axes} of {total} |")
    return "\n".join(lines)


def summary(name: str, outcomes: list[Outcome] | list[Row]) -> str:
    """Of an operator that knows float32, that dtype counts; of others, the worst of the dtypes."""
    states = collections.Counter(_states(outcomes).values())
    expressible = sum(states.values()) - states["not expressible"]
    share = 100 * states["passes"] / max(1, expressible)
    whole = collections.Counter(o.state for o in outcomes if o.dtype != "float32")
    text = (
        f"{states['passes']} of {expressible} expressible {name} pass ({share:.1f} %), "
        f"{states['refused']} are refused, {states['wrong']} are wrong; "
        f"{states['not expressible']} are not expressible."
    )
    if not whole:
        return text
    return (
        f"{text} In integers and booleans: {whole['passes']} pass, {whole['refused']} are refused, "
        f"{whole['wrong']} are wrong."
    )


def _states(outcomes: list[Outcome]) -> dict[str, str]:
    by_op = collections.defaultdict(dict)
    for outcome in outcomes:
        by_op[outcome.op][outcome.dtype] = outcome.state
    return {op: _state(states) for op, states in by_op.items()}


def _state(by_dtype: dict[str, str]) -> str:
    if "float32" in by_dtype and by_dtype["float32"] != "not expressible":
        return by_dtype["float32"]
    order = ("wrong", "refused", "passes", "not expressible")
    return min(by_dtype.values(), key=order.index)


def page(name: str, table: list[Row], free: Iterable[FreeOutcome] = ()) -> str:
    """With a column for free axes where they were measured."""
    database = DATABASES[name]
    cells = {outcome.op: free_cell(outcome) for outcome in free}
    columns = [column for column in COLUMNS if cells or column != "free axes"]
    lines = [
        f"| {database.what} | {' | '.join(columns)} |",
        f"|---|{'|'.join('---:' if column == 'samples' else '---' for column in columns)}|",
    ]
    for row in table:
        free_axes = cells.get(row.op, "") if row.dtype == "float32" else ""
        values = [row.op, row.dtype, row.state, row.samples, *([free_axes] if cells else [])]
        lines.append(f"| {' | '.join(values)} | {row.reason} |")
    head = HEAD.format(name=name, title=database.title, source=database.source)
    text = head + summary(name, table) + "\n\n"
    if cells:
        text += FREE_HEAD.format(samples=FREE_SAMPLES) + free_summary(free) + "\n\n"
        text += f"## {database.title} by dtype\n\n"
    return text + "\n".join(lines) + "\n"


def _cell(reasons: list[str]) -> str:
    text = " ".join(reasons)[:160]
    # Numbers of a process or an address would change the page from run to run.
    return re.sub(r"0x[0-9a-f]+", "…", text).replace("|", "\\|").replace("\n", " ")


def _listed(path: Path, state: str) -> set[tuple[str, str]]:
    """(operator, dtype) of what has that state by the table."""
    return {(row.op, row.dtype) for row in read(path) if row.state == state}


def passing(path: Path) -> set[tuple[str, str]]:
    return _listed(path, "passes")


def inexpressible(path: Path) -> set[tuple[str, str]]:
    return _listed(path, "not expressible")


def lost(outcomes: list[Outcome], path: Path) -> list[Outcome]:
    """Those that pass by the table, and not here."""
    known = passing(path)
    return [o for o in outcomes if (o.op, o.dtype) in known and o.state != "passes"]
