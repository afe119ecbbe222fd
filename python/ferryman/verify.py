"""Compares a converted file with eager PyTorch, node by node, on the real runtime.

    checks = verify(program, path, native, Verify(samples=3))
    checks.nodes["conv2d"].worst

Every value that exists on both sides is compared with the plain kernels, which keep intermediate
values; the outputs also with the default delegate, since that is how most people run a file.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from . import eager
from .compare import Difference, compare
from .errors import Error
from .native_contract import NativeReport
from .runtime import Kernels, Runner, from_stored, to_stored
from .structure import flatten_like


@dataclasses.dataclass(frozen=True)
class Verify:
    """How to check a conversion.

    samples: how many inputs to try: the example, then random ones like it.
    inputs: arguments of your own to try instead, a list of tuples like `args`.
    rtol, atol: allowed is atol + rtol * the largest magnitude of the value.
    every_node: compare intermediate values, too, not only the outputs.
    """

    samples: int = 2
    inputs: Sequence[tuple] | None = None
    rtol: float = 1e-4
    atol: float = 1e-5
    every_node: bool = True
    seed: int = 0


@dataclasses.dataclass
class Checks:
    """What the verification saw: the worst difference of each node and output over all samples."""

    samples: int = 0
    nodes: dict[str, Difference] = dataclasses.field(default_factory=dict)
    # By kernels, then by name of the output.
    outputs: dict[str, dict[str, Difference]] = dataclasses.field(default_factory=dict)


def verify(
    program: ExportedProgram,
    path: os.PathLike | str,
    native: NativeReport,
    options: Verify,
    reference: Callable[..., Any] | None = None,
) -> Checks:
    """Fills `Checks`; raises nothing over a difference (verdict.py does).

    reference: the user's own module. Its outputs are what counts; without it, the program's are.
    """
    checks = Checks()
    plain = Runner(path, Kernels.PLAIN, keep_values=options.every_node)
    delegate = Runner(path, Kernels.DELEGATE)
    for args, kwargs in _samples(program, options):
        checks.samples += 1
        leaves = flatten_like(program.call_spec.in_spec, args, kwargs)
        stored = stored_inputs(native, plain, leaves)
        results = {runner.kernels: runner.run(stored) for runner in (plain, delegate)}
        expected = _walk_nodes(program, leaves, native, plain, options, checks)
        if reference is not None:
            expected = eager.run_reference(reference, args, kwargs)
        for kernels, arrays in results.items():
            seen = checks.outputs.setdefault(kernels.value, {})
            for port, array in zip(native.outputs, _in_port_order(native, plain, arrays)):
                difference = _compare_stored(expected[port.index], array, port.placement, options)
                _keep_worst(seen, port.name, difference)
    return checks


def stored_inputs(native: NativeReport, runner: Runner, leaves: list[Any]) -> list[np.ndarray]:
    """The program's flattened inputs as the file wants them, in the file's order."""
    by_tensor = {port.placement.tensor: port for port in native.inputs}
    arrays = []
    for detail in runner.inputs:
        port = by_tensor[detail["index"]]
        array = to_stored(eager.to_numpy(leaves[port.index]), port.placement)
        arrays.append(array.reshape(detail["shape"]).astype(detail["dtype"], copy=False))
    return arrays


def _in_port_order(native: NativeReport, runner: Runner, arrays) -> list[np.ndarray]:
    # Two outputs may be one tensor of the file.
    by_tensor = {detail["index"]: array for detail, array in zip(runner.outputs, arrays)}
    return [by_tensor[port.placement.tensor] for port in native.outputs]


def _walk_nodes(program, leaves, native, plain, options, checks) -> list[Any]:
    """Runs the program eagerly and compares each value as it arises: one is held at a time, and an
    in-place write that follows does not change what was compared."""
    placements = {trace.node: trace.placement for trace in native.nodes if trace.placement}

    def visit(name: str, value: Any) -> None:
        placement = placements.get(name)
        if placement is None or not isinstance(value, torch.Tensor):
            return
        array = plain.tensor(placement.tensor)
        _keep_worst(checks.nodes, name, _compare_stored(value, array, placement, options))

    return eager.run_program(program, leaves, visit if options.every_node else None)


def _compare_stored(value, array, placement, options) -> Difference:
    expected = eager.to_numpy(value)
    if array.size != expected.size:
        got = array  # compare() tells the shapes
    else:
        got = from_stored(array, placement, expected.shape)
    return compare(expected, got, rtol=options.rtol, atol=options.atol)


def _keep_worst(seen: dict[str, Difference], name: str, difference: Difference) -> None:
    known = seen.get(name)
    if known is None or difference.used > known.used:
        seen[name] = difference


def _samples(program: ExportedProgram, options: Verify):
    if options.inputs is not None:
        for args in options.inputs:
            yield tuple(args), {}
        return
    if program.example_inputs is None:
        raise Error(
            "the program carries no example inputs to check with",
            hint="pass ferryman.Verify(inputs=[(x,), …]) or verify=False",
        )
    args, kwargs = program.example_inputs
    generator = torch.Generator().manual_seed(options.seed)
    for sample in range(max(1, options.samples)):
        if sample == 0:
            yield args, kwargs
        else:
            yield pytree.tree_map_only(
                torch.Tensor, lambda x: eager.random_like(x, generator), (args, kwargs)
            )
