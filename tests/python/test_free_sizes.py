"""What capture makes of free sizes; test_free_models.py has what a conversion makes of them."""

import dataclasses
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

import ferryman
from ferryman import archive
from ferryman.arguments import Arguments, signature_of
from ferryman.capture import as_module, capture
from ferryman.decompose import decompose_unknown
from ferryman.program_sizes import inputs_of, sizes_of


def free(module, args, dynamic_shapes, kwargs=None):
    """(sizes, patterns) of the captured program, as text."""
    program = capture(module, args, kwargs, dynamic_shapes=dynamic_shapes)
    arguments = Arguments.of_program(program, signature_of(as_module(module).forward))
    found = inputs_of(program, arguments)
    ranges = {size.name: (size.min, size.max, size.hint) for size in found.sizes.values()}
    return ranges, {pattern.input: str(pattern) for pattern in found.patterns.values()}


def refusal(module, args, dynamic_shapes, kwargs=None, kind=ferryman.InputError):
    with pytest.raises(kind) as error:
        capture(module, args, kwargs, dynamic_shapes=dynamic_shapes)
    return str(error.value)


def two(x, y):
    return x + 1, y * 2


def ones(*shape):
    return torch.ones(shape)


# What a user may write ---------------------------------------------------------------------------

n = Dim("n", min=2, max=64)
FORMS = {
    "short": {"x": {0: "n"}, "y": {0: "n"}},
    "negative axes": {"x": {-2: "n"}, "y": {-2: "n"}},
    "dims": {"x": {0: n}, "y": {0: n}},
    "positions": ({0: "n"}, {0: "n"}),
    "lists": {"x": ["n", None], "y": (n, 3)},
    "static": {"x": {0: "n", 1: Dim.STATIC}, "y": {0: "n", 1: 3}},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form):
    ranges, patterns = free(two, (ones(4, 3), ones(4, 3)), FORMS[form])
    bounds = (2, 64, 4) if form in ("dims", "lists") else (1, None, 4)
    assert ranges == {"n": bounds}
    assert patterns == {"x": "[n, 3]", "y": "[n, 3]"}


@pytest.mark.parametrize("size", [Dim.AUTO, Dim.DYNAMIC])
def test_sizes_without_a_name_have_the_exporters(size):
    ranges, patterns = free(lambda x, y: x + y, (ones(4, 3), ones(4, 3)), ({0: size}, {0: size}))
    (symbol,) = ranges
    assert ranges == {symbol: (1, None, 4)} and patterns["x"] == patterns["y"] == f"[{symbol}, 3]"


def test_ranges_of_sizes_without_a_name():
    ranges, _ = free(two, (ones(4, 3), ones(4, 3)), {"x": {0: Dim.AUTO(min=3, max=9)}, "y": None})
    assert list(ranges.values()) == [(3, 9, 4)]


@pytest.mark.parametrize("derived", ["2*n + 1", 2 * n + 1])
def test_sizes_may_follow_from_others(derived):
    shapes = {"x": {0: n}, "y": {0: derived}}
    assert free(two, (ones(4, 3), ones(9, 3)), shapes) == (
        {"n": (2, 64, 4)},
        {"x": "[n, 3]", "y": "[2*n + 1, 3]"},
    )


def test_a_name_may_be_there_only_in_what_follows_from_it():
    ranges, patterns = free(two, (ones(4, 3), ones(9, 3)), {"y": {0: "2*n + 1"}})
    assert ranges == {"n": (1, None, 4)} and patterns == {"y": "[2*n + 1, 3]"}


def test_what_torch_has_no_expression_for_is_a_condition():
    ranges, patterns = free(two, (ones(7, 3), ones(4, 3)), {"x": {0: "n"}, "y": {0: "n//2 + 1"}})
    assert ranges["n"] == (1, None, 7) and len(ranges) == 2
    program = capture(two, (ones(7, 3), ones(4, 3)), dynamic_shapes=({0: "n"}, {0: "n//2 + 1"}))
    found = inputs_of(program, Arguments.of_program(program, signature_of(two)))
    assert found.bind({0: (9, 3), 1: (5, 3)})["n"] == 9
    with pytest.raises(ferryman.InputError, match="does not satisfy"):
        found.bind({0: (9, 3), 1: (6, 3)})


