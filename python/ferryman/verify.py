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
from .compare import Difference, compare, restore_infinities
from .errors import Error, VerificationError
from .exact import Doubt, Judge, may_be_rounding
from .frozen import values_of_inputs
from .native_contract import NativeReport, Placement
from .orders import Orders
from .runtime import Kernels, Runner, from_stored, part_of, to_stored
from .structure import flatten_like

# At least, of a model whose program has values of the example for constants: a branch that depends
# on chance goes the other way in one of the seven others, but for one time in 128.
_FROZEN_SAMPLES = 8
# For each sample, until one is in the domain of the model.
_DRAWS = 8


@dataclasses.dataclass(frozen=True)
class Verify:
    """How to check a conversion.

    samples: how many inputs to try: the example, then random ones like it; at least eight where
        values of the example were frozen.
    inputs: arguments of your own to try instead, a list of tuples like `args`.
    rtol, atol: allowed is atol + rtol * the largest magnitude of the value.
    every_node: compare intermediate values, too, not only the outputs.
    rounding_factor: a floating value beyond the tolerance is still right if its error against
        float64 is at most this many times PyTorch's own, or that of float64 runs disturbed as
        float32 rounds; the report says where. 0: never. LiteRT's built-in kernels sum in order: in
        the median they are 1.7 times as far off as PyTorch over the values of EfficientNetV2-S, and
        5.7 times at most; a mistake, hundreds of times.
    """

    samples: int = 2
    inputs: Sequence[tuple] | None = None
    rtol: float = 1e-4
    atol: float = 1e-5
    every_node: bool = True
    rounding_factor: float = 8.0
    seed: int = 0


@dataclasses.dataclass
class Checks:
    """What the verification saw: the worst difference of each node and output over all samples."""

    samples: int = 0
    nodes: dict[str, Difference] = dataclasses.field(default_factory=dict)
    # By kernels, then by name of the output.
    outputs: dict[str, dict[str, Difference]] = dataclasses.field(default_factory=dict)
    # Of the exported program's outputs from the module's own, both in PyTorch.
    program: dict[str, Difference] = dataclasses.field(default_factory=dict)
    # Sorts in which the order of equal or nearly equal values is another than in PyTorch.
    orders: list[str] = dataclasses.field(default_factory=list)


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
    domain = _Domain(program, reference)
    for args, kwargs in _samples(program, options, domain):
        leaves = flatten_like(program.call_spec.in_spec, args, kwargs)
        checks.samples += 1
        stored = stored_inputs(native, plain, leaves)
        results = {runner.kernels: runner.run(stored) for runner in (plain, delegate)}
        sample = _Sample(native, options)
        computed = _computed(sample, program, leaves, plain)
        expected = computed if reference is None else eager.run_reference(reference, args, kwargs)
        _require_structure(expected, computed)
        if reference is not None:
            _compare_program(checks, native, options, expected, computed)
        for kernels, arrays in results.items():
            sample.compare_outputs(
                kernels, _in_port_order(native, plain, arrays), expected, computed
            )
        sample.settle(program, leaves)
        sample.keep_worst(checks)
    return checks


class _Domain:
    """Whether inputs that were drawn say anything. PyTorch may refuse them: a matrix may not be
    positive definite, an index out of range. NaN where the example gives none says that they are
    out of the question as well: a mask that hides all keys. The model itself may refuse what a
    program with frozen values computes."""

    def __init__(self, program: ExportedProgram, reference: Callable[..., Any] | None):
        self._program, self._reference = program, reference
        self._allows_nan = True

    def see_example(self, args: tuple, kwargs: dict[str, Any]) -> None:
        self._allows_nan = False
        self._allows_nan = not self.has(args, kwargs)

    def has(self, args: tuple, kwargs: dict[str, Any]) -> bool:
        leaves = flatten_like(self._program.call_spec.in_spec, args, kwargs)
        try:
            outputs = eager.run_program(self._program, leaves, None)
            if self._reference is not None and values_of_inputs(self._program):
                eager.run_reference(self._reference, args, kwargs)
        except Exception:  # whatever an operator raises over its operands
            return False
        return self._allows_nan or not any(map(_has_nan, outputs))


