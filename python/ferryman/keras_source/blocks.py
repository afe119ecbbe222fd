"""Modules of one class that are built in the same way: one function, called for each of them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from typing import Any

from .calls import Call, Value, in_order

_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}
_FEWEST_CALLS = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """The calls of one module, in order. `prefix` begins the names of its layers."""

    prefix: str
    module: str  # its class
    calls: tuple[Call, ...]

    @property
    def keys(self) -> list[tuple[str, int]]:
        return [call.key for call in self.calls]

    def inputs(self) -> list[Value]:
        """What is read and made elsewhere, in the order of the first reader."""
        own = set(self.keys)
        found = dict.fromkeys(value for call in self.calls for value in call.reads())
        return [value for value in found if (value.layer, value.call) not in own]

    def suffix(self, call: Call) -> str:
        return call.name[len(self.prefix) :]

    def skeleton(self) -> str:
        """Equal for blocks that differ in numbers of their layers and in nothing else."""
        places = {key: place for place, key in enumerate(self.keys)}
        outside = {value: place for place, value in enumerate(self.inputs())}

        def told(item: Any) -> Any:
            if isinstance(item, Value):
                key = (item.layer, item.call)
                return ["own", places[key], item.output] if key in places else outside[item]
            if isinstance(item, dict):
                return {key: told(each) for key, each in item.items()}
            return [told(each) for each in item] if isinstance(item, (list, tuple)) else item

        parts = [
            [call.layer["class_name"], sorted(call.layer["config"]), self.suffix(call)]
            + [told(call.args), told(call.kwargs)]
            for call in self.calls
        ]
        return json.dumps([self.module, parts], sort_keys=True)


@dataclasses.dataclass
class Function:
    """Blocks that one function builds. `parameters`: what differs between them, by the place of the
    call and the key of its config; equal names have equal values in each block."""

    name: str
    blocks: list[Block]
    parameters: dict[tuple[int, str], str]

    def arguments(self, block: Block) -> dict[str, Any]:
        return {
            name: block.calls[place].layer["config"][key]
            for (place, key), name in self.parameters.items()
        }


def find_functions(calls: list[Call], modules: dict[str, str]) -> tuple[list[Any], list[Function]]:
    """modules: classes by module path. Returns what is built one after the other, Calls and Blocks,
    and the functions that build the Blocks."""
    alike: dict[str, list[Block]] = {}
    for block in _candidates(calls, modules):
        alike.setdefault(block.skeleton(), []).append(block)
    units = _units(calls, [block for blocks in alike.values() for block in blocks])
    built = {block.prefix for block in units if isinstance(block, Block)}
    names: Counter[str] = Counter()
    functions = []
    for blocks in alike.values():
        blocks = [block for block in blocks if block.prefix in built]
        if blocks:
            functions.append(Function(_name(blocks[0], names), blocks, _parameters(blocks)))
    return units, functions


def _candidates(calls: list[Call], modules: dict[str, str]) -> list[Block]:
    classes = Counter(modules.values())
    parents = {path.rpartition(".")[0] for path in modules}
    paths = [
        path
        for path, module in modules.items()
        if path and path in parents and module not in _CONTAINERS and classes[module] > 1
    ]
    # The outermost first, which takes the calls of those inside.
    taken: set[tuple[str, int]] = set()
    blocks = []
    times = Counter(call.name for call in calls)
    for path in sorted(paths, key=lambda path: path.count(".")):
        prefix = path.replace(".", "_")
        own = [call for call in calls if call.name.startswith(f"{prefix}_")]
        is_free = all(call.key not in taken and times[call.name] == 1 for call in own)
        if len(own) < _FEWEST_CALLS or not is_free or any(call.is_input for call in own):
            continue
        taken.update(call.key for call in own)
        blocks.append(Block(prefix, modules[path], tuple(own)))
    return blocks


def _units(calls: list[Call], blocks: list[Block]) -> list[Any]:
    """The order in which to build; a block that would have to wait for itself is taken apart."""
    while True:
        of_call = {key: block for block in blocks for key in block.keys}
        units = list(dict.fromkeys(of_call.get(call.key, call) for call in calls))
        ordered = in_order(units, _needs)
        if len(ordered) == len(units):
            return ordered
        built = {id(unit) for unit in ordered}
        blocks = [block for block in blocks if id(block) in built]


def _needs(unit: Any) -> list[tuple[str, int]]:
    calls = unit.calls if isinstance(unit, Block) else [unit]
    return [(value.layer, value.call) for call in calls for value in call.reads()]


def _name(block: Block, names: Counter[str]) -> str:
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", block.module)
    name = "_".join(word.lower() for word in words) or "block"
    names[name] += 1
    return name if names[name] == 1 else f"{name}_{names[name]}"


def _parameters(blocks: list[Block]) -> dict[tuple[int, str], str]:
    found: dict[tuple[int, str], str] = {}
    names: dict[str, str] = {}  # by what the blocks have in its place
    used: Counter[str] = Counter()
    for place, call in enumerate(blocks[0].calls):
        for key in call.layer["config"]:
            if key == "name":
                continue
            values = [block.calls[place].layer["config"][key] for block in blocks]
            if all(value == values[0] for value in values):
                continue
            told = json.dumps([key, values])
            if told not in names:
                used[key] += 1
                names[told] = key if used[key] == 1 else f"{key}_{used[key]}"
            found[place, key] = names[told]
    return found
