"""Which nodes of a program come from a converter.

    with marked(converter):          # while a program is traced
        torch.clamp(x / 6 + 0.5, 0, 1)
    converters_of(program)           # {"clamp": "hardsigmoid (model.py:12)"}
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from torch.export import ExportedProgram
from torch.fx import Graph, Node
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from ..bodies import all_bodies, inside

# torch keeps what stands under "custom" as it traces anew.
_CUSTOM, _KEY = "custom", "ferryman_converters"


@contextlib.contextmanager
def marked(converter: Any) -> Iterator[None]:
    """The nodes that are traced meanwhile in this thread."""
    mode = get_proxy_mode()
    graph = None if mode is None else mode.tracer.graph
    last = None if graph is None else next(iter(reversed(graph.nodes)), None)
    yield
    if graph is not None:
        for node in reversed(graph.nodes):
            if node is last:
                break
            mark(node, str(converter))


def mark(node: Node, converter: str, *, is_inside: bool = False) -> None:
    """Of converters around each other, the outer ones come first. is_inside: of those there are."""
    custom, marks = node.meta.get(_CUSTOM) or {}, marks_of(node)
    marks = [*marks, converter] if is_inside else [converter, *marks]
    node.meta[_CUSTOM] = {**custom, _KEY: marks}


def marks_of(node: Node) -> list[str]:
    return list((node.meta.get(_CUSTOM) or {}).get(_KEY, ()))


def converters_of(program: ExportedProgram) -> dict[str, str]:
    """By the key of the node, the innermost converter that it comes from."""
    found = _of_graph(program.graph, "")
    for body in all_bodies(program.graph_module):
        found |= _of_graph(body.module.graph, body.path)
    return found


def _of_graph(graph: Graph, path: str) -> dict[str, str]:
    return {inside(path, node.name): marks_of(node)[-1] for node in graph.nodes if marks_of(node)}
