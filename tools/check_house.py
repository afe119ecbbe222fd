#!/usr/bin/env python3
"""Checks what the layers of src know of each other, beyond #include (check_includes.py):

* No target is named in what all targets share, but in comments and texts for people.
* No op is named where the axes of all ops are dealt with: there, rows say it.
* No folder holds more sources than people can find their way in.

Prints each offence as file:line and exits with 1 if there is one.

    tools/check_house.py [root]
"""

import re
import sys
from pathlib import Path

SHARED = ("ir", "ops", "frontend", "passes", "layout", "driver")
TARGETS = re.compile(r"tflite|litert|keras|saved_model|tfjs", re.IGNORECASE)
AXES = ("layout/**/*", "ops/op_axes.*", "ops/reshape_groups.*")
OPS = re.compile(r"\bops::k[A-Z]")
MAX_SOURCES = 40
SOURCES = {".h", ".cc", ".inc"}
TEST = re.compile(r"_(test|fuzz|bench)$")
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"')


def code_of(path):
    """The lines of a source without comments and texts."""
    text = COMMENT_OR_TEXT.sub(lambda match: '""' if match[0][0] == '"' else "",
                               path.read_text(encoding="utf-8"))  # fmt: skip
    return enumerate(text.splitlines(), start=1)


def sources(folder, pattern):
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.suffix in SOURCES and not TEST.search(path.stem)
    )


def named(paths, words, why):
    return [
        f"{path}:{number}: {why}: {match[0]}"
        for path in paths
        for number, line in code_of(path)
        if (match := words.search(line))
    ]


def check_tree(root):
    src = Path(root) / "src"
    found = []
    for folder in SHARED:
        why = f"{folder} is shared by all targets"
        found += named(sources(src / folder, "**/*"), TARGETS, why)
    for pattern in AXES:
        found += named(sources(src, pattern), OPS, "an op, whose row should say it")
    for folder in sorted({path.parent for path in src.rglob("*") if path.suffix in SOURCES}):
        count = sum(path.suffix in SOURCES for path in folder.iterdir())
        if count > MAX_SOURCES:
            found.append(f"{folder}:1: {count} sources, at most {MAX_SOURCES}")
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    found = check_tree(root)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