def _has_nan(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and bool(value.isnan().any())


def _computed(sample: _Sample, program: ExportedProgram, leaves: list[Any], plain: Runner):
    try:
        return sample.walk_nodes(program, leaves, plain)
    except RuntimeError as error:
        raise VerificationError(
            "the program that torch.export captured does not run on these inputs",
            why=str(error).strip().partition("\n")[0],
            hint="torch.export notes what it took for granted, such as how many boxes there are at "
            "least: pass example inputs for which that holds, or verify=False",
        ) from error


def _require_structure(expected: list[Any], computed: list[Any]) -> None:
    if len(expected) != len(computed):
        raise VerificationError(
            f"the model returns {len(expected)} values for these inputs, and {len(computed)} for "
            "the example's",
            why="their number depends on values, which tracing freezes",
            hint="return the same tensors for all inputs",
        )


def _compare_program(checks, native: NativeReport, options: Verify, expected, computed) -> None:
    """torch.export may take another way through a module than PyTorch does here."""
    for port in native.outputs:
        mine, theirs = (eager.to_numpy(values[port.index]) for values in (computed, expected))
        difference = compare(theirs, mine, rtol=options.rtol, atol=options.atol)
        _keep_worst(checks.program, port.name, difference)


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


class _Sample:
    """The differences on one set of inputs, and what is in doubt about them."""

    def __init__(self, native: NativeReport, options: Verify):
        self._native = native
        self._options = options
        self._nodes: dict[str, Difference] = {}
        self._outputs: dict[tuple[Kernels, int], Difference] = {}  # by the port's position
        self._node_doubts: dict[str, Doubt] = {}
        self._output_doubts: dict[tuple[Kernels, int], Doubt] = {}
        self.orders: list[str] = []

    def walk_nodes(self, program: ExportedProgram, leaves: list[Any], plain: Runner) -> list[Any]:
        """Runs the program eagerly and compares each value as it arises: one is held at a time, and
        an in-place write that follows does not change what was compared."""
        placements = {trace.node: trace.placements for trace in self._native.nodes}
        orders = Orders(program, leaves, rtol=self._options.rtol, atol=self._options.atol)
        self.orders = orders.decided

        def visit(name: str, value: Any) -> None:
            orders.see(name, value)
            if orders.follow(name) or not isinstance(value, torch.Tensor):
                return
            for placement in placements.get(name, ()):
                stored = plain.tensor(placement.tensor)
                doubt = self._compare(value, value, stored, placement, restore_infinities)
                if not doubt.difference.ok and orders.are_equal(name, doubt.expected, doubt.got):
                    continue
                worst = _keep_worst(self._nodes, name, doubt.difference)
                if worst and may_be_rounding(doubt.difference, doubt.expected):
                    copy = doubt.expected.copy()
                    doubt = dataclasses.replace(doubt, expected=copy, computed=copy)
                    self._node_doubts[name] = doubt

        return eager.run_program(program, leaves, visit if self._options.every_node else None)

    def compare_outputs(self, kernels: Kernels, arrays, expected, computed) -> None:
        for position, (port, array) in enumerate(zip(self._native.outputs, arrays)):
            doubt = self._compare(expected[port.index], computed[port.index], array, port.placement)
            self._outputs[kernels, position] = doubt.difference
            if may_be_rounding(doubt.difference, doubt.expected):
                self._output_doubts[kernels, position] = doubt

    def settle(self, program: ExportedProgram, leaves: list[Any]) -> None:
        options = self._options
        if options.rounding_factor <= 0 or not (self._node_doubts or self._output_doubts):
            return
        judge = Judge(program, leaves, options.rtol, options.atol, options.rounding_factor)
        ports = self._native.outputs
        judge.settle(
            self._node_doubts,
            [(ports[position].index, d) for (_, position), d in self._output_doubts.items()],
        )
        self._nodes |= {name: d.difference for name, d in self._node_doubts.items()}
        self._outputs |= {key: d.difference for key, d in self._output_doubts.items()}

    def keep_worst(self, checks: Checks) -> None:
        for name, difference in self._nodes.items():
            _keep_worst(checks.nodes, name, difference)
        checks.orders += [name for name in self.orders if name not in checks.orders]
        for (kernels, position), difference in self._outputs.items():
            seen = checks.outputs.setdefault(kernels.value, {})
            _keep_worst(seen, self._native.outputs[position].name, difference)

    def _compare(
        self, value: Any, computed: Any, array: np.ndarray, placement: Placement, mend=None
    ) -> Doubt:
        """mend(expected, got): `got` without what is no mistake."""
        expected = part_of(eager.to_numpy(value), placement.part)
        if array.size != expected.size:
            got = array  # compare() tells the shapes
        else:
            got = from_stored(array, placement, expected.shape)
        if mend is not None:
            got = mend(expected, got)
        difference = compare(expected, got, rtol=self._options.rtol, atol=self._options.atol)
        computed = part_of(eager.to_numpy(computed), placement.part)
        return Doubt(difference, expected, computed, got, placement.part)


def _keep_worst(seen: dict[str, Difference], name: str, difference: Difference) -> bool:
    known = seen.get(name)
    is_worst = known is None or difference.used > known.used
    if is_worst:
        seen[name] = difference
    return is_worst


def _samples(program: ExportedProgram, options: Verify, domain: _Domain):
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
    draw, least = eager.random_like, 1
    if values_of_inputs(program):
        draw, least = eager.random_near, _FROZEN_SAMPLES
    yield args, kwargs
    domain.see_example(args, kwargs)
    for _ in range(max(least, options.samples) - 1):
        for _ in range(_DRAWS):
            drawn = pytree.tree_map_only(torch.Tensor, lambda x: draw(x, generator), (args, kwargs))
            if domain.has(*drawn):
                yield drawn
                break
