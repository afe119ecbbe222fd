"""Converters with bodies in PyTorch: what they stand for, which comes first, what they get."""

import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from converter_calls import (
    Calls,
    X,
    calls,
    convert,
    hard_sigmoid,
    hard_sigmoid_body,
    unregistered,
    used,
)
from torch import nn

import ferryman

# What they stand for -----------------------------------------------------------------------------


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        return x * factor

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2, None


class DoubleAgain(Double):
    pass


@ferryman.traceable
def attend(q, k, scale=2):
    return (q @ k) * scale


def plain_function(x, *, k=2):
    return x * k


class Methods(nn.Module):
    def forward(self, x):
        return self.part(x) + 1

    @ferryman.traceable
    def part(self, x):
        return x.abs()


@torch.library.custom_op("ferryman_test::gate", mutates_args=())
def gate(x: torch.Tensor, y: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
    return x * torch.sigmoid(y) * scale


@gate.register_fake
def _(x, y, scale=2.0):
    return torch.empty_like(x)


@torch.library.custom_op("ferryman_test::no_fake", mutates_args=())
def no_fake(x: torch.Tensor) -> torch.Tensor:
    return x * 3


def gate_body(x, y, scale=2.0):
    return torch.sigmoid(y) * x * scale


SUBJECTS = {
    "function": (F.hardsigmoid, F.hardsigmoid, hard_sigmoid_body),
    "in a module": (F.hardsigmoid, nn.Hardsigmoid(), hard_sigmoid_body),
    "builtin": (torch.add, lambda x: torch.add(x, x, alpha=2),
                lambda x, y, *, alpha=1: x - -alpha * y),
    "method": (torch.Tensor.repeat, lambda x: x.repeat(2, 1, 1, 1), lambda x, *n: torch.tile(x, n)),
    "operator": (torch.Tensor.__add__, lambda x: x + 1, lambda x, y: x - (-y)),
    "reflected": (torch.Tensor.__rsub__, lambda x: 1 - x, lambda x, y: -x + y),
    "in place": (torch.Tensor.__iadd__, lambda x: x.neg().__iadd__(2), lambda x, y: x - (-y)),
    "property": (torch.Tensor.mT, lambda x: x.mT, lambda x: x.transpose(-1, -2)),
    "alias": (F.sigmoid, F.sigmoid, lambda x: 1 / (1 + torch.exp(-x))),
    "dispatched": (F.max_pool2d, lambda x: F.max_pool2d(x, 2),
                   lambda x, *size, **_: x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))),
    "class": (nn.Hardsigmoid, nn.Hardsigmoid(), lambda module, x: hard_sigmoid_body(x)),
    "autograd": (Double, lambda x: Double.apply(x, 3), lambda x, factor: x / (1 / factor)),
    "apply": (Double.apply, lambda x: Double.apply(x, 3), lambda x, factor: x / (1 / factor)),
    "traceable": (attend, lambda x: attend(x, x),
                  lambda q, k, scale: torch.matmul(q * scale, k)),
    "traceable method": (Methods.part, Methods(), lambda self, x: torch.maximum(x, -x)),
    "plain function": (plain_function, lambda x: plain_function(x, k=3),
                       lambda x, *, k: x / (1 / k)),
    "op by name": ("aten::hardsigmoid", F.hardsigmoid, lambda x: hard_sigmoid_body(x)),
    "overload by name": ("aten::add.Tensor", lambda x: x + x, lambda x, y, *, alpha=1: x - (-y)),
    "packet": (torch.ops.aten.relu, nn.ReLU(), lambda x: x.clamp(min=0)),
    "overload": (torch.ops.aten.relu.default, torch.relu, lambda x: x.clamp(min=0)),
    "custom op by name": ("ferryman_test::gate", lambda x: gate(x, x + 1), gate_body),
    "custom op": (gate, lambda x: torch.ops.ferryman_test.gate(x, x, 3.0), gate_body),
    "custom op without a fake": (no_fake, lambda x: no_fake(x), lambda x: x / (1 / 3)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_subject(kind):
    subject, model, body = SUBJECTS[kind]
    model = model if isinstance(model, nn.Module) else calls(model)
    converter = unregistered(subject)(body)
    converted = convert(model, converters=[converter])
    assert used(converted) == [converter.name]
    assert not any("was not used" in remark["what"] for remark in converted.report.remarks)


def test_several_subjects_of_one_converter():
    body = unregistered(F.relu, torch.relu, nn.ReLU6)(lambda *x, **_: x[-1].clamp(0, 6))
    model = Calls(lambda self, x: F.relu(x) * torch.relu(x) * self.part(x), part=nn.ReLU6())
    small = X.clamp(max=6)
    converted = convert(model.eval(), small, converters=[body], verify=False)
    names = {node.name for node in converted.report.nodes.values() if node.converter}
    assert len(names) == 3


@pytest.mark.parametrize("subject", [F._in_projection_packed, "relu", "aten::rellu", int, 3])
def test_what_no_converter_can_stand_for(subject):
    with pytest.raises(ferryman.InputError, match="relu|int|3|_in_projection_packed"):
        unregistered(subject)(hard_sigmoid_body)


def test_the_error_of_an_unknown_operator_suggests_one():
    with pytest.raises(ferryman.InputError) as caught:
        unregistered("aten::rellu")(hard_sigmoid_body)
    assert "aten::relu" in caught.value.hint


# Which comes first -------------------------------------------------------------------------------


class Base(nn.Module):
    def forward(self, x):
        return x + 1


class Derived(Base):
    pass


class Further(Derived):
    pass


def add_one(name):
    def body(module, x):
        return x - (-1)

    body.__name__ = name
    return body


def test_the_most_specific_class():
    of_base = unregistered(Base, subclasses=True)(add_one("of_base"))
    of_derived = unregistered(Derived, subclasses=True)(add_one("of_derived"))
    model = nn.Sequential(Base(), nn.ReLU(), Derived(), nn.ReLU(), Further())
    converted = convert(model, converters=[of_base, of_derived])
    marks = [node.converter.partition(" ")[0] for node in converted.report.nodes.values()]
    assert marks == ["of_base", "", "of_derived", "", "of_derived"]


def test_a_class_alone():
    of_base = unregistered(Base)(add_one("of_base"))
    converted = convert(nn.Sequential(Derived(), nn.ReLU()), converters=[of_base])
    assert used(converted) == []
    (remark,) = [r for r in converted.report.remarks if "was not used" in r["what"]]
    assert "of_base" in remark["what"] and "Base" in remark["why"]


def test_the_call_before_the_scope_before_the_registered():
    bodies = {}
    for name in ("registered", "latest", "outer", "inner", "first", "second"):
        bodies[name] = unregistered(Base)(add_one(name))
    ferryman.converter(Base)(bodies["registered"].function)
    latest = ferryman.converter(Base)(bodies["latest"].function)
    try:
        assert used(convert(Base())) == ["latest"]
        ferryman.unregister(latest)
        assert used(convert(Base())) == ["registered"]
        with ferryman.converters(bodies["outer"]):
            with ferryman.converters(bodies["inner"]):
                assert used(convert(Base())) == ["inner"]
                of_call = [bodies["first"], bodies["second"]]
                assert used(convert(Base(), converters=of_call)) == ["first"]
            assert used(convert(Base())) == ["outer"]
        assert used(convert(Base())) == ["registered"]
    finally:
        for converter in list(ferryman.conversions.registry._REGISTERED):
            ferryman.unregister(converter)
    assert used(convert(Base())) == []


def test_a_module_before_a_function_before_an_operator():
    of_module = unregistered(nn.Hardsigmoid)(lambda m, x: hard_sigmoid_body(x))
    of_operator = unregistered("aten::hardsigmoid")(lambda x: hard_sigmoid_body(x))
    of_module.function.__name__, of_operator.function.__name__ = "of_module", "of_operator"
    everything = [of_operator, hard_sigmoid, of_module]
    assert used(convert(nn.Hardsigmoid(), converters=everything)) == ["of_module"]
    assert used(convert(nn.Hardsigmoid(), converters=everything[:2])) == ["hard_sigmoid_body"]
    assert used(convert(nn.Hardsigmoid(), converters=everything[:1])) == ["of_operator"]


def test_a_converter_of_another_target_is_no_converter():
    other = unregistered(F.hardsigmoid, target="keras")(hard_sigmoid_body)
    converted = convert(calls(F.hardsigmoid), converters=[other])
    assert used(converted) == [] and not converted.report.remarks


def test_a_body_may_call_what_it_stands_for():
    around = unregistered(F.hardsigmoid)(lambda x, inplace=False: F.hardsigmoid(x, inplace) + 0)
    assert used(convert(calls(F.hardsigmoid), converters=[around])) == ["<lambda>"]
    module = unregistered(nn.Hardsigmoid)(lambda m, x: m(x) * 1)
    assert used(convert(nn.Hardsigmoid(), converters=[module])) == ["<lambda>"]
    operator = unregistered("aten::hardsigmoid")(lambda x: F.hardsigmoid(x) * 1)
    assert used(convert(nn.Hardsigmoid(), converters=[operator])) == ["<lambda>"]


def test_a_body_may_call_what_others_stand_for():
    of_module = unregistered(nn.Hardsigmoid)(lambda m, x: F.hardsigmoid(x))
    converted = convert(nn.Hardsigmoid(), converters=[of_module, hard_sigmoid])
    assert used(converted) == ["hard_sigmoid_body"]


CIRCLES = [(F.hardsigmoid, torch.clamp), ("aten::hardsigmoid", "aten::clamp")]


@pytest.mark.parametrize("names", CIRCLES)
def test_a_circle_names_both(names):
    one = unregistered(names[0])(lambda x, *_, **__: torch.clamp(x / 6 + 0.5, 0, 1))
    other = unregistered(names[1])(lambda x, low, high: F.hardsigmoid(x * 6 - 3))
    with pytest.raises(ferryman.CaptureError, match="circle.*<lambda>.*<lambda>"):
        convert(calls(F.hardsigmoid), converters=[one, other])


def test_threads_do_not_meet():
    def body_of(name):
        return unregistered(Base)(add_one(name))

    found = {}

    def work(name):
        with ferryman.converters(body_of(name)):
            found[name] = used(convert(Base(), verify=False))

    threads = [threading.Thread(target=work, args=(f"of_thread_{n}",)) for n in range(3)]
    with ferryman.converters(body_of("of_main")):
        for thread in threads:
            thread.start()
        found["of_main"] = used(convert(Base(), verify=False))
        for thread in threads:
            thread.join()
    assert found == {name: [name] for name in found} and len(found) == 4
    assert torch.backends.mha.get_fastpath_enabled()  # which is one for all of them


# What they get -----------------------------------------------------------------------------------


def test_arguments_come_as_the_call_wrote_them():
    got = []

    @unregistered(F.leaky_relu)
    def leaky(input, negative_slope, inplace):
        got.append((negative_slope, inplace))
        return torch.where(input > 0, input, input * negative_slope)

    convert(calls(lambda x: F.leaky_relu(x, 0.2)), converters=[leaky])
    assert set(got) == {(0.2, False)}  # what the call leaves out is the original's default


def test_a_function_of_other_parameters():
    with pytest.raises(ferryman.CaptureError, match="does not take this call") as caught:
        convert(
            calls(F.hardsigmoid), converters=[unregistered(F.hardsigmoid)(lambda x, y, z: x)]
        )
    assert "(x, y, z)" in str(caught.value) and "converter_calls.py" in caught.value.where


def test_an_ignored_argument_is_a_remark():
    body = unregistered(F.linear)(lambda x, weight, bias=None: x @ weight.t())
    model = calls(lambda x: F.linear(x, torch.eye(4), torch.zeros(4)))
    remarks = convert(model, converters=[body]).report.remarks
    (remark,) = [remark for remark in remarks if "'bias'" in remark["what"]]
    assert remark["places"][0]["line"] > 0
    option = unregistered(F.leaky_relu)(lambda x, negative_slope=0.01, *_, **__: x.clamp(min=0))
    model = calls(lambda x: F.leaky_relu(x.abs(), 0.5))
    found = convert(model, converters=[option]).report.remarks
    assert any("'negative_slope'" in remark["what"] for remark in found)


# Captured like any other code --------------------------------------------------------------------


def files(model):
    return model.path.read_bytes()


@pytest.mark.parametrize("layout", [None, "channels_last"])
def test_a_body_in_pytorch_gives_the_file_of_the_same_code_in_the_model(layout):
    class Act(nn.Module):
        def forward(self, x):
            return x * 2

    class Written(nn.Module):
        def __init__(self, spelled):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)
            self.act = Act()
            self.spelled = spelled

        def forward(self, x):
            x = self.one(x)
            x = x.clamp(-1, 1) * 2 + 1 if self.spelled else Special.apply(x)
            return self.two(x)

    class Special(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(-1, 1) * 2 + 1

    torch.manual_seed(0)
    spelled = Written(True).eval()
    called = Written(False).eval()
    called.load_state_dict(spelled.state_dict())
    body = unregistered(Special)(lambda x: x.clamp(-1, 1) * 2 + 1)
    plain = convert(spelled, input_layout=layout)
    opened = convert(called, converters=[body], input_layout=layout)
    operators = [model.report.to_json().count('"TRANSPOSE"') for model in (plain, opened)]
    assert len(files(plain)) == len(files(opened)) and operators[0] == operators[1]


def test_free_sizes():
    converted = convert(
        nn.Hardsigmoid(), converters=[hard_sigmoid], dynamic_shapes={"input": {0: "n", 2: "h"}}
    )
    assert used(converted) == ["hard_sigmoid_body"]


class Branches(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return F.hardsigmoid(x)
        return x * 2


def test_plain_branches():
    converted = convert(Branches(), converters=[hard_sigmoid])
    assert any("rewritten" in remark["what"] for remark in converted.report.remarks)
    assert torch.allclose(converted(X.abs()), F.hardsigmoid(X.abs()), atol=1e-5)


def test_functions_inside_of_cond_are_told_to_be_out_of_reach():
    model = calls(
        lambda x: torch.cond(x.sum() > 0, lambda x: F.hardsigmoid(x), lambda x: x * 2, (x,))
    )
    with pytest.raises(ferryman.CaptureError, match="hardsigmoid") as caught:
        convert(model, converters=[hard_sigmoid])
    assert '"aten::hardsigmoid"' in caught.value.hint
    convert(model, converters=[unregistered("aten::hardsigmoid")(lambda x: hard_sigmoid_body(x))])


def test_programs_and_archives(tmp_path):
    program = torch.export.export(nn.Hardsigmoid(), (X,))
    body = unregistered("aten::hardsigmoid")(lambda x: hard_sigmoid_body(x))
    assert used(ferryman.convert(program, converters=[body], progress=False)) == ["<lambda>"]
    torch.export.save(program, tmp_path / "net.pt2")
    converted = ferryman.convert(tmp_path / "net.pt2", converters=[body], progress=False)
    assert used(converted) == ["<lambda>"]


def test_archives_that_are_exported_with_converters(tmp_path):
    model = calls(lambda x: gate(x, x + 1))
    body = unregistered(gate)(gate_body)
    other = unregistered(gate, target="tflite")(lambda x, y, scale=2.0: x)  # of one target alone
    ferryman.export(model, (X,), tmp_path / "net.pt2", converters=[other, body])
    converted = ferryman.convert(tmp_path / "net.pt2", progress=False)
    torch.testing.assert_close(converted(X), model(X), rtol=1e-5, atol=1e-5)


# Around it ---------------------------------------------------------------------------------------


def snapshot(module):
    return {name: id(value) for name, value in vars(module).items()}


def test_nothing_stays_and_torch_is_never_another():
    spaces = (torch, F, torch.Tensor, nn.Hardsigmoid)
    before = [snapshot(space) for space in spaces]
    during = []
    code = F.hardsigmoid.__code__

    def body(x, inplace=False):
        during.append([snapshot(space) for space in spaces] == before)
        during.append(F.hardsigmoid.__code__ is code)
        return hard_sigmoid_body(x)

    model = nn.Sequential(nn.Hardsigmoid())
    kept = [dict(vars(module)) for module in model.modules()]
    of_class = unregistered(nn.Hardsigmoid)(lambda m, x: F.hardsigmoid(x))
    convert(model, converters=[unregistered(F.hardsigmoid)(body), of_class])
    assert during and all(during)
    assert [snapshot(space) for space in spaces] == before
    assert [dict(vars(module)) for module in model.modules()] == kept
    assert "apply" not in vars(Double)


def test_registering_costs_inference_nothing():
    converter = ferryman.converter(F.hardsigmoid)(hard_sigmoid_body)
    try:
        assert F.hardsigmoid(X).grad_fn is None
        assert torch._C._len_torch_function_stack() == 0
    finally:
        ferryman.unregister(converter)


def test_the_error_of_an_unsupported_operator_has_a_converter_that_runs():
    model = calls(lambda x: gate(x, x + 1))
    with pytest.raises(ferryman.UnsupportedOps) as caught:
        convert(model)
    text = str(caught.value)
    code = text[text.index("@ferryman.converter(") :]
    compile(code, "skeleton", "exec")
    filled = code[: code.index("raise")] + "return x * torch.sigmoid(y) * scale\n"
    names = {"ferryman": ferryman, "torch": torch}
    exec(filled, names)  # noqa: S102  # of ours
    try:
        assert used(convert(model)) == ["gate"]
    finally:
        ferryman.unregister(names["gate"])


def test_converters_take_nothing_else():
    with pytest.raises(ferryman.InputError, match="@ferryman.converter"):
        convert(nn.ReLU(), converters=[lambda x: x])
    with pytest.raises(ferryman.InputError, match="target"):
        ferryman.converter(F.relu, target="onnx")


# Where conversions live --------------------------------------------------------------------------


BUILT_IN = {
    torch.Tensor.repeat: "import_repeat",
    F.hardsigmoid: "kHardsigmoid",
    torch.Tensor.__add__: "import_add",
    torch.ops.aten.relu_: "kRelu",
    "aten::add.Tensor": "import_add",
    nn.Conv2d: "import_conv",
    nn.LSTM: "recurrent",
}


@pytest.mark.parametrize("subject", BUILT_IN, ids=lambda subject: BUILT_IN[subject])
def test_locate_shows_those_of_the_core(subject):
    located = ferryman.locate(subject)
    assert BUILT_IN[subject] in located.file + located.source
    file = Path(__file__).resolve().parents[2] / located.file
    lines = file.read_text().splitlines()
    assert located.source.splitlines()[0] == lines[located.line - 1]
    assert f'File "{located.file}", line {located.line}' in str(located)


def test_locate_shows_those_of_the_user():
    own = ferryman.converter(F.hardsigmoid)(hard_sigmoid_body)
    try:
        located = ferryman.locate(F.hardsigmoid)
    finally:
        ferryman.unregister(own)
    assert located.file == hard_sigmoid_body.__code__.co_filename
    assert "clamp(x / 6 + 0.5" in located.source
    assert located == ferryman.locate(own)
    assert ferryman.locate(gate) is None
    with pytest.raises(ferryman.InputError):
        ferryman.locate(3)
