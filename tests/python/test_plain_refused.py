"""Control flow over tensors that has no form as a graph is frozen, and the warning says why."""

import linecache
import warnings

import pytest
import torch
from torch import nn

import ferryman
from ferryman import archive
from ferryman.capture import capture
from ferryman.control.exchange import exchanged
from ferryman.control.rewritten import NOT_RAISED, WHAT, rewritten
from ferryman.control.source import compile_function, source_of
from ferryman.control.statements import rewrite
from ferryman.control.ways import Ways
from ferryman.frozen import FrozenValues, values_of_inputs

X = torch.tensor([[0.3, -0.2, 0.9], [0.1, 0.8, -0.7]])


def other_shape(x, n):
    return x if x.sum() > 0 else x[:1]


def other_type(x, n):
    return x if x.sum() > 0 else x.to(torch.float64)


def nothing(x, n):
    if x.sum() > 0:
        return x
    return None


def other_parts(x, n):
    if x.sum() > 0:
        y = (x, x)
    else:
        y = [x]
    return y[0]


def growing(x, n):
    for _ in range(int(n)):
        x = torch.cat([x, x])
    return x


def growing_list(x, n):
    parts = []
    for _ in range(int(n)):
        parts.append(x)
    return sum(parts)


def step(x, n):
    for _ in range(0, 6, int(n)):
        x = x + 1
    return x


def sliced(x, n):
    return x[:, : int(n)] + torch.zeros(len(range(int(n))))


def aliased(x, n):
    y = x * 1
    row = y[0]
    if x.sum() > 0:
        row += 1
        y = y * 2
    return y


def attribute(x, n):
    box = nn.Identity()
    if x.sum() > 0:
        box.value = x
    return x * 2


def generated(x, n):
    def parts():
        if x.sum() > 0:
            yield x
        yield x * 2

    return sum(parts())


without_source: dict = {"__name__": "made"}
exec("def function(x, n):\n    return x if x.sum() > 0 else -x\n", without_source)

REFUSED = [
    (other_shape, "its value has the shape [2, 3] on one way and [1, 3] on the other"),
    (other_type, "its value has the type torch.float32 on one way and torch.float64 on the other"),
    (nothing, "what it returns is a tensor [2, 3] on one way and None on the other"),
    (other_parts, "'y' is a tuple of 2 on one way and a list of 1 on the other"),
    (growing, "'x' has the shape [2, 3] before a round and [4, 3] after"),
    (growing_list, "'parts' has other parts after a round"),
    (step, "the step of its range is a tensor"),
    (sliced, "its value is asked for by what is no if, while or range"),
    (aliased, "it writes in place to a tensor that has other names, or none"),
    (attribute, "it writes the attribute 'box.value' in line"),
    (generated, "parts cannot be rewritten: it is a generator"),
    (without_source["function"], "function cannot be rewritten: its source is not in a file"),
]


