"""Small pieces of syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable

RUNTIME = "_ferryman"


def at(node, place: ast.AST):
    """Lines stay the user's: the first, for a call that spans several is told at its last."""
    node.lineno, node.col_offset = place.lineno, place.col_offset
    node.end_lineno, node.end_col_offset = place.lineno, place.col_offset
    return ast.fix_missing_locations(node)


def runtime_call(name: str, arguments: Iterable[ast.expr], place: ast.AST) -> ast.Call:
    function = ast.Attribute(ast.Name(RUNTIME, ast.Load()), name, ast.Load())
    return at(ast.Call(function, list(arguments), []), place)


def later(expression: ast.expr) -> ast.Lambda:
    """What is computed only when it is asked for."""
    none = ast.arguments([], [], None, [], [], None, [])
    return at(ast.Lambda(none, expression), expression)


def constant(value: object) -> ast.Constant:
    return ast.Constant(value)


def strings(names: Iterable[str]) -> ast.Tuple:
    return ast.Tuple([ast.Constant(name) for name in sorted(names)], ast.Load())


def function(name: str, parameters: list[str], body: list[ast.stmt], place) -> ast.FunctionDef:
    arguments = ast.arguments([], [ast.arg(p) for p in parameters], None, [], [], None, [])
    node = ast.FunctionDef(name, arguments, body or [ast.Pass()], [])
    node.type_params = []  # of Python 3.12
    return at(node, place)


def is_constant(expression: ast.expr) -> bool:
    """Written out: no name in it."""
    return not any(isinstance(node, (ast.Name, ast.Call)) for node in ast.walk(expression))
