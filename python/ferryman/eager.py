"""Running exported programs in PyTorch, with a look at every value, and changing nothing.

outputs = run_program(program, leaves, visit=print)
outputs = run_float64(program, leaves, visit=print)        # nearly the exact values
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from .gradients import call_module, without_fused_attention
from .restore import left_unchanged

Visit = Callable[[str, Any], None]


class Steer(Protocol):
    """Changes values of a program as it runs (decisions.py)."""

    def prepare(self, node: torch.fx.Node, value_of: Callable[[torch.fx.Node], Any]) -> Any | None:
        """Before a node runs: what `settle` is to be called with, or None to leave it alone."""

    def settle(self, node: torch.fx.Node, call: Any, value: Any) -> None:
        """After it; may write into the value."""


def run_program(
    program: ExportedProgram, leaves: list[Any], visit: Visit | None, steer: Steer | None = None
) -> list[Any]:
    """The flattened user outputs. Inputs and state are copied: in-place ops reach no one else."""
    with undisturbed():
        outputs = _Walker(program.graph_module, visit, steer).run(*arguments_of(program, leaves))
    return _user_outputs(program, outputs)


def run_float64(
    program: ExportedProgram,
    leaves: list[Any],
    visit: Visit,
    noise: torch.Generator | None = None,
    steer: Steer | None = None,
) -> list[Any] | None:
    """The same with all floating inputs, weights, buffers and casts in float64. None if the program
    does not run that way, or draws random numbers: they would be others.

    noise: disturbs each value that is computed by as much as float32 rounds the largest element.
    """
    with undisturbed():
        before = torch.get_rng_state()
        try:
            arguments = [_widen(value) for value in arguments_of(program, leaves)]
            outputs = _WideWalker(program.graph_module, visit, noise, steer).run(*arguments)
        except Exception:  # whatever a kernel says to a type that its program does not have
            return None
        drawn = not torch.equal(before, torch.get_rng_state())
    return None if drawn else _user_outputs(program, outputs)


def arguments_of(program: ExportedProgram, leaves: list[Any]) -> list[Any]:
    users = iter(leaves)
    """All that its graph takes: weights and constants, too."""
    arguments = []
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            arguments.append(_copy(next(users)))
        elif spec.kind is InputKind.PARAMETER:
            arguments.append(program.state_dict[spec.target])
        elif spec.kind is InputKind.BUFFER and spec.persistent:
            arguments.append(_copy(program.state_dict[spec.target]))
        else:
            arguments.append(_copy(program.constants[spec.target]))
    return arguments


def _user_outputs(program: ExportedProgram, outputs: Any) -> list[Any]:
    signature = program.graph_signature
    mutations = len(signature.output_specs) - len(signature.user_outputs)
    return list(outputs)[mutations:]


class _Walker(torch.fx.Interpreter):
    def __init__(
        self, module: torch.fx.GraphModule, visit: Visit | None, steer: Steer | None = None
    ):
        super().__init__(module)
        self._visit = visit
        self._steer = steer

    def run_node(self, node: torch.fx.Node) -> Any:
        if node.op != "call_function":
            return super().run_node(node)
        call = None if self._steer is None else self._steer.prepare(node, self.env.__getitem__)
        value = super().run_node(node)
        if call is not None:
            self._steer.settle(node, call, value)
        if self._visit is not None:
            self._visit(node.name, value)
        return value


class _WideWalker(_Walker):
    """Runs a program on float64 values; nothing in it makes them narrower again."""

    def __init__(
        self,
        module: torch.fx.GraphModule,
        visit: Visit,
        noise: torch.Generator | None,
        steer: Steer | None,
    ):
        super().__init__(module, visit, steer)
        self._noise = noise

    def run_node(self, node: torch.fx.Node) -> Any:
        value = super().run_node(node)
        return _widen(value) if node.op == "get_attr" else value

    def call_function(self, target, args, kwargs) -> Any:
        args, kwargs = pytree.tree_map_only(torch.dtype, _widen_type, (args, kwargs))
        value = super().call_function(target, args, kwargs)
        if self._noise is not None:
            owned = {_memory(given) for given in _tensors((args, kwargs))}
            for result in _tensors(value):
                if result.dtype is torch.float64 and _memory(result) not in owned:
                    self._disturb(result)
        return value

    def _disturb(self, value: torch.Tensor) -> None:
        """By what float32 rounds off the largest element."""
        if value.numel() == 0 or not value.isfinite().all():
            return
        drawn = torch.rand(value.shape, generator=self._noise, dtype=value.dtype) * 2 - 1
        value.add_(drawn * value.abs().max() * 2.0**-24)


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _widen(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    wide = _widen_type(value.dtype)
    return value if wide is value.dtype else value.detach().to(wide)


def _widen_type(dtype: torch.dtype) -> torch.dtype:
    if dtype.is_complex:
        return torch.complex128
    return torch.float64 if dtype.is_floating_point else dtype


def run_reference(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> list[Any]:
    """The flattened outputs of the user's own module, which is left as it was."""
    with undisturbed(), left_unchanged(module):
        return pytree.tree_flatten(call_module(module, args, kwargs))[0]


@contextlib.contextmanager
def undisturbed():
    """Without gradients, and torch's random state as it was afterwards."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]), without_fused_attention():
        yield


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def to_numpy(value: Any) -> np.ndarray:
    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    value = value.detach().cpu()
    if value.dtype is torch.bfloat16:  # numpy has none; float32 holds every bfloat16
        value = value.float()
    return value.resolve_conj().resolve_neg().numpy()
