"""Converts one model of the zoo and measures everything that the README's table tells.

row = measure("resnet50")
python tests/models/measure.py resnet50        # the same as JSON, in a process of its own
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.utils import _pytree as pytree

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "python")]

import ferryman
import native_support
from ferryman import _native
from ferryman.capture import capture, walk
from ferryman.native_contract import NativeReport, Options
from ferryman.runtime import LITERT, Runner, from_stored
from ferryman.verify import stored_inputs
from models import zoo


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    # The worst difference of any output on inputs other than the example, relative to the largest
    # expected magnitude, by kernels.
    errors: dict[str, float]
    transposes: int
    reasons: list[str]
    bytes_moved: int
    lower_bound: int
    optimal: bool
    seconds: dict[str, float]  # capture, then the stages of the core
    peak_bytes: int  # of the core, above what the process had before
    file_bytes: int
    operators: int
    same_graph: bool  # live and from the archive

    @property
    def error(self) -> float:
        return max(self.errors.values())


def measure(name: str, folder: Path) -> Row:
    module = zoo.build(name)
    path = folder / f"{name}.tflite"
    # Also makes the second capture, which is timed, one that does not pay for the first.
    program = capture(module, zoo.example_inputs(name))
    peak = _peak_of_core(program, folder)
    model = ferryman.convert(module, zoo.example_inputs(name), progress=False)  # checks each node
    model.save(path)
    native = model.report.native
    return Row(
        name=name,
        errors=compare_outputs(name, module, path, native),
        transposes=len(native.layout.transposes),
        reasons=[transpose.reason for transpose in native.layout.transposes],
        bytes_moved=native.layout.bytes_moved,
        lower_bound=native.layout.lower_bound,
        optimal=native.layout.optimal,
        seconds=model.report.seconds,
        peak_bytes=peak,
        file_bytes=native.file_bytes,
        operators=sum(native.ops.values()),
        same_graph=_gives_the_same_graph(program, folder),
    )


def compare_outputs(name: str, module, path: Path, native: NativeReport) -> dict[str, float]:
    args = zoo.other_inputs(name)
    with torch.no_grad():
        expected = pytree.tree_flatten(module(*args))[0]
    return {
        kernels.value: max(_output_errors(expected, args, Runner(path, kernels), native))
        for kernels in LITERT
    }


def _output_errors(expected, args, runner: Runner, native: NativeReport):
    arrays = runner.run(stored_inputs(native, runner, pytree.tree_flatten((args, {}))[0]))
    by_tensor = {d["index"]: array for d, array in zip(runner.outputs, arrays)}
    for port in native.outputs:
        want = expected[port.index].numpy()
        got = from_stored(by_tensor[port.placement.tensor], port.placement, want.shape)
        assert np.isfinite(got).all()
        yield float(np.abs(got - want).max() / np.abs(want).max())


def _gives_the_same_graph(program, folder: Path) -> bool:
    archive = folder / "model.pt2"
    torch.export.save(program, archive)
    live = native_support.core_ir_live(*walk(program))
    return live == native_support.core_ir_archive(str(archive))


def _peak_of_core(program, folder: Path) -> int:
    """The resident memory that the core adds at its peak, as the kernel counts it."""
    buffer, tensors = walk(program)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status_bytes("VmRSS")
    _native.convert_live(buffer, tensors, str(folder / "peak.tflite"), Options().to_json())
    return max(0, _status_bytes("VmHWM") - before)


def _status_bytes(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(dataclasses.asdict(measure(sys.argv[1], Path(sys.argv[2])))))
