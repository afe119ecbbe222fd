"""Free sizes apart from capture: expressions, what a call is bound to, conditions, the runtime, and
which sizes a conversion is checked with."""

import numpy as np
import pytest
import torch

import hand_made
from ferryman.drawn_sizes import other_sizes, with_sizes
from ferryman.errors import InputError, VerificationError
from ferryman.native_contract import NativeReport, Placement, Port, Size, at_sizes, with_names
from ferryman.ports import sizes_of_ports, tensor_port
from ferryman.runtime import LITERT, Kernels, Runner
from ferryman.size_conditions import divisor, fixing, narrowed, over_names, source_of, violations
from ferryman.size_expressions import NoExpression, evaluate, holds, names_in
from ferryman.sizes import Pattern, Sizes

# Expressions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression, value",
    [
        (7, 7),
        ("n", 9),
        ("(n + 1) // 2", 5),
        ("2 * n - 1", 17),
        ("-n % 8", 7),
        ("max(1, min(n, 512)) * 3", 27),
        ("math.trunc(0.5 * torch.sym_float(n))", 4),
    ],
)
def test_expressions_are_evaluated(expression, value):
    assert evaluate(expression, {"n": 9}) == value


def test_conditions_are_evaluated():
    assert holds("n % 4 == 0 and n > 4 or n == 1", {"n": 8})
    assert not holds("3 < n <= 8 and not n == 8", {"n": 8})


def test_a_condition_that_cannot_be_computed_says_nothing():
    assert holds("n // (n - 8) == 1", {"n": 8}) and holds("m == 1", {"n": 8})


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "n.bit_length()", "[n]", "n if n else 1", "n **", "'n'",
     "max(n, key=n)", "open(n)"],
)  # fmt: skip
def test_nothing_else_is_run(text):
    with pytest.raises(NoExpression):
        evaluate(text, {"n": 9})


def test_functions_are_no_names():
    assert names_in("max(n, math.trunc(m)) + 1") == {"n", "m"}


# Binding -----------------------------------------------------------------------------------------


def sizes(*conditions):
    return Sizes(
        [Size("batch", "s77", 1, 64, 2), Size("n", "s1", 2, None, 4)],
        {0: Pattern("x", ("batch", 3, "n", "2 * n + 1")), 2: Pattern("mask", ("batch", "n"))},
        conditions,
    )


def refusal(shapes, *conditions):
    with pytest.raises(InputError) as error:
        sizes(*conditions).bind(shapes)
    return str(error.value)


def test_numbers_are_read_from_the_axes():
    assert sizes().bind({0: (5, 3, 7, 15), 2: (5, 7)}) == {"batch": 5, "n": 7}


def test_numbers_are_solved_for():
    solved = Sizes([Size("n")], {0: Pattern("x", ("3 * n + 2",))})
    assert solved.bind({0: (11,)}) == {"n": 3}
    with pytest.raises(InputError, match=r"size 12 along axis 0, which no 'n' makes 3 \* n \+ 2"):
        solved.bind({0: (12,)})


def test_a_size_out_of_range_is_told():
    assert refusal({0: (65, 3, 2, 5), 2: (65, 2)}) == (
        "input 'x' has size 65 along axis 0 ('batch'), the model takes 1 to 64"
    )
    assert "the model takes 2 or more" in refusal({0: (1, 3, 1, 3), 2: (1, 1)})


def test_another_rank_is_told():
    assert refusal({0: (5, 3, 7), 2: (5, 7)}) == (
        "input 'x' has 3 axes [5, 3, 7], the model takes 4: [batch, 3, n, 2 * n + 1]"
    )


def test_all_that_does_not_fit_is_told_at_once():
    text = refusal({0: (5, 4, 7, 14), 2: (6, 7)})
    assert text.startswith("3 sizes do not fit the model")
    assert "input 'x' has size 4 along axis 1, the model takes 3" in text
    assert "input 'x' has size 14 along axis 3, the model takes 2 * n + 1 = 15 (with n = 7)" in text
    assert "input 'mask' has size 6 along axis 0, the model takes batch = 5" in text


def test_conditions_of_the_model_are_told():
    text = refusal({0: (5, 3, 7, 15), 2: (5, 7)}, "n % 2 == 0", "unknown > 3")
    assert text == "n = 7 does not satisfy n % 2 == 0, which the model takes for granted"


