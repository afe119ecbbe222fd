"""Where rounding decides: comparisons, casts to integers, floor, argmax, sort and the like give one
discrete result or another, and values that are right but for rounding lie on either side of an
edge.

    decisions = Decisions(program.graph, sight, rtol=1e-4, atol=1e-5)
    eager.run_program(program, leaves, visit, decisions)
    decisions.followed      # nodes at which the file decides otherwise than PyTorch, and rightly

PyTorch's run then goes on with the file's decision, so that all that comes after can be compared as
closely as ever. A decision is right if the operator gives it for the file's own operands, where the
file has them and they agree with PyTorch's, or else for PyTorch's own moved by the tolerance. What
is beyond that, element by element, stays as PyTorch has it: a mistake, at which the comparison
stops.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch.fx import Graph, Node

from .orders import (
    are_positions,
    gives_positions,
    has_near_values,
    is_unsorted,
    judge_positions,
    judge_unsorted,
)
from .steps import ROUNDING_INSIDE, Call, bounds, gives_steps, is_float, is_step, name_of

# What a run of the file has for a node, as the program has it; None if it cannot be seen.
Sight = Callable[[str, torch.Tensor], torch.Tensor | None]
# The slack of operands that are compared themselves: they may differ by anything but an infinity.
COMPARED = torch.finfo(torch.float32).max
_UNITS = 4  # in the last place: how wide an edge is where the file rounds inside of an operator
_MOVING = {"clone", "contiguous", "lift_fresh_copy", "expand_copy"}  # beside views


class Decisions:
    """Those of one run of a graph (eager.Steer).

    slack: how far operands were off in another run of the file, by node, beyond the tolerance.
    exact: nodes that have the same value on both sides; None: inputs, weights, what moves them.
    """

    def __init__(
        self,
        graph: Graph,
        sight: Sight,
        *,
        rtol: float,
        atol: float,
        slack: dict[str, float] | None = None,
        exact: Collection[Node] | None = None,
    ):
        self._sight, self._rtol, self._atol = sight, rtol, atol
        self._slack = slack or {}
        self._exact = _exact_nodes(graph) if exact is None else exact
        self._calls: dict[Node, Call] = {}  # with several results
        self.results: dict[str, torch.Tensor] = {}  # of all decisions
        self.followed: list[str] = []
        self.open: list[str] = []  # that the file does not show, within an edge's margin
        self.asked: set[str] = set()  # nodes whose values in the file would tell: these, operands

    def prepare(self, node: Node, value_of: Callable[[Node], Any]) -> Call | None:
        """Before a node runs."""
        if isinstance(node.target, torch._ops.OpOverload):
            call = Call.of(node, value_of)
            return call if call.floats else None
        source = self._calls.get(node.args[0]) if node.target is operator.getitem else None
        return source and dataclasses.replace(source, index=node.args[1])

    def settle(self, node: Node, call: Call, value: Any) -> None:
        """After it, with the value, which becomes the file's where that is right."""
        if isinstance(value, (tuple, list)):
            if gives_positions(node) or gives_steps(node):
                self._calls[node] = call.copied()  # a write in place may come before the results
            return
        judge = self._judge_of(call, value)
        if judge is None:
            return
        self.asked |= {node.name, *(call.nodes[place].name for place in call.floats)}
        got = self._sight(node.name, value)
        if got is None and self._is_open(judge, call):
            self.open.append(node.name)
        if got is not None and got.shape == value.shape and not torch.equal(got, value):
            other = judge(call, got) & self._differs(got, value)
            if other.any():
                value.copy_(torch.where(other, got, value))
                self.followed.append(node.name)
        self.results[node.name] = value.detach().clone()

    def _differs(self, got: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        if is_float(value):
            return (got - value).abs() > self.tolerance_of(value)
        return got != value

    def _judge_of(self, call: Call, value: Any):
        if are_positions(call.node, call.index):
            return self._judge_positions
        if is_unsorted(call.node) and call.index == 0:
            return self._judge_unsorted
        return self._judge_step if is_step(call.node, value) else None

    def _judge_positions(self, call: Call, got: torch.Tensor) -> torch.Tensor:
        return judge_positions(call, *self._operand(call, 0), got)

    def _judge_unsorted(self, call: Call, got: torch.Tensor) -> torch.Tensor:
        x, margin = self._operand(call, 0)
        return judge_unsorted(call, x, margin + self.tolerance_of(x), got)

    def _judge_step(self, call: Call, got: torch.Tensor) -> torch.Tensor:
        lowest, highest, margin = self._bounds(call)
        if lowest.shape != got.shape:
            return torch.zeros(got.shape, dtype=torch.bool)
        if not got.is_floating_point():
            return (got >= lowest) & (got <= highest)
        allowed = self.tolerance_of(highest) + margin  # between the three places that were tried
        return (got >= lowest - allowed) & (got <= highest + allowed)

    def _bounds(self, call: Call) -> tuple[torch.Tensor, torch.Tensor, float]:
        """And the widest margin."""
        seen = {place: self._operand(call, place) for place in call.floats}
        operands = {place: x for place, (x, _) in seen.items()}
        margins = {place: margin for place, (_, margin) in seen.items()}
        widest = max(float(m.max()) if m.numel() else 0.0 for m in margins.values())
        return *bounds(call, operands, margins), widest

    def _is_open(self, judge, call: Call) -> bool:
        if judge == self._judge_step:
            lowest, highest, margin = self._bounds(call)
            jumps = (highest - lowest > 2 * margin) if is_float(lowest) else lowest != highest
            return bool(jumps.any())
        return has_near_values(*self._operand(call, 0))

    def _operand(self, call: Call, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The value that the file decides by, and how far it may be from what is known of it."""
        value, node = call.leaves[place], call.nodes[place]
        inside = _UNITS if name_of(call.node.target) in ROUNDING_INSIDE else 0
        if value.dtype in (torch.float16, torch.bfloat16):
            inside = _UNITS  # which the file may hold in float32
        unit = value.abs().nan_to_num(0, 0, 0) * (inside * torch.finfo(value.dtype).eps)
        if node in self._exact:
            return value, unit
        tolerance = self.tolerance_of(value)
        seen = self._sight(node.name, value)
        if seen is None or seen.shape != value.shape:
            return value, tolerance
        allowed = max(tolerance.item(), self._slack.get(node.name, 0.0))
        near = (seen.double() - value.double()).abs() <= allowed
        near |= (seen == value) | (seen.isnan() & value.isnan())
        return torch.where(near, seen, value), torch.where(near, unit, tolerance)

    def tolerance_of(self, x: torch.Tensor) -> torch.Tensor:
        largest = x.nan_to_num(0, 0, 0).abs().max() if x.numel() else x.new_zeros(())
        return self._atol + self._rtol * largest


def _exact_nodes(graph: Graph) -> set[Node]:
    """Inputs, weights, and what only moves them: in the file they are PyTorch's, bit by bit."""
    source: dict[Node, Node] = {}  # the input or weight, by node
    for node in graph.nodes:
        operands = node.all_input_nodes
        if node.op in ("placeholder", "get_attr"):
            source[node] = node
        elif _only_moves(node.target) and len(operands) == 1 and operands[0] in source:
            source[node] = source[operands[0]]
    written = {
        source.get(node.args[0])
        for node in graph.nodes
        if isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable
    }
    return {node for node, root in source.items() if root not in written}


def _only_moves(target: Any) -> bool:
    if not isinstance(target, torch._ops.OpOverload):
        return False
    returns = target._schema.returns
    is_view = len(returns) == 1 and returns[0].alias_info and not returns[0].alias_info.is_write
    return bool(is_view) or name_of(target) in _MOVING


class Imposed:
    """The decisions of another run, for one in float64 (eager.Steer)."""

    def __init__(self, decisions: Decisions):
        self._results, self._tolerance = decisions.results, decisions.tolerance_of

    def prepare(self, node: Node, value_of: Callable[[Node], Any]) -> bool | None:
        return node.name in self._results or None

    def settle(self, node: Node, call: bool, value: Any) -> None:
        given = self._results[node.name]
        if not isinstance(value, torch.Tensor) or value.shape != given.shape:
            return
        if is_float(value):  # only what has jumped
            given = given.to(value.dtype)
            jumped = (given - value).abs() > self._tolerance(value)
            given = torch.where(jumped, given, value)
        value.copy_(given)
