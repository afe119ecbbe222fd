"""Compares a converted file with eager PyTorch, node by node, on the real runtime.

    checks = verify(program, path, native, Verify(samples=3))
    checks.nodes["conv2d"].worst

Every value that exists on both sides is compared with the plain kernels, which keep intermediate
values; the outputs also with the default delegate, since that is how most people run a file.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch.export import ExportedProgram

from . import drawing, eager
from .arguments import Arguments
from .bodies import outlines
from .body_files import BodyFiles
from .body_runs import BodyRuns
from .compare import Difference, compare
from .control.ways import Ways
from .errors import InputError, VerificationError
from .explicit_state import StateCarrier
from .fed_values import FedValues
from .leaves import describe
from .native_contract import NativeReport
from .node_checks import keep_worst
from .program_sizes import inputs_of
from .runners import Runner, runners_that_check
from .sample import Run, Sample
from .sight import stored_values
from .sizes import Sizes
from .training_check import Losses, compare_training


@dataclasses.dataclass(frozen=True)
class Verify:
    """How to check a conversion.

    samples: how many inputs to try: the example, then random ones like it; at least eight where
        values of the example were frozen, and three where the model has state, in a row.
    inputs: arguments of your own to try instead, one entry for each call: a tuple like `args`, or a
        dict of keywords.
    rtol, atol: allowed is atol + rtol * the largest magnitude of the value.
    sizes: of the sizes that are free, others to try as well, by name: [{"batch": 7}]. Two sets are
        drawn anyway.
    every_node: compare intermediate values, too, not only the outputs.
    rounding_factor: a floating value beyond the tolerance is still right if its error against
        float64 is at most this many times PyTorch's own, or that of float64 runs disturbed as
        float32 rounds; the report says where. 0: never. LiteRT's built-in kernels sum in order: in
        the median they are 1.7 times as far off as PyTorch over the values of EfficientNetV2-S, and
        5.7 times at most; a mistake, hundreds of times.
    training_steps: Keras: so many steps of SGD on the example, which have to give PyTorch's losses
        within 1e-3 (training_check.py). 0: none.
    """

    samples: int = 2
    inputs: Sequence[Sequence[Any] | dict[str, Any]] | None = None
    sizes: Sequence[dict[str, int]] = ()
    rtol: float = 1e-4
    atol: float = 1e-5
    every_node: bool = True
    rounding_factor: float = 8.0
    seed: int = 0
    training_steps: int = 0

    def __post_init__(self):
        for name, least in (("samples", 1), ("seed", 0), ("training_steps", 0)):
            number = getattr(self, name)
            if type(number) is not int or number < least:
                raise _no_option(name, number, f"write a whole number, {least} at least")
        for name in ("rtol", "atol", "rounding_factor"):
            number = getattr(self, name)
            is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
            if not is_number or not 0 <= number < math.inf:
                raise _no_option(name, number, "write a number, 0 at least")
        if not isinstance(self.every_node, bool):
            raise _no_option("every_node", self.every_node, "write True or False")
        if self.inputs is not None:
            _require_calls(self.inputs)
        _require_sizes(self.sizes)

    def own_leaves(self, arguments: Arguments) -> list[list[Any]]:
        """Of `inputs`; InputError if they do not fit the model."""
        return [] if self.inputs is None else drawing.own(arguments, self.inputs)


def _no_option(name: str, value: Any, hint: str) -> InputError:
    return InputError(f"Verify({name}={value!r}) says nothing to check", hint=hint)


def _require_calls(inputs: Any) -> None:
    hint = "write a list with the arguments of each call: inputs=[(x,), (y,)], or [{'x': x}]"
    if not isinstance(inputs, (list, tuple)):
        raise InputError(f"Verify(inputs=…) is {describe(inputs)}", hint=hint)
    if not inputs:
        raise InputError(
            "Verify(inputs=…) has no inputs, so nothing would be checked",
            hint=f"{hint}; verify=False skips the check",
        )
    for position, given in enumerate(inputs):
        if not isinstance(given, (tuple, list, dict)):
            raise InputError(
                f"Verify(inputs=…), call {position}: {describe(given)} is not a tuple of arguments",
                hint=hint,
            )


def _require_sizes(sizes: Any) -> None:
    hint = 'write a list with numbers by name: sizes=[{"batch": 7}]'
    if not isinstance(sizes, (list, tuple)):
        raise InputError(f"Verify(sizes=…) is {describe(sizes)}", hint=hint)
    for given in sizes:
        numbers = given.values() if isinstance(given, dict) else ()
        if not numbers or not all(type(n) is int and n > 0 for n in numbers):
            raise InputError(f"Verify(sizes=…): {given!r} says no sizes", hint=hint)


@dataclasses.dataclass
class Checks:
    """What the verification saw: the worst difference of each node and output over all samples."""

    samples: int = 0
    sizes: list[dict[str, int]] = dataclasses.field(default_factory=list)  # that were tried
    nodes: dict[str, Difference] = dataclasses.field(default_factory=dict)
    # By kernels, then by name of the output.
    outputs: dict[str, dict[str, Difference]] = dataclasses.field(default_factory=dict)
    # Of the exported program's outputs from the module's own, both in PyTorch.
    program: dict[str, Difference] = dataclasses.field(default_factory=dict)
    # Nodes at which rounding decides, and the file otherwise than PyTorch (decisions.py).
    decided: list[str] = dataclasses.field(default_factory=list)
    # Of a wrong output: nodes at which rounding may decide, and the file does not show how.
    open: list[str] = dataclasses.field(default_factory=list)
    # Nodes whose infinities the built-in kernels cut to the largest number.
    cut: list[str] = dataclasses.field(default_factory=list)
    # Outputs that differ where NaN went in, which the file's operators treat otherwise.
    nan_outputs: list[str] = dataclasses.field(default_factory=list)
    # Ways of branches and loops that no sample took, each with its place.
    untaken: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    # How often the bodies of branches and loops were run, by path.
    bodies: dict[str, BodyRuns] = dataclasses.field(default_factory=dict)
    # Custom operators that LiteRT here does not run, by name (fed_values.py).
    unrun: list[str] = dataclasses.field(default_factory=list)
    # Of the steps of training that were compared.
    training: list[Losses] = dataclasses.field(default_factory=list)


def verify(
    program: ExportedProgram,
    path: os.PathLike | str,
    native: NativeReport,
    options: Verify,
    reference: Callable[..., Any] | None = None,
    arguments: Arguments | None = None,
) -> Checks:
    """Fills `Checks`; raises nothing over a difference (verdict.py does).

    reference: the user's own module. Its outputs are what counts; without it, the program's are.
    arguments: what it takes; without them, by the names of the program's inputs.
    """
    checks = Checks(bodies={path: BodyRuns() for path in outlines(program)})
    arguments = arguments or Arguments.of_program(program)
    carrier = StateCarrier(native)
    inputs, ways = _inputs(program, arguments, options, reference, has_state=bool(carrier))
    sizes = inputs_of(program, arguments)
    fed = FedValues.of(program, path, native)
    checks.unrun, path = fed.names, fed.path
    plain, *others = runners_that_check(path, native.tensors, keep_values=options.every_node)
    runners = (plain, *others)
    files = BodyFiles(native)
    for leaves in inputs:
        leaves = carrier.into(leaves)
        checks.samples += 1
        of_sample = _sized(native, sizes, leaves, checks)
        files.see(of_sample)
        stored = stored_inputs(of_sample, plain, leaves, fed.arrays(leaves, of_sample))
        of_sample = fed.hidden(of_sample)
        results = {runner.kernels: runner.run(stored) for runner in runners}
        sample = Sample(of_sample, program, options, leaves, files)
        steered = _computed(partial(sample.walk, plain))
        computed = eager.run_program(program, leaves, None) if sample.decided else steered
        expected = computed
        if reference is not None:
            expected = eager.run_reference(reference, *arguments.unflatten(leaves))
        _require_structure(expected, computed)
        carrier.keep(expected)
        captured = _compare_program(native, options, expected, computed)
        for kernels, arrays in results.items():
            run = Run(path, kernels, stored, _in_port_order(native, plain, arrays))
            sample.compare_outputs(run, expected, computed, captured)
        sample.settle()
        _keep_all(checks, sample, captured if reference is not None else [])
    checks.untaken = [way.to_place() for way in ways.untaken()]
    if options.training_steps > 0:
        checks.training = _compare_training(program, path, native, options, reference, arguments)
    return checks


def _compare_training(program, path, native, options: Verify, reference, arguments: Arguments):
    """With the example, or the first inputs of the user's."""
    own = options.own_leaves(arguments)
    leaves = own[0] if own else arguments.flatten(*program.example_inputs)
    sizes = inputs_of(program, arguments)
    numbers = sizes.bind({leaf: np.shape(leaves[leaf]) for leaf in sizes.patterns}) if sizes else {}
    of_sample = native.at(numbers) if sizes else native
    steps, seed = options.training_steps, options.seed
    return compare_training(reference, path, of_sample, arguments, leaves, steps, seed)


