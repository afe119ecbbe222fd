"""Replaces the operators that the core does not know by what PyTorch makes of them.

    program = decompose_unknown(program)

Only the unknown nodes are traced anew, each by itself: all others keep their names, their places in
the user's code and their in-place writes, and a program without unknown operators comes back as it
is. What PyTorch has no decomposition for stays, for the core to refuse. The same is done in graphs
of branches, loops and regions, at any depth.
"""

from __future__ import annotations

import contextlib
import operator
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch._functorch import predispatch
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch.utils import _pytree as pytree

from . import _native
from .bodies import attribute_of
from .operators import qualified_name
from .prims import prim_decompositions
from .quantised import quantised_pairs
from .rewrites import REWRITES
from .scopes import Scope, copy_program, scopes
from .size_oblivious import size_oblivious

# What one node may become: torch writes recurrent layers and some linear algebra step by step.
_MAX_NODES = 20_000


def decompose_unknown(program: ExportedProgram) -> ExportedProgram:
    if any(_has_modes(scope.graph) for scope in scopes(program)):
        remembered = program.graph_module.meta
        program = program.run_decompositions({})
        program.graph_module.meta.update(remembered)
    if not any(_unknown(scope.graph) or _inner_tensors(scope) for scope in scopes(program)):
        return program
    program = copy_program(program)
    for scope in scopes(program):
        _decompose(scope)
    for scope in scopes(program):
        scope.graph.lint()
        scope.module.recompile()
    return program


def _decompose(scope: Scope) -> None:
    for pair in quantised_pairs(scope.graph):
        pair.join()
    for node in _unknown(scope.graph):
        _replace(scope, node)
    for node in _inner_tensors(scope):
        node.replace_all_uses_with(scope.add_constant(attribute_of(node)))
        scope.graph.erase_node(node)
    for item in scope.graph.find_nodes(op="call_function", target=operator.getitem):
        if not item.users:  # the core would have to give it
            scope.graph.erase_node(item)


def _inner_tensors(scope: Scope) -> list[Node]:
    """Those that a body has by itself: torch.tensor(3.0) in a branch. Archives have no place for
    them."""
    tensors = scope.graph.find_nodes(op="get_attr") if scope.around is not None else []
    return [node for node in tensors if isinstance(attribute_of(node), torch.Tensor)]


def _has_modes(graph: Graph) -> bool:
    """Whether nodes mean something else than they say: the axis that vmap hides, the element types
    of a region with autocast. torch undoes that only for a program as a whole."""
    targets = {node.target for node in graph.nodes}
    if predispatch._unwrap_for_grad in targets:
        return False  # of torch.func.grad: refused
    regions = graph.find_nodes(op="call_function", target=torch.ops.higher_order.wrap_with_autocast)
    return predispatch._add_batch_dim in targets or any(region.args[2] for region in regions)


def _unknown(graph: Graph) -> list[Node]:
    nodes = [
        node
        for node in graph.nodes
        if node.op == "call_function" and isinstance(node.target, OpOverload)
    ]
    return [node for node in nodes if not _is_known(node.target)]


# What they give is a number that the program has an expression for.
_SIZES = frozenset({torch.ops.aten.sym_size.int, torch.ops.aten.sym_numel.default})


@cache
def _is_known(target: OpOverload) -> bool:
    return target in _SIZES or _native.knows_ops([qualified_name(target)])[0]


# One node ----------------------------------------------------------------------------------------


def _replace(scope: Scope, node: Node) -> None:
    if _is_fixed(node):
        value = node.target(*node.args, **node.kwargs)
        _connect(node, scope.add_constant(value))
        return
    traced = None if _is_recorded_wrong(node) else _trace(node)
    if traced is None:
        return
    leaves = pytree.tree_leaves((node.args, node.kwargs))
    put_in(scope, node, traced, [leaf for leaf in leaves if is_operand(leaf)])


def put_in(scope: Scope, node: Node, traced: GraphModule, operands: list[Node]) -> list[Node]:
    """A traced function of the operands in the place of a node. Gives what it is now."""
    copies: dict[Node, Node] = dict(zip(traced.graph.find_nodes(op="placeholder"), operands))
    made = []
    for inner in traced.graph.nodes:
        if inner.op == "placeholder":
            continue
        if inner.op == "output":
            made += _connect(node, pytree.tree_map_only(Node, copies.get, inner.args[0]))
        elif inner.op == "get_attr":
            copies[inner] = scope.add_constant(attribute_of(inner))
        else:
            with scope.graph.inserting_before(node):
                copies[inner] = scope.graph.node_copy(inner, copies.__getitem__)
            _describe(copies[inner], inner, node)
            made.append(copies[inner])
    return made


def _is_recorded_wrong(node: Node) -> bool:
    """Of one sample without a batch torch records this loss with an axis, and computes none."""
    if not node.target.__name__.startswith("multilabel_margin_loss"):
        return False
    return node.args[0].meta["val"].ndim < 2 and node.meta["val"].ndim > 0


