"""Quantised tensors that are turned back at once, as fake quantisation in float.

    pairs = quantised_pairs(graph)      # of quantize_per_tensor(...) and dequantize(...)
    for pair in pairs:
        pair.join()

torch.quantize_per_tensor(x, …).dequantize() has the values of fake_quantize_per_tensor_affine.
"""

from __future__ import annotations

import dataclasses

import torch
from torch.fx import Graph, Node

aten = torch.ops.aten

_RANGES = {torch.qint8: (-128, 127), torch.quint8: (0, 255)}


@dataclasses.dataclass(frozen=True)
class Pair:
    quantise: Node
    users: tuple[Node, ...]  # each turns the tensor back

    def join(self) -> None:
        *numbers, kind = self.quantise.args
        for user in self.users:
            user.target = aten.fake_quantize_per_tensor_affine.default
            user.args, user.kwargs = (*numbers, *_RANGES[kind]), {}
        self.quantise.graph.erase_node(self.quantise)


def quantised_pairs(graph: Graph) -> list[Pair]:
    pairs = []
    for node in graph.nodes:
        if node.target is not aten.quantize_per_tensor.default or node.kwargs:
            continue
        users = tuple(node.users)
        if node.args[3] in _RANGES and users and all(map(_turns_back, users)):
            pairs.append(Pair(node, users))
    return pairs


def _turns_back(user: Node) -> bool:
    return user.target is aten.dequantize.self
