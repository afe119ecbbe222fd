"""Checks a .tflite file against the .pt2 it was made from, without the converter's report.

Only inputs and outputs can be matched, in their order. Their axis order follows from the shapes: as
in PyTorch, or channels last.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument

from . import archive
from .errors import InputError, VerificationError
from .native_contract import NativeReport, Placement, Port
from .runtime import Kernels, Runner
from .verify import Checks, Verify, verify

Shape = tuple[int, ...]


def verify_file(
    archive_path: str | os.PathLike, file_path: str | os.PathLike, options: Verify
) -> Checks:
    program = archive.load(archive_path)
    if not os.path.isfile(file_path):
        raise InputError(f"there is no file {file_path}")
    try:
        runner = Runner(file_path, Kernels.PLAIN)
    except VerificationError as error:
        raise InputError(f"LiteRT cannot load {file_path}", why=error.why) from error
    inputs, outputs = _user_shapes(program)
    report = NativeReport.of_file(
        inputs=_match("input", inputs, runner.inputs),
        outputs=_match("output", outputs, runner.outputs),
    )
    return verify(program, file_path, report, options)


def _user_shapes(
    program: ExportedProgram,
) -> tuple[list[tuple[int, Shape]], list[tuple[int, Shape]]]:
    """Of each tensor among the flattened user inputs and outputs: its index and shape."""
    shapes = {
        node.name: tuple(node.meta["val"].shape)
        for node in program.graph.nodes
        if hasattr(node.meta.get("val"), "shape")
    }

    def tensors(specs, kind: str) -> list[tuple[int, Shape]]:
        users = [spec for spec in specs if spec.kind.name == kind]
        return [
            (index, shapes[spec.arg.name])
            for index, spec in enumerate(users)
            if not isinstance(spec.arg, ConstantArgument)
        ]

    signature = program.graph_signature
    return (
        tensors(signature.input_specs, "USER_INPUT"),
        tensors(signature.output_specs, "USER_OUTPUT"),
    )


def _match(kind: str, wanted: list[tuple[int, Shape]], details: Sequence[dict]) -> tuple[Port, ...]:
    if len(wanted) != len(details):
        raise InputError(
            f"the program has {len(wanted)} {kind} tensors, the file {len(details)}",
            why="the file was made from another program",
        )
    return tuple(
        # Names of tensors need not differ; the position does.
        Port(
            index=index,
            name=f"{kind} {position} '{detail['name']}'",
            placement=Placement(detail["index"], shape, _perm(kind, shape, detail)),
        )
        for position, ((index, shape), detail) in enumerate(zip(wanted, details))
    )


def _perm(kind: str, shape: Shape, detail: dict) -> tuple[int, ...]:
    stored = tuple(int(n) for n in detail["shape"])
    same = tuple(range(len(shape)))
    last = (0, *range(2, len(shape)), 1) if len(shape) > 2 else same
    for perm in (same, last):
        if stored == tuple(shape[axis] for axis in perm):
            return perm
    raise InputError(
        f"{kind} '{detail['name']}' has shape {stored} in the file and {shape} in the program"
    )
