"""PyTorch's database of modules in the form of its database of operators: each module, built with
one of its sample arguments, is a function of the tensors that its forward takes.

    for case in cases(infos()["nn.GRU"], torch.float32, max_samples=8):
        case.module, case.example, case.fresh
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch.testing._internal.common_modules import module_db

from families.family import perturb
from opinfo.samples import EXAMPLE_SEED, FRESH_SEED, Case, Frozen, fresh_tensors, seed_all, spread


@functools.cache
def infos() -> dict[str, object]:
    return {info.name: info for info in module_db}


def cases(info, dtype: torch.dtype, max_samples: int) -> Iterator[Case]:
    drawn = _samples(info, dtype, EXAMPLE_SEED)
    others = _samples(info, dtype, FRESH_SEED)
    for index in spread(list(range(len(drawn))), max_samples):
        module = _built(info, dtype, drawn[index])
        frozen = Frozen(module, [_call(drawn[index])])
        other = Frozen(module, [_call(others[index])]) if index < len(others) else None
        example = tuple(tensor.detach() for tensor in frozen.tensors)
        yield Case(index, frozen.eval(), example, fresh_tensors(frozen, other))


def _samples(info, dtype: torch.dtype, seed: int) -> list:
    seed_all(seed)
    drawn = info.module_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=False, training=False
    )
    return [sample for sample in drawn if sample.forward_input is not None]


def _call(sample):
    return sample.forward_input.args, sample.forward_input.kwargs


def _built(info, dtype: torch.dtype, sample) -> torch.nn.Module:
    seed_all(EXAMPLE_SEED)
    given = sample.constructor_input
    module = info.module_cls(*given.args, **given.kwargs).to(dtype).eval()
    if info.is_lazy:  # the first call tells the sizes
        args, kwargs = _call(sample)
        with torch.no_grad():
            module(*args, **kwargs)
    perturb(module)
    return module
