"""The table of networks on the backends of Keras, docs/keras_models.md."""

from __future__ import annotations

import collections
import re

from keras_models.backends import NAMES
from keras_models.prepare import Row

TOLERANCE = 1e-4

HEAD = """# Networks on Keras' backends

Written by `make keras-models`: networks with seeded random weights and uneven norms, converted with
`target="keras"`. Each file is loaded with `safe_mode=True` in an environment that has Keras and one
backend, without Ferryman (on JAX and TensorFlow also without PyTorch), called with 1, 2 and 5
examples other than the conversion's, and once more as `predict_on_batch` does it, compiled; on JAX
in that way only. A number is the worst difference from PyTorch of any output, relative to its
largest magnitude or 1; right is up to 1e-4. *layers*: layers and operations of the file. *batch*:
free, or why not. *README*: the networks of the README's table.

"""


def state(row: Row, backends: tuple[str, ...]) -> str:
    if row.state != "converted":
        return row.state
    asked = [name for name in backends if name in row.errors or name in row.failures]
    wrong = [name for name in asked if not is_right(row, name)]
    if wrong and row.frozen and not row.failures:
        return "goes another way"
    return f"wrong on {', '.join(wrong)}" if wrong else "right" if asked else "converted"


def is_right(row: Row, backend: str) -> bool:
    worst = row.worst(backend)
    return worst is not None and worst <= TOLERANCE


def line(row: Row) -> str:
    cells = [f"{name} {_cell(row, name)}" for name in NAMES if _cell(row, name)]
    batch = "" if not row.fixed_batch else f", batch fixed ({row.fixed_batch})"
    if row.state != "converted":
        return f"{row.suite}:{row.name}: {row.state} ({row.reason})"
    return (
        f"{row.suite}:{row.name}: {state(row, NAMES)}, {row.layers} layers, "
        f"{row.seconds:.1f} s{batch}: {'; '.join(cells)}"
    )


def _cell(row: Row, backend: str) -> str:
    if backend in row.failures:
        return row.failures[backend].splitlines()[0][:160]
    worst = row.worst(backend)
    return "" if worst is None else f"{worst:.1e}"


def summary(rows: list[Row]) -> str:
    lines = []
    for suite in dict.fromkeys(row.suite for row in rows):
        own = [row for row in rows if row.suite == suite]
        states = collections.Counter(row.state for row in own)
        captured = states["converted"] + states["refused"]
        text = f"{suite}: {states['converted']} of {captured} that torch.export captures convert"
        free = sum(row.state == "converted" and not row.fixed_batch for row in own)
        text += f", {free} with a free batch"
        for name in NAMES:
            asked = [row for row in own if name in row.errors or name in row.failures]
            right = sum(is_right(row, name) for row in asked)
            text += f"; {right} of {len(asked)} right on {name}" if asked else ""
        lines.append(
            f"{text}; {states['refused']} refused, {states['not captured']} not captured, "
            f"{states['not built']} not built."
        )
    return "\n".join(lines)


def page(rows: list[Row]) -> str:
    lines = [
        f"| network | state | layers | batch | {' | '.join(NAMES)} |",
        f"|---|---|---:|---|{'---:|' * len(NAMES)}",
    ]
    for row in rows:
        if row.state == "converted":
            batch = _text(row.fixed_batch) or "free"
            cells = (row.layers, batch, *(_text(_cell(row, name)) for name in NAMES))
        else:
            cells = ("", _text(row.reason), *("" for _ in NAMES))
        named = f"{row.suite}: {row.name}"
        lines.append(f"| {named} | {state(row, NAMES)} | {' | '.join(map(str, cells))} |")
    told = summary(rows).replace("\n", "\n\n")
    return f"{HEAD}{len(rows)} networks were run.\n\n{told}\n\n" + "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """In a cell: without pipes, and files by name alone."""
    return re.sub(r"(?<=[( '\"])/[^():'\" ]*/", "", text).replace("|", "\\|")[:120]
