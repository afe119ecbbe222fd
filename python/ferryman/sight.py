"""What a run of a file has for the values of a program.

    sight = Sight.of(native, program, plain.tensor)
    sight("argmax", value)          # as PyTorch has it, or None

The delegate keeps no values inside. `watched` runs a copy of the file that gives them as outputs,
too.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind

from .eager import to_numpy
from .errors import VerificationError
from .fed_values import as_input
from .native_contract import NativeReport, Placement, Port
from .runtime import Kernels, Runner, from_stored, to_stored


class Sight:
    def __init__(self, placements: dict[str, Placement], read: Callable[[int], np.ndarray | None]):
        self._placements, self._read = placements, read

    def __call__(self, name: str, like: torch.Tensor) -> torch.Tensor | None:
        placement = self._placements.get(name)
        stored = None if placement is None else self._read(placement.tensor)
        if stored is None or stored.size != like.numel():
            return None
        value = np.ascontiguousarray(from_stored(stored, placement, tuple(like.shape)))
        return torch.from_numpy(value).reshape(like.shape).to(like.dtype)


def placements_of(native: NativeReport, program: ExportedProgram) -> dict[str, Placement]:
    """Where the file has the values of nodes, and those of outputs. Complex ones are left out."""
    specs = program.graph_signature.output_specs
    outputs = [spec.arg for spec in specs if spec.kind is OutputKind.USER_OUTPUT]
    placements = {
        outputs[port.index].name: port.placement
        for port in native.outputs
        if port.index < len(outputs) and hasattr(outputs[port.index], "name")
    }
    placements |= {node.node: node.placement for node in native.nodes if node.placement is not None}
    return {name: placement for name, placement in placements.items() if not placement.part}


def stored_values(
    ports: Iterable[Port],
    runner: Runner,
    values: list[Any],
    fed: Mapping[int, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Values of the program as a file wants them for its inputs, in the file's order. What the
    program has no value for is there for its size.

    fed: values of inputs that are none of the program's, by tensor (fed_values.py).
    """
    by_tensor = {port.placement.tensor: port for port in ports}
    arrays = []
    for detail in runner.inputs:
        port = by_tensor.get(detail["index"])
        if port is None:
            arrays.append(as_input((fed or {}).get(detail["index"]), detail))
            continue
        shape = port.shape or detail["shape"]  # which may be that of the run before
        if port.index >= len(values):
            arrays.append(np.zeros(shape, detail["dtype"]))
            continue
        array = to_stored(to_numpy(values[port.index]), port.placement)
        arrays.append(array.reshape(shape).astype(detail["dtype"], copy=False))
    return arrays


def watched(
    path: os.PathLike | str, kernels: Kernels, tensors: Iterable[int], inputs: list[np.ndarray]
) -> Callable[[int], np.ndarray | None]:
    """Runs the file with more outputs, and reads them. What cannot be run so shows nothing."""
    try:
        runner = Runner(with_outputs(Path(path).read_bytes(), tensors), kernels)
        runner.run(inputs)
    except VerificationError:
        return lambda tensor: None
    seen = {detail["index"] for detail in runner.outputs}
    return lambda tensor: runner.tensor(tensor) if tensor in seen else None


def with_outputs(file: bytes, tensors: Iterable[int]) -> bytes:
    """The file with these tensors for outputs of its main subgraph as well, where operators make
    them: a longer list at the end of the file, and the subgraph's reference to it."""
    graph = _Table(file, _u32(file, 0)).vector("subgraphs")[0]
    made = {t for op in graph.vector("operators") for t in op.numbers("outputs")}
    outputs = graph.numbers("outputs")
    outputs += sorted((set(tensors) & made) - set(outputs))
    start = len(file) + -len(file) % 4
    field = graph.field("outputs")
    content = bytearray(file) + bytes(start - len(file))
    struct.pack_into("<I", content, field, start - field)
    return bytes(content + struct.pack(f"<{len(outputs) + 1}i", len(outputs), *outputs))


# Slots in the tables of the schema, https://www.tensorflow.org/lite/guide
_SLOTS = {"subgraphs": 2, "outputs": 2, "operators": 3}


class _Table:
    """As much of FlatBuffers as that takes; `start` is where a table begins."""

    def __init__(self, file: bytes, start: int):
        self._file, self._start = file, start

    def field(self, name: str) -> int:
        """Where the field stands, 0 if it does not."""
        vtable = self._start - struct.unpack_from("<i", self._file, self._start)[0]
        slot = 4 + 2 * _SLOTS[name]
        size, place = struct.unpack_from("<H", self._file, vtable)[0], 0
        if slot < size:
            place = struct.unpack_from("<H", self._file, vtable + slot)[0]
        return self._start + place if place else 0

    def _items(self, name: str) -> tuple[int, int]:
        field = self.field(name)
        if not field:
            return 0, 0
        begin = field + _u32(self._file, field)
        return begin + 4, _u32(self._file, begin)

    def numbers(self, name: str) -> list[int]:
        begin, count = self._items(name)
        return list(struct.unpack_from(f"<{count}i", self._file, begin))

    def vector(self, name: str) -> list[_Table]:
        begin, count = self._items(name)
        places = [begin + 4 * i for i in range(count)]
        return [_Table(self._file, place + _u32(self._file, place)) for place in places]


def _u32(file: bytes, place: int) -> Any:
    return struct.unpack_from("<I", file, place)[0]
