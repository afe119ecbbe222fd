"""if, while and for over tensors as Python says them: the program takes the way of its inputs.

Each case is a module and the inputs that take its ways; the program, captured with the first, has
to return on all of them what the module returns.
"""

import warnings

import plain_modules as plain
import pytest
import torch
from torch.utils import _pytree as pytree

from ferryman.capture import capture
from ferryman.control.rewritten import rewritten
from ferryman.frozen import FrozenValues, values_of_inputs


def captured(module, args):
    with warnings.catch_warnings():
        warnings.simplefilter("error", FrozenValues)
        program = capture(module.eval(), args)
    assert values_of_inputs(program) == ()
    return program


def require_same(program, module, inputs):
    with torch.no_grad():
        for args in inputs:
            copies, args = (pytree.tree_map(lambda t: t.clone(), args) for _ in range(2))
            expected = pytree.tree_leaves(module(*args))
            got = pytree.tree_leaves(program.module()(*copies))
            assert len(got) == len(expected)
            for one, other in zip(got, expected):
                if isinstance(other, torch.Tensor):
                    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
                else:  # a number of Python's may be a tensor
                    assert float(one) == pytest.approx(float(other), rel=1e-6)
            for one, other in zip(pytree.tree_leaves(copies), pytree.tree_leaves(args)):
                torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", plain.CASES, ids=lambda case: case.name)
def test_program_takes_the_way_of_its_inputs(case):
    module = case.module()
    program = captured(module, pytree.tree_map(lambda t: t.clone(), case.inputs[0]))
    require_same(program, module, case.inputs)
    assert {statement.what for statement in rewritten(program)} == case.rewritten