class Nested(nn.Module):
    def forward(self, x, options=None, *rest, mask):
        return x * mask + options["bias"][0] + rest[0].sum()


def test_structures_keywords_and_further_arguments():
    shapes = {
        "x": {0: "b", 1: "n"}, "mask": {0: "b", 1: "n"}, "options": {"bias": [{0: "n"}, None]},
        "rest": ({0: "k"},),
    }  # fmt: skip
    args = (ones(2, 5), {"bias": [ones(5), 3], "name": "a"}, ones(7))
    ranges, patterns = free(Nested(), args, shapes, {"mask": ones(2, 5)})
    assert list(ranges) == ["b", "n", "k"]
    assert patterns == {
        "x": "[b, n]", "options['bias'][0]": "[n]", "rest[0]": "[k]", "mask": "[b, n]",
    }  # fmt: skip


@dataclasses.dataclass
class Pair:
    one: torch.Tensor
    other: torch.Tensor


torch.export.register_dataclass(Pair)


@pytest.mark.parametrize("said", [{"one": {0: "n"}, "other": {0: "n"}}, [{0: "n"}, {0: "n"}]])
def test_objects_by_field_or_in_order(said):
    _, patterns = free(lambda p: p.one + p.other, (Pair(ones(2, 3), ones(2, 3)),), {"p": said})
    assert patterns == {"p.one": "[n, 3]", "p.other": "[n, 3]"}


# Examples ----------------------------------------------------------------------------------------


def test_an_example_of_size_one_is_captured_with_more():
    program = capture(two, (ones(1, 3), ones(1, 3)), dynamic_shapes={"x": {0: "n"}, "y": {0: "n"}})
    (size,) = sizes_of(program)
    assert (size.name, size.min, size.max, size.hint) == ("n", 1, None, 1)
    assert [tuple(x.shape) for x in program.example_inputs[0]] == [(1, 3), (1, 3)]


def test_different_names_of_one_number_are_different_sizes():
    def transposed(x):
        return x.t() if x.shape[0] == x.shape[1] else x

    ranges, patterns = free(transposed, (ones(4, 4),), {"x": {0: "a", 1: "b"}})
    assert patterns == {"x": "[a, b]"}


def test_sizes_stay_what_the_model_can_take():
    """Twice as many would be more than the table has."""
    table = torch.randn(8, 3)
    ranges, _ = free(lambda x, y: (x + table[: x.shape[0]], y + table[: y.shape[0]]),
                     (ones(8, 3), ones(8, 3)), {"x": {0: "a"}, "y": {0: "b"}})  # fmt: skip
    assert ranges == {"a": (1, 8, 8), "b": (1, 8, 8)}


def test_memory_order_is_kept():
    image = ones(1, 3, 8, 8).to(memory_format=torch.channels_last)
    seen = []

    def forward(x):
        seen.append(x.stride())
        return x + 1

    capture(forward, (image,), dynamic_shapes={"x": {0: "batch"}})
    assert all(stride[1] == 1 for stride in seen)


def test_the_module_is_as_before():
    module = nn.Linear(3, 3)
    capture(module, (ones(2, 3),), dynamic_shapes={"input": {0: "n"}})
    assert not module._forward_pre_hooks
    assert not torch.fx.experimental._config.backed_size_oblivious


# What is in the program --------------------------------------------------------------------------


def targets(module, args, dynamic_shapes):
    program = decompose_unknown(capture(module, args, dynamic_shapes=dynamic_shapes))
    found = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    return found, sizes_of(program)


