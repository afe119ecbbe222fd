"""Finished .tflite files as parts of a model: torch.ops.ferryman.tfl_graph."""

from __future__ import annotations

import functools
import json
import os
import threading
from typing import Any

import numpy as np
import torch

from .. import _native
from ..errors import InputError
from ..runtime import Kernels, Runner
from .registered import LIBRARY, native_result

_SCHEMA = "tfl_graph(Tensor[] x, *, str path) -> Tensor[]"


class Graph:
    """The main graph of a file, as a function of tensors."""

    def __init__(self, path: os.PathLike | str):
        self.path = os.path.abspath(path)
        _ports(self.path)

    def __call__(self, *x: torch.Tensor) -> Any:
        if not all(isinstance(value, torch.Tensor) for value in x):
            raise InputError(f"the graph of {self.path!r} takes tensors only")
        results = torch.ops.ferryman.tfl_graph.default(list(x), path=self.path)
        return results[0] if len(results) == 1 else tuple(results)


@functools.cache
def _ports(path: str) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """(dtype, shape) of each input and output."""
    if not os.path.isfile(path):
        raise InputError(f"there is no file {path!r}", hint="write it first: model.save(path)")
    told = json.loads(native_result(lambda: _native.tflite_graph_ports(path)))
    return {
        name: [(port["dtype"], tuple(port["shape"])) for port in ports]
        for name, ports in told.items()
    }


def _require_inputs(path: str, x: list[torch.Tensor]) -> None:
    wanted = _ports(path)["inputs"]
    given = [(str(value.dtype).removeprefix("torch."), tuple(value.shape)) for value in x]
    if len(given) == len(wanted) and all(map(_fits, given, wanted)):
        return
    raise InputError(
        f"the graph of {path!r} takes {_spelled(wanted)}, and is given {_spelled(given)}",
        why="a part of a model takes tensors of the very types and sizes of its file",
        hint="bring them into that shape and order of axes first; a free size has to be fixed",
    )


def _fits(given: tuple, wanted: tuple) -> bool:
    fixed = all(type(size) is int for size in given[1])
    return fixed and given == wanted


def _spelled(ports: list[tuple]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for dtype, shape in ports) or "nothing"


@functools.lru_cache(maxsize=16)
def _runner(path: str) -> Runner:
    return Runner(path, Kernels.PLAIN)


_running = threading.Lock()


def _eager(x, *, path):
    wide = any(value.dtype is torch.float64 for value in x)  # eager.run_float64
    narrow = [value.float() if value.dtype is torch.float64 else value for value in x]
    _require_inputs(path, narrow)
    with _running:
        results = _runner(path).run([value.detach().contiguous().numpy() for value in narrow])
    made = [torch.from_numpy(np.array(result)) for result in results]
    return [y.double() if wide and y.dtype is torch.float32 else y for y in made]


def _fake(x, *, path):
    _require_inputs(path, x)
    return [
        torch.empty(shape, dtype=getattr(torch, dtype), device=x[0].device if x else "cpu")
        for dtype, shape in _ports(path)["outputs"]
    ]


LIBRARY.add(_SCHEMA, _eager, _fake)
