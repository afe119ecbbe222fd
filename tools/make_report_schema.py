#!/usr/bin/env python3
"""python/ferryman/report.schema.json: what the core says of its own report, and what Python adds.

    tools/make_report_schema.py [--check]      # --check: exit status 1 if the file differs
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from ferryman import _native  # noqa: E402

FILE = ROOT / "python" / "ferryman" / "report.schema.json"

DIFFERENCE = {
    "type": "object",
    "description": "of the file's value from PyTorch's, where it is largest against the tolerance",
    "properties": {
        "ok": {"type": "boolean"},
        "worst": {"type": ["number", "string"]},
        "relative": {"type": ["number", "string"], "description": "to the largest value"},
        "used": {"type": ["number", "string"], "description": "of the tolerance; 1 is its limit"},
        "index": {"type": "array", "items": {"type": "integer"}},
        "expected": {},
        "got": {},
        "note": {"type": "string"},
        "error": {"type": ["number", "string", "null"], "description": "against float64, if asked"},
        "torch_error": {"type": ["number", "string", "null"], "description": "PyTorch's own"},
        "run": {"type": "string", "description": "of a loop's body: in iteration 3 of while_loop"},
    },
    "required": ["ok", "worst", "relative", "used"],
}
ADDED = {
    "model": {"type": "string", "description": "the class that was converted, or the archive"},
    "modules": {"type": "object", "description": "class by module path"},
    "verified": {"type": "boolean", "description": "whether the file was checked"},
    "samples": {"type": "integer", "description": "on so many inputs"},
    "checked_sizes": {"type": "array", "items": {"type": "object"},
                      "description": "free sizes that were tried, numbers by name"},
    "training": {"type": "array", "items": {"type": "object"},
                 "description": "of each step that was compared, both losses: torch and keras"},
    "seconds": {"type": "object", "description": "of each stage in order, the core's among them"},
}  # fmt: skip
OF_NODES = {
    "name": {"type": "string", "description": "with the path of the body around: true_graph_0/sin"},
    "difference": {"anyOf": [DIFFERENCE, {"type": "null"}], "description": "null: not compared"},
    "converter": {"type": "string", "description": "the user's own that it comes from, with place"},
}
OF_OUTPUTS = {"differences": {"type": "object", "additionalProperties": DIFFERENCE,
                              "description": "by kind of kernels"}}  # fmt: skip
OF_BODIES = {
    "of": {"type": "string", "description": "the node that runs it"},
    "kind": {"type": "string"},
    "results": {"type": "array", "items": {"type": "string"}},
    "runs": {"anyOf": [{"type": "object"}, {"type": "null"}], "description": "over all samples"},
}


def add(schema: dict, fields: dict) -> None:
    schema["properties"] |= fields
    schema["required"] += fields


def report_schema() -> dict:
    schema = json.loads(_native.report_schema())
    fields = schema["properties"]
    add(schema, ADDED)
    add(fields["nodes"]["items"], OF_NODES)
    add(fields["outputs"]["items"], OF_OUTPUTS)
    body = fields["bodies"]["items"]
    add(body["properties"]["nodes"]["items"], OF_NODES)
    add(body, OF_BODIES)
    body["required"].remove("file")
    del body["properties"]["file"]
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "title": "The report of a conversion"}  # fmt: skip
    return title | schema


def main() -> int:
    text = json.dumps(report_schema(), indent=1) + "\n"
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text)
        return 0
    if FILE.read_text() == text:
        return 0
    print(f"{FILE} is not what the core says; run {Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