def test_sizes_by_name_must_be_there_and_in_range():
    with pytest.raises(InputError, match="Verify: the model has no size 'bach'"):
        sizes().require_names({"bach": 3}, "Verify")
    with pytest.raises(InputError, match="'batch'.*1 to 64"):
        sizes().require_names({"batch": 65}, "Verify")
    sizes().require_names({"batch": 64}, "Verify")


# Places ------------------------------------------------------------------------------------------


def port(shape, perm, factors=None, part=""):
    return Port(0, "x", Placement(3, factors or shape, perm, part), shape, "float32")


def test_places_follow_the_sizes():
    placed = at_sizes(port(("batch", "(h + 1) // 2", 3), (0, 1, 2)), {"batch": 2, "h": 7})
    assert placed.shape == placed.placement.factors == (2, 4, 3)


def test_a_report_may_have_the_exporters_names():
    placed = port(("s77", "(s1 + 1) // 2"), (0, 1))
    native = NativeReport((placed,), (), sizes=(Size("s77", "s77"), Size("s1", "s1")))
    named = with_names(native, {"s77": "batch"})
    assert [size.name for size in named.sizes] == ["batch", "s1"]
    assert named.inputs[0].shape == ("batch", "(s1 + 1) // 2")
    assert with_names(native, {}) is native


def test_a_report_without_free_sizes_is_what_it_is():
    native = NativeReport((port((1, 2), (0, 1)),), ())
    assert native.at({"batch": 3}) is native


def test_a_port_has_its_layout_whatever_the_example():
    free = [Size("batch", "s0", 1, None, 1), Size("h", "s1", 1, None, 3)]
    last = port(("batch", "h", 5, 3), (0, 2, 3, 1), ("batch", 3, "h", 5))
    found = tensor_port(last, torch.empty(1, 3, 3, 5), free)
    assert found.shape == ("batch", "h", 5, 3)
    assert str(found) == "x float32[batch, h, 5, 3]"


def test_calls_are_bound_in_the_order_of_the_file():
    last = port(("batch", "h", 5, 3), (0, 2, 3, 1), ("batch", 3, "h", 5))
    pair = port(("batch", 4, 2), (0, 1, 2), ("batch", 4, 2), "pair")
    native = NativeReport((last,), (), sizes=(Size("batch"), Size("h")))
    assert sizes_of_ports(native).bind({0: (2, 7, 5, 3)}) == {"batch": 2, "h": 7}
    native = NativeReport((pair,), (), sizes=(Size("batch"),))
    assert sizes_of_ports(native).bind({0: (6, 4)}) == {"batch": 6}


# Conditions --------------------------------------------------------------------------------------


def test_guards_are_told_by_name():
    sources = {source_of("x", 0): "batch", source_of("rest['a'][0]", 2): "2 * n"}
    guards = [
        "L['x'].size()[0] % 4 == 0",
        "L['rest']['a'][0].size()[2] > 5",
        "L['x'].size()[0] == L['x'].size()[0]",
        "str(L['x'].device) == 'cpu'",
        "L['y'].size()[0] == 3",
    ]
    assert list(over_names(guards, sources)) == ["batch % 4 == 0", "2 * n > 5"]


@pytest.mark.parametrize(
    "condition, bounds",
    [
        ("n <= 512", (1, 512)),
        ("n == min(512, n)", (1, 512)),
        ("n > 5", (6, None)),
        ("n % 4 == 0", (4, None)),
        ("3 * n == 12 * (n // 4)", (4, None)),
        ("n != 1", (2, None)),
        ("n != 16", (1, None)),
        ("m == 3", (1, None)),
    ],
)
def test_conditions_narrow_ranges(condition, bounds):
    assert narrowed([condition], "n", {"n": 8, "m": 3}) == bounds


def test_an_equality_that_leaves_no_choice_fixes_a_size():
    fixed = "math.trunc(0.5 * n) == 8"
    assert fixing(["n % 4 == 0", "n <= 512", fixed], "n", {"n": 16}) == fixed
    assert fixing(["m == 1 + n // 2"], "m", {"n": 16, "m": 9}) == "m == 1 + n // 2"
    assert fixing(["m == 1 + n // 2"], "n", {"n": 16, "m": 9}, {"m": "n // 2 + 1"}) is None
    assert fixing(["n == min(512, n)", "n != 16"], "n", {"n": 15}) is None


