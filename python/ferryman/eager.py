"""Running exported programs in PyTorch, with a look at every value, and changing nothing.

outputs = run_program(program, leaves, visit=print)
outputs = run_float64(program, leaves, visit=print)        # nearly the exact values
"""

from __future__ import annotations

import contextlib
import dataclasses
import operator
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from .bodies import Body, bodies_of, flat, kind_of
from .bodies import run as run_bodies
from .gradients import call_module, without_fused_attention
from .restore import left_unchanged

Visit = Callable[[str, Any], None]


class Steer(Protocol):
    """Changes values of a program as it runs (decisions.py)."""

    def prepare(self, node: torch.fx.Node, value_of: Callable[[torch.fx.Node], Any]) -> Any | None:
        """Before a node runs: what `settle` is to be called with, or None to leave it alone."""

    def settle(self, node: torch.fx.Node, call: Any, value: Any) -> None:
        """After it; may write into the value."""


@dataclasses.dataclass(frozen=True)
class Inside:
    """What goes along into one run of a body."""

    visit: Visit | None = None
    steer: Steer | None = None
    lookout: Lookout | None = None
    leave: Callable[[list[Any]], None] = lambda results: None  # with the results of the run


class Lookout(Protocol):
    """Goes along through the branches and loops of one graph (body_sample.py, control/ways.py)."""

    def run(self, node: torch.fx.Node, args: tuple, execute: Callable[[Lookout], Any]) -> Any:
        """The results of a node that runs bodies, with the values of its arguments; `execute` runs
        them with a lookout."""

    def enter(self, body: Body, operands: list[Any], iteration: int | None) -> Inside:
        """Before a body runs. Its `within` is not known: the lookout knows where it is."""

    def choose(self, node: torch.fx.Node, chosen: bool) -> bool:
        """Which way to go: whether the first branch is taken, or another iteration done."""


def run_program(
    program: ExportedProgram,
    leaves: list[Any],
    visit: Visit | None,
    steer: Steer | None = None,
    lookout: Lookout | None = None,
) -> list[Any]:
    """The flattened user outputs. Inputs and state are copied: in-place ops reach no one else."""
    with undisturbed():
        walker = _Walker(program.graph_module, Inside(visit, steer, lookout))
        outputs = walker.run(*_arguments(program, leaves))
    return _user_outputs(program, outputs)


def run_float64(
    program: ExportedProgram,
    leaves: list[Any],
    visit: Visit,
    noise: torch.Generator | None = None,
    steer: Steer | None = None,
    lookout: Lookout | None = None,
) -> list[Any] | None:
    """The same with all floating inputs, weights, buffers and casts in float64. None if the program
    does not run that way, or draws random numbers: they would be others.

    noise: disturbs each value that is computed by as much as float32 rounds the largest element.
    """
    arguments = _arguments(program, leaves)
    outputs = _run_wide(program.graph_module, arguments, noise, Inside(visit, steer, lookout))
    return None if outputs is None else _user_outputs(program, outputs)


def run_body_float64(
    body: Body,
    operands: list[Any],
    visit: Visit,
    noise: torch.Generator | None = None,
    steer: Steer | None = None,
    lookout: Lookout | None = None,
) -> list[Any] | None:
    """A body by itself; its flat results."""
    outputs = _run_wide(body.module, operands, noise, Inside(visit, steer, lookout))
    return None if outputs is None else flat(outputs)


def _run_wide(
    module: torch.fx.GraphModule,
    arguments: list[Any],
    noise: torch.Generator | None,
    inside: Inside,
) -> Any:
    with undisturbed():
        before = torch.get_rng_state()
        try:
            outputs = _WideWalker(module, inside, noise).run(*map(_widen, arguments))
        except Exception:  # whatever a kernel says to a type that its program does not have
            return None
        drawn = not torch.equal(before, torch.get_rng_state())
    return None if drawn else outputs


def _arguments(program: ExportedProgram, leaves: list[Any]) -> list[Any]:
    """All that its graph takes: weights and constants, too."""
    users = iter(leaves)
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
    def __init__(self, module: torch.fx.GraphModule, inside: Inside):
        super().__init__(module)
        self._visit, self._steer, self._lookout = inside.visit, inside.steer, inside.lookout

    def run_node(self, node: torch.fx.Node) -> Any:
        if node.op != "call_function":
            return super().run_node(node)
        if _asks_for_two_boxes(node):
            return None
        call = None if self._steer is None else self._steer.prepare(node, self.env.__getitem__)
        value = self._run_bodies(node) if kind_of(node) else super().run_node(node)
        if call is not None:
            self._steer.settle(node, call, value)
        if self._visit is not None:
            self._visit(node.name, value)
        return value

    def _run_bodies(self, node: torch.fx.Node) -> Any:
        args, _ = self.fetch_args_kwargs_from_env(node)

        def execute(lookout: Lookout | None) -> Any:
            return run_bodies(node, args, _BodyRunner(self, node, lookout))

        return execute(None) if self._lookout is None else self._lookout.run(node, args, execute)

    def walker_of(self, module: torch.fx.GraphModule, inside: Inside) -> _Walker:
        """For a body."""
        return _Walker(module, inside)


def _asks_for_two_boxes(node: torch.fx.Node) -> bool:
    """torchvision tells torch.export that two boxes remain of nms at least, which the program then
    asserts; of a single box one does."""
    if node.target is not torch.ops.aten._assert_scalar.default:
        return False
    least = node.args[0]
    if not isinstance(least, torch.fx.Node) or least.target is not operator.ge:
        return False
    size, number = least.args
    if number != 2 or size.target is not torch.ops.aten.sym_size.int:
        return False
    return str(size.args[0].target) == "torchvision.nms.default"


@dataclasses.dataclass
class _BodyRunner:
    """Runs the bodies of one node, as the graph around them runs."""

    walker: _Walker
    node: torch.fx.Node
    lookout: Lookout | None

    def __post_init__(self):
        self._bodies = bodies_of(self.node)

    def run(self, which: int, operands: list[Any], iteration: int | None) -> list[Any]:
        body, inside = self._bodies[which], Inside()
        if self.lookout is not None:
            inside = self.lookout.enter(body, operands, iteration)
        results = flat(self.walker.walker_of(body.module, inside).run(*operands))
        inside.leave(results)
        return results

    def choose(self, chosen: bool) -> bool:
        return chosen if self.lookout is None else self.lookout.choose(self.node, chosen)


class _WideWalker(_Walker):
    """Runs a program on float64 values; nothing in it makes them narrower again."""

    def __init__(self, module: torch.fx.GraphModule, inside: Inside, noise: torch.Generator | None):
        super().__init__(module, inside)
        self._noise = noise

    def walker_of(self, module: torch.fx.GraphModule, inside: Inside) -> _Walker:
        return _WideWalker(module, inside, self._noise)

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
