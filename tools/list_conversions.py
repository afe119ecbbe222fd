#!/usr/bin/env python3
"""Where the core converts each operator of PyTorch, with the source, for ferryman.locate.

    tools/list_conversions.py OUT.json

Read from the lines that give an operator its import: `imports.add("hypot.default", import_hypot);`,
`.from_aten("softplus.default")`. The build makes the list.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/ops", "src/frontend/complex", "src/frontend/counted")

# An operator, as the tables of imports spell it: "add.Tensor", "torchvision.nms.default".
NAME = re.compile(r'"((?:[a-z_]\w*\.)?_?[a-z]\w*\.[A-Za-z_]\w*)"')
FUNCTION = re.compile(r"\b((?:import|row|lower)_\w+)")
ROW = re.compile(r"^ +(?:ops\.set\.define|define_\w+)\(", re.MULTILINE)
DEFINITION = re.compile(r"^(?:template <.*>\n)?[\w:<>*&, ]+ {name}\(", re.MULTILINE)


def conversions(root: Path) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.cc")):
            if not path.name.endswith(("_test.cc", "_fuzz.cc")):
                read(path, path.relative_to(root), found)
    return found


def read(path: Path, name: Path, found: dict[str, dict]) -> None:
    text = path.read_text()
    for statement in statements(text):
        targets = NAME.findall(statement.group())
        if not targets:
            continue
        function = FUNCTION.search(statement.group())
        where = definition(text, function[1]) if function else None
        where = where or whole(text, statement)
        line = text.count("\n", 0, where[0]) + 1
        entry = {"file": str(name), "line": line, "source": where[1].strip("\n")}
        for target in targets:
            if not target.startswith("torch."):  # a function of Python on sizes
                found.setdefault(qualified(target), entry)


def statements(text: str):
    """Each with its braces and brackets closed: a call, a row."""
    return re.finditer(r"[^;]*?;", blanked(text))


def whole(text: str, statement: re.Match) -> tuple[int, str]:
    """A row ends with `from_aten`, and begins where it defines its op."""
    start = statement.start()
    if ".from_aten(" in statement.group():
        start = [row.start() for row in ROW.finditer(text, 0, statement.end())][-1]
    start += len(text[start:]) - len(text[start:].lstrip())
    start = text.rfind("\n", 0, start) + 1
    return start, text[start : statement.end()]


def blanked(text: str) -> str:
    """Without comments, which hold names and semicolons, at the same places."""
    return re.sub(r"//[^\n]*", lambda match: " " * len(match.group()), text)


def definition(text: str, function: str) -> tuple[int, str] | None:
    """Of a function at the margin: its place and its text, with the comment above it."""
    pattern = DEFINITION.pattern.replace("{name}", re.escape(function))
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        return None
    end = text.find("\n}\n", match.start())
    start = match.start()
    before = text[:start].rsplit("\n", 2)
    while len(before) == 3 and before[1].startswith("//"):
        start -= len(before[1]) + 1
        before = text[:start].rsplit("\n", 2)
    return start, text[start : end + 2]


def qualified(target: str) -> str:
    """ "aten::add.Tensor" of "add.Tensor"."""
    parts = target.split(".")
    space = "aten" if len(parts) == 2 else parts[0]
    return f"{space}::{parts[-2]}.{parts[-1]}"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    text = json.dumps(conversions(ROOT), indent=1, sort_keys=True)
    Path(sys.argv[1]).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
