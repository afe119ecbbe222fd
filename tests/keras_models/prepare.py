"""Converts one network to Keras, and writes what PyTorch gives for several numbers of examples.

    row = prepare("timm", "vit", folder)      # folder/model.keras, folder/cases.npz
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

import ferryman
from families import suites
from families.check import refusal
from families.family import Inputs, Sample
from ferryman.eager import to_numpy
from ferryman.frozen import describe
from ferryman.native_contract import NativeReport, Port, at_sizes
from ferryman.runtime import to_stored
from models import zoo

BATCHES = (1, 2, 5)
README = "README"  # the suite of the table there


@dataclasses.dataclass
class Row:
    """state: "converted", "refused", "not captured" or "not built"; the last two say nothing about
    the converter. Then, for each backend, the worst difference, or what it says instead."""

    suite: str
    name: str
    state: str = "not built"
    reason: str = ""
    fixed_batch: str = ""  # why it is not free
    batches: tuple[int, ...] = ()
    frozen: tuple[str, ...] = ()  # values of inputs that are constants of the file
    layers: int = 0
    seconds: float = 0.0  # of the conversion, with the capture
    errors: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)

    def worst(self, backend: str) -> float | None:
        return max(self.errors[backend].values()) if backend in self.errors else None


@dataclasses.dataclass(frozen=True)
class Network:
    """A sample, and more inputs of its kind."""

    sample: Sample
    inputs: Any  # from a seed

    def batch(self, size: int, free: set[int]) -> Inputs:
        """Inputs of so many examples: `free` leaves are several samples' along their first axis."""
        drawn, count = [self.sample.fresh], 0
        first = min(free)
        while (count := count + _leaves(drawn[-1])[first].shape[0]) < size:
            drawn.append(self.inputs(1000 + len(drawn)))
        leaves = _leaves(drawn[0])
        for leaf in free:
            leaves[leaf] = torch.cat([_leaves(given)[leaf] for given in drawn])[:size]
        return pytree.tree_unflatten(leaves, pytree.tree_structure(self.sample.fresh))


class Positional(torch.nn.Module):
    """Sizes cannot be free in inputs that forward takes as **inputs, as models of transformers are
    wrapped there."""

    def __init__(self, model: torch.nn.Module, order: tuple[str, ...]):
        super().__init__()
        self.model, self.order = model, order

    def forward(self, *inputs):
        return self.model(**dict(zip(self.order, inputs)))


def names(suite: str) -> list[str]:
    return list(zoo.NAMES) if suite == README else list(suites.families(suite))


def network(suite: str, name: str) -> Network:
    if suite == README:
        example, fresh = zoo.example_inputs(name), zoo.other_inputs(name)
        sample = Sample(zoo.build(name), (example, {}), (fresh, {}))
        return Network(sample, lambda seed: (zoo.other_inputs(name, seed), {}))
    family = suites.find(suite, name)
    sample = family.build()
    args, kwargs = sample.example
    if args or not kwargs:
        return Network(sample, family._inputs)
    order = tuple(kwargs)

    def positional(given: Inputs) -> Inputs:
        return tuple(given[1][key] for key in order), {}

    taken = Positional(sample.module, order).eval()
    sample = Sample(taken, positional(sample.example), positional(sample.fresh))
    return Network(sample, lambda seed: positional(family._inputs(seed)))


def prepare(suite: str, name: str, folder: str) -> Row:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    row = Row(suite, name)
    try:
        built = network(suite, name)
        _eager(built.sample.module, built.sample.fresh)
    except Exception as error:  # noqa: BLE001  whatever a model says on this machine
        row.reason = _short(error)
        return row
    os.makedirs(folder, exist_ok=True)
    _convert(row, built, Path(folder))
    del built
    gc.collect()
    return row


def _convert(row: Row, built: Network, folder: Path) -> None:
    args, kwargs = _copy(built.sample.example)
    start = time.process_time()
    try:
        model = ferryman.convert(
            built.sample.module, args, kwargs, target="keras", verify=False, progress=False
        )
    except ferryman.CaptureError as error:
        row.state, row.reason = "not captured", _short(error)
        return
    except ferryman.Error as error:
        row.state, row.reason = "refused", refusal(error)
        return
    row.state, row.seconds = "converted", time.process_time() - start
    native = model.report.native
    row.layers = sum(native.ops.values())
    row.fixed_batch = model.report.fixed_batch
    row.frozen = tuple(describe(model.report.frozen))
    model.save(folder / "model.keras")
    cases = _cases(built, model, _batches(native)) or _case(built, model, None)
    row.batches = tuple(sorted({int(key.split(":")[0]) for key in cases}))
    np.savez(folder / "cases.npz", **cases)


def _batches(native: NativeReport) -> list[int]:
    return [n for n in BATCHES if native.sizes and all(size.has(n) for size in native.sizes)]


def _cases(built: Network, model: ferryman.Model, sizes: list[int]) -> dict[str, np.ndarray]:
    """Where other inputs have to fit the number of examples, as edges to the nodes of a graph,
    PyTorch itself refuses some."""
    cases: dict[str, np.ndarray] = {}
    for size in sizes:
        with contextlib.suppress(RuntimeError, IndexError, ValueError, TypeError):
            cases |= _case(built, model, size)
    return cases


def _case(built: Network, model: ferryman.Model, size: int | None) -> dict[str, np.ndarray]:
    """The inputs and outputs of one number of examples, as the file has them; None: as many as the
    conversion's example has."""
    native = model.report.native
    given = built.sample.fresh if size is None else _of_size(built, model, size)
    args, kwargs = _copy(given)
    leaves = model._arguments.flatten(args, kwargs)
    shapes = {port.index: np.shape(leaves[port.index]) for port in native.inputs}
    numbers = model._sizes.bind(shapes)
    results = pytree.tree_leaves(_eager(built.sample.module, given))
    label = 0 if size is None else size
    return {
        **{f"{label}:in:{i}": _stored(leaves[port.index], port, numbers)
           for i, port in enumerate(native.inputs)},
        **{f"{label}:out:{i}": _stored(results[port.index], port, numbers)
           for i, port in enumerate(native.outputs)},
    }  # fmt: skip


def _of_size(built: Network, model: ferryman.Model, size: int) -> Inputs:
    """The leaves of the inputs whose first axis is free, in the order of the sample's own."""
    args, kwargs = built.sample.fresh
    flat = model._arguments.flatten(args, kwargs)
    free = {id(flat[port.index]) for port in model.report.native.inputs
            if port.shape and isinstance(port.shape[0], str)}  # fmt: skip
    leaves = _leaves(built.sample.fresh)
    return built.batch(size, {i for i, leaf in enumerate(leaves) if id(leaf) in free})


def _stored(value: Any, port: Port, numbers: dict[str, int]) -> np.ndarray:
    port = at_sizes(port, numbers)
    array = to_stored(to_numpy(value), port.placement).reshape(port.shape)
    return array.astype(port.dtype)


def _eager(module: torch.nn.Module, given: Inputs):
    args, kwargs = _copy(given)
    with torch.no_grad():
        return module(*args, **kwargs)


def _copy(given: Inputs) -> Inputs:
    return pytree.tree_map_only(torch.Tensor, torch.clone, given)


def _leaves(given: Inputs) -> list[Any]:
    return pytree.tree_leaves(given)


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {(lines or [''])[0]}"[:300]
