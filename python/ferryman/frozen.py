"""Capture's last resort: values of tensors that Python looks at are frozen, and each is told.

    program = export_frozen(module, args, kwargs)
    values_of_inputs(program)       # of `.item()`, `bool(tensor)`, sizes that depend on values, …

Each operator runs on the example's real values beside torch's own fake ones. Where a number or a
size leaves the tensors, tracing goes on with the example's. A program with such values is right
only for inputs that give the same ones, unless no input has a part in them: they are then constants
of the model. What leaves torch by another door (numpy, addresses) stays torch's error.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorConverter,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.fx.experimental.symbolic_shapes import ShapeEnv, free_unbacked_symbols
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as pytree

_TORCH = os.path.dirname(torch.__file__) + os.sep
_HERE = os.path.dirname(__file__) + os.sep
_KEY = "ferryman_frozen"  # in the metadata of a graph module

_FILE = "ferryman_frozen.json"
_SHOWN = 8  # values of one place; the report's JSON has all
WHAT = "values that depend on the inputs were frozen at those of the example"
WHY = "the model is right only for inputs that give the same ones"


class FrozenValues(UserWarning):
    """The model looks at values of its inputs in Python, and the program has the example's."""


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A value that tracing fixed.

    what: "True", "3", or "size (2, 4)" of a result whose size depends on values.
    of_inputs: whether an input has a part in it; other inputs may then give another value.
    """

    what: str
    op: str  # "item": also of `bool(tensor)` and `tolist`; "nonzero"
    module_path: str
    module_type: str
    file: str
    line: int
    of_inputs: bool

    @property
    def place(self) -> str:
        """ "of item in blocks.0 (model.py:12)"."""
        return f"of {self.op} in {self.module_path or self.module_type} ({self.file}:{self.line})"


def export_frozen(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> ExportedProgram:
    """torch.export with the example's values where it asks for any; the program knows which."""
    mode = _FreezingMode(module, pytree.tree_leaves((args, kwargs)))
    # torch.export takes the fake mode of a trace that goes on for its own.
    with torch._guards.tracing(torch._guards.TracingContext(mode)):
        program = torch.export.export(module, args, kwargs, strict=False)
    for graph_module in program.graph_module.modules():
        if isinstance(graph_module, GraphModule):
            # Nobody uses what gave a number away, and no archive can hold it.
            graph_module.graph.eliminate_dead_code()
            graph_module.recompile()
    program.graph_module.meta[_KEY] = tuple(dict.fromkeys(mode.found))
    return program


def values_of_inputs(program: ExportedProgram) -> tuple[Frozen, ...]:
    """The frozen values of a captured program that other inputs may change."""
    return tuple(value for value in program.graph_module.meta.get(_KEY, ()) if value.of_inputs)


def depends_on_values(program: ExportedProgram) -> bool:
    """Whether a number or a size is left open until the values are there."""
    return any(
        free_unbacked_symbols(value)
        for node in program.graph.nodes
        for value in pytree.tree_leaves(node.meta.get("val"))
        if isinstance(value, (torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool))
    )


def warn(program: ExportedProgram) -> None:
    """Says loudly which values of inputs the program has for constants."""
    values = values_of_inputs(program)
    if not values:
        return
    text = "\n".join(f"  {line}" for line in describe(values))
    # At the line that called the package, whichever way led here.
    ours = itertools.takewhile(lambda frame: frame.f_code.co_filename.startswith(_HERE), _frames())
    depth = 1 + len(list(ours))
    warnings.warn(f"{WHAT}; {WHY}:\n{text}", FrozenValues, stacklevel=depth)


def describe(values: Sequence[Frozen]) -> list[str]:
    """A line for each place, with the values that were read there."""
    by_place: dict[str, list[str]] = {}
    for value in values:
        by_place.setdefault(value.place, []).append(value.what)
    lines = []
    for place, whats in by_place.items():
        more = f" and {len(whats) - _SHOWN} more" if len(whats) > _SHOWN else ""
        lines.append(f"{', '.join(whats[:_SHOWN])}{more} {place}")
    return lines


# An archive keeps them in a file of its own -------------------------------------------------------


def to_files(program: ExportedProgram) -> dict[str, str]:
    """What torch.export.save takes as extra files."""
    values = values_of_inputs(program)
    text = json.dumps([dataclasses.asdict(value) for value in values])
    return {_FILE: text} if values else {}


