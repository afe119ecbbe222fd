"""What NaN goes into. With nan="fast" the target's own operators treat it otherwise than PyTorch
(extremes, orders, signs), and what is computed from their results differs, too: no mistake.

    flow = NanFlow(program, leaves)
    flow.see("sqrt", value)                 # each value of the program, as it arises
    flow.reaches("argmax")                  # whether NaN went in, there or above it
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind


class NanFlow:
    def __init__(self, program: ExportedProgram, leaves: list[Any]):
        self._nodes = {node.name: node for node in program.graph.nodes}
        self._reached: set[str] = set()  # values with NaN, and what is computed from them
        users = iter(leaves)
        placeholders = program.graph.find_nodes(op="placeholder")
        for node, spec in zip(placeholders, program.graph_signature.input_specs):
            if spec.kind is InputKind.USER_INPUT:
                self.see(node.name, next(users))

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
