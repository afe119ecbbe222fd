"""What the Python package asks of the core and what it gets back; src/driver/convert.h delivers it.

Calls (module `ferryman._native`), both without the GIL for their long part:

    convert_live(buffer, tensors, output_path, options) -> report
    convert_archive(pt2_path, output_path, options) -> report

* `buffer`, `tensors`: what walk.py makes of a live ExportedProgram; a tensor is
  (address, num_bytes, owner).
* `output_path`: the core streams the file there, so that weights are never held twice. It is
  complete or absent when the call returns.
* `options`: a JSON text, the fields of `Options` below.
* `report`: a JSON text, `NativeReport` below, field by field under the same names; what they mean
  stands in src/driver/report_fields.h. Unknown keys are ignored, so the core may tell more.
* Failure: `_native.NativeError`, see errors.py.

How a tensor of the file holds a value of the program (`Placement`): with `factors` the value's
axes, each split or kept,

    stored = value.reshape(factors).permute(perm).reshape(shape of the tensor in the file)

where, of a complex value, `part` comes first: its real or imaginary part, or the pair of both along
a new last axis of two, as torch.view_as_real has it. Complex inputs and outputs are pairs;
so `perm` maps new to old, and `factors` is the value's own shape unless layout split or added axes.
Element types may differ where the core could prove that values fit (int64 kept as int32).

A size is a number, or a text where it is free: a Python expression over the names of `Size`, with
+ - * // % max min: "batch", "(height + 1) // 2" (size_expressions.py).
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .size_expressions import evaluate, renamed

Extent = int | str  # of an axis


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
    state: str = "variables"  # or "explicit"
    nested: tuple[str, ...] = ()  # modules that become models in the model, by path; "*": all
    bodies_folder: str = ""  # where to write bodies of branches and loops, for the check; "": not
    disabled_passes: tuple[str, ...] = ()  # for finding a fault; ("*",): all that may be left out

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class Size:
    """A size of the inputs that is free."""

    name: str  # what the user calls it, or the exporter's symbol
    symbol: str = ""  # the exporter's
    min: int = 1
    max: int | None = None  # None: no bound
    hint: int = 0  # of the example

    def has(self, number: int) -> bool:
        return self.min <= number and (self.max is None or number <= self.max)

    @property
    def range(self) -> str:
        return f"{self.min} or more" if self.max is None else f"{self.min} to {self.max}"


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a value of the program is in the file; see the module's text for the arithmetic."""

    tensor: int  # index of the tensor in the file's main subgraph
    factors: tuple[Extent, ...]
    perm: tuple[int, ...]
    part: str = ""  # "real", "imag" or "pair" of a complex value


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output: which one of the program, and where it is in the file."""

    index: int  # among the flattened user inputs (or outputs) of the program, constants counted
    name: str  # in the file's signature
    placement: Placement
    # Of the tensor in the file.
    shape: tuple[Extent, ...] = ()
    dtype: str = ""  # as numpy calls it
    buffer: str = ""  # whose value it is, of those that forward writes


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
    # Of that file; `index` is among the body's placeholders, and then of what is there for its size
    # alone.
    inputs: tuple[Port, ...]
    nodes: tuple[NodeTrace, ...]  # placements are in that file


@dataclasses.dataclass(frozen=True)
class StoredWeight:
    """A weight of a file that training goes on with, and the parameters whose elements it holds:
    each, or its part, is value.reshape(factors)[order].transpose(perm); then they are added
    ("sum"), or stand one after the other ("stack")."""

    weight: str  # "conv1/kernel"
    parameters: tuple[str, ...]  # "conv1.weight"
    join: str = ""
    shape: tuple[int, ...] = ()  # of a parameter
    part: tuple[int, ...] = ()  # axis, begin and end of what is taken of it; empty: all
    factors: tuple[int, ...] = ()
    order: tuple[int, ...] = ()  # of the first axis; empty: as it is
    perm: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Stage:
    name: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Runtime:
    name: str = ""  # "TensorFlow Lite"
    oldest: str = ""  # the first release of the runtime that can load the file; "" = not known
    operators: tuple[str, ...] = ()  # those that ask for it: ("GELU", "CONV_2D (version 6)")


@dataclasses.dataclass(frozen=True)
class Transpose:
    """A copy that the layout plan keeps, and why."""

    reason: str
    bytes: int
    node: str = ""


@dataclasses.dataclass(frozen=True)
class Layout:
    bytes_moved: int = 0
    lower_bound: int = 0
    optimal: bool = False
    transposes: tuple[Transpose, ...] = ()


@dataclasses.dataclass(frozen=True)
class NativeReport:
    """What the core tells of a conversion. Without the optional part, of a file of which nothing
    else is known."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    nodes: tuple[NodeTrace, ...] = ()
    bodies: tuple[BodyTrace, ...] = ()
    stages: tuple[Stage, ...] = ()
    weights: tuple[StoredWeight, ...] = ()
    tensors: tuple[str, ...] = ()  # what the file calls them, where it has no numbers for them
    ops: dict[str, int] = dataclasses.field(default_factory=dict)
    runtime: Runtime = Runtime()
    file_bytes: int = 0
    layout: Layout = Layout()
    sizes: tuple[Size, ...] = ()  # those that are free
    nan: str = ""  # as it was done: "exact" also where the model asks about NaN; "": not known
    remarks: tuple[dict[str, Any], ...] = ()
    version: int = 0  # of this JSON, which the report's own shares; 0 = there was none

    @staticmethod
    def from_json(text: str) -> NativeReport:
        return _read(NativeReport, json.loads(text))

    def at(self, numbers: Mapping[str, int]) -> NativeReport:
        """As it is for one choice of the free sizes: all shapes and factors are numbers."""
        return at_sizes(self, numbers) if self.sizes else self