def _inputs(program, arguments: Arguments, options: Verify, reference, *, has_state: bool):
    """Those to check with, one after the other, and the ways through the program that they take."""
    ways, own = Ways(program), options.own_leaves(arguments)
    sizes = inputs_of(program, arguments)
    for given in options.sizes:
        sizes.require_names(given, "Verify(sizes=…)")
    for leaves in own or ():
        ways.see(leaves)
    # Of a model with state, two calls say nothing of the third.
    samples = max(options.samples, 3) if has_state else options.samples
    drawn = drawing.Drawing(samples, options.seed, options.sizes)
    return own or drawing.drawn(program, arguments, drawn, reference, ways), ways


def _sized(native: NativeReport, sizes: Sizes, leaves: list[Any], checks: Checks) -> NativeReport:
    """The report for the sizes of these inputs."""
    if not sizes:
        return native
    numbers = sizes.bind({leaf: np.shape(leaves[leaf]) for leaf in sizes.patterns})
    if numbers not in checks.sizes:
        checks.sizes.append(numbers)
    return native.at(numbers)


def _computed(walk: Callable[[], list[Any]]) -> list[Any]:
    try:
        return walk()
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


def _compare_program(native: NativeReport, options: Verify, expected, computed):
    """torch.export may take another way through a module than PyTorch does here. For each output,
    by position."""

    def difference(index: int) -> Difference:
        mine, theirs = (eager.to_numpy(values[index]) for values in (computed, expected))
        return compare(theirs, mine, rtol=options.rtol, atol=options.atol)

    return [difference(port.index) for port in native.outputs]


