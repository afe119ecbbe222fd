"""The sizes of a model that are free: from the inputs of a call to a number for each name.

    sizes = Sizes(report.sizes, {0: Pattern("x", ("batch", 3, "height", "2 * height"))})
    numbers = sizes.bind({0: (2, 3, 8, 16)})            # {"batch": 2, "height": 8}
    sizes.bind({0: (2, 3, 8, 17)})                      # InputError: input, axis, size

A size is a number or an expression over names (size_expressions.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from .errors import InputError
from .native_contract import Size
from .size_expressions import NoExpression, equation, evaluate, holds, names_in

_FAR = 2**20  # where no expression that grows has stopped growing


@dataclasses.dataclass(frozen=True)
class Pattern:
    """The shape that an input has to have."""

    input: str  # as the user calls it: "x", "options['mask']"
    shape: tuple[int | str, ...]

    @property
    def is_free(self) -> bool:
        return any(isinstance(size, str) for size in self.shape)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.shape))}]"


class Sizes:
    """
    patterns: by the leaf of the inputs; of leaves that have one fixed shape they may be left out.
    conditions: what else has to hold of the sizes: "height % 4 == 0".
    """

    def __init__(
        self,
        sizes: Iterable[Size],
        patterns: Mapping[int, Pattern],
        conditions: Iterable[str] = (),
    ):
        self.sizes = {size.name: size for size in sizes}
        self.patterns = dict(patterns)
        self.conditions = tuple(c for c in conditions if names_in(c) <= self.sizes.keys())
        self._following = [pair for c in self.conditions if (pair := equation(c)) is not None]

    def __bool__(self) -> bool:
        return any(pattern.is_free for pattern in self.patterns.values())

    @property
    def hints(self) -> dict[str, int]:
        """The sizes of the example."""
        return {name: size.hint for name, size in self.sizes.items()}

    def bind(self, shapes: Mapping[int, Sequence[int]]) -> dict[str, int]:
        """A number for each name; one InputError tells all that does not fit."""
        problems: list[str] = []
        known = self._numbers(shapes, problems)
        numbers = {name: number for name, (number, _) in known.items()}
        problems += self._out_of_range(known)
        if not problems:
            problems += self._broken_conditions(numbers)
        if problems:
            raise _refusal(problems)
        return numbers

    def complete(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """With the numbers that conditions make of others: "k == 1 + n // 2"."""
        found = dict(numbers)
        for name, expression in self._following:
            if names_in(expression) <= found.keys():
                found[name] = evaluate(expression, found)
        return found

    def fits(self, numbers: Mapping[str, int]) -> bool:
        """Whether the model takes these sizes, as far as can be told without running it."""
        known = {name: (number, "") for name, number in numbers.items()}
        return not self._out_of_range(known) and not self._broken_conditions(numbers)

    def shapes(self, numbers: Mapping[str, int]) -> dict[int, tuple[int, ...]]:
        """Of the inputs, with these sizes."""
        return {
            leaf: tuple(evaluate(size, numbers) for size in pattern.shape)
            for leaf, pattern in self.patterns.items()
        }

    def require_names(self, numbers: Mapping[str, int], where: str) -> None:
        """Of sizes that a user gives by name."""
        problems = [
            f"{where}: the model has no size '{name}'" for name in numbers if name not in self.sizes
        ]
        free = ", ".join(f"'{name}'" for name in self.sizes) or "none"
        if problems:
            raise _refusal(problems, hint=f"its free sizes: {free}")
        known = {name: (number, where) for name, number in numbers.items()}
        problems = self._out_of_range(known)
        completed = self.complete(self.hints | dict(numbers)) | dict(numbers)
        problems = problems or self._broken_conditions(completed)
        if problems:
            raise _refusal(problems)

    # What goes wrong ----------------------------------------------------------------------------

    def _numbers(self, shapes, problems: list[str]) -> dict[str, tuple[int, str]]:
        """With the axis that each was read from; what the axes say must agree."""
        known: dict[str, tuple[int, str]] = {}
        later = []
        for leaf, pattern in self.patterns.items():
            shape = shapes.get(leaf)
            if shape is None or not pattern.is_free:
                continue
            if len(shape) != len(pattern.shape):
                problems.append(
                    f"input '{pattern.input}' has {len(shape)} axes {list(shape)}, the model takes "
                    f"{len(pattern.shape)}: {pattern}"
                )
                continue
            for axis, (wanted, size) in enumerate(zip(pattern.shape, shape)):
                place = f"input '{pattern.input}' has size {size} along axis {axis}"
                later.append((wanted, size, place))
        for wanted, size, place in sorted(later, key=lambda item: names_in(item[0]) != {item[0]}):
            problem = _settle(known, wanted, size, place)
            problems += [problem] if problem else []
        return known

    def _out_of_range(self, known: Mapping[str, tuple[int, str]]) -> list[str]:
        return [
            f"{place or 'a size is ' + str(number)} ('{name}'), the model takes {size.range}"
            for name, (number, place) in known.items()
            if (size := self.sizes.get(name)) is not None and not size.has(number)
        ]

    def _broken_conditions(self, numbers: Mapping[str, int]) -> list[str]:
        return [
            f"{', '.join(f'{n} = {numbers[n]}' for n in sorted(names_in(condition)))} "
            f"does not satisfy {condition}, which the model takes for granted"
            for condition in self.conditions
            if names_in(condition) <= numbers.keys() and not holds(condition, numbers)
        ]


def _settle(known: dict[str, tuple[int, str]], wanted: int | str, size: int, place: str) -> str:
    """Learns a number from one axis, or says how it contradicts the others."""
    missing = names_in(wanted) - known.keys()
    if len(missing) == 1:
        (name,) = missing
        numbers = {n: number for n, (number, _) in known.items()}
        number = solved(wanted, name, size, numbers)
        if number is None:
            return f"{place}, which no '{name}' makes {wanted}"
        known[name] = (number, place)
        return ""
    if missing:
        return ""  # told by the axes that they should have been read from
    expected = evaluate(wanted, {n: number for n, (number, _) in known.items()})
    if expected == size:
        return ""
    if isinstance(wanted, int):
        return f"{place}, the model takes {wanted}"
    others = ", ".join(f"{n} = {known[n][0]}" for n in sorted(names_in(wanted)))
    return f"{place}, the model takes {wanted} = {expected} (with {others})"


def solved(wanted: int | str, name: str, size: int, numbers: Mapping[str, int]) -> int | None:
    """The number that makes the expression `size`; of several the least. Expressions of sizes do
    not fall as the sizes grow."""

    def value(number: int) -> int:
        return evaluate(wanted, {**numbers, name: number})

    try:
        low, high = 0, _FAR
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if value(middle) >= size else (middle + 1, high)
        return low if value(low) == size else None
    except (ArithmeticError, NoExpression, KeyError):
        return None


def _refusal(problems: Sequence[str], hint: str = "") -> InputError:
    if len(problems) == 1:
        return InputError(problems[0], hint=hint)
    what = f"{len(problems)} sizes do not fit the model"
    return InputError(what, why="\n".join(problems), hint=hint)
