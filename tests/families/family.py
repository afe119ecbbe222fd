"""What a family of models is to the harness: how to build its smallest member, and its inputs.

    family = Family("timm", "vit", build)
    sample = family.build()            # seeded; module in eval mode, two sets of inputs
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Inputs = tuple[tuple, dict[str, Any]]  # args, kwargs


@dataclasses.dataclass(frozen=True)
class Sample:
    module: nn.Module
    example: Inputs
    fresh: Inputs


@dataclasses.dataclass(frozen=True)
class Family:
    suite: str
    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]  # by seed

    def build(self) -> Sample:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = self.make().eval()
            perturb(module)
            return Sample(module, self._inputs(1), self._inputs(2))

    def _inputs(self, seed: int) -> Inputs:
        torch.manual_seed(seed)
        return self.inputs(seed)


@torch.no_grad()
def perturb(module: nn.Module) -> None:
    """Constant parameters and statistics become uneven: residual scales of zero and norms that are
    the identity would let a converter drop whole blocks unseen."""
    for name, parameter in module.named_parameters():
        if parameter.numel() > 1 and parameter.min() != parameter.max():
            continue
        if not parameter.is_floating_point():
            continue
        if name.endswith("bias"):
            parameter.uniform_(-0.2, 0.2)
        elif parameter.abs().max() < 0.1:  # a scale of a residual branch: small, but there
            parameter.uniform_(0.05, 0.15)
        else:
            parameter.uniform_(0.7, 1.3)
    for layer in module.modules():
        mean, variance = getattr(layer, "running_mean", None), getattr(layer, "running_var", None)
        if isinstance(mean, torch.Tensor) and isinstance(variance, torch.Tensor):
            mean.uniform_(-0.2, 0.2)
            variance.uniform_(0.7, 1.4)


def images(*shape: int) -> Callable[[int], Inputs]:
    return lambda seed: ((torch.randn(shape),), {})
