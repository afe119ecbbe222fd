"""A function whose ifs and loops ask the runtime, which way they go.

    node = rewrite(source)

    if c:                      def _then():
        y = f(x)                   nonlocal y
                     ->            y = f(x)
                               …
                               _ferryman.choose(c, _then, _otherwise, _ferryman.State(…))

The ways stay Python, so what they do with a condition that is a Python value is what they did. The
state says which of the function's variables they read and bind, gets them and puts others there.
"""

from __future__ import annotations

import ast
import copy

from .code import RUNTIME, at, constant, function, later, runtime_call, strings
from .expressions import Expressions, as_value, is_asked_index
from .jumps import without_jumps
from .names import Scope
from .source import Function, Source

_RUNTIME_MODULE = f"{__package__}.runtime"


def rewrite(source: Source) -> Function:
    node = copy.deepcopy(source.node)
    file = source.code.co_filename
    if isinstance(node, ast.Lambda):
        # The import is part of the expression, for want of statements.
        names = source.code.co_varnames
        node = Expressions(file, names[0] if names else None).visit(node)
        return _LambdaRuntime().visit(node)
    rewritten = _rewrite_function(node, file)
    imported = ast.parse(f"from {_RUNTIME_MODULE.rpartition('.')[0]} import runtime as {RUNTIME}")
    rewritten.body.insert(0, at(imported.body[0], rewritten.body[0]))
    return rewritten


class _LambdaRuntime(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id != RUNTIME:
            return node
        found = ast.parse(f"__import__({_RUNTIME_MODULE!r}, fromlist=['runtime'])", mode="eval")
        return at(found.body, node)


def _rewrite_function(node: ast.FunctionDef, file: str) -> ast.FunctionDef:
    node = without_jumps(node)
    scope = Scope(node)
    declared = [
        kind(sorted(names))
        for kind, names in ((ast.Global, scope.globals), (ast.Nonlocal, scope.outer))
        if names
    ]
    first = node.body[0]
    own = sorted(scope.variables - scope.parameters - scope.outer)
    if own:  # they are this function's, wherever they are bound
        stores = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)) for name in own]
        declared.append(ast.If(ast.Constant(False), stores, []))
    body = _Statements(node, scope, file).block(node.body, set())
    node.body = [*(at(statement, first) for statement in declared), *body]
    return node


