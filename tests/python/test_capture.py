"""The two ways into the core: a live module, and the archive of the same program."""

import copy
import random
import re
from pathlib import Path

import pytest
import torch
import tricky_modules
from torch import nn

import native_support
from ferryman.capture import capture, walk
from ferryman.errors import CaptureError, InputError
from models import zoo

CASES = tricky_modules.cases()


def live_text(program):
    return native_support.print_live(*walk(program))


def archive_text(program, tmp_path):
    path = tmp_path / "model.pt2"
    torch.export.save(program, path)
    return native_support.print_pt2(str(path))


# Both ways give the same program -----------------------------------------------------------------


NOT_STRICT = {"swallowed_error"}  # dynamo sees the exception


@pytest.mark.parametrize(
    ("name", "strict"),
    [(name, False) for name in CASES] + [(name, True) for name in CASES if name not in NOT_STRICT],
)
def test_live_and_archive_give_the_same_program(name, strict, tmp_path):
    module, args, kwargs, dynamic_shapes = CASES[name]
    program = capture(module.eval(), args, kwargs, dynamic_shapes=dynamic_shapes, strict=strict)
    assert live_text(program) == archive_text(program, tmp_path)


@pytest.mark.parametrize(
    "name", ["resnet50", "mobilenet_v3_large", "googlenet", "lraspp_mobilenet_v3_large"]
)
def test_live_and_archive_give_the_same_program_for_real_models(name, tmp_path):
    program = capture(zoo.build(name), zoo.example_inputs(name))
    text = live_text(program)
    assert text == archive_text(program, tmp_path)
    assert text.count("aten.conv2d") > 20


@pytest.mark.parametrize("name", ["several_results", "called_twice", "recurrent", "dynamic"])
def test_live_and_archive_give_the_same_program_after_decomposition(name, tmp_path):
    module, args, kwargs, dynamic_shapes = CASES[name]
    program = capture(module.eval(), args, kwargs, dynamic_shapes=dynamic_shapes)
    program = program.run_decompositions()
    assert live_text(program) == archive_text(program, tmp_path)


# What the program says ---------------------------------------------------------------------------


def captured(name):
    module, args, kwargs, dynamic_shapes = CASES[name]
    return live_text(capture(module.eval(), args, kwargs, dynamic_shapes=dynamic_shapes))


def lines(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_a_module_called_again_keeps_the_number_of_its_call():
    paths = re.findall(r"loc\(\w+; ([^;]*);", captured("called_twice"))
    assert paths == ["shared.linear", "shared", "shared.linear@1", "shared@1"]


def test_locations_are_lines_of_the_users_file():
    source = tricky_modules.__file__
    relu_line = next(
        number
        for number, line in enumerate(Path(source).read_text().splitlines(), 1)
        if "torch.relu(self.linear(x))" in line
    )
    places = re.findall(r"; ([^;]*)\)$", captured("called_twice"), re.MULTILINE)
    assert places == [f"{source}:{relu_line}"] * 4


def test_inputs_are_named_after_the_parameters_of_forward():
    names = [line.split('"')[1] for line in lines(captured("nested_arguments"), "input user")]
    assert names == ["x", "ys_0", "ys_1_k", "flag", "rest_0", "scale", "extra"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nested_arguments", ["out", "pair_0", "pair_1", "nothing"]),
        ("dataclass", ["logits", "loss"]),
        ("named_tuple", ["x", "y_inner", "y_list_0", "y_list_1"]),
        ("called_twice", [""]),
        ("several_results", [""] * 6),
    ],
)
def test_outputs_are_named_after_the_keys_of_the_result(name, expected):
    assert [line.split('"')[1] for line in lines(captured(name), "output user")] == expected


def test_constants_among_the_inputs_and_outputs_are_kept():
    text = captured("nested_arguments")
    assert 'input user "flag" = 5' in text.splitlines()
    assert 'output user "pair_1" = 5' in text.splitlines()
    assert 'output user "nothing" = none' in text.splitlines()


def test_tied_and_overlapping_weights_share_their_storage():
    found = dict(
        re.findall(
            r'^input \w+ "([\w.]+)" = .* in (storage \d+ at \d+ strides \[[^]]*\])',
            captured("shared_storage"),
            re.MULTILINE,
        )
    )
    assert found["first.weight"] == found["second.weight"] == "storage 0 at 0 strides [4, 1]"
    assert found["whole"].replace("at 0 strides [1]", "at 4 strides [3]") == found["part"]
    assert found["turned"].endswith("at 0 strides [1, 4]")
    assert found["conv.weight"].endswith("at 0 strides [27, 1, 9, 3]")


def test_nodes_that_raised_while_tracing_are_dropped():
    assert "matmul" not in captured("swallowed_error")


def test_result_types_without_a_name_for_archives_are_taken_live():
    program = capture(TopK().eval(), (torch.randn(4),))
    names = [line.split('"')[1] for line in lines(live_text(program), "output user")]
    assert names == ["values", "indices"]


class TopK(nn.Module):
    def forward(self, x):
        return torch.topk(x, 2)


# The traps of torch.export -----------------------------------------------------------------------


def test_one_tensor_given_twice_stays_two_inputs():
    class Weighted(nn.Module):
        def forward(self, a, b):
            return a * 2 + b

    t = torch.ones(2)
    program = capture(Weighted().eval(), (t, t))
    assert torch.equal(
        program.module()(torch.ones(2), torch.full((2,), 10.0)), torch.full((2,), 12.0)
    )
    assert "aten.mul.Tensor(self=%a, other=2)" in live_text(program)


