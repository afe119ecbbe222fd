"""What a .keras file says, as calls of layers and operations in an order to run them."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Iterator
from typing import Any

_TENSOR = "__keras_tensor__"


@dataclasses.dataclass(frozen=True)
class Value:
    """An output of a call: the layer's name, the number of the call, that of the output."""

    layer: str
    call: int
    output: int


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or operation. `args` and `kwargs` hold Values where tensors go in."""

    layer: dict[str, Any]  # as in the file
    number: int  # of the calls of this layer
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        return self.layer["name"]

    @property
    def key(self) -> tuple[str, int]:
        return self.name, self.number

    @property
    def is_input(self) -> bool:
        return self.layer["class_name"] == "InputLayer"

    def reads(self) -> Iterator[Value]:
        return values_in((self.args, self.kwargs))


def read_calls(config: dict[str, Any]) -> list[Call]:
    """In the file's order, apart from calls that run later than their layer is first named."""
    calls = []
    for layer in config["layers"]:
        nodes = layer["inbound_nodes"] or [{"args": [], "kwargs": {}}]
        for number, node in enumerate(nodes):
            args, kwargs = _with_values(node["args"]), _with_values(node["kwargs"])
            calls.append(Call(layer, number, tuple(args), kwargs))
    return in_order(calls, lambda call: [(v.layer, v.call) for v in call.reads()])


def shapes_of(config: dict[str, Any]) -> dict[Value, tuple[int | None, ...]]:
    """Of what some call reads, and of the inputs."""
    shapes: dict[Value, tuple[int | None, ...]] = {}

    def look(item: Any) -> None:
        if isinstance(item, dict) and item.get("class_name") == _TENSOR:
            shapes[_value(item)] = tuple(item["config"]["shape"])
        elif isinstance(item, (dict, list)):
            for each in item.values() if isinstance(item, dict) else item:
                look(each)

    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            shapes[Value(layer["name"], 0, 0)] = tuple(layer["config"]["batch_shape"])
        look(layer["inbound_nodes"])
    return shapes


def in_order(units: list[Any], needs: Callable[[Any], list[Any]]) -> list[Any]:
    """Each behind what it needs, otherwise as they stand; those in a circle are left out. A unit
    has a `key`, or `keys` where it stands for several."""
    owner = {key: place for place, unit in enumerate(units) for key in keys_of(unit)}
    waiting = [{owner[key] for key in needs(unit)} for unit in units]
    readers: list[list[int]] = [[] for _ in units]
    for place, needed in enumerate(waiting):
        needed.discard(place)
        for other in needed:
            readers[other].append(place)
    ready = [place for place, needed in enumerate(waiting) if not needed]
    ordered = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(units[place])
        for reader in readers[place]:
            waiting[reader].discard(place)
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    return ordered


def keys_of(unit: Any) -> list[tuple[str, int]]:
    return unit.keys if hasattr(unit, "keys") else [unit.key]


def values_in(item: Any) -> Iterator[Value]:
    if isinstance(item, Value):
        yield item
    elif isinstance(item, dict):
        for each in item.values():
            yield from values_in(each)
    elif isinstance(item, (list, tuple)):
        for each in item:
            yield from values_in(each)


def references(item: Any) -> Any:
    """The inputs or outputs of a model, as Values in the structure that the file has for them."""
    if isinstance(item, list) and len(item) == 3 and isinstance(item[0], str):
        return Value(*item)
    if isinstance(item, dict):
        return {key: references(each) for key, each in item.items()}
    return [references(each) for each in item]


def _with_values(item: Any) -> Any:
    if isinstance(item, dict):
        if item.get("class_name") == _TENSOR:
            return _value(item)
        return {key: _with_values(each) for key, each in item.items()}
    if isinstance(item, list):
        return [_with_values(each) for each in item]
    return item


def _value(item: dict[str, Any]) -> Value:
    return Value(*item["config"]["keras_history"])
