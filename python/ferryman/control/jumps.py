"""return, break and continue as flags and else branches, so that a statement can be a function.

    node = without_jumps(function)

    if c:                       if c:
        return a      ->            _value = a
    return b                    else:
                                    _value = b
                                return _value

Where only some of the ways through a statement end there, what follows it depends on a flag. A loop
has the flags that end it in `stops`.
"""

from __future__ import annotations

import ast
import itertools

VALUE = "_value"
RETURNED = "_returned"
_JUMPS = (ast.Return, ast.Break, ast.Continue)
_LOOPS = (ast.While, ast.For)
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def without_jumps(function: ast.FunctionDef) -> ast.FunctionDef:
    """Changes the function; its loops have the attribute `stops` afterwards."""
    inside = [s for s in function.body if _is_lowered(s) and not isinstance(s, ast.Return)]
    if not inside:
        return function
    body = function.body
    returns = any(RETURNED in _flags([statement], "", "") for statement in inside)
    lowering = _Lowering(returns)
    if returns:
        if not _ends(body):
            last = ast.Return(ast.Constant(None))
            body = [*body, _at(last, body[-1])]
        lowered = lowering.block(body, "", "")
        function.body = [
            _assign(RETURNED, ast.Constant(False), body[0]),
            *lowered,
            _at(ast.Return(ast.Name(VALUE, ast.Load())), body[-1]),
        ]
    else:
        function.body = lowering.block(body, "", "")
    _drop_unread(function, {RETURNED, *lowering.flags})
    return function


class _Lowering:
    def __init__(self, returns: bool):
        self._returns = returns  # inside of a statement, and not only at the end
        self.flags: set[str] = set()
        self._numbers = itertools.count(1)

    def block(self, statements: list[ast.stmt], broke: str, skipped: str) -> list[ast.stmt]:
        """broke, skipped: the flags of the loop around."""
        done: list[ast.stmt] = []
        for position, statement in enumerate(statements):
            if isinstance(statement, ast.Return) and not self._returns:
                return [*done, statement]
            if isinstance(statement, _JUMPS):
                return done + _jump(statement, broke, skipped)
            if not _is_lowered(statement):
                done.append(statement)
                continue
            rest = statements[position + 1 :]
            if isinstance(statement, ast.If) and (_ends(statement.body) or _ends(statement.orelse)):
                done.append(self._with_rest(statement, rest, broke, skipped))
                return done
            flags = _flags([statement], broke, skipped)
            done += self._statement(statement, broke, skipped)
            if rest and flags:
                lowered = self.block(rest, broke, skipped)
                done.append(_at(ast.If(_none_of(flags), lowered, []), rest[0]))
                return done
        return done

    def _with_rest(self, statement: ast.If, rest, broke: str, skipped: str) -> ast.If:
        """What follows belongs to the branch that does not end."""
        body, orelse = statement.body, statement.orelse
        if not _ends(body):
            body = [*body, *rest]
        if not _ends(orelse):
            orelse = [*orelse, *rest]
        statement.body = self.block(body, broke, skipped) or [_at(ast.Pass(), statement)]
        statement.orelse = self.block(orelse, broke, skipped)
        return statement

    def _statement(self, statement: ast.stmt, broke: str, skipped: str) -> list[ast.stmt]:
        if isinstance(statement, _LOOPS):
            return self._loop(statement, broke, skipped)
        if isinstance(statement, ast.Match):
            for case in statement.cases:
                case.body = self.block(case.body, broke, skipped)
            return [statement]
        if isinstance(statement, ast.Try):
            return self._try(statement, broke, skipped)
        statement.body = self.block(statement.body, broke, skipped)
        if isinstance(statement, ast.If):
            statement.orelse = self.block(statement.orelse, broke, skipped)
        return [statement]

    def _try(self, statement: ast.Try, broke: str, skipped: str) -> list[ast.stmt]:
        flags = _flags(statement.body, broke, skipped)
        for handler in statement.handlers:
            handler.body = self.block(handler.body, broke, skipped)
        orelse = self.block(statement.orelse, broke, skipped)
        if orelse and flags:
            orelse = [_at(ast.If(_none_of(flags), orelse, []), orelse[0])]
        statement.body, statement.orelse = self.block(statement.body, broke, skipped), orelse
        statement.finalbody = self.block(statement.finalbody, broke, skipped)
        return [statement]

    def _loop(self, loop: ast.While | ast.For, broke: str, skipped: str) -> list[ast.stmt]:
        number = next(self._numbers)
        own_broke, own_skipped = f"_broke_{number}", f"_skipped_{number}"
        self.flags |= {own_broke, own_skipped}
        flags = _flags(loop.body, own_broke, own_skipped)
        loop.stops = sorted(flags - {own_skipped})
        orelse, loop.orelse = loop.orelse, []
        loop.body = self.block(loop.body, own_broke, own_skipped)
        if own_skipped in flags:
            loop.body.insert(0, _assign(own_skipped, ast.Constant(False), loop.body[0]))
        done: list[ast.stmt] = [loop]
        if own_broke in flags:
            done.insert(0, _assign(own_broke, ast.Constant(False), loop))
        if orelse:
            orelse = self.block(orelse, broke, skipped)
            if loop.stops:
                orelse = [_at(ast.If(_none_of(set(loop.stops)), orelse, []), orelse[0])]
            done += orelse
        return done


