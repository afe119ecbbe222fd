"""Checks a .tflite or .keras file against the .pt2 that it was made from, without the report.

Only inputs and outputs can be matched, in their order. Their axis order follows from the shapes: as
in PyTorch, or channels last: axis 1, or axis 0 without a batch.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument

from . import archive
from .errors import InputError, VerificationError
from .native_contract import Extent, NativeReport, Placement, Port
from .program_sizes import names_of_symbols, sizes_of, texts_of
from .runners import runners_that_check, tensors_of_ports
from .size_expressions import names_in
from .verify import Checks, Verify, verify

Shape = tuple[Extent, ...]


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A tensor among the flattened user inputs or outputs."""

    index: int
    shape: Shape  # in the file a complex tensor has a last axis of two
    part: str


def verify_file(
    archive_path: str | os.PathLike, file_path: str | os.PathLike, options: Verify
) -> Checks:
    program = archive.load(archive_path)
    if not os.path.isfile(file_path):
        raise InputError(f"there is no file {file_path}")
    try:
        tensors = tensors_of_ports(file_path)
        runner, *_ = runners_that_check(file_path, tensors, keep_values=False)
    except VerificationError as error:
        raise InputError(f"{file_path} cannot be loaded: {error.what}", why=error.why) from error
    inputs, outputs = _user_tensors(program)
    report = NativeReport(
        inputs=_match("input", inputs, runner.inputs),
        outputs=_match("output", outputs, runner.outputs),
        sizes=sizes_of(program),
        tensors=tuple(tensors),
    )
    return verify(program, file_path, report, options)


def _user_tensors(program: ExportedProgram) -> tuple[list[_Tensor], list[_Tensor]]:
    values = {
        node.name: node.meta["val"]
        for node in program.graph.nodes
        if hasattr(node.meta.get("val"), "shape")
    }

    names = names_of_symbols(program)

    def describe(index: int, name: str) -> _Tensor:
        known = set(names.values())
        # -1: counted at run time, which nobody else names.
        shape = tuple(
            size if names_in(size) <= known else -1 for size in texts_of(values[name].shape, names)
        )
        if values[name].is_complex():
            return _Tensor(index, (*shape, 2), "pair")
        return _Tensor(index, shape, "")

    def tensors(specs, kind: str) -> list[_Tensor]:
        users = [spec for spec in specs if spec.kind.name == kind]
        return [
            describe(index, spec.arg.name)
            for index, spec in enumerate(users)
            if not isinstance(spec.arg, ConstantArgument)
        ]

    signature = program.graph_signature
    return (
        tensors(signature.input_specs, "USER_INPUT"),
        tensors(signature.output_specs, "USER_OUTPUT"),
    )


def _match(kind: str, wanted: list[_Tensor], details: Sequence[dict]) -> tuple[Port, ...]:
    if len(wanted) != len(details):
        raise InputError(
            f"the program has {len(wanted)} {kind} tensors, the file {len(details)}",
            why="the file was made from another program",
        )
    return tuple(_port(kind, *pair) for pair in enumerate(zip(wanted, details)))


def _port(kind: str, position: int, pair: tuple[_Tensor, dict]) -> Port:
    tensor, detail = pair
    perm = _perm(kind, tensor.shape, detail)
    return Port(
        index=tensor.index,
        # Names of tensors need not differ; the position does.
        name=f"{kind} {position} '{detail['name']}'",
        placement=Placement(detail["index"], tensor.shape, perm, tensor.part),
        shape=tuple(tensor.shape[axis] for axis in perm),
        dtype=np.dtype(detail["dtype"]).name,
    )


def _perm(kind: str, shape: Shape, detail: dict) -> tuple[int, ...]:
    # A signature has -1 along free axes; files without one have none. Keras has None there.
    signature = detail.get("shape_signature", detail["shape"])
    signature = signature if len(signature) == len(shape) else detail["shape"]
    stored = tuple(-1 if size is None else int(size) for size in signature)
    wanted = tuple(size if isinstance(size, int) else -1 for size in shape)
    same = tuple(range(len(shape)))
    last = (0, *range(2, len(shape)), 1) if len(shape) > 2 else same
    unbatched_last = (*range(1, len(shape)), 0) if len(shape) > 2 else same
    for perm in (same, last, unbatched_last):
        if stored == tuple(wanted[axis] for axis in perm):
            return perm
    raise InputError(
        f"{kind} '{detail['name']}' has shape {stored} in the file and {shape} in the program"
    )
