"""Capture by make_fx, where torch.export fails: below autograd, where derivatives are operators.

    program = export_traced(module, args, kwargs)             # freezes nothing
    program = export_traced(module, args, kwargs, freeze=True) # the example's values, remembered

torch.export records above autograd, where what a derivative keeps for itself is out of sight, and
it takes no scripted parts. Here a first trace records what really runs, with the module paths; a
second one, torch.export's own, turns that into a program whose weights and inputs have the user's
names. Composite operators come apart in the first, so this is the way after the others.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import FrameSummary, StackSummary
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export import ExportedProgram
from torch.fx import GraphModule, Interpreter, traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .errors import CaptureError
from .freezing import FreezingMode
from .frozen import HERE, TORCH, frames, remember
from .gradients import without_fused_attention

_PLAIN = (bool, int, float, str, type(None))


def export_traced(
    module: nn.Module, args: tuple, kwargs: dict[str, Any], *, freeze: bool = False
) -> ExportedProgram:
    leaves, structure = pytree.tree_flatten((args, kwargs))
    tensors_at = [place for place, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
    mode = FreezingMode(module, leaves) if freeze else _fake_mode()
    mode.static_shapes = True
    results, places = _Results(), _Places(module)

    def call(*tensors):
        for place, tensor in zip(tensors_at, tensors):
            leaves[place] = tensor
        given_args, given_kwargs = pytree.tree_unflatten(leaves, structure)
        with places:
            return results.keep(module(*given_args, **given_kwargs))

    originals = [leaves[place] for place in tensors_at]
    # make_fx takes the fake mode of a trace that goes on for its own.
    with _as_it_runs(), torch._guards.tracing(torch._guards.TracingContext(mode)):
        traced = make_fx(call, tracing_mode="fake")(*originals)
    _require_no_fakes(traced)
    traced.graph.eliminate_dead_code()
    shell = _Shell(module, traced, tensors_at, results)
    program = torch.export.export(shell, args, kwargs, strict=False)
    if freeze:
        remember(program, mode.found)
    return program


def _fake_mode() -> FakeTensorMode:
    # Weights are no inputs of the trace: they come as they are.
    return FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv())


@contextmanager
def _as_it_runs() -> Iterator[None]:
    """With every operator visible: no fused kernels, no optimised TorchScript."""
    with (
        torch.enable_grad(),
        without_fused_attention(),
        sdpa_kernel(SDPBackend.MATH),
        _without_mkldnn(),
        torch.jit.optimized_execution(False),
        traceback.preserve_node_meta(),
    ):
        yield


@contextmanager
def _without_mkldnn() -> Iterator[None]:
    """It has whole recurrent layers as operators of its own."""
    # Not `flags`, which warns of settings of graphics cards.
    enabled, *_ = torch.backends.mkldnn.set_flags(_enabled=False)
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(_enabled=enabled)


class _Places(TorchDispatchMode):
    """Tells the tracer in which modules and lines of the user's code an operator is called."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self._modules = {id(child): path for path, child in module.named_modules()}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        meta = traceback.get_current_meta()
        meta["nn_module_stack"], meta["stack_trace"] = self._here()
        return func(*args, **(kwargs or {}))

    def _here(self) -> tuple[dict[str, tuple[str, str]], str]:
        lines: list[FrameSummary] = []
        modules: dict[str, tuple[str, str]] = {}
        for frame in itertools.islice(frames(), 2, None):
            name = frame.f_code.co_filename
            if name == __file__:
                break
            if not name.startswith((TORCH, HERE)):
                lines.append(FrameSummary(name, frame.f_lineno, frame.f_code.co_name))
            owner = frame.f_locals.get("self") if frame.f_code.co_name == "_call_impl" else None
            if id(owner) in self._modules:
                path = self._modules[id(owner)]
                modules[f"L__self__{path}"] = (path, _type_name(owner))
        text = "".join(StackSummary.from_list(lines[::-1]).format())
        return dict(reversed(modules.items())), text