class _Statements:
    def __init__(self, node: ast.FunctionDef, scope: Scope, file: str):
        self._scope, self._file = scope, file
        parameters = [*node.args.posonlyargs, *node.args.args]
        self._expressions = Expressions(file, parameters[0].arg if parameters else None)

    def block(self, statements: list[ast.stmt], after: set[str]) -> list[ast.stmt]:
        done: list[ast.stmt] = []
        for statement in reversed(statements):
            live = self._scope.live_before([statement], after)
            done[:0] = self._statement(statement, after)
            after = live
        return done or [ast.Pass(lineno=0, col_offset=0, end_lineno=0, end_col_offset=0)]

    def _statement(self, statement: ast.stmt, after: set[str]) -> list[ast.stmt]:
        kind = type(statement).__name__
        rewritten = getattr(self, f"_{kind}", None)
        if rewritten is not None:
            return rewritten(statement, after)
        for name, value in ast.iter_fields(statement):
            if name in ("body", "orelse", "finalbody") and isinstance(value, list):
                setattr(statement, name, self.block(value, after) if value else [])
            elif name in ("handlers", "cases"):
                for part in value:
                    part.body = self.block(part.body, after | self._everything())
            else:
                setattr(statement, name, self._visited(value))
        return [statement]

    def _visited(self, value):
        if isinstance(value, list):
            return [self._visited(item) for item in value]
        return self._expressions.visit(value) if isinstance(value, ast.AST) else value

    def _everything(self) -> set[str]:
        return self._scope.variables

    # Statements that stand as they are --------------------------------------------------------

    def _Global(self, statement, after) -> list[ast.stmt]:
        return []  # at the head of the function

    _Nonlocal = _Global

    def _ClassDef(self, statement, after) -> list[ast.stmt]:
        return [statement]

    _AsyncFunctionDef = _ClassDef

    def _FunctionDef(self, statement: ast.FunctionDef, after) -> list[ast.stmt]:
        waits = (ast.Yield, ast.YieldFrom, ast.Await)
        if any(isinstance(node, waits) for node in ast.walk(statement)):
            return [statement]
        return [_rewrite_function(statement, self._file)]

    def _Try(self, statement: ast.Try, after: set[str]) -> list[ast.stmt]:
        live = after | self._everything()  # an exception may come from anywhere
        for name in ("body", "orelse", "finalbody"):
            value = getattr(statement, name)
            setattr(statement, name, self.block(value, live) if value else [])
        for handler in statement.handlers:
            handler.body = self.block(handler.body, live)
        return [statement]

    def _Assign(self, statement: ast.Assign, after) -> list[ast.stmt]:
        target = statement.targets[0]
        value = self._expressions.visit(statement.value)
        if len(statement.targets) == 1 and _is_asked(target):
            arguments = [value, *self._parts(target)]
            return [at(ast.Expr(runtime_call("set_item", arguments, statement)), statement)]
        statement.value = value
        statement.targets = [self._expressions.visit(target) for target in statement.targets]
        return [statement]

    def _AugAssign(self, statement: ast.AugAssign, after) -> list[ast.stmt]:
        value = self._expressions.visit(statement.value)
        if _is_asked(statement.target):
            operation = constant(_IN_PLACE[type(statement.op)])
            arguments = [*self._parts(statement.target), operation, value]
            return [at(ast.Expr(runtime_call("update_item", arguments, statement)), statement)]
        statement.value = value
        return [statement]

    def _parts(self, target: ast.Subscript) -> list[ast.expr]:
        visit = self._expressions.visit
        return [visit(target.value), as_value(visit(target.slice))]

    def _Assert(self, statement: ast.Assert, after) -> list[ast.stmt]:
        message = statement.msg or ast.Constant(None)
        test = self._expressions.test(statement.test)
        arguments = [test, later(at(message, statement)), *self._place(statement)]
        return [at(ast.Expr(runtime_call("require", arguments, statement)), statement)]

    # Branches and loops -----------------------------------------------------------------------

    def _If(self, statement: ast.If, after: set[str]) -> list[ast.stmt]:
        inside = [*statement.body, *statement.orelse]
        state = self._state("if", statement, inside, after)
        test = self._expressions.test(statement.test)
        return [
            self._function("_then", statement.body, after, statement),
            self._function("_otherwise", statement.orelse, after, statement),
            *state[0],
            self._ask("choose", [test, "_then", "_otherwise"], state, statement),
        ]

    def _While(self, statement: ast.While, after: set[str]) -> list[ast.stmt]:
        stops = getattr(statement, "stops", [])
        test = statement.test
        if stops:
            test = at(ast.BoolOp(ast.And(), [*map(_is_not, stops), test]), statement)
        head = self._scope.live_at_head(statement, after) | set(stops)
        state = self._state("while", statement, [test, *statement.body], head)
        asked = at(ast.Return(self._expressions.test(test)), statement)
        return [
            self._wrapped("_test", [], [asked], [test], statement),
            self._function("_body", statement.body, head, statement),
            *state[0],
            self._ask("repeat", ["_test", "_body"], state, statement),
        ]

    def _For(self, statement: ast.For, after: set[str]) -> list[ast.stmt]:
        stops = getattr(statement, "stops", [])
        head = self._scope.live_at_head(statement, after) | set(stops)
        inside = [statement.target, *statement.body, *map(_is_not, stops)]
        state = self._state("for", statement, inside, head)
        bind = at(ast.Assign([statement.target], ast.Name("_item", ast.Load())), statement)
        body = [*self._Assign(bind, head), *self.block(statement.body, head)]
        running: list[ast.expr] = [*map(_is_not, stops)] or [ast.Constant(True)]
        both = running[0] if len(running) == 1 else ast.BoolOp(ast.And(), running)
        asked = self._expressions.test(at(both, statement))
        items = self._iterable(statement.iter)
        return [
            self._wrapped("_running", [], [at(ast.Return(asked), statement)], [], statement),
            self._wrapped("_body", ["_item"], body, inside, statement),
            *state[0],
            self._ask("each", [items, "_body", "_running"], state, statement),
        ]

    def _iterable(self, node: ast.expr) -> ast.expr:
        is_range = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if not is_range or node.func.id != "range" or node.keywords:
            return self._expressions.visit(node)
        bounds = [self._expressions.test(bound) for bound in node.args]
        return runtime_call("numbers", [node.func, *bounds], node)

    def _function(self, name: str, body: list[ast.stmt], after: set[str], place) -> ast.FunctionDef:
        block = self.block(body, after) if body else []
        return self._wrapped(name, [], block, body, place)

    def _wrapped(self, name, parameters, body, inside, place) -> ast.FunctionDef:
        """inside: what the body was, of whose names it binds those of the function around."""
        bound = self._scope.bound(inside)
        declared = [ast.Nonlocal(sorted(bound))] if bound else []
        of_module = self._scope.bound_globals(inside)
        declared += [ast.Global(sorted(of_module))] if of_module else []
        place = body[0] if body and hasattr(body[0], "lineno") and body[0].lineno else place
        return function(name, parameters, [*(at(d, place) for d in declared), *body], place)

    def _state(self, kind: str, statement, inside, after) -> tuple[list[ast.stmt], ast.expr]:
        """The functions that get and put the variables, and the state that has them."""
        scope = self._scope
        bound = scope.bound(inside)
        names = sorted(bound | scope.read(inside))
        outputs = bound & (after | scope.shared)
        variables = [later(at(ast.Name(name, ast.Load()), statement)) for name in names]
        get = [at(ast.Return(runtime_call("values_of", variables, statement)), statement)]
        arguments = [
            constant(kind), strings(names), strings(outputs),
            ast.Name("_get", ast.Load()), ast.Name("_put", ast.Load()),
            constant(_effect_of(inside, scope)), *self._place(statement),
        ]  # fmt: skip
        put = self._put(names, statement)
        state = runtime_call("State", arguments, statement)
        return [function("_get", [], get, statement), put], state

    def _put(self, names: list[str], place: ast.stmt) -> ast.FunctionDef:
        body: list[ast.stmt] = [ast.Nonlocal(names)] if names else []
        for position, name in enumerate(names):
            value = ast.Subscript(
                ast.Name("_values", ast.Load()), ast.Constant(position), ast.Load()
            )
            body.append(ast.Assign([ast.Name(name, ast.Store())], value))
            is_unbound = ast.Compare(
                ast.Name(name, ast.Load()),
                [ast.Is()],
                [ast.Attribute(ast.Name(RUNTIME, ast.Load()), "UNBOUND", ast.Load())],
            )
            body.append(ast.If(is_unbound, [ast.Delete([ast.Name(name, ast.Del())])], []))
        return function("_put", ["_values"], [at(s, place) for s in body], place)

    def _ask(self, name: str, arguments: list, state, place: ast.stmt) -> ast.stmt:
        values = [ast.Name(a, ast.Load()) if isinstance(a, str) else a for a in arguments]
        return at(ast.Expr(runtime_call(name, [*values, state[1]], place)), place)

    def _place(self, node: ast.stmt) -> list[ast.expr]:
        return [constant(self._file), constant(node.lineno)]


def _is_not(flag: str) -> ast.expr:
    return ast.UnaryOp(ast.Not(), ast.Name(flag, ast.Load()))


def _is_asked(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and is_asked_index(target.slice)


_IN_PLACE = {
    ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv",
    ast.FloorDiv: "ifloordiv", ast.Mod: "imod", ast.Pow: "ipow", ast.MatMult: "imatmul",
    ast.BitAnd: "iand", ast.BitOr: "ior", ast.BitXor: "ixor", ast.LShift: "ilshift",
    ast.RShift: "irshift",
}  # fmt: skip


def _effect_of(inside: list[ast.AST], scope: Scope) -> str:
    """What torch's branches and loops have no place for."""
    written = scope.bound_globals(inside)
    if written:
        return f"it writes the global variable {sorted(written)[0]!r}"
    for node in (child for part in inside for child in ast.walk(part)):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            return f"it writes the attribute {ast.unparse(node)!r} in line {node.lineno}"
    return ""
