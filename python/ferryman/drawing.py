"""The inputs that a conversion is checked with: the example, others like it, or the user's own.

    for leaves in drawn(program, arguments, Drawing(samples=2, seed=0), reference): …
    for leaves in own(arguments, [(x,), {"x": x}]): …

docs/checking.md says how inputs are drawn.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram

from . import eager
from .arguments import Arguments
from .control.ways import Watch, Ways
from .drawn_sizes import other_sizes, with_sizes
from .errors import Error, InputError
from .frozen import values_of_inputs
from .program_sizes import inputs_of

# At least, of a model whose program has values of the example for constants: a branch that depends
# on chance goes the other way in one of the seven others, but for one time in 128.
_FROZEN_SAMPLES = 8
# For each sample, until one is in the domain of the model.
_DRAWS = 8
# What a draw may take: some of them make loops go on for ever.
_SECONDS = 1.0
_TIMES_EXAMPLE = 20


@dataclasses.dataclass(frozen=True)
class Drawing:
    """
    own_sizes: of the user's, to check as well.
    """

    samples: int
    seed: int
    own_sizes: Sequence[Mapping[str, int]] = ()


def own(arguments: Arguments, inputs: Sequence[Sequence[Any] | dict[str, Any]]) -> list[list[Any]]:
    """The leaves of each; InputError names what does not fit."""
    found = []
    for position, given in enumerate(inputs):
        args, kwargs = ((), given) if isinstance(given, dict) else (given, {})
        try:
            leaves = arguments.flatten(args, kwargs)
            arguments.require_tensors(leaves)
        except InputError as error:
            raise InputError(
                f"Verify(inputs=…), call {position}: {error.what}", why=error.why, hint=error.hint
            ) from None
        found.append(leaves)
    return found


def drawn(
    program: ExportedProgram,
    arguments: Arguments,
    drawing: Drawing,
    reference: Callable[..., Any] | None,
    ways: Ways,
) -> Iterator[list[Any]]:
    """The example first, then other sizes, if some are free; at the end inputs that take the ways
    which no other took. A sample that nothing in the domain was found for is left out."""
    if program.example_inputs is None:
        raise Error(
            "the program carries no example inputs to check with",
            hint="pass ferryman.Verify(inputs=[(x,), …]) or verify=False",
        )
    example = arguments.flatten(*program.example_inputs)
    ways.see(example)
    yield example
    is_frozen = bool(values_of_inputs(program))
    domain = _Domain(program, arguments, reference if is_frozen else None)
    domain.see_example(example)
    yield from _of_other_sizes(example, program, arguments, drawing, reference)
    generator = torch.Generator().manual_seed(drawing.seed)
    least = _FROZEN_SAMPLES if is_frozen else 1
    for turn in range(max(least, drawing.samples) - 1):
        for attempt in range(_DRAWS):
            # Far from the example values may take another way, or be out of the question.
            if is_frozen and attempt < _DRAWS // 2:
                leaves = _all_afar(example, generator, turn + attempt)
            else:
                leaves = [
                    random_like(leaf, generator) if isinstance(leaf, torch.Tensor) else leaf
                    for leaf in example
                ]
            if domain.has(leaves):
                ways.see(leaves)
                yield leaves
                break
    yield from _of_other_ways(ways, example, domain, drawing.seed)


def _of_other_sizes(example, program, arguments: Arguments, drawing: Drawing, reference):
    """What PyTorch itself refuses is left out; not so what the user asked for."""
    sizes = inputs_of(program, arguments)
    if not sizes:
        return
    generator = torch.Generator().manual_seed(drawing.seed)

    def leaves_of(numbers: Mapping[str, int]) -> list[Any]:
        return with_sizes(example, sizes, numbers, lambda leaf: random_like(leaf, generator))

    tried = [{**sizes.complete({**sizes.hints, **n}), **n} for n in drawing.own_sizes]
    yield from map(leaves_of, tried)
    for candidates in other_sizes(sizes):
        for numbers in candidates:
            leaves = leaves_of(numbers)
            if numbers not in tried and _is_taken(leaves, program, arguments, reference):
                tried.append(numbers)
                yield leaves
                break


def _is_taken(leaves: list[Any], program, arguments: Arguments, reference) -> bool:
    """By the module itself: a program that refuses what its module takes is to be told."""
    try:
        if reference is None:
            eager.run_program(program, leaves, None)
        else:
            eager.run_reference(reference, *arguments.unflatten(leaves))
    except Exception:  # whatever an operator raises over its operands
        return False
    return True


def _of_other_ways(ways: Ways, example: list[Any], domain: _Domain, seed: int):
    search = ways.search(example, seed)
    leaves = next(search, None)
    while leaves is not None:
        is_inside = domain.has(leaves)
        if is_inside:
            yield leaves
        try:
            leaves = search.send(is_inside)
        except StopIteration:
            return


class _Domain:
    """Whether inputs that were drawn say anything. PyTorch may refuse them: a matrix may not be
    positive definite, an index out of range. NaN where the example gives none says that they are
    out of the question as well: a mask that hides all keys. So are loops that go on for ever, or
    up to infinity where those of the example do not. The model itself may refuse what a program
    with frozen values computes (`reference`)."""

    def __init__(
        self,
        program: ExportedProgram,
        arguments: Arguments,
        reference: Callable[..., Any] | None,
    ):
        self._program, self._arguments, self._reference = program, arguments, reference
        self._allows_nan = self._allows_overflow = True
        self._seconds = math.inf

    def see_example(self, leaves: list[Any]) -> None:
        start = time.monotonic()
        watch = Watch()
        try:
            outputs = self._outputs(leaves, watch)
        except Exception:  # whatever an operator raises over its operands
            return
        self._allows_nan, self._allows_overflow = any(map(_has_nan, outputs)), watch.overflows
        self._seconds = max(_SECONDS, _TIMES_EXAMPLE * (time.monotonic() - start))

    def has(self, leaves: list[Any]) -> bool:
        watch = Watch(self._seconds)
        try:
            outputs = self._outputs(leaves, watch)
        except Exception:  # whatever an operator raises over its operands
            return False
        if watch.overflows and not self._allows_overflow:
            return False
        return self._allows_nan or not any(map(_has_nan, outputs))

    def _outputs(self, leaves: list[Any], watch: Watch) -> list[Any]:
        outputs = watch.run(self._program, leaves)
        if self._reference is not None:
            eager.run_reference(self._reference, *self._arguments.unflatten(leaves))
        return outputs


def _has_nan(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and bool(value.isnan().any())


# Drawing -----------------------------------------------------------------------------------------


def random_like(example: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Other values in the range of the example: integers may be indices, so never outside."""
    if example.requires_grad:
        return random_like(example.detach(), generator).requires_grad_(True)
    shape = example.shape
    if example.dtype is torch.bool:
        return torch.randint(0, 2, shape, generator=generator).bool().to(example.device)
    if example.numel() == 0:
        return example.clone()
    if not _is_inexact(example):
        low, high = int(example.min()), int(example.max())
        drawn = torch.randint(low, high + 1, shape, generator=generator, dtype=torch.int64)
        return drawn.to(example.dtype).to(example.device)
    kind = torch.complex64 if example.is_complex() else torch.float32
    finite = example[example.isfinite()].to(kind)
    mean = finite.mean() if finite.numel() else torch.zeros((), dtype=kind)
    spread = finite.std() if finite.numel() > 1 else torch.ones(())
    spread = spread if spread > 0 else torch.ones(())
    drawn = mean.cpu() + 1.2 * spread.cpu() * torch.randn(shape, generator=generator, dtype=kind)
    if not example.is_complex() and finite.numel() and finite.min() >= 0:
        drawn = drawn.abs()  # a square root or logarithm may follow
    return drawn.to(example.dtype).to(example.device)