def _is_fixed(node: Node) -> bool:
    """One tensor, made of numbers alone, the same each time: a window, say."""
    target = node.target
    leaves = pytree.tree_leaves((node.args, node.kwargs))
    types = [str(result.type) for result in target._schema.returns]
    is_drawn = torch.Tag.nondeterministic_seeded in target.tags
    is_filled = not target._schema.name.startswith(("aten::empty", "aten::new_empty"))
    is_pure = not (
        is_drawn or target._schema.is_mutable or any(isinstance(x, Node) for x in leaves)
    )
    return is_pure and is_filled and types == ["Tensor"]


def is_operand(leaf: Any) -> bool:
    """A tensor, or a size that follows from those of the inputs."""
    value = leaf.meta.get("val") if isinstance(leaf, Node) else None
    return isinstance(value, torch.Tensor) or (
        isinstance(value, torch.SymInt) and not free_unbacked_symbols(value)
    )


def _trace(node: Node) -> GraphModule | None:
    """What torch makes of a node, as a function of its tensors; None if the core does not know all
    of that: an error then names the operator that the user wrote."""
    leaves, tree = pytree.tree_flatten((node.args, node.kwargs))
    if any(isinstance(leaf, Node) and not is_operand(leaf) for leaf in leaves):
        return None  # a number of run time
    called = _called(node.target)
    if called is None:
        return None
    values = [leaf.meta["val"] for leaf in leaves if is_operand(leaf)]

    def call(*operands):
        given = iter(operands)
        args, kwargs = pytree.tree_unflatten(
            [next(given) if is_operand(leaf) else leaf for leaf in leaves], tree
        )
        return called(*args, **kwargs)

    mode = torch._guards.detect_fake_mode(values)
    if mode is None:
        return None
    try:
        with mode, _sizes_kept(mode), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = make_fx(call, _decompositions())(*values)
    except Exception:  # whatever a decomposition says to arguments that it does not cover
        return None
    has_result = len(traced.graph.output_node().all_input_nodes) > 0  # a size is none
    is_done = not _unknown(traced.graph) and len(traced.graph.nodes) <= _MAX_NODES
    return traced if is_done and has_result else None


@contextlib.contextmanager
def _sizes_kept(mode: Any) -> Iterator[None]:
    """What would fix a free size, or narrow it, fails: nobody would hear of it any more."""
    environment = mode.shape_env
    keep = getattr(environment, "error_on_new_guards", None)  # not in older releases of torch
    if keep is None or not environment.var_to_range:
        yield
        return
    with size_oblivious(), keep():
        yield


def _called(target: OpOverload) -> Callable | None:
    """An op that writes is traced as its functional twin and one copy, which the core follows.
    None if it writes anything else: tracing could lose that."""
    if target._schema.name in REWRITES:
        return REWRITES[target._schema.name]
    if not target._schema.is_mutable:
        return target
    name = target._schema.name.removeprefix("aten::")
    twin = getattr(torch.ops.aten, name.removesuffix("_"), None) if name.endswith("_") else None
    written = [a.name for a in target._schema.arguments if a.alias_info and a.alias_info.is_write]
    if twin is None or written != [target._schema.arguments[0].name]:
        return None
    return lambda self, *args, **kwargs: self.copy_(twin(self, *args, **kwargs))


@cache
def _decompositions() -> dict[OpOverload, Callable]:
    # Importing the reference implementations registers more.
    import torch._refs
    import torch._refs.fft
    import torch._refs.linalg
    import torch._refs.nn.functional
    import torch._refs.special  # noqa: F401
    from torch._decomp import decomposition_table

    targets = [target for target in decomposition_table if isinstance(target, OpOverload)]
    known = _native.knows_ops([qualified_name(target) for target in targets])
    unknown = {
        target: decomposition_table[target]
        for target, is_known in zip(targets, known)
        if not is_known
    }
    return unknown | prim_decompositions(_is_known)


# Into the program --------------------------------------------------------------------------------


def _describe(copy: Node, inner: Node, node: Node) -> None:
    """The value of the inner node, in the place of the user's code that the whole came from."""
    copy.meta = {key: value for key, value in node.meta.items() if key != "val"}
    copy.meta["val"] = inner.meta.get("val")


def _connect(node: Node, results: Any) -> list[Node]:
    """The nodes that stand in its place now."""
    if isinstance(results, Node):
        return [_take_place(node, results)]
    made = []
    for user in list(node.users):
        made += _connect(user, results[user.args[1]])
    if not node.users:
        node.graph.erase_node(node)
    return made


def _take_place(node: Node, result: Node) -> Node:
    """Under the name of the node, which the signature and the user know."""
    graph = node.graph
    with graph.inserting_before(node):
        alias = graph.call_function(torch.ops.aten.alias.default, (result,))
    alias.meta = dict(node.meta)
    node.replace_all_uses_with(alias)
    name = node.name
    graph.erase_node(node)
    alias.name = name
    return alias
