"""Conversions without passes that may be left out.

    with without_passes("canonicalise"):       # "*": all of them
        model = ferryman.convert(module, args)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from unittest import mock

from ferryman import conversion
from ferryman.native_contract import Options


@contextlib.contextmanager
def without_passes(*names: str) -> Iterator[None]:
    options = functools.partial(Options, disabled_passes=names)
    with mock.patch.object(conversion, "Options", options):
        yield