T = TypeVar("T")


def at_sizes(value: T, numbers: Mapping[str, int]) -> T:
    """Places and what has places in it, with numbers for the names of sizes."""
    return _with_extents(value, lambda extent: evaluate(extent, numbers))


def with_names(native: NativeReport, names: Mapping[str, str]) -> NativeReport:
    """names: the user's, by the exporter's symbol. An archive's report has only the latter."""
    other = {s.name: names[s.symbol] for s in native.sizes if names.get(s.symbol, s.name) != s.name}
    if not other:
        return native
    placed = _with_extents(native, lambda extent: renamed(extent, other))
    sizes = tuple(dataclasses.replace(s, name=other.get(s.name, s.name)) for s in native.sizes)
    return dataclasses.replace(placed, sizes=sizes)


def _with_extents(value: T, change: Callable[[Extent], Extent]) -> T:
    if isinstance(value, tuple):
        return tuple(_with_extents(item, change) for item in value)
    if isinstance(value, Placement):
        return dataclasses.replace(value, factors=tuple(map(change, value.factors)))
    if not isinstance(value, (NativeReport, Port, NodeTrace, BodyTrace)):
        return value
    fields = [field.name for field in dataclasses.fields(value) if field.name in _PLACED]
    placed = {name: _with_extents(getattr(value, name), change) for name in fields}
    if isinstance(value, Port):
        placed["shape"] = tuple(map(change, value.shape))
    return dataclasses.replace(value, **placed)


_PLACED = frozenset({"inputs", "outputs", "nodes", "bodies", "placement", "parts"})


def _read(wanted: type[T], value: Any) -> T:
    """A value of JSON as a type that the classes above are made of."""
    if dataclasses.is_dataclass(wanted):
        types_of = typing.get_type_hints(wanted)
        names = [field.name for field in dataclasses.fields(wanted) if field.name in value]
        return wanted(**{name: _read(types_of[name], value[name]) for name in names})
    if typing.get_origin(wanted) is tuple:
        item_type = typing.get_args(wanted)[0]
        return tuple(_read(item_type, item) for item in value)
    if typing.get_origin(wanted) is types.UnionType:
        return None if value is None else _read(typing.get_args(wanted)[0], value)
    return value
