"""Operators that are written in others give eager's results through convert."""

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman

X = torch.arange(12.0).reshape(4, 3).sin()
CASES = {
    "cov": (lambda x: torch.cov(x, correction=0), (X,)),
    "cov of whole numbers": (torch.cov, (torch.tensor([[1, 5, 2], [4, 4, 9]]),)),
    "corrcoef": (torch.corrcoef, (X,)),
    "histogramdd": (lambda x: torch.histogramdd(x, [2, 3, 2], density=True), (X,)),
    "linspace between tensors": (lambda a, b: torch.linspace(a, b, 7), (X[0, 1], X[1, 1])),
    "linspace of whole numbers": (lambda x: x + torch.linspace(0, 10, 3, dtype=torch.int64), (X,)),
}


@pytest.mark.parametrize("name", CASES)
def test_rewritten_operator_gives_eagers_result(name):
    function, args = CASES[name]
    got = ferryman.convert(function, args, progress=False)(*args)
    expected = pytree.tree_leaves(function(*args))
    for mine, theirs in zip(pytree.tree_leaves(got), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_a_loss_without_a_batch_is_refused_where_torch_records_another_shape():
    loss = nn.MultiLabelMarginLoss(reduction="none").eval()
    with pytest.raises(ferryman.UnsupportedOps, match="multilabel_margin_loss"):
        ferryman.convert(loss, (torch.randn(4), torch.tensor([1, 0, -1, 2])), progress=False)


def test_whole_numbers_between_ends_of_run_time_are_refused():
    with pytest.raises(ferryman.UnsupportedOps, match="linspace"):
        ferryman.convert(
            lambda a: torch.linspace(a, 5, 7, dtype=torch.int64),
            (torch.tensor(1.0),),
            progress=False,
        )