@pytest.mark.parametrize(
    ("function", "why"), REFUSED, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_has_no_form_as_a_graph_is_frozen_and_the_warning_says_why(function, why):
    args = (X, torch.tensor(2))
    with pytest.warns(FrozenValues) as caught:
        program = capture(function, args)
    (text,) = [str(w.message) for w in caught if isinstance(w.message, FrozenValues)]
    assert why in text
    assert values_of_inputs(program) and not rewritten(program)
    for one, other in zip(program.module()(*args), function(*args)):
        assert torch.equal(one, other)


# What is left as it was ---------------------------------------------------------------------------


def clamped(x):
    if x.sum() > 0:
        return x * 2
    return -x


def test_functions_have_their_own_code_afterwards():
    before = clamped.__code__
    program = capture(clamped, (X,))
    assert clamped.__code__ is before and linecache.getline(__file__, before.co_firstlineno)
    assert torch.equal(program.module()(-X), clamped(-X))


def test_functions_have_their_own_code_after_an_error():
    before = clamped.__code__
    with pytest.raises(KeyError), exchanged({before: growing.__code__}):
        assert clamped.__code__ is growing.__code__
        raise KeyError
    assert clamped.__code__ is before


@pytest.mark.parametrize("function", [clamped, growing, aliased], ids=lambda f: f.__name__)
def test_rewritten_code_does_on_real_tensors_what_the_users_does(function):
    source = source_of(function.__code__)
    args = (X, torch.tensor(3))[: function.__code__.co_argcount]
    expected = [function(*args), function(-args[0], *args[1:])]
    with exchanged({function.__code__: compile_function(source, rewrite(source))}):
        assert "ferryman" in str(function.__code__.co_names + function.__code__.co_consts)
        got = [function(*args), function(-args[0], *args[1:])]
    assert all(map(torch.equal, got, expected))


def test_tracebacks_name_the_users_line():
    def failing(x):
        if x.sum() > 0:
            return x
        return x @ x

    with pytest.warns(FrozenValues) as caught:
        capture(failing, (X,))
    line = failing.__code__.co_firstlineno + 3
    assert f"failing.<locals>._otherwise ({__file__}:{line}): Runtime" in str(caught[0].message)


# What is told ------------------------------------------------------------------------------------


class Told(nn.Module):
    def forward(self, x):
        if x.min() < -100:
            raise ValueError("too small")
        if x.sum() > 0:
            return x * 2
        return x - 1


def lines(program):
    first = Told.forward.__code__.co_firstlineno
    return [(statement.what, statement.line - first) for statement in rewritten(program)]


def test_remarks_name_each_statement():
    model = ferryman.convert(Told(), (X,), progress=False)
    remarks = {r["what"]: r["places"] for r in model.report.remarks if r["subject"] == "rewritten"}
    first = Told.forward.__code__.co_firstlineno
    assert remarks[WHAT] == [{"what": "if", "file": __file__, "line": first + 3}]
    assert remarks[NOT_RAISED] == [{"what": "raise", "file": __file__, "line": first + 2}]
    for x in (X, -X):
        assert torch.equal(model(x), Told()(x))


def test_an_archive_keeps_what_was_rewritten(tmp_path):
    path = tmp_path / "told.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("error", FrozenValues)
        ferryman.export(Told(), (X,), path)
    program = archive.load(path)
    assert lines(program) == [("raise", 2), ("if", 3)]
    for x in (X, -X):
        assert torch.equal(program.module()(x), Told()(x))


# Ways --------------------------------------------------------------------------------------------


def rare(x, n):
    if x.sum() > 500:
        x = x + 1 if n > 2 else x - 1
    for _ in range(int(n)):
        x = x * 0.5
    return x


def test_the_check_takes_ways_that_are_found_by_search():
    program = capture(rare, (X, torch.tensor(2)))
    ways = Ways(program)
    example = [X, torch.tensor(2)]
    ways.see(example)
    assert [way.to_place()["what"] for way in ways.untaken()] == [
        "the condition is true", "the loop is left at once",
        "the condition is true", "the condition is false",
    ]  # fmt: skip
    found = list(ways.search(example, seed=0))
    assert not ways.untaken()
    assert any(x.sum() > 500 and n > 2 for x, n in found)
    assert any(n < 1 for _, n in found)


def never(x):
    if x.abs().sum() < 0:
        return x * 3
    return x


def runaway(x):
    while x.sum() > 0:
        x = x * 1.5
    return x


def test_inputs_on_which_a_loop_never_ends_are_left_out():
    """About every second draw has a sum above zero. With one negative value, PyTorch's loop ends
    where that is minus infinity; LiteRT's product stays at the least number, and its loop on."""
    example = torch.tensor([-1.0, 1.0, -0.5])
    check = ferryman.Verify(samples=4)
    report = ferryman.convert(runaway, (example,), progress=False, verify=check).report
    assert [place["what"] for place in report.checks.untaken] == ["the loop is entered"]
    assert report.checks.samples > 1


def test_ways_that_nothing_takes_are_told():
    report = ferryman.convert(never, (X,), progress=False).report
    (remark,) = [r for r in report.remarks if r["subject"] == "untaken"]
    line = never.__code__.co_firstlineno + 1
    assert remark["places"] == [{"what": "the condition is true", "file": __file__, "line": line}]
