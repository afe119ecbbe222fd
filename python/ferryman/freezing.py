"""Capture's last resort: tracing with the example's values where Python looks at those of tensors.

    program = export_frozen(module, args, kwargs)   # frozen.values_of_inputs(program)

Each operator runs on the example's real values beside torch's own fake ones. Where a number or a
size leaves the tensors, tracing goes on with the example's. Values in which neither an input nor
chance has a part are constants of the model. What leaves torch by another door (numpy, addresses)
stays torch's error.
"""

from __future__ import annotations

from operator import getitem
from typing import Any

import torch
import torch._functorch.config
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
from torch.nn.utils.rnn import pad_packed_sequence
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from .frozen import HERE, TORCH, Frozen, frames, remember
from .gradients import without_fused_attention
from .operators import written_tensors
from .scopes import add_constant

_MAX_CONSTANT = 1 << 16  # numbers of a result that is kept: positions and counts have few
# Written with the operators that give sizes away.
_OF_COUNTS = (
    torch.ops.aten.repeat_interleave.self_Tensor,
    torch.ops.aten.where.default,
    torch.ops.aten.argwhere.default,
)


def export_frozen(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> ExportedProgram:
    """torch.export with the example's values where it asks for any; the program knows which."""
    mode = FreezingMode(module, pytree.tree_leaves((args, kwargs)))
    # torch.export takes the fake mode of a trace that goes on for its own. Without gradients,
    # regions that switch them off are no graphs of their own.
    tracing = torch._guards.tracing(torch._guards.TracingContext(mode))
    with tracing, torch.no_grad(), without_fused_attention(), _TensorsOfTensors():
        program = torch.export.export(module, args, kwargs, strict=False)
    _put_constants(program, mode)
    for graph_module in program.graph_module.modules():
        if isinstance(graph_module, GraphModule):
            # Nobody uses what gave a number away, and no archive can hold it.
            graph_module.graph.eliminate_dead_code()
            graph_module.recompile()
    remember(program, mode.found)
    return program


class _TensorsOfTensors(TorchFunctionMode):
    """torch.tensor([a, b]) of tensors reads their memory, which fake ones have not; so their values
    are asked for one by one."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor) and args and isinstance(args[0], (list, tuple)):
            dtypes = {tensor.dtype for tensor in _tensors(args[0])}
            if len(dtypes) == 1 and "dtype" not in kwargs:
                kwargs = {**kwargs, "dtype": dtypes.pop()}
            data = pytree.tree_map_only(torch.Tensor, _numbers_of, args[0])
            args = (data, *args[1:])
        return func(*args, **kwargs)


def _numbers_of(tensor: torch.Tensor) -> Any:
    return tensor.item() if tensor.dim() == 0 else [_numbers_of(row) for row in tensor.unbind()]


def _put_constants(program: ExportedProgram, mode: FreezingMode) -> None:
    """Results whose size depends on values, but no value on an input, in the place of their ops."""
    for node in list(program.graph.nodes):
        if not (_gives_away(node.target) or node.target in _OF_COUNTS):
            continue
        for result in (node, *node.users):
            value = result.meta.get("val")
            if isinstance(value, torch.Tensor) and (result is node or result.target is getitem):
                constant = mode.constant(value)
                if constant is not None:
                    result.replace_all_uses_with(add_constant(program, constant))


def depends_on_values(program: ExportedProgram) -> bool:
    """Whether a number or a size is left open until the values are there."""
    return any(
        any(map(free_unbacked_symbols, _numbers(node.meta.get("val"))))
        for graph_module in program.graph_module.modules()
        if isinstance(graph_module, GraphModule)
        for node in graph_module.graph.nodes
    )


def _gives_away(target: Any) -> bool:
    tags = getattr(target, "tags", ())
    return torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags


def _numbers(values: Any) -> list[Any]:
    """The values, but for tensors whose size is plainly known."""
    kinds = (torch.SymInt, torch.SymFloat, torch.SymBool)
    return [
        value
        for value in pytree.tree_leaves(values)
        if isinstance(value, kinds)
        or (isinstance(value, torch.Tensor) and not all(type(size) is int for size in value.shape))
    ]


class FreezingMode(FakeTensorMode):
    """Fake tensors that carry real ones, and give their values away where torch would refuse."""

    def __init__(self, module: nn.Module, inputs: list[Any]):
        with torch._functorch.config.patch(
            fake_tensor_propagate_real_tensors=True, fake_tensor_allow_unsafe_data_ptr_access=False
        ):
            super().__init__(
                shape_env=ShapeEnv(tracked_fakes=[], trace_asserts=True),
                allow_non_fake_inputs=True,
                export=True,
            )
        self.fake_tensor_converter = _Converter(copy_data=True, export=True)
        self.found: list[Frozen] = []
        self._constants: dict[tuple, torch.Tensor] = {}  # by the memory of the fake
        self._overwritten: set[StorageWeakRef] = set()
        self._modules = {id(child): path for path, child in module.named_modules()}
        self._inputs = {id(leaf): leaf for leaf in inputs if isinstance(leaf, torch.Tensor)}
        self._of_inputs: set[StorageWeakRef] = set()  # memory with values of inputs or of chance

    def from_tensor(self, tensor, *args, **kwargs):
        fake = super().from_tensor(tensor, *args, **kwargs)
        if id(tensor) in self._inputs:
            self._mark(fake)
        return fake

    def dispatch(self, func: OpOverload, types, args=(), kwargs=None):
        if func is torch.ops.aten._pack_padded_sequence.default:
            raise RuntimeError("it reads lengths where a fake tensor has none")
        kwargs = kwargs or {}
        given = _tensors((args, kwargs))
        of_inputs = not _ignores_values(func) and any(map(self._is_marked, given))
        of_inputs = of_inputs or _draws(func, args, kwargs)
        if _freezes(func, args) and all(
            isinstance(t, FakeTensor) and t.real_tensor is not None for t in given
        ):
            decided = any(map(self._is_marked, _deciding(func, args, kwargs)))
            result = self._freeze(func, args, kwargs, decided)
        else:
            result = super().dispatch(func, types, args, kwargs)
        self._remember(func, args, kwargs, [] if of_inputs else _tensors(result))
        if of_inputs:
            for tensor in (*_tensors(result), *written_tensors(func, args, kwargs)):
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

    def _remember(self, func, args, kwargs, constants: list[torch.Tensor]) -> None:
        """Results without a part of an input, as long as nobody writes to them."""
        self._overwritten |= {_memory(tensor)[0] for tensor in written_tensors(func, args, kwargs)}
        for tensor in constants:
            real = getattr(tensor, "real_tensor", None)
            if real is not None and not real.is_floating_point() and real.numel() <= _MAX_CONSTANT:
                self._constants[_memory(tensor)] = real.clone()

    def constant(self, tensor: torch.Tensor) -> torch.Tensor | None:
        memory = _memory(tensor)
        # An operator may be made of others, which know of no input: theirs is the same memory.
        is_other = memory[0] in self._overwritten or memory[0] in self._of_inputs
        return None if is_other else self._constants.get(memory)

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
        name = func._schema.name.rpartition("::")[2]
        op = "item" if name == "_local_scalar_dense" else name
        file, line, path, kind = "", 0, "", ""
        for frame in frames():
            if frame.f_code is pad_packed_sequence.__code__:
                op = "pad_packed_sequence without total_length"
            name = frame.f_code.co_filename
            if not file and not name.startswith((TORCH, HERE, "<eval_with_key")):
                file, line = name, frame.f_lineno
            owner = frame.f_locals.get("self") if frame.f_code.co_name == "_call_impl" else None
            if id(owner) in self._modules:
                path, kind = self._modules[id(owner)], type(owner).__name__
                break
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


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def _memory(tensor: torch.Tensor) -> tuple:
    """Which part of which memory a fake tensor is."""
    place = (tensor.dtype, *tensor.shape, *tensor.stride(), tensor.storage_offset())
    return (StorageWeakRef(tensor.untyped_storage()), *place)


def _freezes(func: OpOverload, args: tuple) -> bool:
    """Whether a number or a size leaves the tensors."""
    if func is torch.ops.aten.index.Tensor:  # by masks of bools only
        return any(t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:]))
    return _gives_away(func)


def _deciding(func: OpOverload, args: tuple, kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The operands that say which number or size it is."""
    is_choice = func in (torch.ops.aten.index.Tensor, torch.ops.aten.masked_select.default)
    return _tensors((args[1:] if is_choice else args, kwargs))


def _ignores_values(func: OpOverload) -> bool:
    """ones_like, new_zeros: the result has a shape and type of an operand, and no value of it."""
    name = func._schema.name.rpartition("::")[2]
    return name.endswith("_like") or name.startswith("new_")


def _draws(func: OpOverload, args: tuple, kwargs: dict[str, Any]) -> bool:
    """Whether chance has a part in the result: not in dropout that is switched off."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    given = dict(zip((argument.name for argument in func._schema.arguments), args)) | kwargs
    return given.get("train", given.get("training", given.get("dropout_p", 1.0))) not in (False, 0)