def _jump(statement: ast.stmt, broke: str, skipped: str) -> list[ast.stmt]:
    if isinstance(statement, ast.Return):
        value = statement.value or _at(ast.Constant(None), statement)
        raised = _assign(RETURNED, ast.Constant(True), statement)
        return [_assign(VALUE, value, statement), raised]
    flag = broke if isinstance(statement, ast.Break) else skipped
    return [_assign(flag, ast.Constant(True), statement)]


def _is_lowered(statement: ast.stmt) -> bool:
    if isinstance(statement, _LOOPS) and statement.orelse:
        return True
    if isinstance(statement, (*_JUMPS, *_INNER)):
        return isinstance(statement, _JUMPS)
    return any(map(_is_lowered, ast.iter_child_nodes(statement)))


def _flags(statements: list, broke: str, skipped: str) -> set[str]:
    """Those that statements may set; of a loop inside, only the function's own."""
    found: set[str] = set()
    for node in statements:
        if isinstance(node, ast.Return):
            found.add(RETURNED)
        elif isinstance(node, ast.Break):
            found.add(broke)
        elif isinstance(node, ast.Continue):
            found.add(skipped)
        elif isinstance(node, _LOOPS):
            found |= _flags(node.body, "", "") - {""}
            found |= _flags(node.orelse, broke, skipped)
        elif not isinstance(node, _INNER):
            found |= _flags(list(ast.iter_child_nodes(node)), broke, skipped)
    return found


def _ends(statements: list[ast.stmt]) -> bool:
    """Whether no way through leads to what follows."""
    for statement in statements:
        if isinstance(statement, (*_JUMPS, ast.Raise)):
            return True
        if isinstance(statement, ast.If) and _ends(statement.body) and _ends(statement.orelse):
            return True
        if isinstance(statement, ast.With) and _ends(statement.body):
            return True
    return False


def _none_of(flags: set[str]) -> ast.expr:
    names = [ast.Name(flag, ast.Load()) for flag in sorted(flags)]
    either = names[0] if len(names) == 1 else ast.BoolOp(ast.Or(), names)
    return ast.UnaryOp(ast.Not(), either)


def _assign(name: str, value: ast.expr, at: ast.AST) -> ast.Assign:
    return _at(ast.Assign([ast.Name(name, ast.Store())], value), at)


def _at(node, at: ast.AST):
    return ast.fix_missing_locations(ast.copy_location(node, at))


def _drop_unread(function: ast.FunctionDef, flags: set[str]) -> None:
    nodes = list(ast.walk(function))
    stops = {name for node in nodes for name in getattr(node, "stops", ())}
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} | stops
    _Dropper(flags - read).visit(function)


class _Dropper(ast.NodeTransformer):
    def __init__(self, names: set[str]):
        self._names = names

    def visit_Assign(self, node: ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._names:
            return None
        return node

    def generic_visit(self, node: ast.AST):
        super().generic_visit(node)
        if isinstance(getattr(node, "body", None), list) and not node.body:
            node.body = [_at(ast.Pass(), node)]
        return node
