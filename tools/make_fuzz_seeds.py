#!/usr/bin/env python3
"""Writes the seeds of the fuzz programs for exported programs: tests/fuzz/{pt2,live}/.

    PYTHONPATH=python:tests tools/make_fuzz_seeds.py

Small modules of tests/python/tricky_modules.py, as an archive, as its JSON, and as a live buffer.
The archives carry no checksums: with them every mutation of a member would be refused at once.
"""

import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "python")]

import torch  # noqa: E402
import tricky_modules  # noqa: E402

from ferryman.capture import capture, walk  # noqa: E402

NAMES = [
    "no_grad",
    "called_twice",
    "nested_arguments",
    "dynamic",
    "branches",
    "constants",
    "every_argument_kind",
]


def without_checksums(archive: bytes) -> bytes:
    changed = bytearray(archive)
    position = archive.find(b"PK\x01\x02")
    while position >= 0:
        struct.pack_into("<I", changed, position + 16, 0)
        position = archive.find(b"PK\x01\x02", position + 4)
    return bytes(changed)


def without_paths(program: torch.export.ExportedProgram) -> None:
    """Seeds must not depend on where the repository lies."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            if "stack_trace" in node.meta:
                node.meta["stack_trace"] = 'File "net.py", line 1, in forward'


def without_weights(json_text: bytes) -> bytes:
    """The fuzz program has no weights to offer: they become inputs."""
    program = json.loads(json_text)
    specs = program["graph_module"]["signature"]["input_specs"]
    for spec in specs:
        for kind in ("parameter", "buffer", "tensor_constant"):
            if kind in spec:
                spec["user_input"] = {"arg": {"as_tensor": spec.pop(kind)["arg"]}}
    return json.dumps(program).encode()


def main() -> None:
    for folder in ("pt2", "live"):
        (ROOT / "tests" / "fuzz" / folder).mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    cases = tricky_modules.cases()
    for name in NAMES:
        module, args, kwargs, dynamic_shapes = cases[name]
        program = capture(module.eval(), args, kwargs, dynamic_shapes=dynamic_shapes)
        without_paths(program)
        (ROOT / "tests" / "fuzz" / "live" / name).write_bytes(walk(program)[0])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.pt2"
            torch.export.save(program, path)
            archive = path.read_bytes()
            json_text = zipfile.ZipFile(path).read("m/models/model.json")
        (ROOT / "tests" / "fuzz" / "pt2" / f"{name}.json").write_bytes(without_weights(json_text))
        if name == "called_twice":  # one archive says what all say; JSON is where they differ
            (ROOT / "tests" / "fuzz" / "pt2" / f"{name}.pt2").write_bytes(
                without_checksums(archive)
            )


if __name__ == "__main__":
    main()
