"""The tables in docs/operators.md and docs/modules.md: written from outcomes, and read again as the
lists of what must go on passing."""

from __future__ import annotations

import collections
import re
from pathlib import Path

from opinfo.check import Outcome
from opinfo.databases import DATABASES

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


def summary(name: str, outcomes: list[Outcome]) -> str:
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


def page(name: str, outcomes: list[Outcome]) -> str:
    database = DATABASES[name]
    lines = [f"| {database.what} | dtype | state | samples | reason |", "|---|---|---|---:|---|"]
    for o in outcomes:
        total = o.passed + o.refused + o.wrong
        reason = "" if o.state == "passes" else _cell(o.reasons[:1])
        lines.append(f"| {o.op} | {o.dtype} | {o.state} | {o.passed} of {total} | {reason} |")
    head = HEAD.format(name=name, title=database.title, source=database.source)
    return head + summary(name, outcomes) + "\n\n" + "\n".join(lines) + "\n"


def _cell(reasons: list[str]) -> str:
    text = " ".join(reasons)[:160]
    # Numbers of a process or an address would change the page from run to run.
    return re.sub(r"0x[0-9a-f]+", "…", text).replace("|", "\\|").replace("\n", " ")


def _listed(path: Path, state: str) -> set[tuple[str, str]]:
    """(operator, dtype) of what has that state by the table."""
    if not path.exists():
        return set()
    rows = (line.split(" | ") for line in path.read_text().splitlines() if line.startswith("| "))
    return {(row[0].removeprefix("| "), row[1]) for row in rows if row[2] == state}


def passing(path: Path) -> set[tuple[str, str]]:
    return _listed(path, "passes")


def inexpressible(path: Path) -> set[tuple[str, str]]:
    return _listed(path, "not expressible")


def lost(outcomes: list[Outcome], path: Path) -> list[Outcome]:
    """Those that pass by the table, and not here."""
    known = passing(path)
    return [o for o in outcomes if (o.op, o.dtype) in known and o.state != "passes"]
