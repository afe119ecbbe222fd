"""What people write gives what they had: convert checks it, and here it is run on fresh inputs."""

import pytest
import torch
from idioms import IDIOMS
from torch import nn
from torch.utils import _pytree as pytree

import ferryman


def run(model, args):
    args = pytree.tree_map_only(torch.Tensor, torch.clone, args)
    with torch.no_grad():
        return model(*args)


@pytest.mark.parametrize("name", IDIOMS)
def test_idiom_gives_eagers_result_on_fresh_inputs(name):
    idiom = IDIOMS[name]
    converted = ferryman.convert(idiom.model, idiom.args, progress=False)
    fresh = idiom.fresh()
    expected, got = run(idiom.model, fresh), run(converted, fresh)
    assert pytree.tree_structure(got) == pytree.tree_structure(expected)
    for mine, theirs in zip(pytree.tree_leaves(got), pytree.tree_leaves(expected)):
        if not isinstance(theirs, torch.Tensor):
            assert mine == theirs
            continue
        half = theirs.dtype is torch.float16
        tolerance = dict(rtol=1e-2, atol=1e-2) if half else dict(rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(mine, theirs, equal_nan=True, **tolerance)


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x * self.calls


def test_a_buffer_that_counts_is_refused_by_its_name():
    with pytest.raises(ferryman.UnsupportedOps, match="writes to its buffers 'calls'"):
        ferryman.convert(Counts().eval(), (torch.ones(3),), progress=False)


def test_a_batch_norm_that_would_forget_its_statistics_is_refused():
    with pytest.raises(ferryman.Error, match="batch norm in training mode"):
        ferryman.convert(nn.BatchNorm1d(4), (torch.randn(3, 4),), training=True, progress=False)


def test_a_batch_norm_without_momentum_has_nothing_to_forget():
    norm = nn.BatchNorm1d(4, momentum=0.0)
    norm.num_batches_tracked = None  # it is counted otherwise
    x = torch.randn(3, 4)
    converted = ferryman.convert(norm, (x,), training=True, progress=False)
    torch.testing.assert_close(converted(x), norm(x), rtol=1e-5, atol=1e-5)


def test_elements_picked_by_a_mask_are_summed():
    converted = ferryman.convert(lambda x: x[x > 0].sum(), (torch.randn(3, 4),), progress=False)
    for shift in (-9, -1, 0, 9):  # none, some, all
        x = torch.randn(3, 4) + shift
        torch.testing.assert_close(converted(x), x[x > 0].sum())


def test_a_mean_of_elements_picked_by_a_mask_is_refused_with_another_way():
    with pytest.raises(ferryman.UnsupportedOps, match="combines entries") as caught:
        ferryman.convert(lambda x: x[x > 0].mean(), (torch.randn(3, 4),), progress=False)
    assert "torch.where" in str(caught.value)
