"""Expressions that ask a tensor for its truth or its number, as questions to the runtime.

a and b            _ferryman.both(a, lambda: b, …)
a if t else b      _ferryman.select(t, lambda: a, lambda: b, …)
int(t)             _ferryman.number(int, t, …)
x[i]               _ferryman.item_of(x, i)
"""

from __future__ import annotations

import ast

from .code import at, constant, is_constant, later, runtime_call

_NUMBERS = ("int", "float", "bool")
_BUILTINS = ("min", "max", "abs")
_SCOPE_BOUND = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
# Their result may not exist where the left operand says so.
_MAY_FAIL = (ast.FloorDiv, ast.Mod, ast.Div)


class Expressions(ast.NodeTransformer):
    """visit(node) for a value; test(node) where only its truth counts."""

    def __init__(self, file: str, first_parameter: str | None):
        self._file = file
        self._first_parameter = first_parameter
        self._is_number = False  # whether only the number counts, so that a tensor stands for it

    def test(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.BoolOp):
            return self._chain(node, is_test=True)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return runtime_call("negate", [self.test(node.operand)], node)
        return self._visit_as(node, is_number=True)

    def _visit_as(self, node: ast.expr, *, is_number: bool) -> ast.expr:
        outer, self._is_number = self._is_number, is_number
        try:
            return self.visit(node)
        finally:
            self._is_number = outer

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Compare, ast.BinOp, ast.UnaryOp)) or not self._is_number:
            return super().generic_visit(node)
        self._is_number = False
        try:
            return super().generic_visit(node)
        finally:
            self._is_number = True

    # Truth -----------------------------------------------------------------------------------

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return self._chain(node, is_test=False)

    def _chain(self, node: ast.BoolOp, *, is_test: bool) -> ast.expr:
        if any(map(_binds, node.values[1:])):
            return self.generic_visit(node)
        name = "both" if isinstance(node.op, ast.And) else "either"
        visit = self.test if is_test else lambda n: self._visit_as(n, is_number=False)
        first, *rest = node.values
        result = visit(first)
        for operand in rest:
            options = (is_test, _may_fail(operand))
            result = runtime_call(
                name, [result, later(visit(operand)), *map(constant, options), *self._place(node)],
                operand,
            )  # fmt: skip
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if not isinstance(node.op, ast.Not):
            return self.generic_visit(node)
        return runtime_call("negate", [self.test(node.operand)], node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        if _binds(node.body) or _binds(node.orelse):
            return self.generic_visit(node)
        ways = [later(self._visit_as(way, is_number=False)) for way in (node.body, node.orelse)]
        return runtime_call("select", [self.test(node.test), *ways, *self._place(node)], node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) == 1 or _binds(node):
            return self.generic_visit(node)
        operands = [node.left, *node.comparators]
        pairs = [
            ast.Tuple([
                at(_comparison(operator), node), later(self.visit(operand)),
            ], ast.Load())
            for operator, operand in zip(node.ops, operands[1:])
        ]  # fmt: skip
        return runtime_call("compare", [self.visit(node.left), *pairs], node)

    # Numbers ---------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.expr:
        is_number = self._is_number
        node = self.generic_visit(node)
        if isinstance(node.func, ast.Name) and not node.keywords:
            if node.func.id in _NUMBERS and len(node.args) == 1:
                arguments = [node.func, *node.args, constant(is_number)]
                return runtime_call("number", arguments, node)
            if node.func.id in _BUILTINS and node.args:
                return runtime_call("apply", [node.func, *node.args], node)
            if node.func.id == "super" and not node.args and self._first_parameter:
                names = ("__class__", self._first_parameter)
                node.args = [at(ast.Name(name, ast.Load()), node) for name in names]
                return node
        is_item = isinstance(node.func, ast.Attribute) and node.func.attr == "item"
        if is_item and is_number and not (node.args or node.keywords):
            return runtime_call("item", [node.func.value], node)
        return node

    # Indices ---------------------------------------------------------------------------------

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node = self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and is_asked_index(node.slice):
            return runtime_call("item_of", [node.value, as_value(node.slice)], node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        node.body = self._visit_as(node.body, is_number=False)
        return node

    def visit_FunctionDef(self, node):
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def _place(self, node: ast.expr) -> list[ast.expr]:
        return [constant(self._file), constant(node.lineno)]


def is_asked_index(index: ast.expr) -> bool:
    """An index that may be a tensor which stands for a number."""
    return not is_constant(index)


def as_value(index: ast.expr) -> ast.expr:
    """`a:b, c` outside of brackets."""
    if isinstance(index, ast.Slice):
        parts = [part or ast.Constant(None) for part in (index.lower, index.upper, index.step)]
        return runtime_call("slice", parts, index)
    if isinstance(index, ast.Tuple):
        return at(ast.Tuple([as_value(element) for element in index.elts], ast.Load()), index)
    return index


def _comparison(operator: ast.cmpop) -> ast.Lambda:
    arguments = ast.arguments([], [ast.arg("a"), ast.arg("b")], None, [], [], None, [])
    names = [ast.Name(name, ast.Load()) for name in "ab"]
    return ast.Lambda(arguments, ast.Compare(names[0], [operator], [names[1]]))


def _binds(node: ast.expr) -> bool:
    """Whether it has to stay where it is: it binds a name, or waits."""
    return any(isinstance(child, _SCOPE_BOUND) for child in ast.walk(node))


def _may_fail(node: ast.expr) -> bool:
    for child in ast.walk(node):
        if isinstance(child, ast.Subscript) and not is_constant(child.slice):
            return True
        if isinstance(child, ast.BinOp) and isinstance(child.op, _MAY_FAIL):
            return True
    return False
