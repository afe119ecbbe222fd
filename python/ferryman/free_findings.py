"""What torch.export made of the sizes that were asked to be free.

    findings = Findings(program, asked, arguments, numbers)
    if findings.problems:
        raise findings.error(places)         # CaptureError: input, axis, name, condition, line
    findings.name_sizes(trials)              # names and ranges go with the program

numbers: the sizes that the program was captured with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from torch.export import ExportedProgram

from .arguments import Arguments
from .asked_sizes import extents, is_plain
from .dynamic_shapes import Asked, FreeAxis, Range
from .errors import CaptureError
from .guard_places import Place
from .native_contract import Size
from .program_sizes import (
    Named,
    constrain,
    name_sizes,
    names_of_symbols,
    sizes_of,
    symbolic_shapes,
    text_of,
    torch_conditions,
)
from .size_conditions import fixing, source_of, violations
from .size_expressions import evaluate, holds, names_in
from .size_trials import Trials, Verdict

_HINT = (
    "write the model without that number (x.shape[…] and what is computed from it in whole "
    "numbers), or leave the axis out of dynamic_shapes"
)


@dataclasses.dataclass(frozen=True)
class Problem:
    axis: FreeAxis
    text: str
    hint: str = _HINT


class Findings:
    def __init__(
        self,
        program: ExportedProgram,
        asked: Asked,
        arguments: Arguments,
        numbers: Mapping[str, int],
    ):
        self._program, self._asked, self._chosen = program, asked, numbers
        of_program = Arguments.of_program(program, arguments.signature)
        leaves = {name: leaf for leaf, name in enumerate(of_program.names)}
        shapes = symbolic_shapes(program)
        self._found = {
            axis: shapes[leaves[axis.input]][axis.axis] if leaves[axis.input] in shapes else None
            for axis in asked.axes
        }
        captured = extents(asked, numbers)
        self._captured = {axis: captured[axis.input][axis.axis] for axis in asked.axes}
        self._name_symbols()
        self._conditions = torch_conditions(program, of_program)
        self.problems = self._fixed() or [
            *self._tied(),
            *self._conditioned(),
            *self._out_of_range(),
        ]

    def _name_symbols(self) -> None:
        """The first axis that a symbol is the size of gives it its name."""
        names: dict[str, str] = {}
        for axis, size in self._found.items():
            if is_plain(axis) and getattr(size, "is_Symbol", False):
                names.setdefault(str(size), axis.size)
        for size in self._found.values():  # of 2 * n, n
            for symbol in getattr(size, "free_symbols", ()):
                self._name_root(symbol, names)
        name_sizes(self._program, Named(names))
        self._names = names_of_symbols(self._program)

    def _name_root(self, symbol: Any, names: dict[str, str]) -> None:
        missing = {n for axis in self._asked.axes if axis.size for n in names_in(axis.size)}
        missing -= set(names.values())
        of_symbol = [
            axis
            for axis, size in self._found.items()
            if axis.size and symbol in getattr(size, "free_symbols", ())
        ]
        for axis in of_symbol:
            wanted = names_in(axis.size) & missing
            if str(symbol) not in names and len(wanted) == 1:
                names[str(symbol)] = wanted.pop()

    # Problems -------------------------------------------------------------------------------------

    def _fixed(self) -> list[Problem]:
        return [
            Problem(axis, f"{axis} is always {self._captured[axis]} in the captured program")
            for axis, size in self._found.items()
            if size is None or type(size) is int
        ]

    def _tied(self) -> list[Problem]:
        """A name whose size follows from that of others."""
        problems = []
        for axis, size in self._found.items():
            if not is_plain(axis):
                continue
            text = str(text_of(size, self._names))
            if text != axis.size:
                hint = f'write "{text}" in the place of "{axis.size}" in dynamic_shapes'
                problems.append(Problem(axis, f"the model asks for {axis} to be {text}", hint))
        return problems

    def _conditioned(self) -> list[Problem]:
        numbers = self._numbers
        derived, unnamed = self._derived, frozenset(self._names.values()) - self._asked.names.keys()
        problems = []
        for axis, size in self._found.items():
            if not getattr(size, "is_Symbol", False) or self._names[size] in derived:
                continue
            name = self._names[size]
            condition = fixing(self._conditions, name, numbers, derived, unnamed)
            if condition is not None:
                text = f"{axis} is free only as far as {condition}, by the size of the example"
                problems.append(Problem(axis, text))
        return problems

    def _out_of_range(self) -> list[Problem]:
        problems = []
        sizes = {size.name: size for size in sizes_of(self._program)}
        for axis, size in self._found.items():
            found = sizes.get(self._names.get(size, ""))
            given = self._asked.names.get(axis.size) or Range(axis.low, axis.high)
            if found is None or given.high is None or found.max is None:
                continue
            if found.max < given.high:
                text = f"{axis} is {given} in dynamic_shapes, and the model takes {found.range}"
                hint = f"give it a maximum of {found.max}"
                problems.append(Problem(axis, text, hint))
        return problems

    @property
    def _numbers(self) -> dict[str, int]:
        """By name, those of the capture; that of n also where axes are only 2 * n."""
        named = set(self._names.values()) & self._chosen.keys()
        return {name: self._chosen[name] for name in named} | {
            self._names[size]: self._captured[axis]
            for axis, size in self._found.items()
            if getattr(size, "is_Symbol", False)
        }

    @property
    def _derived(self) -> dict[str, str]:
        """Symbols of torch that the user said what follows from."""
        return {
            self._names[size]: axis.size
            for axis, size in self._found.items()
            if axis.size and not is_plain(axis) and getattr(size, "is_Symbol", False)
            and self._names[size] not in names_in(axis.size)
        }  # fmt: skip

    def error(self, places: Mapping[str, list[Place]]) -> CaptureError:
        """places: by the size, where the user's code asked for it."""
        lines, where = [], ""
        for problem in self.problems:
            asked = places.get(source_of(problem.axis.input, problem.axis.axis), [])
            found = [place for place in asked if place.fixes] or asked
            line = found[0].line if found else ""
            where = where or line
            condition = f": {found[0].condition} at {line}" if found else ""
            lines.append(problem.text + condition)
        lines = list(dict.fromkeys(lines))
        what = f"{self.problems[0].axis} cannot be free"
        if len(lines) > 1:
            what = f"{len(lines)} sizes cannot be free"
        return CaptureError(what, where=where, why="\n".join(lines), hint=self.problems[0].hint)

    # What goes with the program -------------------------------------------------------------------

    def name_sizes(self, trials: Trials) -> None:
        """Conditions that torch noted in passing, and that the model does not need, are tried out:
        torch has no other program for an image of one row, it only did not look at one."""
        named = Named({str(symbol): name for symbol, name in self._names.items()})
        conditions = list(self._conditions)
        for condition in self._conditions:
            is_equal = "==" in condition
            tried = [] if is_equal else list(violations(condition, self._in_example(condition)))
            tried = [self._complete(numbers) for numbers in tried]
            if tried and all(map(trials.agree, tried)):
                conditions.remove(condition)
        named = dataclasses.replace(named, conditions=tuple(conditions))
        name_sizes(self._program, named)
        ranges = {size.name: self._range(size, trials) for size in sizes_of(self._program)}
        name_sizes(self._program, dataclasses.replace(named, ranges=ranges))
        constrain(self._program, ranges)
        self.problems += self._of_example(ranges)

    def _of_example(self, ranges: Mapping[str, tuple[int, int | None]]) -> list[Problem]:
        """Captured with a larger size than the example's, the program may not be right for that."""
        problems = []
        for axis, size in self._found.items():
            low, _ = ranges.get(self._names.get(size, ""), (1, None))
            if axis.extent < low:
                text = (
                    f"{axis} is {axis.extent} in the example, and for sizes below {low} the model "
                    "computes something else"
                )
                hint = f"give it an example of {low} or more, or leave the axis out"
                problems.append(Problem(axis, text, hint))
        return problems

    def _complete(self, numbers: Mapping[str, int]) -> dict[str, int]:
        """With the sizes that follow from them, as the user said."""
        found = dict(numbers)
        for name, expression in self._derived.items():
            if names_in(expression) <= found.keys():
                found[name] = evaluate(expression, found)
        return found

    def extents(self, numbers: Mapping[str, int]) -> dict[str, dict[int, int]]:
        """Of the inputs, with these sizes."""
        found: dict[str, dict[int, int]] = {}
        for axis, size in self._found.items():
            extent = evaluate(text_of(size, self._names), numbers)
            found.setdefault(axis.input, {})[axis.axis] = extent
        return found

    def _in_example(self, condition: str) -> dict[str, int]:
        return {**dict.fromkeys(names_in(condition), 2), **self._numbers}

    def _range(self, size: Size, trials: Trials) -> tuple[int, int | None]:
        """From the least size on for which the program is the module: torch may have looked at none
        so small."""
        low = self._given(size.name).low or 1

        def agrees(number: int) -> bool:
            verdict = trials.run(self._complete({**self._numbers, size.name: number}))
            if verdict is Verdict.OF_VALUES:
                return self._allows(size.name)(number)
            return verdict is Verdict.SAME

        if size.name in self._derived:  # it is as free as those that it follows from
            return 1, size.max
        tried = [n for n in sorted({low, size.min - 1}) if low <= n <= max(low, size.min)]
        if all(map(agrees, tried)):
            return low, size.max
        wrong, right = tried[-1], self._numbers[size.name]
        while right - wrong > 1:
            middle = (wrong + right) // 2
            between = (*range(middle, right), *range(wrong + 1, middle))
            middle = next(filter(self._allows(size.name), between), None)
            if middle is None:
                break
            wrong, right = (wrong, middle) if agrees(middle) else (middle, right)
        return (max(2, size.min) if trials.is_out_of_time else right), size.max

    def _allows(self, name: str) -> Callable[[int], bool]:
        """Whether the conditions, as torch noted them, hold for another number of this size."""
        return lambda number: all(
            holds(c, self._complete({**self._in_example(c), name: number}))
            for c in self._conditions
        )

    def _given(self, name: str) -> Range:
        axes = [axis for axis, size in self._found.items() if self._names.get(size) == name]
        unnamed = Range(axes[0].low, axes[0].high) if axes else Range()
        return self._asked.names.get(name, unnamed)
