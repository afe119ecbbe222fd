"""The free sizes of an exported program: their names, ranges, and what else they satisfy.

    sizes_of(program)                # (Size("batch", "s77", 1, None, 2),)
    inputs_of(program, arguments)    # Sizes: binds the shapes of a call to numbers
    name_sizes(program, Named({"s77": "batch"}, …))

torch has no place for names; they are with the program, and in an archive in a file of their own.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from .arguments import Arguments
from .native_contract import Size
from .size_conditions import divisor, narrowed, over_names, source_of
from .sizes import Pattern, Sizes, solved

_KEY = "ferryman_sizes"  # in the metadata of a graph module
_FILE = "ferryman_sizes.json"


@dataclasses.dataclass(frozen=True)
class Named:
    """What capture knows of the sizes of a program, beside torch.

    names: by torch's symbol.
    ranges: least and largest number by name, None where there is none.
    conditions: over names; None where they are torch's guards.
    """

    names: dict[str, str] = dataclasses.field(default_factory=dict)
    ranges: dict[str, tuple[int, int | None]] = dataclasses.field(default_factory=dict)
    conditions: tuple[str, ...] | None = None


def name_sizes(program: ExportedProgram, named: Named) -> None:
    program.graph_module.meta[_KEY] = named


def constrain(program: ExportedProgram, ranges: dict[str, tuple[int, int | None]]) -> None:
    """torch's own ranges, which an archive keeps."""
    from torch.utils._sympy.value_ranges import ValueRanges

    for symbol, name in names_of_symbols(program).items():
        bounds = program.range_constraints.get(symbol)
        if bounds is not None and name in ranges:
            low, high = ranges[name]
            high = bounds.upper if high is None else high
            program.range_constraints[symbol] = ValueRanges(low, high)


def named_sizes(program: ExportedProgram) -> Named:
    return program.graph_module.meta.get(_KEY, Named())


def to_files(program: ExportedProgram) -> dict[str, str]:
    """What torch.export.save takes as extra files."""
    named = named_sizes(program)
    return {_FILE: json.dumps(dataclasses.asdict(named))} if named.names else {}


def from_archive(program: ExportedProgram, path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(f"/extra/{_FILE}")]
        content = json.loads(archive.read(names[0])) if names else None
    if content is None:
        return
    ranges = {name: tuple(bounds) for name, bounds in content["ranges"].items()}
    conditions = content["conditions"]
    conditions = None if conditions is None else tuple(conditions)
    name_sizes(program, Named(content["names"], ranges, conditions))


# Symbols -----------------------------------------------------------------------------------------


def input_values(program: ExportedProgram) -> list[Any]:
    """What torch has for the user's inputs, in order; of a constant its value."""
    values = {
        node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"
    }
    specs = [s for s in program.graph_signature.input_specs if s.kind.name == "USER_INPUT"]
    return [
        values[spec.arg.name] if spec.arg.name in values else getattr(spec.arg, "value", None)
        for spec in specs
    ]


def symbolic_shapes(program: ExportedProgram) -> dict[int, tuple[Any, ...]]:
    """Of inputs with a free size, by their place: numbers, and sympy's expressions."""
    shapes = {}
    for leaf, value in enumerate(input_values(program)):
        sizes = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
        if any(type(size) is not int for size in sizes):
            shapes[leaf] = tuple(map(_expression, sizes))
    return shapes


def _expression(size: Any) -> Any:
    if type(size) is int:
        return size
    expression = size.node.expr
    return int(expression) if expression.is_number else expression


def symbols_of(program: ExportedProgram) -> list[Any]:
    """sympy's, in the order of the inputs."""
    found: dict[Any, None] = {}
    for shape in symbolic_shapes(program).values():
        for size in shape:
            if type(size) is not int:
                found |= dict.fromkeys(sorted(size.free_symbols, key=str))
    return list(found)


def names_of_symbols(program: ExportedProgram) -> dict[Any, str]:
    """By sympy's symbol: the user's name, or the symbol's own, which gives way to the user's."""
    given = named_sizes(program).names
    taken = set(given.values())
    names = {}
    for symbol in symbols_of(program):
        name = given.get(str(symbol), str(symbol))
        while str(symbol) not in given and name in taken:
            name += "_"
        taken.add(name)
        names[symbol] = name
    return names


def as_integers(numbers: dict[Any, int]) -> dict[Any, Any]:
    """sympy's, to put in the place of its symbols."""
    import sympy  # torch has loaded it where there are symbols

    return {symbol: sympy.Integer(number) for symbol, number in numbers.items()}


