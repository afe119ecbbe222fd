"""PyTorch's databases of samples, of operators and of modules, under one roof.

    database = DATABASES["operators"]
    for case in database.cases("add", torch.float32, max_samples=8): …
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from opinfo import modules, samples
from opinfo.samples import Case

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclasses.dataclass(frozen=True)
class Database:
    """`infos` by name have `dtypes`; the table of what passes is `page`."""

    what: str  # "operator"
    infos: Callable[[], Mapping[str, object]]
    draw: Callable[[object, torch.dtype, int], Iterator[Case]]
    page: Path
    table_samples: int  # of each entry in each dtype that the page is made from, at most
    title: str
    source: str

    def cases(self, name: str, dtype: torch.dtype, max_samples: int) -> Iterator[Case]:
        return self.draw(self.infos()[name], dtype, max_samples)


DATABASES = {
    "operators": Database(
        "operator",
        samples.infos,
        samples.cases,
        DOCS / "operators.md",
        20,
        "Operators",
        "operator of PyTorch's own database\n"
        "(`torch.testing._internal.common_methods_invocations.op_db`), converted with sample "
        "inputs",
    ),
    "modules": Database(
        "module",
        modules.infos,
        modules.cases,
        DOCS / "modules.md",
        40,
        "Modules",
        "module of `torch.nn` in PyTorch's own database\n"
        "(`torch.testing._internal.common_modules.module_db`), built with each of its sample\n"
        "arguments, in evaluation mode and with uneven weights and statistics, converted",
    ),
}