def _type_name(module: nn.Module) -> str:
    kind = type(module)
    if isinstance(module, torch.jit.ScriptModule):
        return module.original_name
    return f"{kind.__module__}.{kind.__qualname__}"


class _Results:
    """What forward returns: tensors, and plain values, which are the same each time."""

    def keep(self, value: Any) -> list[torch.Tensor]:
        self._leaves, self._structure = pytree.tree_flatten(value)
        for leaf in self._leaves:
            if not isinstance(leaf, (torch.Tensor, *_PLAIN)):
                raise CaptureError(
                    f"forward returns a {type(leaf).__qualname__}, of which nobody knows the parts",
                    hint="return tensors, numbers, strings, None, and tuples, lists and dicts of "
                    "them; for a class of your own call torch.export.register_dataclass first",
                )
        return [leaf for leaf in self._leaves if isinstance(leaf, torch.Tensor)]

    def give(self, tensors: list[torch.Tensor]) -> Any:
        given = iter(tensors)
        leaves = [next(given) if isinstance(x, torch.Tensor) else x for x in self._leaves]
        return pytree.tree_unflatten(leaves, self._structure)


def _require_no_fakes(traced: GraphModule) -> None:
    """A tensor that the tracer lost sight of stays in the graph as what it was then."""
    for node in traced.graph.find_nodes(op="get_attr"):
        if isinstance(getattr(traced, node.target), FakeTensor):
            raise CaptureError(
                "tracing lost sight of a value that is computed from the inputs",
                where=node.stack_trace or "",
            )


# The second trace --------------------------------------------------------------------------------


class _Shell(nn.Module):
    """A module with the weights of another, under the same names, and a traced graph to run."""

    def __init__(self, module: nn.Module, traced: GraphModule, tensors_at, results: _Results):
        super().__init__()
        self.training = module.training
        by_view: dict[tuple, str] = {}
        for name, parameter in module.named_parameters():
            _put(self, name, parameter, nn.Module.register_parameter)
            by_view[_view(parameter)] = name
        for name, buffer in module.named_buffers():
            _put(self, name, buffer, nn.Module.register_buffer, **_persistence(module, name))
            by_view[_view(buffer)] = name
        names = {
            node.target: by_view[_view(value)]
            for node in traced.graph.find_nodes(op="get_attr")
            if _view(value := getattr(traced, node.target)) in by_view
        }

        def forward(*args, **kwargs):
            leaves = pytree.tree_leaves((args, kwargs))
            with traceback.preserve_node_meta():
                outputs = _Replay(traced, self, names).run(*(leaves[place] for place in tensors_at))
            return results.give(outputs)

        # torch names the inputs after the parameters of `forward`.
        forward.__signature__ = inspect.signature(module.forward)
        self.forward = forward


def _put(shell: nn.Module, name: str, tensor, register: Callable, **options) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        if parent not in shell._modules:
            shell.add_module(parent, nn.Module())
        shell = shell._modules[parent]
    register(shell, last, tensor, **options)


def _persistence(module: nn.Module, name: str) -> dict[str, bool]:
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path)
    return {"persistent": last not in getattr(owner, "_non_persistent_buffers_set", ())}


def _view(tensor: torch.Tensor) -> tuple:
    """The same for tensors that are one part of one memory."""
    if tensor.layout is not torch.strided:
        return (id(tensor),)
    place = (tensor.dtype, *tensor.shape, *tensor.stride(), tensor.storage_offset())
    return (tensor.untyped_storage()._cdata, *place)


class _Replay(Interpreter):
    def __init__(self, traced: GraphModule, shell: nn.Module, names: dict[str, str]):
        super().__init__(traced, garbage_collect_values=False)
        self._shell, self._names = shell, names

    def get_attr(self, target, args, kwargs):
        name = self._names.get(target)
        if name is None:
            return super().get_attr(target, args, kwargs)
        path, _, last = name.rpartition(".")
        return getattr(self._shell.get_submodule(path), last)
