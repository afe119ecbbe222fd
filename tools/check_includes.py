#!/usr/bin/env python3
"""Checks that #include goes down only:

    support <- ir <- ops <- {frontend, passes, layout} <- targets <- driver <- {api, cli} <- python
      <- tests

A folder may include itself and everything on a lower level; siblings in braces do not include each
other. Tests, fuzz programs and benchmarks beside the sources may include anything: they show how
the layers work together, and nothing includes them.

Prints each offence as file:line and exits with 1 if there is one.

    tools/check_includes.py [root]
"""

import re
import sys
from pathlib import Path

LEVELS = {
    "support": 0,
    "ir": 1,
    "ops": 2,
    "frontend": 3,
    "passes": 3,
    "layout": 3,
    "targets": 4,
    "driver": 5,
    "api": 6,
    "cli": 6,
    "python": 7,
    "tests": 8,
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SOURCES = {".h", ".cc", ".inc"}
PROGRAM = re.compile(r"_(test|fuzz|bench)$")


def folder_of(path):
    """The layer of a path below src/ ("ir/graph.h" -> "ir"); None: a file beside its includer."""
    parts = Path(path).parts
    return parts[0] if len(parts) > 1 else None


def offence(folder, included):
    """Why `folder` may not include `included`; None if it may."""
    other = folder_of(included)
    if other is None or other == folder:
        return None
    if ".." in Path(included).parts:
        return "relative path: write it from src/"
    if other not in LEVELS:
        return None  # a system header spelled with quotes, or a generated one
    if LEVELS[other] < LEVELS[folder]:
        return None
    return f"{folder} must not include {other}"


def check_file(path, folder):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = INCLUDE.match(line)
        reason = match and offence(folder, match[1])
        if reason:
            yield f'{path}:{number}: "{match[1]}": {reason}'


def check_tree(root):
    """Every offence below root/src and root/python/native; a folder without a level is one, too."""
    root = Path(root)
    offences = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in SOURCES or PROGRAM.search(path.stem):
            continue
        folder = folder_of(path.relative_to(root / "src"))
        if folder not in LEVELS:
            offences.append(f"{path}: folder {folder!r} has no level in tools/check_includes.py")
        else:
            offences += check_file(path, folder)
    for path in sorted((root / "python" / "native").rglob("*")):
        if path.suffix in SOURCES:
            offences += check_file(path, "python")
    return offences


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    offences = check_tree(root)
    print("\n".join(offences) or "includes go down only")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
