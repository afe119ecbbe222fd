"""What docs/operators.md and docs/modules.md say passes goes on passing, and nothing is wrong.

A few samples of each; `make operators` and `make modules` try more and write the tables.
"""

import os

import pytest

from opinfo import run, table
from opinfo.databases import DATABASES
from opinfo.samples import DTYPES

PROCESSES = os.cpu_count() or 1
SAMPLES = {"float32": 2, "int64": 1, "int32": 1, "bool": 1}


@pytest.mark.parametrize("name", DATABASES)
def test_what_passed_passes_and_nothing_is_wrong(name):
    database = DATABASES[name]
    tasks = [
        (name, op, dtype, SAMPLES[dtype])
        for op, info in database.infos().items()
        for dtype in SAMPLES
        if DTYPES[dtype] in info.dtypes and (op, dtype) not in table.inexpressible(database.page)
    ]
    outcomes = run.run(tasks, PROCESSES)
    wrong = [f"{o.op} {o.dtype}: {o.reasons[0]}" for o in outcomes if o.state == "wrong"]
    assert wrong == []
    assert run.lost_operators(name, outcomes, PROCESSES) == []


def test_first_samples_are_right_without_the_passes_that_may_be_left_out():
    """Numbers never lean on an optimisation, nor does it make the difference between a file and
    none."""
    database = DATABASES["operators"]
    passing = table.passing(database.page)
    tasks = [
        ("operators", op, dtype, 1, ("*",))
        for op in database.infos()
        for dtype in [next((dtype for dtype in SAMPLES if (op, dtype) in passing), None)]
        if dtype is not None
    ]
    outcomes = run.run(tasks, PROCESSES)
    bad = [f"{o.op}: {o.reasons[0]}" for o in outcomes if o.state in ("wrong", "refused")]
    assert bad == []
    assert sum(o.state == "passes" for o in outcomes) > len(tasks) // 2
