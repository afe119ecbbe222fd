"""The bodies of branches and loops, each run by itself as the file that the core wrote of it.

    files = BodyFiles(native)
    if "true_graph_0" in files:
        read = files.run("true_graph_0", Kernels.PLAIN, operands)   # one for each placeholder
        read(tensor)                                                # of that file

A body's own file holds the operators that the model has for it. A run is there to be read until the
next one of the same body.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .native_contract import BodyTrace, NativeReport, Placement
from .runtime import Kernels, Runner
from .sight import stored_values, with_outputs

Read = Callable[[int], np.ndarray | None]


class BodyFiles:
    def __init__(self, native: NativeReport):
        self._runners: dict[tuple[str, Kernels], Runner] = {}
        self.see(native)

    def see(self, native: NativeReport) -> None:
        """The report for other sizes; what was loaded stays."""
        self._traces = {body.name: body for body in native.bodies if body.file}

    def __contains__(self, path: str) -> bool:
        return path in self._traces

    def trace(self, path: str) -> BodyTrace:
        return self._traces[path]

    def placements(self, path: str) -> dict[str, Placement]:
        """Complex values are left out, as Sight wants it."""
        nodes = self._traces[path].nodes
        return {
            n.node: n.placement for n in nodes if n.placement is not None and not n.placement.part
        }

    def run(self, path: str, kernels: Kernels, operands: list[Any]) -> Read:
        runner = self._runner(path, kernels)
        runner.run(stored_values(self._traces[path].inputs, runner, operands))
        if kernels is Kernels.PLAIN:
            return runner.tensor
        seen = {detail["index"] for detail in runner.outputs}
        return lambda tensor: runner.tensor(tensor) if tensor in seen else None

    def _runner(self, path: str, kernels: Kernels) -> Runner:
        runner = self._runners.get((path, kernels))
        if runner is None:
            runner = self._runners[path, kernels] = self._load(path, kernels)
        return runner

    def _load(self, path: str, kernels: Kernels) -> Runner:
        file = self._traces[path].file
        if kernels is Kernels.PLAIN:
            return Runner(file, kernels, keep_values=True)
        tensors = [placement.tensor for placement in self.placements(path).values()]
        return Runner(with_outputs(Path(file).read_bytes(), tensors), kernels)