def from_archive(program: ExportedProgram, path: str) -> None:
    """Gives a program the values that its archive lists."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/extra/{_FILE}")]
        values = json.loads(archive.read(names[0])) if names else []
    program.graph_module.meta[_KEY] = tuple(Frozen(**value) for value in values)


# Tracing -----------------------------------------------------------------------------------------


class _FreezingMode(FakeTensorMode):
    """Fake tensors that carry real ones, and give their values away where torch would refuse."""

    def __init__(self, module: nn.Module, inputs: list[Any]):
        import torch._functorch.config as config

        with config.patch(
            fake_tensor_propagate_real_tensors=True, fake_tensor_allow_unsafe_data_ptr_access=False
        ):
            super().__init__(
                shape_env=ShapeEnv(tracked_fakes=[], trace_asserts=True),
                allow_non_fake_inputs=True,
                export=True,
            )
        self.fake_tensor_converter = _Converter(copy_data=True, export=True)
        self.found: list[Frozen] = []
        self._modules = {id(child): path for path, child in module.named_modules()}
        self._inputs = {id(leaf): leaf for leaf in inputs if isinstance(leaf, torch.Tensor)}
        self._of_inputs: set[StorageWeakRef] = set()  # memory with values that came from inputs

    def from_tensor(self, tensor, *args, **kwargs):
        fake = super().from_tensor(tensor, *args, **kwargs)
        if id(tensor) in self._inputs:
            self._mark(fake)
        return fake

    def dispatch(self, func: OpOverload, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = _tensors((args, kwargs))
        of_inputs = not _ignores_values(func) and any(map(self._is_marked, given))
        if _freezes(func, args) and all(
            isinstance(t, FakeTensor) and t.real_tensor is not None for t in given
        ):
            decided = any(map(self._is_marked, _deciding(func, args, kwargs)))
            result = self._freeze(func, args, kwargs, decided)
        else:
            result = super().dispatch(func, types, args, kwargs)
        if of_inputs:
            for tensor in (*_tensors(result), *_written(func, args, kwargs)):
                self._mark(tensor)
        return result

    def _freeze(self, func: OpOverload, args, kwargs, of_inputs: bool):
        real_args, real_kwargs = pytree.tree_map_only(
            FakeTensor, lambda t: t.real_tensor, (args, kwargs)
        )
        with unset_fake_temporarily(), torch.no_grad():
            real = func(*real_args, **real_kwargs)
        sizes = [str(tuple(t.shape)) for t in _tensors(real)]
        what = f"size {', '.join(sizes)}" if sizes else repr(real)
        self.found.append(self._describe(what, func, of_inputs))
        return pytree.tree_map_only(torch.Tensor, self._fake, real)

    def _fake(self, real: torch.Tensor) -> FakeTensor:
        with unset_fake_temporarily():
            meta = torch.empty_strided(real.shape, real.stride(), dtype=real.dtype, device="meta")
        fake = FakeTensor(self, meta, real.device)
        fake.real_tensor = real
        return fake

    # Which values came from inputs -----------------------------------------------------------

    def _mark(self, tensor: torch.Tensor) -> None:
        if tensor.layout is torch.strided:
            self._of_inputs.add(StorageWeakRef(tensor.untyped_storage()))

    def _is_marked(self, tensor: torch.Tensor) -> bool:
        if tensor.layout is not torch.strided:
            return True  # nobody knows
        return StorageWeakRef(tensor.untyped_storage()) in self._of_inputs

    # Where ------------------------------------------------------------------------------------

    def _describe(self, what: str, func: OpOverload, of_inputs: bool) -> Frozen:
        file, line, path, kind = "", 0, "", ""
        for frame in _frames():
            name = frame.f_code.co_filename
            if not file and not name.startswith((_TORCH, _HERE, "<eval_with_key")):
                file, line = name, frame.f_lineno
            owner = frame.f_locals.get("self") if frame.f_code.co_name == "_call_impl" else None
            if id(owner) in self._modules:
                path, kind = self._modules[id(owner)], type(owner).__name__
                break
        name = func._schema.name.rpartition("::")[2]
        op = "item" if name == "_local_scalar_dense" else name
        return Frozen(what, op, path, kind, file, line, of_inputs)


class _Converter(FakeTensorConverter):
    """Gives parameters their values: torch's own copies those of plain tensors only, and leaves
    whatever lies in memory as the real values of the others."""

    def __init__(self, **options):
        super().__init__(**options)
        self._seen: dict[int, torch.Tensor] = {}

    def from_real_tensor(self, fake_mode, t, *args, **kwargs):
        fake = super().from_real_tensor(fake_mode, t, *args, **kwargs)
        if type(t) is not torch.Tensor and id(t) not in self._seen:
            self._seen[id(t)] = t
            with unset_fake_temporarily(), torch.no_grad():
                fake.real_tensor.copy_(t.detach())
        return fake


def _frames() -> Iterator[FrameType]:
    """From the innermost outwards."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def _freezes(func: OpOverload, args: tuple) -> bool:
    """Whether a number or a size leaves the tensors."""
    if func is torch.ops.aten.index.Tensor:  # by masks of bools only
        return any(t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:]))
    tags = func.tags
    return torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags


def _deciding(func: OpOverload, args: tuple, kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The operands that say which number or size it is."""
    is_choice = func in (torch.ops.aten.index.Tensor, torch.ops.aten.masked_select.default)
    return _tensors((args[1:] if is_choice else args, kwargs))


def _ignores_values(func: OpOverload) -> bool:
    """ones_like, new_zeros: the result has a shape and type of an operand, and no value of it."""
    name = func._schema.name.rpartition("::")[2]
    return name.endswith("_like") or name.startswith("new_")


def _written(func: OpOverload, args: tuple, kwargs: dict[str, Any]) -> list[torch.Tensor]:
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[place] if place < len(args) else kwargs.get(argument.name)
            written += _tensors(value)
    return written
