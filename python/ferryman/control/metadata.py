"""Graphs of branches and bodies as the program's own: closed, and their nodes with places.

torch gives modules in graphs of their own names that begin with the tracer's.
"""

from __future__ import annotations

from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram
from torch.fx import GraphModule

from .reasons import CannotRewrite

_ROOT = "_export_root"


def require_closed(program: ExportedProgram) -> None:
    """Every tensor that a graph of its own needs has to come in as an operand."""
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                if node.op == "get_attr" and isinstance(
                    getattr(module, node.target, None), FakeTensor
                ):
                    raise CannotRewrite("a branch or a body uses a tensor that torch lost sight of")


def tidy(program: ExportedProgram) -> None:
    for module in program.graph_module.modules():
        if isinstance(module, GraphModule):
            for node in module.graph.nodes:
                stack = node.meta.get("nn_module_stack")
                if stack and any(key.startswith(_ROOT) for key in stack):
                    node.meta["nn_module_stack"] = _renamed(stack)


def _renamed(stack: dict) -> dict:
    """ "_export_root.blocks.0" is "blocks.0" below "L__self__"."""
    return {
        key: (path.removeprefix(_ROOT).removeprefix("."), kind)
        for key, (path, kind) in stack.items()
    }
