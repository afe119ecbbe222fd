"""NaN in extremes and orders: the target's own operators, or what PyTorch does."""

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import ferryman

NAN = float("nan")
X = torch.tensor([[1.0, NAN, 3.0, 2.0], [4.0, 3.0, 2.0, 1.0]])


def convert(function, *args, **options):
    return ferryman.convert(function, args or (torch.randn(2, 4),), progress=False, **options)


def operators(model) -> dict[str, int]:
    return dict(model.report.native.ops)


ORDERS = {
    "argmax": (lambda x: x.argmax(1), {"ARG_MAX": 1}),
    "argmin": (lambda x: x.argmin(1, keepdim=True), {"ARG_MIN": 1}),
    "argmax of all": (lambda x: x.argmax(), {"ARG_MAX": 1}),
    "amax": (lambda x: x.amax(1), {"REDUCE_MAX": 1}),
    "amin": (lambda x: x.amin((0, 1)), {"REDUCE_MIN": 1}),
    "max of all": (lambda x: x.max(), {"REDUCE_MAX": 1}),
    "max along": (lambda x: x.max(1), {"REDUCE_MAX": 1, "ARG_MAX": 1}),
    "min along": (lambda x: x.min(1), {"REDUCE_MIN": 1, "ARG_MIN": 1}),
    "topk": (lambda x: x.topk(2), {"TOPK_V2": 1, "CAST": 1}),
    "topk of the smallest": (
        lambda x: x.topk(2, largest=False),
        {"NEG": 2, "TOPK_V2": 1, "CAST": 1},
    ),
    "descending": (lambda x: x.sort(1, descending=True), {"TOPK_V2": 1, "CAST": 1}),
    "maximum": (lambda x: torch.maximum(x, x.flip(1)), {"REVERSE_V2": 1, "MAXIMUM": 1}),
    "sign": (lambda x: x.sign(), {"SIGN": 1}),
    "softmax, argmax": (lambda x: x.softmax(1).argmax(1), {"SOFTMAX": 1, "ARG_MAX": 1}),
    "relu, amax": (lambda x: x.relu().amax(1), {"RELU": 1, "REDUCE_MAX": 1}),
}


@pytest.mark.parametrize("name", ORDERS)
def test_fast_forms_are_the_targets_own_operators(name):
    function, expected = ORDERS[name]
    found = operators(convert(function))
    found.pop("RESHAPE", None)
    assert found == expected


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.median(1),
        lambda x: x.quantile(0.25, 1),
        lambda x: x.cummax(1),
        lambda x: x.kthvalue(2, 1),
    ],
)
def test_orders_without_guards_have_fewer_operators_and_the_same_numbers(function):
    fast, exact = (convert(function, nan=form) for form in ("fast", "exact"))
    assert sum(operators(fast).values()) < sum(operators(exact).values())
    assert "REDUCE_ANY" not in operators(fast)
    x = torch.randn(2, 4)
    for mine, theirs in zip(pytree.tree_leaves(fast(x)), pytree.tree_leaves(function(x))):
        torch.testing.assert_close(mine, theirs)


def test_ties_give_the_first_position_in_both_forms():
    x = torch.tensor([[2.0, 5.0, 5.0, 1.0], [0.0, -0.0, 0.0, -0.0]])
    for form in ("fast", "exact"):
        model = convert(lambda x: (x.argmax(1), x.argmin(1)), nan=form)
        most, least = model(x)
        assert (most.tolist(), least.tolist()) == ([1, 0], [3, 0])


def test_exact_is_what_pytorch_gives():
    def function(x):
        return (
            x.amax(1),
            x.argmax(1),
            x.max(1),
            x.sort(1, descending=True),
            x.median(1)[0],
            x.sign(),
        )

    model = convert(function, nan="exact")
    torch.testing.assert_close(
        pytree.tree_leaves(model(X)), pytree.tree_leaves(function(X)), equal_nan=True
    )


QUESTIONS = {
    "isnan": lambda x: (torch.isnan(x), x.amax(1), x.argmax(1)),
    "after": lambda x: torch.isnan(x.amax(1)),
    "before": lambda x: torch.nan_to_num(x, 7.0).amax(1),
    "isfinite": lambda x: torch.isfinite(x).all() & torch.isfinite(x.amax(1)),
    "itself": lambda x: (x != x, torch.maximum(x, x.flip(1))),
    "nansum": lambda x: (x.nansum(1), x.amin(1)),
    "nanmean": lambda x: (x.nanmean(1), x.amin(1)),
    "nanmedian": lambda x: (x.nanmedian(1)[0], x.sort(1)),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_model_that_asks_about_nan_is_exact(name):
    function = QUESTIONS[name]
    model = convert(function)
    assert model.report.native.nan == "exact"
    assert any("throughout" in remark["what"] for remark in model.report.remarks)
    torch.testing.assert_close(
        pytree.tree_leaves(model(X)), pytree.tree_leaves(function(X)), equal_nan=True
    )


def test_remarks_name_the_operators_that_treat_nan_otherwise():
    remarks = convert(lambda x: (x.argmax(1), torch.maximum(x, x.flip(1)))).report.remarks
    said = {remark["what"].partition(" ")[0]: remark for remark in remarks}
    assert {"argmax", "maximum"} <= set(said)
    assert said["argmax"]["subject"] == "leave_nan"
    assert 'nan="exact"' in said["argmax"]["hint"]
    exact = convert(lambda x: x.argmax(1), nan="exact").report.remarks
    assert not any(remark["subject"] == "leave_nan" for remark in exact)


def test_a_constant_keeps_nan_for_nothing():
    model = convert(lambda x: torch.maximum(x, torch.tensor([1.0, 2.0, 3.0, 4.0])))
    assert operators(model) == {"MAXIMUM": 1}
    assert model(X).isnan().tolist() == X.isnan().tolist()


def test_the_check_does_not_call_nan_a_mistake():
    inputs = ferryman.Verify(inputs=[(X,)])
    with pytest.raises(ferryman.VerificationError, match='nan="exact"') as caught:
        convert(lambda x: x.amax(1) + 1, verify=inputs)
    assert "mistake" not in str(caught.value)
    assert convert(lambda x: x.amax(1) + 1, nan="exact", verify=inputs).report.checks.samples == 1


def test_nan_that_ends_inside_does_not_matter():
    def forward(x):  # half of the roots are no numbers
        roots = x.sqrt()
        return torch.where(x.amin(1) < -100, roots.amax(1), x.sum(1))

    x = torch.tensor([[-1.0, 4.0, 9.0, -2.0]])
    assert convert(forward, x).report.checks.samples > 1


def test_other_words_are_refused():
    with pytest.raises(ferryman.InputError, match='"fast", "exact"'):
        convert(lambda x: x.amax(1), nan="strict")


class Largest(nn.Module):
    def forward(self, x):
        return x.argmax(1)


def test_archives_take_the_option_as_well(tmp_path):
    path = tmp_path / "largest.pt2"
    torch.export.save(torch.export.export(Largest(), (torch.randn(2, 4),)), path)
    assert operators(ferryman.convert(path, progress=False)) == {"ARG_MAX": 1}
    assert operators(ferryman.convert(path, nan="exact", progress=False))["ARG_MAX"] == 2
