"""From code that runs to its syntax tree, and from a tree to code in its place.

    source = source_of(code)             # CannotRewrite says why not
    code = compile_function(source, rewrite(source.node))

Files and lines stay the user's, so errors, stack traces and the report name them.
"""

from __future__ import annotations
import __future__

import ast
import dataclasses
import linecache
from types import CodeType

from .reasons import CannotRewrite

Function = ast.FunctionDef | ast.Lambda
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_LAMBDA = "<lambda>"


@dataclasses.dataclass(frozen=True)
class Source:
    code: CodeType
    node: Function
    class_name: str  # of the innermost class around it: names with two underscores are its own


def source_of(code: CodeType) -> Source:
    lines = linecache.getlines(code.co_filename)
    if not lines:
        raise _refuse(code, "its source is not in a file")
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        raise _refuse(code, "its file cannot be parsed") from None
    found = _Finder(code)
    found.visit(tree)
    if not found.sources:
        raise _refuse(code, "its file has no such function at that line")
    if len(found.sources) > 1:
        raise _refuse(code, "several lambdas stand on its line")
    _require_rewritable(found.sources[0])
    return found.sources[0]


def _refuse(code: CodeType, why: str) -> CannotRewrite:
    return CannotRewrite(f"{code.co_name} cannot be rewritten: {why}", code.co_filename,
                         code.co_firstlineno)  # fmt: skip


class _Finder(ast.NodeVisitor):
    def __init__(self, code: CodeType):
        self._code = code
        self._classes: list[str] = []
        self.sources: list[Source] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        line = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        self._compare(node, node.name, line)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._compare(node, _LAMBDA, node.lineno)

    def _compare(self, node, name: str, line: int) -> None:
        code = self._code
        names = [argument.arg for argument in _arguments(node)]
        count = code.co_argcount + code.co_kwonlyargcount
        own_names = [_unmangled(n, self._classes) for n in code.co_varnames[:count]]
        if (name, line, names) == (code.co_name, code.co_firstlineno, own_names):
            self.sources.append(Source(code, node, self._classes[-1] if self._classes else ""))
        self.generic_visit(node)


def _arguments(node) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _unmangled(name: str, classes: list[str]) -> str:
    prefix = f"_{classes[-1].lstrip('_')}__" if classes else "\0"
    return "__" + name.removeprefix(prefix) if name.startswith(prefix) else name


def _require_rewritable(source: Source) -> None:
    if isinstance(source.node, ast.AsyncFunctionDef):
        raise _refuse(source.code, "it is async")
    for node in own_nodes(source.node):
        if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)):
            raise _refuse(source.code, "it is a generator")


def own_nodes(function: Function):
    """All nodes of a function, but for those of functions and classes inside."""
    body = function.body if isinstance(function.body, list) else [function.body]
    queue = list(body)
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            queue.extend(ast.iter_child_nodes(node))


def compile_function(source: Source, node: Function) -> CodeType:
    """The code can take the place of the one that it was rewritten from: as many free variables."""
    old = source.code
    if isinstance(node, ast.FunctionDef):
        _keep_free_variables(node, old.co_freevars)
        body: ast.stmt = node
        node.decorator_list, node.returns = [], None
    else:
        body = ast.Expr(node)
    _without_defaults(node.args)
    module = _around(source, body)
    flags = old.co_flags & _FUTURE
    compiled = compile(module, old.co_filename, "exec", flags=flags, dont_inherit=True)
    new = _find(compiled, old)
    if new is None or new.co_freevars != old.co_freevars:
        raise _refuse(old, "it has other variables of the functions around it when rewritten")
    if not hasattr(old, "co_qualname"):  # Python 3.10
        return new
    return _renamed(new, new.co_qualname, old.co_qualname)


def _renamed(code: CodeType, outer: str, name: str) -> CodeType:
    """By the names that the user knows, also of the functions inside."""
    constants = tuple(
        _renamed(constant, outer, name) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=constants, co_qualname=code.co_qualname.replace(outer, name, 1))


def _keep_free_variables(node: ast.FunctionDef, names: tuple[str, ...]) -> None:
    """A variable that nobody reads any longer would be none."""
    reads = [ast.Name(name, ast.Load()) for name in names]
    if reads:
        dead = ast.If(ast.Constant(False), [ast.Expr(read) for read in reads], [])
        node.body.insert(0, ast.fix_missing_locations(ast.copy_location(dead, node.body[0])))


def _without_defaults(arguments: ast.arguments) -> None:
    """The function object has them."""
    arguments.defaults = [ast.copy_location(ast.Constant(None), d) for d in arguments.defaults]
    arguments.kw_defaults = [
        None if d is None else ast.copy_location(ast.Constant(None), d)
        for d in arguments.kw_defaults
    ]
    extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra):
        argument.annotation = None


def _around(source: Source, body: ast.stmt) -> ast.Module:
    """In a function that has its free variables, in a class of its class's name."""
    outer = ast.parse(f"def _around({', '.join(source.code.co_freevars)}): pass").body[0]
    outer.body = [body]
    if source.class_name:
        holder = ast.parse(f"class {source.class_name}: pass").body[0]
        holder.body = [outer]
        outer = holder
    return ast.fix_missing_locations(ast.Module([outer], []))


def _find(code: CodeType, old: CodeType) -> CodeType | None:
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            continue
        if constant.co_name == old.co_name and code.co_name == "_around":
            return constant
        found = _find(constant, old)
        if found is not None:
            return found
    return None
