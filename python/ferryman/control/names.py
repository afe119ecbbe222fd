"""Which names statements bind and read, and which are read after them.

scope = Scope(function)
scope.bound(statements) | scope.read(statements)    # of the function's own variables
scope.live_before(statements, after)                # the names that count before them
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Nodes = Iterable[ast.AST]


class Scope:
    """The variables of one function. `shared`: those that functions inside read or write at times
    of their own."""

    def __init__(self, function: ast.FunctionDef):
        declared = [n for n in _own(function.body) if isinstance(n, (ast.Global, ast.Nonlocal))]
        self.globals = {n for d in declared if isinstance(d, ast.Global) for n in d.names}
        self.outer = {n for d in declared if isinstance(d, ast.Nonlocal) for n in d.names}
        arguments = function.args
        extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra)
        self.parameters = {argument.arg for argument in parameters}
        self.variables = self.parameters | _stored(function.body) - self.globals
        inner = [node for node in _own(function.body) if isinstance(node, _SCOPES)]
        self._written_inside = self.variables & set(_declared_nonlocal(inner))
        captured = {name for node in inner for name in _loaded(_inside(node))}
        self.shared = (captured & self.variables) | self._written_inside | self.outer

    def bound(self, statements: Nodes) -> set[str]:
        return (_stored(statements) | self._written_inside) & self.variables

    def read(self, nodes: Nodes) -> set[str]:
        return _loaded(nodes) & self.variables

    def bound_globals(self, statements: Nodes) -> set[str]:
        return _stored(statements) & self.globals

    # What is read later ------------------------------------------------------------------------

    def live_before(self, statements: list[ast.stmt], after: set[str]) -> set[str]:
        live = set(after)
        for statement in reversed(statements):
            live = self._live(statement, live)
        return live

    def _live(self, statement: ast.stmt, after: set[str]) -> set[str]:
        if isinstance(statement, ast.If):
            branches = (statement.body, statement.orelse)
            live = set().union(*(self.live_before(branch, after) for branch in branches))
            return live | self.read([statement.test])
        if isinstance(statement, (ast.While, ast.For)):
            return self.live_at_head(statement, after)
        if isinstance(statement, ast.With):
            return self.live_before(statement.body, after) | self.read(
                [item.context_expr for item in statement.items]
            )
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = getattr(statement, "targets", None) or [statement.target]
            killed = {target.id for t in targets for target in _names_in(t)}
            return (after - killed) | self.read([statement])
        if isinstance(statement, ast.AugAssign):
            return after | self.read([statement]) | (_stored([statement]) & self.variables)
        return after | self.read([statement])

    def live_at_head(self, loop: ast.While | ast.For, after: set[str]) -> set[str]:
        """Before each round, and before the first."""
        head = loop.test if isinstance(loop, ast.While) else loop.iter
        live = after | self.read([head]) | self.live_before(loop.orelse, after)
        while True:
            before = self.live_before(loop.body, live)
            if isinstance(loop, ast.For):
                before -= {name.id for name in _names_in(loop.target)}
            if before <= live:
                return live
            live = live | before


def _names_in(target: ast.expr) -> Iterator[ast.Name]:
    """Of a target that binds names and nothing else."""
    if isinstance(target, ast.Name):
        yield target
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _names_in(element)
    elif isinstance(target, ast.Starred):
        yield from _names_in(target.value)


def _own(nodes: Nodes) -> Iterator[ast.AST]:
    """Without what is inside of other functions and classes."""
    for node in nodes:
        yield node
        if not isinstance(node, _SCOPES):
            yield from _own(ast.iter_child_nodes(node))


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    return ast.iter_child_nodes(node)


def _loaded(nodes: Nodes) -> set[str]:
    """Also by functions inside: those read when they are called."""
    return {
        child.id
        for node in nodes
        for child in ast.walk(node)
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load)
    }


def _stored(nodes: Nodes) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        found |= _stored_by(node)
    return found


def _stored_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.Lambda):
        return set()
    if isinstance(node, _COMPREHENSIONS):
        walrus = [n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
        return _stored(walrus)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    named = (
        {node.name} if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) else set()
    )
    rest = {node.rest} if isinstance(node, ast.MatchMapping) else set()
    return (named | rest | _stored(ast.iter_child_nodes(node))) - {None}


def _declared_nonlocal(functions: Nodes) -> Iterator[str]:
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Nonlocal):
                yield from node.names
