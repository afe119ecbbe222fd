"""All families, by suite."""

from __future__ import annotations

import functools

from families import (
    bench_suite,
    own_suite,
    timm_suite,
    torchvision_suite,
    transformers_suite,
    ultralytics_suite,
)
from families.family import Family

_SUITES = {
    "own": own_suite.families,
    "bench": bench_suite.families,
    "torchvision": torchvision_suite.families,
    "timm": timm_suite.families,
    "transformers": transformers_suite.families,
    "ultralytics": ultralytics_suite.families,
}
NAMES = tuple(_SUITES)


@functools.cache
def families(suite: str) -> dict[str, Family]:
    return {family.name: family for family in _SUITES[suite]()}


def find(suite: str, name: str) -> Family:
    return families(suite)[name]
