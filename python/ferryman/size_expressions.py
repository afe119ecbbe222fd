"""Numbers from expressions over the names of sizes, as the core and torch's guards write them.

    evaluate("(height + 1) // 2", {"height": 7})        # 4
    holds("batch % 4 == 0", {"batch": 8})               # True
    names_in("2 * batch + 1")                           # {"batch"}

Nothing else that Python can say is run: an archive may have come from anywhere.
"""

from __future__ import annotations

import ast
import copy
import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Div: operator.truediv,
}
_UNARY: dict[type, Callable] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARISONS: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
# By the last part of the name: math.trunc, torch.sym_float.
_FUNCTIONS: dict[str, Callable] = {
    "max": max,
    "min": min,
    "abs": abs,
    "int": int,
    "float": float,
    "round": round,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "sym_int": int,
    "sym_float": float,
    "sym_max": max,
    "sym_min": min,
}


class NoExpression(ValueError):
    """A text that says something else than sizes are made of."""


def evaluate(expression: int | str, numbers: Mapping[str, int]) -> Any:
    """NoExpression of what is none, KeyError of a name without a number."""
    if isinstance(expression, int):
        return expression
    return _value(parsed(expression), numbers)


def holds(condition: str, numbers: Mapping[str, int]) -> bool:
    """Also where it cannot be computed, as a division by zero: then it says nothing."""
    try:
        return bool(evaluate(condition, numbers))
    except (ArithmeticError, KeyError):
        return True


def names_in(expression: int | str) -> set[str]:
    if isinstance(expression, int):
        return set()
    tree = parsed(expression)
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = {id(node) for function in calls for node in ast.walk(function)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in names if id(node) not in called}


def renamed(expression: int | str, names: Mapping[str, str]) -> int | str:
    """With other names; names: the new by the old."""
    if isinstance(expression, int):
        return expression
    tree = copy.deepcopy(parsed(expression))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)


def equation(condition: str) -> tuple[str, str] | None:
    """Of a condition that says what one name is, the name and the expression."""
    tree = parsed(condition)
    if not isinstance(tree, ast.Compare) or [type(op) for op in tree.ops] != [ast.Eq]:
        return None
    if not isinstance(tree.left, ast.Name):
        return None
    expression = ast.unparse(tree.comparators[0])
    is_told = tree.left.id not in names_in(expression) and names_in(expression)
    return (tree.left.id, expression) if is_told else None


@functools.lru_cache(maxsize=4096)
def parsed(expression: str) -> ast.expr:
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoExpression(f"{expression!r} is no expression") from error
    _require_known(tree)
    return tree


def _require_known(tree: ast.expr) -> None:
    for node in ast.walk(tree):
        is_known = isinstance(node, (ast.Name, ast.expr_context, ast.BoolOp, ast.boolop))
        is_known |= isinstance(node, ast.Constant) and type(node.value) in (int, float, bool)
        is_known |= isinstance(node, ast.Compare) and all(type(o) in _COMPARISONS for o in node.ops)
        is_known |= isinstance(node, ast.BinOp) and type(node.op) in _BINARY
        is_known |= isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY
        is_known |= isinstance(node, ast.Call) and _function(node) in _FUNCTIONS
        is_known |= isinstance(node, (ast.operator, ast.unaryop, ast.cmpop, ast.Attribute))
        if not is_known:
            raise NoExpression(f"{ast.unparse(tree)} is no expression over sizes")


def _function(call: ast.Call) -> str:
    is_plain = not call.keywords and isinstance(call.func, (ast.Name, ast.Attribute))
    return ast.unparse(call.func).rpartition(".")[2] if is_plain else ""


def _value(node: ast.expr, numbers: Mapping[str, int]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return numbers[node.id]
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, numbers), _value(node.right, numbers))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_value(node.operand, numbers))
    if isinstance(node, ast.Call):
        return _FUNCTIONS[_function(node)](*(_value(item, numbers) for item in node.args))
    if isinstance(node, ast.BoolOp):
        found = (bool(_value(item, numbers)) for item in node.values)
        return all(found) if isinstance(node.op, ast.And) else any(found)
    if isinstance(node, ast.Compare):
        values = [_value(item, numbers) for item in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:])
        return all(_COMPARISONS[type(op)](one, other) for op, one, other in pairs)
    raise NoExpression(ast.unparse(node))
