"""The networks that the benchmarks convert, by name: of the zoo, or "suite:name" of a family.

module, args = networks.build("bench:vit_b_16")
"""

from __future__ import annotations

from torch import nn

from families import suites
from models import zoo

NAMES = (*zoo.NAMES, *(f"bench:{name}" for name in suites.families("bench")))


def build(name: str) -> tuple[nn.Module, tuple]:
    """Seeded; in eval mode."""
    suite, _, family = name.rpartition(":")
    if not suite:
        return zoo.build(name), zoo.example_inputs(name)
    sample = suites.find(suite, family).build()
    return sample.module, sample.example[0]
