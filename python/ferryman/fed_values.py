"""Checking a file of which LiteRT here cannot run every operator: custom ones have no kernels.

    fed = FedValues.of(program, path, native)
    fed.path                            # what runs: what custom operators give is an input
    fed.arrays(leaves, native)          # by tensor: what PyTorch computes there
    fed.hidden(native)                  # without places for these values: nothing is compared there

So everything before and after such an operator is compared, and it itself with nothing: its kernel
is the one that the user gave for PyTorch.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from . import _native, eager
from .errors import from_native
from .native_contract import NativeReport, NodeTrace
from .runtime import to_stored


@dataclasses.dataclass(frozen=True)
class FedValues:
    path: os.PathLike | str
    program: ExportedProgram | None = None  # None: nothing is fed
    operators: dict[int, str] = dataclasses.field(default_factory=dict)  # by the tensor they give

    @staticmethod
    def of(program: ExportedProgram, path: os.PathLike | str, native: NativeReport) -> FedValues:
        if "CUSTOM" not in native.ops:
            return FedValues(path)
        other = Path(path).with_suffix(".checked.tflite")
        try:
            told = json.loads(_native.tflite_without_custom(os.fspath(path), os.fspath(other)))
        except _native.NativeError as error:
            raise from_native(error) from None
        return FedValues(other, program, {entry["tensor"]: entry["op"] for entry in told})

    @property
    def names(self) -> list[str]:
        """Of the operators that do not run, each once."""
        return list(dict.fromkeys(self.operators.values()))

    def arrays(self, leaves: list[Any], native: NativeReport) -> dict[int, np.ndarray]:
        if self.program is None:
            return {}
        traces = {node.node: node for node in native.nodes if self._is_fed(node)}
        arrays: dict[int, np.ndarray] = {}

        def visit(name: str, value: Any) -> None:
            if name in traces and isinstance(value, torch.Tensor):
                placement = traces[name].placement
                arrays[placement.tensor] = to_stored(eager.to_numpy(value), placement)

        eager.run_program(self.program, leaves, visit)
        return arrays

    def hidden(self, native: NativeReport) -> NativeReport:
        if self.program is None:
            return native
        nodes = tuple(
            dataclasses.replace(node, placement=None) if self._is_fed(node) else node
            for node in native.nodes
        )
        return dataclasses.replace(native, nodes=nodes)

    def _is_fed(self, node: NodeTrace) -> bool:
        return node.placement is not None and node.placement.tensor in self.operators


def as_input(array: np.ndarray | None, detail: dict[str, Any]) -> np.ndarray:
    """As the file takes it. What no node has the value of is read by nothing that is compared."""
    shape = tuple(detail["shape"])
    if array is None:
        return np.zeros(shape, detail["dtype"])
    if math.prod(shape) == array.size:
        array = array.reshape(shape)
    return array.astype(detail["dtype"], copy=False)
