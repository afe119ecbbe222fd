"""What docs/operators.md says passes goes on passing, and nothing is wrong.

A few samples of each operator; `make operators` tries more and writes the table.
"""

import os

from opinfo import run, table
from opinfo.samples import DTYPES, infos

SAMPLES = {"float32": 2, "int64": 1, "int32": 1, "bool": 1}


def test_operators_that_passed_pass_and_none_is_wrong():
    tasks = [
        (op, dtype, SAMPLES[dtype])
        for op, info in infos().items()
        for dtype in SAMPLES
        if DTYPES[dtype] in info.dtypes and (op, dtype) not in table.inexpressible(run.TABLE)
    ]
    outcomes = run.run(tasks, os.cpu_count() or 1)
    wrong = [f"{o.op} {o.dtype}: {o.reasons[0]}" for o in outcomes if o.state == "wrong"]
    assert wrong == []
    assert run.lost_operators(outcomes, os.cpu_count() or 1) == []