def test_a_parameter_given_as_input_stays_an_input():
    module = nn.Linear(3, 3).eval()
    program = capture(module, (module.weight,))
    assert "aten.linear.default(input=%input, weight=%p_weight" in live_text(program)


def test_functions_and_methods_are_captured():
    def scale(x, factor=2.0):
        return x * factor

    text = live_text(capture(scale, (torch.ones(2),)))
    assert "aten.mul.Tensor(self=%x, other=2.0)" in text
    block = tricky_modules.Block().eval()
    assert "parameter" in live_text(capture(block.forward, (torch.ones(2, 4),)))


@pytest.mark.parametrize("strict", [False, True])
def test_data_dependent_branches_are_a_capture_error_with_torchs_reason(strict):
    class Branch(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(CaptureError) as caught:
        capture(Branch().eval(), (torch.ones(2),), strict=strict)
    text = str(caught.value)
    mode = "strict" if strict else "non-strict"
    assert text.startswith("torch.export cannot capture Branch\n")
    assert f"  why:  {mode} export: " in text
    if not strict:
        assert "torch.cond" in text


def test_strict_mode_is_tried_when_the_other_fails():
    class ThroughNumpy(nn.Module):
        def forward(self, x):
            return torch.from_numpy(x.numpy() * 2)

    with pytest.raises(CaptureError):
        capture(ThroughNumpy().eval(), (torch.ones(2),), strict=False)
    program = capture(ThroughNumpy().eval(), (torch.ones(2),))
    assert torch.equal(program.module()(torch.full((2,), 3.0)), torch.full((2,), 6.0))


# Nothing changes ---------------------------------------------------------------------------------


class Messy(nn.Module):
    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(4)
        self.calls = 0
        self.history = []

    def forward(self, x):
        self.calls += 1
        self.history.append(self.calls)
        return self.norm(self.dropout(x + torch.rand(4)))


@pytest.mark.parametrize("training", [False, True])
def test_module_flags_and_random_state_are_unchanged(training):
    module = Messy().train(training)
    state = copy.deepcopy(module.state_dict())
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    x = torch.randn(3, 4)
    given = x.clone()
    torch_state = torch.get_rng_state()
    capture(module, (x,), training=training)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state
    assert (module.calls, module.history) == (0, [])
    assert [m.training for m in module.modules()] == [training] * 3
    assert torch.equal(x, given)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_module_is_unchanged_when_capture_fails():
    class Failing(Messy):
        def forward(self, x):
            super().forward(x)
            return torch.from_numpy((x if x.sum() > 0 else -x).numpy())

    module = Failing().eval()
    with pytest.raises(CaptureError):
        capture(module, (torch.randn(3, 4),))
    assert (module.calls, module.history) == (0, [])


# Arguments that do not fit -----------------------------------------------------------------------


def failing_inputs():
    linear = nn.Linear(3, 2).eval()
    x = torch.ones(1, 3)
    return {
        "tensor_instead_of_tuple": (linear, x, {}, "write (x,) for one input"),
        "too_many": (linear, (x, x), {}, "do not fit forward(input: "),
        "unknown_keyword": (linear, (x,), {"y": x}, "unexpected keyword argument 'y'"),
        "numpy": (linear, (x.numpy(),), {}, "example input args[0] is a numpy object"),
        "meta": (linear, (x.to("meta"),), {}, "example input args[0] has no data"),
        "wrong_shape": (linear, (torch.ones(1, 4),), {}, "Linear does not run on these"),
        "class": (nn.Linear, (x,), {}, "cannot convert the class Linear itself"),
        "no_module": ("model", (x,), {}, "cannot convert an object of type str"),
        "training": (nn.Dropout(), (x,), {}, "the module is in training mode"),
        "part_training": (half_trained(), (x,), {}, "its module '1' is in training mode"),
        "torchscript": (torch.jit.trace(linear, x), (x,), {}, "TorchScript module"),
    }


def half_trained():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout()).eval()
    module[1].train()
    return module


@pytest.mark.parametrize("case", failing_inputs())
def test_inputs_that_do_not_fit_are_refused(case):
    module, args, kwargs, message = failing_inputs()[case]
    with pytest.raises(InputError) as caught:
        capture(module, args, kwargs)
    assert message in str(caught.value)


def test_weights_without_data_are_refused():
    with torch.device("meta"):
        module = nn.Linear(3, 2).eval()
    with pytest.raises(InputError, match="'weight' has no data: it lies on the meta device"):
        capture(module, (torch.ones(1, 3),))
    exported = torch.export.export(module, (torch.ones(1, 3, device="meta"),))
    with pytest.raises(InputError, match="'weight' has no data: it lies on the meta device"):
        walk(exported)


def test_training_mode_is_taken_when_asked_for():
    module = nn.Sequential(nn.BatchNorm1d(3)).train()
    text = live_text(capture(module, (torch.randn(4, 3),), training=True))
    assert "training=true" in text


def test_regions_without_gradients_are_part_of_the_graph():
    text = captured("no_grad")
    assert "higher_order" not in text
    assert re.findall(r"aten\.\w+", text) == ["aten.mul", "aten.add"]