def text_of(expression: Any, names: dict[Any, str]) -> int | str:
    if type(expression) is int:
        return expression
    import sympy  # torch has loaded it where there are symbols

    renamed = {symbol: sympy.Symbol(name, integer=True) for symbol, name in names.items()}
    return str(expression.xreplace(renamed))


def texts_of(shape: Any, names: dict[Any, str]) -> tuple[int | str, ...]:
    """Of a shape of torch."""
    return tuple(text_of(_expression(size), names) for size in shape)


# Sizes -------------------------------------------------------------------------------------------


def sizes_of(program: ExportedProgram) -> tuple[Size, ...]:
    names = names_of_symbols(program)
    if not names:
        return ()
    hints = hints_of(program, names)
    conditions = conditions_of(program)
    given = named_sizes(program).ranges
    sizes = []
    for symbol, name in names.items():
        low, high = given.get(name) or _range_in(program, symbol)
        if name in hints:
            least, most = narrowed(conditions, name, hints)
            low = max(low, least)
            high = most if high is None else high if most is None else min(high, most)
        sizes.append(Size(name, str(symbol), max(1, low), high, hints.get(name, 0)))
    return tuple(sizes)


def _range_in(program: ExportedProgram, symbol: Any) -> tuple[int, int | None]:
    bounds = program.range_constraints.get(symbol)
    if bounds is None:
        return 1, None
    is_bounded = str(bounds.upper) not in ("int_oo", "oo")
    return int(bounds.lower), int(bounds.upper) if is_bounded else None


def hints_of(program: ExportedProgram, names: dict[Any, str]) -> dict[str, int]:
    """The sizes of the example that the program carries; or else those that torch has seen."""
    shapes = symbolic_shapes(program)
    hints: dict[str, int] = {}
    if program.example_inputs is not None:
        leaves = pytree.tree_leaves(program.example_inputs)
        pairs = [
            (text_of(wanted, names), wanted, size)
            for leaf, shape in shapes.items()
            if leaf < len(leaves) and isinstance(leaves[leaf], torch.Tensor)
            for wanted, size in zip(shape, leaves[leaf].shape)
            if type(wanted) is not int
        ]
        for text, wanted, size in sorted(pairs, key=lambda pair: not pair[1].is_Symbol):
            missing = {names[symbol] for symbol in wanted.free_symbols} - hints.keys()
            number = solved(text, *missing, size, hints) if len(missing) == 1 else None
            if number is not None:
                hints[next(iter(missing))] = number
    for value in input_values(program):
        for size in value.shape if isinstance(value, torch.Tensor) else ():
            if type(size) is not int and size.node.expr in names and size.node.hint is not None:
                hints.setdefault(names[size.node.expr], int(size.node.hint))
    return hints


def hints_by_symbol(program: ExportedProgram, sizes: tuple[Size, ...]) -> dict[Any, Any]:
    """sympy's, of the sizes that have one."""
    by_name = {size.name: size.hint for size in sizes if size.hint}
    names = names_of_symbols(program) if by_name else {}
    return as_integers({s: by_name[name] for s, name in names.items() if name in by_name})


def conditions_of(program: ExportedProgram) -> tuple[str, ...]:
    """That the program takes for granted, over names."""
    given = named_sizes(program).conditions
    return torch_conditions(program) if given is None else given


def torch_conditions(
    program: ExportedProgram, arguments: Arguments | None = None
) -> tuple[str, ...]:
    """arguments: that call the inputs as forward does."""
    names = names_of_symbols(program)
    if not names:
        return ()
    arguments = arguments or Arguments.of_program(program)
    paths = arguments.names
    sources = {}
    for leaf, value in enumerate(input_values(program)):
        for axis, size in enumerate(value.shape if isinstance(value, torch.Tensor) else ()):
            text = text_of(_expression(size), names)
            sources[source_of(paths[leaf], axis)] = str(text)
    return tuple(dict.fromkeys(over_names(getattr(program, "_guards_code", None) or (), sources)))


def divisible(program: ExportedProgram) -> dict[str, int]:
    """Sizes that have to be multiples of a number greater than 1."""
    conditions, hints = conditions_of(program), {s.name: s.hint for s in sizes_of(program)}
    found = {name: divisor(conditions, name, hints) for name, hint in hints.items() if hint}
    return {name: factor for name, factor in found.items() if factor > 1}


def inputs_of(program: ExportedProgram, arguments: Arguments) -> Sizes:
    """What binds the shapes that PyTorch gets."""
    names, paths = names_of_symbols(program), arguments.names
    patterns = {
        leaf: Pattern(paths[leaf], tuple(text_of(size, names) for size in shape))
        for leaf, shape in symbolic_shapes(program).items()
    }
    return Sizes(sizes_of(program), patterns, conditions_of(program))