@pytest.mark.parametrize(
    "layer, target",
    [
        (nn.LSTM(4, 5), "aten.lstm.input"),
        (nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True), "aten.lstm.input"),
        (nn.LSTM(4, 5, proj_size=3), "aten.lstm.input"),
        (nn.GRU(4, 5), "aten.gru.input"),
        (nn.RNN(4, 5), "aten.rnn_tanh.input"),
        (nn.RNN(4, 5, nonlinearity="relu"), "aten.rnn_relu.input"),
    ],
)
def test_recurrent_layers_take_any_time_and_batch(layer, target):
    found, sizes = targets(layer.eval(), (torch.randn(6, 1, 4),), ({0: "a", 1: "b"},))
    assert found.count(target) == 1 and not any("ferryman" in name for name in found)
    assert [(size.name, size.min) for size in sizes] == [("a", 1), ("b", 1)]


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(4, 5, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        outputs, _ = self.layer(packed)
        return nn.utils.rnn.pad_packed_sequence(outputs, True, total_length=x.shape[1])[0]


def test_packed_sequences_take_any_time_and_batch():
    args = (torch.randn(3, 9, 4), torch.tensor([9, 4, 2]))
    found, sizes = targets(Padded().eval(), args, {"x": {0: "b", 1: "t"}, "lengths": {0: "b"}})
    assert found.count("aten.lstm.input") == 1
    assert [size.name for size in sizes] == ["b", "t"]


@pytest.mark.parametrize(
    "forward, shapes, least",
    [
        (lambda x: x * torch.linspace(-1, 1, x.shape[1]), ({1: "n"},), [1]),
        (lambda x: x * torch.linspace(0, x.shape[1] - 1, x.shape[1]), ({1: "n"},), [1]),
        (lambda x: x * torch.linspace(x.shape[1] / 2, 1, x.shape[1]), ({1: "n"},), [1]),
        (lambda x: F.affine_grid(x[:, :2, :3], (x.shape[0], 3, x.shape[1], 9), False),
         ({0: "b", 1: "h"},), [1, 2]),
        (lambda x: F.affine_grid(x[:, :2, :3], (x.shape[0], 3, x.shape[1], 9), True),
         ({0: "b", 1: "h"},), [1, 2]),
    ],
)  # fmt: skip
def test_functions_that_torch_fixes_are_open(forward, shapes, least):
    x = torch.randn(2, 7, 8)[:, :, 0] if len(shapes[0]) == 1 else torch.randn(2, 7, 8)
    ranges, _ = free(forward, (x,), shapes)
    assert [low for low, _, _ in ranges.values()] == least


def test_layers_and_control_flow_go_together():
    class Chosen(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.GRU(4, 4)

        def forward(self, x):
            y, _ = self.layer(x)
            return torch.cond(x.sum() > 0, lambda y: y * 2, lambda y: y - 1, (y,))

    found, _ = targets(Chosen(), (torch.randn(5, 1, 4),), {"x": {1: "b"}})
    assert "cond" in found and "aten.gru.input" in found


def test_decompositions_keep_sizes_free():
    def forward(image):
        return F.fold(F.unfold(image, 3), image.shape[-2:], 3)

    found, sizes = targets(forward, (torch.randn(1, 2, 8, 8),), {"image": {2: "h", 3: "w"}})
    assert not {"aten.im2col.default", "aten.col2im.default"} & set(found)
    assert [size.name for size in sizes] == ["h", "w"]


def test_plain_control_flow_is_rewritten():
    def forward(x):
        if x.sum() > 0:
            return x * 2
        return x - 1

    found, sizes = targets(forward, (torch.randn(1, 4),), {"x": {0: "b", 1: "n"}})
    assert "cond" in found and [size.min for size in sizes] == [1, 1]


def test_sizes_of_run_time_stay_beside_free_ones():
    program = capture(lambda x: x[x > 0], (torch.randn(2, 4),), dynamic_shapes=({0: "b"},))
    assert [size.name for size in sizes_of(program)] == ["b"]
    assert any(str(symbol).startswith("u") for symbol in program.range_constraints)


# Ranges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forward, bounds",
    [
        (lambda x: x[:, ::2], (1, None)),
        (lambda x: x.unfold(1, 4, 1), (4, None)),
        (lambda x: x.reshape(2, -1, 4), (4, None)),
        (lambda x: x + 1 if x.shape[1] > 5 else x, (6, None)),
        (lambda x: x * 2 if x.shape[1] == 1 else x, (2, None)),
        (lambda x: F.pad(x, (0, -x.shape[1] % 4)), (1, None)),
        (lambda x: x + torch.arange(x.shape[1]), (1, None)),
    ],
)
def test_ranges_are_those_of_the_program(forward, bounds):
    ranges, _ = free(forward, (ones(2, 8),), {"x": {1: "n"}})
    assert ranges["n"] == (*bounds, 8)


def test_least_size_is_found_by_trying():
    ranges, _ = free(nn.Conv1d(3, 4, 5, stride=2), (torch.randn(2, 3, 32),), ({0: "b", 2: "n"},))
    assert ranges == {"b": (1, None, 2), "n": (5, None, 32)}


# What cannot be free -----------------------------------------------------------------------------


class Fixed(nn.Module):
    def forward(self, x):
        return self.add(x)

    def add(self, x):
        return x + torch.ones(4, 3)


def test_a_size_that_the_model_fixes_is_told_with_its_line():
    text = refusal(Fixed(), (ones(4, 3),), {"x": {0: "n"}}, kind=ferryman.CaptureError)
    assert text.startswith("axis 0 ('n') of input 'x' cannot be free")
    assert "Fixed.add (" in text and f"{Path(__file__).name}:" in text
    assert "is always 4 in the captured program: Eq(" in text


def test_a_size_that_only_guards_fix_is_told():
    text = refusal(
        lambda x: x[:, : int(x.shape[1] * 0.5)], (ones(2, 16),), {"x": {1: Dim.AUTO}},
        kind=ferryman.CaptureError,
    )  # fmt: skip
    assert "math.trunc" in text and "== 8" in text


def test_names_that_the_model_ties_are_told():
    text = refusal(
        lambda x, y: x + y, (ones(4, 3), ones(4, 3)), {"x": {0: "a"}, "y": {0: "b"}},
        kind=ferryman.CaptureError,
    )  # fmt: skip
    assert "the model asks for axis 0 ('b') of input 'y' to be a" in text
    assert 'write "a" in the place of "b"' in text


def test_a_maximum_that_the_model_does_not_take_is_told():
    table = torch.randn(8, 3)
    shapes = {"x": {0: Dim("n", max=100)}}
    text = refusal(
        lambda x: x + table[: x.shape[0]], (ones(4, 3),), shapes, kind=ferryman.CaptureError
    )
    assert "is 1 to 100 in dynamic_shapes, and the model takes 1 to 8" in text


def test_an_example_that_the_program_is_not_right_for_is_told():
    text = refusal(
        lambda x: x.squeeze(0), (ones(1, 3),), {"x": {0: "n"}}, kind=ferryman.CaptureError
    )
    assert "is 1 in the example, and for sizes below 2 the model computes something else" in text


def test_all_sizes_that_are_fixed_are_told_at_once():
    text = refusal(
        lambda x: x + torch.ones(4, 3), (ones(4, 3),), {"x": {0: "a", 1: "b"}},
        kind=ferryman.CaptureError,
    )  # fmt: skip
    assert text.startswith("2 sizes cannot be free")


def test_what_the_model_was_captured_with_is_told():
    def forward(x):
        assert x.shape[0] == 1
        return x

    text = refusal(forward, (ones(1, 3),), {"x": {0: "n"}})
    assert "it was captured with n = 2: sizes of 1, and equal ones, are special" in text


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shapes, told",
    [
        ({"z": {0: "n"}}, "dynamic_shapes names 'z', which is no input of the call"),
        ({"x": {2: "n"}}, "dynamic_shapes names axis 2 of 'x', which has 2 axes [4, 3]"),
        ({"x": {0: "n", -2: "m"}}, "dynamic_shapes names axis 0 of 'x' twice"),
        ({"x": ["n"]}, "dynamic_shapes has 1 entries for 'x', which has 2 axes"),
        ({"x": "n"}, "dynamic_shapes says 'n' of the tensor 'x'"),
        ({"x": {0: "n +"}}, "write a name or an expression over names"),
        ({"x": {0: "max"}}, "write a name or an expression over names"),
        ({"x": {0: 5}}, "is 4, dynamic_shapes says 5"),
        ({"x": {0: 1.5}}, "dynamic_shapes says 1.5 of axis 0 of input 'x'"),
        ({"x": {0: Dim("n", min=5)}}, "is 4 in the example, outside of 5 or more"),
        ({"x": {0: "n"}, "y": {0: "n"}}, "is 5 in the example, but 'n' is 4 along axis 0 of 'x'"),
        ({"x": {0: "n"}, "y": {0: "2*n"}}, "not what 2*n makes"),
        ({"y": {0: "2*n"}}, "is 5 in the example, which no 'n' makes"),
        ({"x": {0: Dim("n", max=8)}, "y": {1: Dim("n", max=9)}}, "'n' is 1 to 8 in one place"),
        (3, "dynamic_shapes is 3"),
        ([None, None, None], "dynamic_shapes has 3 entries, the model is called with 2"),
    ],
)
def test_bad_dynamic_shapes_are_told(shapes, told):
    assert told in refusal(two, (ones(4, 3), ones(5, 3)), shapes)


