"""torch.cond, while_loop, scan, map and associative_scan on LiteRT, every way through them."""

from __future__ import annotations

import pytest
import torch
from control_modules import CASES, build
from torch.utils import _pytree as pytree

import ferryman


@pytest.fixture(scope="module", params=list(CASES))
def converted(request):
    case = CASES[request.param]
    module = build(request.param)
    return case, module, ferryman.convert(module, case.inputs[0], progress=False)


def test_every_way_gives_the_same_numbers(converted):
    case, module, model = converted
    for inputs in case.inputs:
        with torch.no_grad():
            expected = pytree.tree_leaves(module(*inputs))
        found = pytree.tree_leaves(model(*inputs))
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected):
            tolerance = 2e-3 if theirs.dtype == torch.float16 else 1e-5
            torch.testing.assert_close(
                torch.as_tensor(ours).to(theirs.dtype), theirs, rtol=tolerance, atol=tolerance
            )


def test_the_file_branches_and_loops(converted):
    case, _, model = converted
    assert case.operators <= set(model.report.native.ops)


def test_reasons_of_transposes_name_the_loop_and_not_what_it_counts():
    class Repeated(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, image, times):
            def body(i, image):
                return i + 1, self.conv(image)

            zero = torch.zeros_like(times)
            return torch.while_loop(lambda i, _: i < times, body, (zero, image))[1]

    args = (torch.randn(1, 3, 8, 8), torch.tensor(2))
    layout = ferryman.convert(Repeated(), args, progress=False).report.native.layout
    assert [transpose.reason.partition(";")[0] for transpose in layout.transposes] == [
        "[1, 3, 8, 8] for input 'image', [1, 8, 8, 3] for the while",
        "[1, 8, 8, 3] for the while, [1, 3, 8, 8] for output 'output'",
    ]
