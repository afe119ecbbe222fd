"""A way in which torch traces that notes the fewest conditions on sizes.

    with size_oblivious():
        program = torch.export.export(module, args, dynamic_shapes=…)

torch then asks of no size whether it is 1 where the answer makes no difference but for the order in
memory. Other threads that trace at the same time do so as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch.fx.experimental import _config


@contextlib.contextmanager
def size_oblivious() -> Iterator[None]:
    """Nothing where torch has no such way."""
    if not hasattr(_config, "backed_size_oblivious"):
        yield
        return
    with _config.patch(backed_size_oblivious=True):
        yield
