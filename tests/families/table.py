"""The table of families, docs/families.md."""

from __future__ import annotations

import collections
import re

from families.check import Row

HEAD = """# Families of models

Written by `make families`: the smallest model of each family with seeded random weights and uneven
norms, converted and run on LiteRT on inputs other than the example's. *error*: the worst difference
of any output, relative to its largest magnitude; a family is right up to 1e-3. *moved* and *bound*:
megabytes that transposes move, and the least that any layout would. *frozen*: so many values that
the model reads from its inputs are constants of the file, which a warning lists; other inputs gave
the same ones here. Inputs of transformers that say how large others are (grid_thw, image_sizes) are
constants of the module.

"""


def line(row: Row) -> str:
    head = f"{row.suite}:{row.name}: {row.state}"
    if row.state != "right":
        return f"{head} ({row.reason})"
    return (
        f"{head}, {row.error:.1e}, {row.nodes} nodes, {row.operators} operators, "
        f"{row.transposes} transposes, {row.capture_seconds:.1f} s + {row.convert_seconds:.2f} s"
    )


def summary(rows: list[Row]) -> str:
    lines = []
    for suite in dict.fromkeys(row.suite for row in rows):
        states = collections.Counter(row.state for row in rows if row.suite == suite)
        captured = states["right"] + states["wrong"] + states["refused"]
        tight = sum(
            row.state == "right" and row.error <= 1e-4 for row in rows if row.suite == suite
        )
        proved = sum(row.bytes_moved == row.lower_bound for row in rows
                     if row.suite == suite and row.state == "right")  # fmt: skip
        share = 100 * states["right"] / max(1, captured)
        lines.append(
            f"{suite}: {states['right']} of {captured} that torch.export captures are right "
            f"({share:.1f} %), {tight} of them within 1e-4, {proved} with a layout proved least; "
            f"{states['refused']} refused, {states['wrong']} wrong, "
            f"{states['not captured']} not captured, {states['not built']} not built."
        )
    return "\n".join(lines)


def missing(rows: list[Row]) -> str:
    """What is missing, the most frequent first."""
    pieces = collections.defaultdict(list)
    for row in rows:
        if row.state == "refused":
            for reason in row.reason.split("; "):
                pieces[reason].append(f"{row.suite}:{row.name}")
    ordered = sorted(pieces.items(), key=lambda item: -len(item[1]))
    return "\n".join(f"{len(names)} {reason}: {', '.join(names[:6])}" for reason, names in ordered)


def page(rows: list[Row]) -> str:
    lines = [
        "| family | state | error | nodes | operators | transposes | moved | bound |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if row.state == "right":
            cells = (f"{row.error:.1e}", row.nodes, row.operators, row.transposes,
                     f"{row.bytes_moved / 1e6:.2f}", f"{row.lower_bound / 1e6:.2f}")  # fmt: skip
        else:
            reason = re.sub(r"(?<=\()/[^():]*/", "", row.reason)  # files by name alone
            cells = (reason.replace("|", "\\|")[:120], "", "", "", "", "")
        state = f"{row.state}, {row.frozen} frozen" if row.frozen else row.state
        lines.append(f"| {row.suite}: {row.name} | {state} | " + " | ".join(map(str, cells)) + " |")
    return HEAD + summary(rows) + "\n\n" + "\n".join(lines) + "\n"
