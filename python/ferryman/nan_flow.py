"""What NaN goes into. With nan="fast" the target's own operators treat it otherwise than PyTorch
(extremes, orders, signs), and what is computed from their results differs, too: no mistake.

    flow = NanFlow.of(program, leaves)
    flow.see("sqrt", value)                 # each value of the program, as it arises
    flow.reaches("argmax")                  # whether NaN went in, there or above it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Graph


class NanFlow:
    def __init__(self, graph: Graph, inputs: Iterable[tuple[str, Any]]):
        """inputs: values of placeholders, by name."""
        self._nodes = {node.name: node for node in graph.nodes}
        self._reached: set[str] = set()  # values with NaN, and what is computed from them
        for name, value in inputs:
            self.see(name, value)

    @staticmethod
    def of(program: ExportedProgram, leaves: list[Any]) -> NanFlow:
        specs = program.graph_signature.input_specs
        placeholders = program.graph.find_nodes(op="placeholder")
        users = [
            node.name
            for node, spec in zip(placeholders, specs)
            if spec.kind is InputKind.USER_INPUT
        ]
        return NanFlow(program.graph, zip(users, leaves))

    def see(self, name: str, value: Any) -> None:
        if self.reaches(name) or _has_nan(value):
            self._reached.add(name)

    def reaches(self, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and any(n.name in self._reached for n in node.all_input_nodes)


def _has_nan(value: Any) -> bool:
    is_number = isinstance(value, torch.Tensor) and (
        value.is_floating_point() or value.is_complex()
    )
    return is_number and bool(value.isnan().any())
