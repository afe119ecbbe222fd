"""What torch found that sizes have to satisfy, over their names.

conditions = over_names(program._guards_code, {"L['x'].size()[0]": "batch"})
narrowed(conditions, "batch", {"batch": 8})         # (1, 512): "batch <= 512"
fixing(conditions, "batch", {"batch": 8})           # a condition that leaves no choice
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from .size_expressions import NoExpression, evaluate, holds, names_in, parsed

_FAR = 2**20
_WINDOW = 64  # numbers in a row: a condition on divisibility holds for one of them
_POINTS = 40
_HEAD = re.compile(r"[A-Za-z_]\w*")


def source_of(path: str, axis: int) -> str:
    """As torch's guards call the size of an input: "L['x'].size()[0]"."""
    head = _HEAD.match(path)
    if head is None:
        return ""
    text = f"L[{head[0]!r}]{path[head.end() :]}.size()[{axis}]"
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except SyntaxError:
        return ""


def over_names(guards: Iterable[str], expressions: Mapping[str, str]) -> Iterator[str]:
    """Those that speak of sizes alone, and say something; expressions: by their source."""
    for guard in guards:
        try:
            tree = _Named(expressions).visit(ast.parse(guard.strip(), mode="eval").body)
            condition = ast.unparse(tree)
            if names_in(condition) and not _is_identity(condition):
                yield condition
        except (SyntaxError, NoExpression):
            continue  # of something else than sizes


class _Named(ast.NodeTransformer):
    def __init__(self, expressions: Mapping[str, str]):
        self._expressions = expressions

    def visit_Subscript(self, node: ast.Subscript):
        text = self._expressions.get(ast.unparse(node))
        return self.generic_visit(node) if text is None else ast.parse(text, mode="eval").body


def _is_identity(condition: str) -> bool:
    """An equality of equal expressions."""
    tree = parsed(condition)
    if not (isinstance(tree, ast.Compare) and [type(op) for op in tree.ops] == [ast.Eq]):
        return False
    names = sorted(names_in(condition))
    points = [
        {name: 1 + (point * (7 + 4 * place) + place) % 97 for place, name in enumerate(names)}
        for point in range(_POINTS)
    ]
    return all(holds(condition, point) for point in points)


# What they leave ---------------------------------------------------------------------------------


def narrowed(
    conditions: Iterable[str], name: str, numbers: Mapping[str, int]
) -> tuple[int, int | None]:
    """The least and the largest number (None: there is none) that conditions on this size alone
    leave; they hold for `numbers`."""
    low, high = 1, None
    for condition in conditions:
        if names_in(condition) != {name}:
            continue
        least, most = _bounds(_Asked(condition, name, numbers), numbers[name])
        low = max(low, least)
        high = most if high is None else high if most is None else min(high, most)
    return low, high


def fixing(
    conditions: Sequence[str],
    name: str,
    numbers: Mapping[str, int],
    derived: Mapping[str, str] = MappingProxyType({}),
    unnamed: frozenset[str] = frozenset(),
) -> str | None:
    """An equality that leaves a size next to no choice: torch took a number of the example.

    derived: sizes that follow from others, as the user said. unnamed: those of which the user left
    it to torch whether they follow from others."""
    for condition in conditions:
        names = names_in(condition)
        if name not in names or "==" not in condition:
            continue
        if len(names) > 1 and names & (unnamed - derived.keys()):
            continue
        least, most = _bounds(_Asked(condition, name, numbers, derived), numbers[name])
        if least > 1 and most is not None and most - least <= max(2, numbers[name] // 4):
            return condition
    return None


class _Asked:
    """Whether a condition holds for one number, or for one that follows soon."""

    def __init__(
        self, condition: str, name: str, numbers, derived: Mapping[str, str] | None = None
    ):
        self._condition, self._name = condition, name
        self._numbers, self._derived = dict(numbers), derived or {}

    def holds(self, number: int) -> bool:
        numbers = {**self._numbers, self._name: number}
        for name, expression in self._derived.items():
            if names_in(expression) <= numbers.keys():
                numbers[name] = evaluate(expression, numbers)
        return holds(self._condition, numbers)

    def holds_from(self, number: int, step: int) -> bool:
        return any(self.holds(number + step * i) for i in range(_WINDOW) if number + step * i > 0)


def _bounds(asked: _Asked, number: int) -> tuple[int, int | None]:
    least, most = 1, None
    if not asked.holds_from(_FAR, 1):
        low, high = number, _FAR  # holds from low on, from high on it does not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if asked.holds_from(middle, 1) else (low, middle)
        most = next(n for n in range(low + _WINDOW, 0, -1) if n <= number or asked.holds(n))
    if not asked.holds(1):
        low, high = 1, number
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if asked.holds_from(middle, -1) else (middle, high)
        least = next(
            n for n in range(max(1, high - _WINDOW), number + 1) if asked.holds(n) or n == number
        )
    return least, most


def divisor(conditions: Sequence[str], name: str, numbers: Mapping[str, int]) -> int:
    """That all numbers have which the conditions leave; numbers: for which they hold."""
    asked = [_Asked(c, name, numbers) for c in conditions if name in names_in(c)]
    near = range(1, numbers[name] + _WINDOW + 1)
    return math.gcd(*(n for n in near if all(condition.holds(n) for condition in asked)))


def violations(condition: str, numbers: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Sizes near those of the example, or small, for which a condition does not hold: one for each
    of its names."""
    for name in sorted(names_in(condition)):
        asked = _Asked(condition, name, numbers)
        near = range(max(1, numbers[name] - _WINDOW), numbers[name] + _WINDOW)
        for number in (*range(1, 9), *near):
            if not asked.holds(number):
                yield {**numbers, name: number}
                break
