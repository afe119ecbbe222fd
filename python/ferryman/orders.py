"""Orders that PyTorch leaves open: of equal values any may come first in a sort, and of values that
are nearly equal rounding decides. What is computed from such an order may come in another one, too.

    orders = Orders(program, leaves, rtol=1e-4, atol=1e-5)
    orders.see("topk", value)                       # each value of the program, as it arises
    orders.are_equal("getitem_1", expected, got)    # positions that a sort gave, of equal values
    orders.follow("gather")                         # whether it is computed from such positions
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node

_aten = torch.ops.aten
_PAIRS = (_aten.sort.default, _aten.sort.stable, _aten.topk.default)  # values, positions
_POSITIONS = (_aten.argsort.default, _aten.argsort.stable)


class Orders:
    def __init__(self, program: ExportedProgram, leaves: list[Any], *, rtol: float, atol: float):
        self._rtol, self._atol = rtol, atol
        self._nodes = {node.name: node for node in program.graph.nodes}
        self._operands: dict[str, torch.Tensor | None] = {
            node.args[0].name: None
            for node in program.graph.nodes
            if node.target in _PAIRS + _POSITIONS
        }
        self._open: set[str] = set()  # positions of equal values, and what follows from them
        self.decided: list[str] = []  # the sorts among them
        users = iter(leaves)
        placeholders = program.graph.find_nodes(op="placeholder")
        for node, spec in zip(placeholders, program.graph_signature.input_specs):
            if spec.kind is InputKind.USER_INPUT:
                self.see(node.name, next(users))

    def see(self, name: str, value: Any) -> None:
        if name in self._operands and isinstance(value, torch.Tensor):
            self._operands[name] = value.detach().clone()

    def follow(self, name: str) -> bool:
        node = self._nodes.get(name)
        follows = node is not None and any(n.name in self._open for n in node.all_input_nodes)
        if follows:
            self._open.add(name)
        return follows

    def are_equal(self, name: str, expected: np.ndarray, got: np.ndarray) -> bool:
        """Whether both are positions of a sort, of values that are equal within the tolerance."""
        sort = _sort_of(self._nodes.get(name))
        x = None if sort is None else self._operands.get(sort.args[0].name)
        if x is None or x.ndim == 0 or expected.shape != got.shape:
            return False
        dim = _argument(sort, "dim", -1)
        theirs, ours = (torch.from_numpy(np.asarray(p).astype(np.int64)) for p in (expected, got))
        if not ((ours >= 0) & (ours < x.shape[dim])).all():
            return False
        a, b = x.gather(dim, theirs), x.gather(dim, ours)
        if _argument(sort, "stable", None) and (a == b)[theirs != ours].any():
            return False  # the order of equal values is given
        same = torch.equal(a, b)
        if x.is_floating_point():
            allowed = self._atol + self._rtol * x.nan_to_num(0, 0, 0).abs().max().item()
            same = torch.allclose(a, b, rtol=0, atol=allowed, equal_nan=True)
        if same:
            self._open.add(name)
            self.decided.append(name)
        return same


def _sort_of(node: Node | None) -> Node | None:
    if node is None or node.target in _POSITIONS:
        return node
    is_second = node.target is operator.getitem and node.args[1] == 1
    return node.args[0] if is_second and node.args[0].target in _PAIRS else None


def _argument(node: Node, name: str, default: Any) -> Any:
    for place, argument in enumerate(node.target._schema.arguments):
        if argument.name == name and place < len(node.args):
            return node.args[place]
    return node.kwargs.get(name, default)