def random_afar(example: torch.Tensor, generator: torch.Generator, turn: int) -> torch.Tensor:
    """For models that look at values: sums and means of many independent values are nearly the same
    each time, so whole tensors are larger or smaller in turn. An example of one value alone says
    nothing about the range, so there the sign and the whole numbers are open, too."""
    if example.requires_grad:
        return random_afar(example.detach(), generator, turn).requires_grad_(True)
    if example.numel() == 0:
        return example.clone()
    if example.dtype is torch.bool:
        share = _SHARES[turn % len(_SHARES)]
        return (torch.rand(example.shape, generator=generator) < share).to(example.device)
    is_one_value = bool((example == example.flatten()[0]).all())
    if _is_inexact(example):
        sign = -1 if is_one_value and turn % 2 == 0 else 1
        scale = sign * _SCALES[turn % len(_SCALES)]
        return (random_like(example, generator) * scale).to(example.dtype)
    return (
        _other_number(example, generator, turn) if is_one_value else random_like(example, generator)
    )


_SHARES = (1.0, 0.0, 0.5)  # of True
_SCALES = (1, 4, 0.25, 2, 0.5)  # with two signs ten ways


def _all_afar(example: list[Any], generator: torch.Generator, turn: int) -> list[Any]:
    """Neighbours take turns that follow each other: what compares two finds either one larger."""
    tensors = itertools.count(turn)
    return [
        random_afar(leaf, generator, next(tensors)) if isinstance(leaf, torch.Tensor) else leaf
        for leaf in example
    ]


def _other_number(example: torch.Tensor, generator: torch.Generator, turn: int) -> torch.Tensor:
    """Some of the numbers one less (zeros one more), or all of them one more, negative, zero."""
    way = turn % 4
    if way == 0:
        step = torch.randint(0, 2, example.shape, generator=generator)
        step = step.to(example.dtype).to(example.device)
        return example + step if example.min() == 0 else example - step
    if way == 1:
        return example + 1
    return -example if way == 2 and example.dtype.is_signed else torch.zeros_like(example)


def _is_inexact(example: torch.Tensor) -> bool:
    return example.is_floating_point() or example.is_complex()