def test_a_divisor_is_found():
    windows = ["h * w == 16 * (h // 4) * (w // 4)", "h > 3"]
    assert divisor(windows, "h", {"h": 8, "w": 8}) == 4
    assert divisor(["h > 3"], "h", {"h": 8}) == divisor([], "h", {"h": 8}) == 1


def test_numbers_that_violate_a_condition_are_found():
    assert list(violations("n + -n % 8 != n", {"n": 61})) == [{"n": 8}]
    assert list(violations("n > 0", {"n": 61})) == []


# The runtime -------------------------------------------------------------------------------------


@pytest.fixture
def free_file(tmp_path):
    path = tmp_path / "free.tflite"
    hand_made.write(path, hand_made.module(), is_free=True)
    return path


@pytest.mark.parametrize("kernels", LITERT)
def test_an_interpreter_grows_and_shrinks(free_file, kernels):
    runner, module = Runner(free_file, kernels), hand_made.module()
    for batch in (1, 3, 2, 5, 5, 1, 4):
        image = torch.randn(batch, 3, 6, 6)
        features, _ = runner.run([image.numpy()])
        expected = module(image)["features"].detach().numpy()
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


def test_inputs_are_only_resized_where_they_differ(free_file, monkeypatch):
    runner, planned = Runner(free_file, Kernels.DELEGATE), []
    allocate = runner._allocate
    monkeypatch.setattr(runner, "_allocate", lambda: planned.append(1) or allocate())
    for batch in (1, 1, 2, 2, 1):
        runner.run([np.zeros((batch, 3, 6, 6), np.float32)])
    assert len(planned) == 2


def test_an_axis_that_is_not_free_is_refused_and_the_interpreter_goes_on(free_file):
    runner = Runner(free_file, Kernels.DELEGATE)
    with pytest.raises(VerificationError, match="LiteRT does not run the file"):
        runner.run([np.zeros((2, 3, 7, 6), np.float32)])
    assert runner.run([np.zeros((2, 3, 6, 6), np.float32)])[0].shape == (2, 4, 4, 4)


# What is drawn -----------------------------------------------------------------------------------


def first(free, *conditions):
    """Of each list of candidates."""
    found = Sizes(free, {0: Pattern("x", tuple(size.name for size in free))}, conditions)
    return [candidates[0] for candidates in other_sizes(found)]


def test_a_size_is_drawn_smaller_and_larger_than_the_example():
    assert first([Size("n", "", 1, None, 8)]) == [{"n": 16}, {"n": 1}]


def test_of_several_sizes_some_grow_and_some_shrink():
    one, other = first([Size("n", "", 1, None, 8), Size("m", "", 2, None, 6)])
    assert one["n"] > 8 and one["m"] == 2 and other["n"] == 1 and other["m"] > 6
    assert one["n"] * one["m"] <= 2 * 48 and other["n"] * other["m"] <= 2 * 48


def test_draws_stay_in_range_and_differ_from_the_example():
    assert first([Size("n", "", 8, 9, 8)]) == [{"n": 9}, {"n": 9}]
    assert first([Size("n", "", 4, 8, 8)]) == [{"n": 4}, {"n": 4}]
    assert first([Size("n", "", 1, None, 1)]) == [{"n": 2}, {"n": 3}]


def test_draws_follow_the_conditions_of_the_model():
    free = [Size("n", "", 4, None, 8)]
    assert all(numbers["n"] % 4 == 0 for numbers in first(free, "n % 4 == 0"))


def test_draws_follow_what_sizes_are_made_of():
    free = [Size("n", "", 1, None, 8), Size("k", "", 1, None, 5)]
    numbers = first(free, "k == 1 + n // 2")
    assert len(numbers) == 2 and all(each["k"] == 1 + each["n"] // 2 for each in numbers)


def test_whole_numbers_and_masks_keep_their_pattern():
    ids, mask = torch.tensor([[1, 7, 3]]), torch.tensor([[0.0, -torch.inf, 0.0]])
    noise = torch.randn(1, 3)
    shape = ("batch", "n")
    found = Sizes([Size("batch"), Size("n")], {i: Pattern(str(i), shape) for i in range(3)})
    ids, mask, noise = with_sizes(
        [ids, mask, noise], found, {"batch": 2, "n": 4}, lambda leaf: torch.full_like(leaf, 9.0)
    )
    assert ids.tolist() == [[1, 7, 3, 1]] * 2
    assert mask.tolist() == [[0.0, -torch.inf, 0.0, 0.0]] * 2
    assert noise.tolist() == [[9.0] * 4] * 2