def _keep_all(checks: Checks, sample: Sample, captured: Sequence[Difference]) -> None:
    for path, runs in sample.bodies.runs.items():
        checks.bodies[path].add(runs)
    for name, difference in sample.nodes.items():
        keep_worst(checks.nodes, name, difference)
    names = [port.name for port in sample.native.outputs]
    for name, difference in zip(names, captured):
        keep_worst(checks.program, name, difference)
    for (kernels, position), difference in sample.outputs.items():
        keep_worst(checks.outputs.setdefault(kernels.value, {}), names[position], difference)
    checks.decided += [name for name in sample.decided if name not in checks.decided]
    checks.open += [name for name in sample.open if name not in checks.open]
    checks.cut += [name for name in sample.cut if name not in checks.cut]
    checks.nan_outputs += [n for n in sample.nan_outputs if n not in checks.nan_outputs]


def stored_inputs(
    native: NativeReport,
    runner: Runner,
    leaves: list[Any],
    fed: Mapping[int, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The program's flattened inputs as the file wants them, in the file's order."""
    return stored_values(native.inputs, runner, leaves, fed)


def _in_port_order(native: NativeReport, runner: Runner, arrays) -> list[np.ndarray]:
    # Two outputs may be one tensor of the file.
    by_tensor = {detail["index"]: array for detail, array in zip(runner.outputs, arrays)}
    return [by_tensor[port.placement.tensor] for port in native.outputs]
