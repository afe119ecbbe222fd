"""What the Python package asks of the core and what it gets back; src/driver/convert.h delivers it.

Calls (module `ferryman._native`), both without the GIL for their long part:

    convert_live(buffer, tensors, output_path, options) -> report
    convert_archive(pt2_path, output_path, options) -> report

* `buffer`, `tensors`: what walk.py makes of a live ExportedProgram; a tensor is
  (address, num_bytes, owner).
* `output_path`: the core streams the file there, so that weights are never held twice. It is
  complete or absent when the call returns.
* `options`: a JSON text, the fields of `Options` below.
* `report`: a JSON text, the fields of `NativeReport` below. Unknown keys are ignored, so the core
  may tell more.
* Failure: `_native.NativeError`, see errors.py.

How a tensor of the file holds a value of the program (`Placement`): with `factors` the value's
axes, each split or kept,

    stored = value.reshape(factors).permute(perm).reshape(shape of the tensor in the file)

where, of a complex value, `part` comes first: its real or imaginary part, or the pair of both along
a new last axis of two, as torch.view_as_real has it. Complex inputs and outputs are pairs;
so `perm` maps new to old, and `factors` is the value's own shape unless layout split or added axes.
Element types may differ where the core could prove that values fit (int64 kept as int32).
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True)
class Options:
    target: str = "tflite"
    # "channels_last", "channels_first", (outputs) "any", or an order of axes such as "1,2,0", by
    # the name of the input or output in the file or in the program; "*" stands for all. What is
    # not named stays as in PyTorch.
    input_layouts: dict[str, str] = dataclasses.field(default_factory=dict)
    output_layouts: dict[str, str] = dataclasses.field(default_factory=dict)
    # Names in the file: one for each tensor input or output in order, or {old: new} for a few;
    # None = from the model.
    input_names: list[str] | dict[str, str] | None = None
    output_names: list[str] | dict[str, str] | None = None
    recurrent: str = "auto"  # or "unrolled", "loop"
    nan: str = "fast"  # or "exact"
    bodies_folder: str = ""  # where to write bodies of branches and loops, for the check; "": not
    disabled_passes: tuple[str, ...] = ()  # for finding a fault; ("*",): all that may be left out

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a value of the program is in the file; see the module's text for the arithmetic."""

    tensor: int  # index of the tensor in the file's main subgraph
    factors: tuple[int, ...]
    perm: tuple[int, ...]
    part: str = ""  # "real", "imag" or "pair" of a complex value


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output: which one of the program, and where it is in the file."""

    index: int  # among the flattened user inputs (or outputs) of the program, constants counted
    name: str  # in the file's signature
    placement: Placement
    # Of the tensor in the file.
    shape: tuple[int, ...] = ()
    dtype: str = ""  # as numpy calls it


@dataclasses.dataclass(frozen=True)
class NodeTrace:
    """A value of the exported graph and what became of it; in the graph's order. A node with
    several results is one entry for each, under the name of the value."""

    node: str  # the fx name
    target: str  # "aten.conv2d.default"
    type: str  # "f32[1, 64, 112, 112]"
    location: dict[str, Any]  # to_json(SourceLocation)
    ops: tuple[str, ...] = ()  # operators of the file that compute it: ("CONV_2D",)
    fused_into: str = ""  # the node whose value the file has instead
    placement: Placement | None = None  # None: the file has no tensor with this value
    parts: tuple[Placement, ...] = ()  # the tensors with a complex value's parts

    @property
    def placements(self) -> tuple[Placement, ...]:
        return self.parts if self.placement is None else (self.placement,)


@dataclasses.dataclass(frozen=True)
class BodyTrace:
    """A body of a branch or loop of the program: a graph and a file of its own, with the operators
    that the model has for it. Bodies that are written out where they are run have none."""

    name: str  # its path: "while_loop_body_graph_0/true_graph_0"
    file: str  # "": not written
    inputs: tuple[Port, ...]  # of that file; `index` is among the body's placeholders
    nodes: tuple[NodeTrace, ...]  # placements are in that file


@dataclasses.dataclass(frozen=True)
class Transpose:
    """A copy that the layout plan keeps, and why."""

    reason: str
    bytes: int
    node: str = ""


@dataclasses.dataclass(frozen=True)
class NativeReport:
    """
    {"version": 1, "inputs": [port], "outputs": [port], "nodes": [node],
     "bodies": [{"name", "file", "inputs": [port], "nodes": [node]}],
     "stages": [{"name", "seconds"}], "ops": {"CONV_2D": 52, …}, "file_bytes": n,
     "runtime": {"oldest": "2.9.0", "operators": ["GELU", "CONV_2D (version 6)"]},
     "layout": {"bytes_moved": n, "lower_bound": n, "optimal": true,
                "transposes": [{"reason", "bytes", "node"}]},
     "nan": "fast" or "exact", "remarks": [diagnostic]}

    placement = {"tensor" (-1: the file has no such value), "part", "factors", "perm"}
    port = {"index", "name", "shape", "dtype" (of the tensor in the file)} and a placement
    node = {"node", "target", "type", "location", "ops", "fused_into", "parts": [placement]} and a
           placement
    diagnostic, location: src/support/diagnostic_json.h.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[NodeTrace, ...]
    stages: tuple[tuple[str, float], ...]
    ops: dict[str, int]
    file_bytes: int
    bytes_moved: int
    lower_bound: int
    optimal: bool
    transposes: tuple[Transpose, ...]
    nan: str  # as it was done: "exact" also where the model asks about NaN; "": not known
    remarks: tuple[dict[str, Any], ...]
    runtime: str = ""  # the first release of the runtime that can load the file; "" = not known
    runtime_operators: tuple[str, ...] = ()  # those that ask for it
    bodies: tuple[BodyTrace, ...] = ()
    version: int = 0  # of this JSON, which the report's own shares; 0 = there was none

    @staticmethod
    def of_file(*, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> NativeReport:
        """For a file of which nothing else is known."""
        return NativeReport(
            inputs, outputs, nodes=(), stages=(), ops={}, file_bytes=0, bytes_moved=0,
            lower_bound=0, optimal=False, transposes=(), nan="", remarks=(),
        )  # fmt: skip

    @staticmethod
    def from_json(text: str) -> NativeReport:
        report = json.loads(text)
        layout = report["layout"]
        return NativeReport(
            inputs=tuple(map(_port, report["inputs"])),
            outputs=tuple(map(_port, report["outputs"])),
            nodes=tuple(map(_node, report["nodes"])),
            stages=tuple((stage["name"], stage["seconds"]) for stage in report["stages"]),
            ops=report["ops"],
            file_bytes=report["file_bytes"],
            bytes_moved=layout["bytes_moved"],
            lower_bound=layout["lower_bound"],
            optimal=layout["optimal"],
            transposes=tuple(
                Transpose(copy["reason"], copy["bytes"], copy.get("node", ""))
                for copy in layout["transposes"]
            ),
            nan=report["nan"],
            remarks=tuple(report["remarks"]),
            runtime=report.get("runtime", {}).get("oldest", ""),
            runtime_operators=tuple(report.get("runtime", {}).get("operators", ())),
            bodies=tuple(map(_body, report.get("bodies", ()))),
            version=report.get("version", 0),
        )


def _placement(item: dict[str, Any]) -> Placement:
    factors, perm = tuple(item["factors"]), tuple(item["perm"])
    return Placement(item["tensor"], factors, perm, item.get("part", ""))


def _port(item: dict[str, Any]) -> Port:
    return Port(item["index"], item["name"], _placement(item), tuple(item["shape"]), item["dtype"])


def _body(item: dict[str, Any]) -> BodyTrace:
    inputs, nodes = tuple(map(_port, item["inputs"])), tuple(map(_node, item["nodes"]))
    return BodyTrace(item["name"], item["file"], inputs, nodes)


def _node(item: dict[str, Any]) -> NodeTrace:
    return NodeTrace(
        node=item["node"],
        target=item["target"],
        type=item["type"],
        location=item["location"],
        ops=tuple(item.get("ops", ())),
        fused_into=item.get("fused_into", ""),
        placement=_placement(item) if item["tensor"] >= 0 else None,
        parts=tuple(map(_placement, item.get("parts", ()))),
    )