def test_all_mistakes_are_told_at_once():
    text = refusal(two, (ones(4, 3), ones(5, 3)), {"x": {4: "n"}, "y": {0: "n n"}, "z": None})
    assert text.startswith("dynamic_shapes does not fit the inputs, in 3 places")


def test_an_empty_axis_is_no_example():
    assert "sizes begin at 1" in refusal(two, (ones(0, 3), ones(5, 3)), {"x": {0: "n"}})


def test_numbers_have_no_sizes():
    text = refusal(lambda x, k: x * k, (ones(4), 3), {"x": {0: "n"}, "k": {0: "m"}})
    assert text.startswith("'k' is 3: only tensors have sizes")


def test_programs_are_exported_already():
    program = torch.export.export(nn.ReLU(), (ones(2),))
    for call in (ferryman.convert, ferryman.export):
        with pytest.raises(ferryman.InputError, match="dynamic_shapes has no effect"):
            call(program, dynamic_shapes={"input": {0: "n"}})


# Archives ----------------------------------------------------------------------------------------


def test_archives_keep_names_and_ranges(tmp_path):
    path = tmp_path / "model.pt2"
    shapes = {"x": {0: "batch"}, "y": {0: Dim("k", max=9)}}
    program = ferryman.export(two, (ones(1, 3), ones(4, 3)), path, dynamic_shapes=shapes)
    loaded = archive.load(path)
    assert sizes_of(loaded) == sizes_of(program)
    assert [(s.name, s.min, s.max, s.hint) for s in sizes_of(loaded)] == [
        ("batch", 1, None, 1), ("k", 1, 9, 4),
    ]  # fmt: skip
    assert sorted(str(bounds) for bounds in loaded.range_constraints.values()) == [
        "VR[1, 9]", "VR[1, int_oo]",
    ]  # fmt: skip


def test_archives_of_torch_have_its_names(tmp_path):
    path = tmp_path / "model.pt2"
    module = as_module(lambda x: x + 1 if x.shape[0] > 5 else x)
    torch.export.save(
        torch.export.export(module, (ones(8, 3),), dynamic_shapes=({0: Dim.AUTO},)), path
    )
    (size,) = sizes_of(archive.load(path))
    assert (size.name, size.min, size.max, size.hint) == (size.symbol, 6, None, 8)
