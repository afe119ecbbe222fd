"""ferryman.tflite: TFLite's operators by their names, through conversion and its check."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import ferryman
from ferryman import tflite
from ferryman.tflite.registered import OVERLOADS, ROWS


class Calls(nn.Module):
    """A function as a model, with the modules that it calls."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *x):
        return self.function(self, *x)


def converted(function, *x, modules=None, **options):
    model = Calls(function, **(modules or {})).eval()
    return ferryman.convert(model, x, progress=False, **options)


def image(channels=8, size=6):
    return torch.randn(1, channels, size, size)


def transposes(model):
    return len(model.report.native.layout.transposes)


# What operators compute ---------------------------------------------------------------------------

_CASES = {
    "SOFTMAX": (
        lambda m, x: tflite.op("SOFTMAX", x, axes="along(1)"),
        lambda x: x.softmax(1),
        [image()],
    ),
    "LOGISTIC": (
        lambda m, x, y: tflite.op("MUL", x, tflite.op("LOGISTIC", y)),
        lambda x, y: x * y.sigmoid(),
        [image(), image()],
    ),
    "CONCATENATION": (
        lambda m, x, y: tflite.op("CONCATENATION", x, y, axes="along(1)"),
        lambda x, y: torch.cat([x, y], 1),
        [image(3), image(5)],
    ),
    "SPLIT": (
        lambda m, x: tflite.op("SPLIT", 1, x, num_splits=2),
        lambda x: x.chunk(2, 1),
        [image()],
    ),
    "PACK": (
        lambda m, x, y: tflite.op("PACK", x, y, axis=1),
        lambda x, y: torch.stack([x, y], 1),
        [torch.randn(2, 3), torch.randn(2, 3)],
    ),
    "UNPACK": (
        lambda m, x: tflite.op("UNPACK", x, axis=1)[2],
        lambda x: x[:, 2],
        [torch.randn(2, 3)],
    ),
    "GATHER": (
        lambda m, x: tflite.op("GATHER", x, [2, 0], axis=1),
        lambda x: x[:, [2, 0]],
        [torch.randn(2, 3)],
    ),
    "RESIZE_BILINEAR": (
        lambda m, x: tflite.op(
            "RESIZE_BILINEAR", x, [12, 9], half_pixel_centers=True, axes="channels_last"
        ),
        lambda x: nn.functional.interpolate(x, (12, 9), mode="bilinear"),
        [image()],
    ),
    "BATCH_MATMUL": (
        lambda m, x, y: tflite.op("BATCH_MATMUL", x, y, adj_y=True),
        lambda x, y: x @ y.mT,
        [torch.randn(2, 3, 4), torch.randn(2, 5, 4)],
    ),
    "TOPK_V2": (
        lambda m, x: tflite.op("TOPK_V2", x, 3),
        lambda x: (x.topk(3)[0], x.topk(3)[1].int()),
        [torch.randn(2, 7)],
    ),
    "L2_NORMALIZATION": (
        lambda m, x: tflite.op("L2_NORMALIZATION", x, axes="channels_last"),
        lambda x: nn.functional.normalize(x, dim=1),
        [image()],
    ),
    "SELECT_V2": (
        lambda m, c, x: tflite.op("SELECT_V2", c, x, 0.5),
        lambda c, x: torch.where(c, x, 0.5),
        [torch.rand(2, 3) > 0.5, torch.randn(2, 3)],
    ),
    "CAST": (
        lambda m, x: tflite.op("CAST", x, out_data_type=torch.int32),
        lambda x: x.int(),
        [5 * torch.randn(2, 3)],
    ),
    "MEAN": (
        lambda m, x: tflite.op("MEAN", x, [1, 2], axes="channels_last"),
        lambda x: x.mean((2, 3)),
        [image()],
    ),
    "PAD": (
        lambda m, x: tflite.op("PAD", x, [[0, 0], [1, 2]]),
        lambda x: nn.functional.pad(x, (1, 2)),
        [torch.randn(2, 3)],
    ),
    "FILL": (
        lambda m, x: tflite.op("FILL", [2, 3], 1.5) + x,
        lambda x: x + 1.5,
        [torch.randn(2, 3)],
    ),
    "ADD": (
        lambda m, x: tflite.op("ADD", x, 2, fused_activation_function="RELU6"),
        lambda x: (x + 2).clamp(0, 6),
        [4 * torch.randn(2, 3)],
    ),
}


@pytest.mark.parametrize("name", _CASES)
def test_the_file_has_the_operator_and_gives_what_pytorch_would(name):
    function, expected, x = _CASES[name]
    torch.testing.assert_close(function(None, *x), expected(*x), rtol=1e-4, atol=1e-5)
    model = converted(function, *x)
    assert name in model.report.native.ops
    torch.testing.assert_close(model(*x), expected(*x), rtol=1e-4, atol=1e-5)


def test_between_convolutions_nothing_is_transposed():
    def body(m, x):
        y = tflite.op(
            "CONV_2D", m.a(x), m.b.weight, m.b.bias, axes="channels_last", padding="VALID"
        )
        return m.c(tflite.op("MUL", y, tflite.op("LOGISTIC", y)))

    modules = {"a": nn.Conv2d(3, 8, 3), "b": nn.Conv2d(8, 6, 3), "c": nn.Conv2d(6, 4, 1)}
    layout = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = converted(body, image(3, 9), modules=modules, **layout)
    assert transposes(model) == 0
    assert model.report.native.ops == {"CONV_2D": 3, "MUL": 1, "LOGISTIC": 1}


def operands_of(row, y):
    """Of float32, where the operator takes that."""
    if row.name == "SELECT_V2":
        return [y > 1, y, -y]
    if row.name == "PRELU":
        return [y, torch.full((y.shape[-1],), 0.2)]
    return [y + place for place in range(row.min_inputs)]


def takes_floats(row):
    try:
        tflite.op(row.name, *operands_of(row, torch.rand(1, 4, 5, 6)))
        return True
    except ferryman.InputError:
        return False


POINTWISE = [row for row in ROWS.values() if row.is_pointwise]


def test_pointwise_operators_lie_as_what_is_around_them():
    modules = {"a": nn.Conv2d(3, 4, 1), "b": nn.Conv2d(4, 2, 1)}
    layout = {"input_layout": "channels_last", "output_layout": "channels_last"}
    tried = [row for row in POINTWISE if takes_floats(row)]
    assert len(tried) > 45
    for row in tried:

        def body(m, x, row=row):
            y = m.a(x).abs() + 0.5
            return m.b(tflite.op(row.name, *operands_of(row, y)).float())

        x = torch.rand(1, 3, 5, 6)
        model = converted(body, x, modules=modules, verify=ferryman.Verify(samples=1), **layout)
        assert transposes(model) == 0, row.name


def test_as_pytorch_the_operator_sees_channels_first():
    def body(m, x):
        return m.b(tflite.op("L2_NORMALIZATION", m.a(x)))

    modules = {"a": nn.Conv2d(3, 8, 3), "b": nn.Conv2d(8, 4, 1)}
    model = converted(body, image(3, 9), modules=modules)
    assert transposes(model) == 4


def test_free_sizes_go_through():
    def body(m, x, y):
        return tflite.op("CONCATENATION", tflite.op("MUL", x, y), x, axis=0)

    x, y = torch.randn(2, 3), torch.randn(2, 3)
    shapes = {"x": {0: "batch"}, "y": {0: "batch"}}

    class Free(nn.Module):
        def forward(self, x, y):
            return body(self, x, y)

    model = ferryman.convert(Free(), (x, y), dynamic_shapes=shapes, progress=False)
    x, y = torch.randn(5, 3), torch.randn(5, 3)
    torch.testing.assert_close(model(x, y), torch.cat([x * y, x]))


def test_what_a_rule_makes_of_a_free_size_must_follow():
    class Free(nn.Module):
        def forward(self, x):
            return tflite.op("SPACE_TO_DEPTH", x, block_size=2)

    with pytest.raises(ferryman.Error, match="free size"):
        ferryman.convert(
            Free(), (torch.randn(1, 4, 4, 3),), dynamic_shapes={"x": {1: "h"}}, progress=False
        )


def test_branches_may_name_operators():
    class Branches(nn.Module):
        def forward(self, c, x):
            return torch.cond(c, lambda x: tflite.op("ELU", x), lambda x: tflite.op("ABS", x), (x,))

    x = torch.randn(200, 300)
    model = ferryman.convert(Branches(), (torch.tensor(True), x), progress=False)
    torch.testing.assert_close(model(torch.tensor(False), x), x.abs())


def test_an_archive_keeps_them(tmp_path):
    program = torch.export.export(Calls(_CASES["MEAN"][0]), (image(),))
    path = tmp_path / "model.pt2"
    torch.export.save(program, path)
    script = "import sys, ferryman; print(ferryman.convert(sys.argv[1]).report.native.ops)"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert "'MEAN': 1" in done.stdout, done.stderr


def test_decompositions_of_torch_leave_them_alone():
    program = torch.export.export(Calls(_CASES["SPLIT"][0]), (image(),)).run_decompositions()
    assert "SPLIT" in ferryman.convert(program, progress=False).report.native.ops




# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda m, x: tflite.op("MULL", x, x), "did you mean MUL"),
        (lambda m, x: tflite.op("MUL", x, x, fused="RELU"), "known are fused_activation_function"),
        (lambda m, x: tflite.op("MUL", x, x, fused_activation_function="relu"), '"RELU_N1_TO_1"'),
        (lambda m, x: tflite.op("SOFTMAX", x, beta="1"), "a value of type float"),
        (lambda m, x: tflite.op("MUL", x), "MUL takes 2 operands, and is given 1"),
        (lambda m, x: tflite.op("MUL", x, None), "MUL lacks operand 1"),
        (lambda m, x: tflite.op("CONV_2D", x), "CONV_2D takes 2 to 3 operands, and is given 1"),
        (lambda m, x: tflite.op("MUL", x, x.int()), "MUL needs inputs of one type"),
        (lambda m, x: tflite.op("FAKE_QUANT", x.int()), "FAKE_QUANT was never tried"),
        (lambda m, x: tflite.op("LOGICAL_OR", x, x), "LOGICAL_OR is refused by the runtime"),
        (lambda m, x: tflite.op("MUL", x, x[:, :2]), "MUL has operands that do not broadcast"),
        (lambda m, x: tflite.op("SOFTMAX", x, axes="elementwise"), "every element by itself"),
        (lambda m, x: tflite.op("SOFTMAX", x, axes="last"), '"channels_last"'),
        (lambda m, x: tflite.op("SOFTMAX", x, axes="along(4)"), "the first operand has 2 axes"),
        (lambda m, x: tflite.op("WHERE", x > 0), "does not tell the shape of result 0"),
        (lambda m, x: tflite.op("MUL", x, object()), "operand 1 is <object"),
        (lambda m, x: tflite.custom("", x), "a custom operator named ''"),
        (lambda m, x: tflite.custom("A", x, options={"a": x}), "no FlexBuffer form"),
        (lambda m, x: tflite.custom("A", like=3), "like is 3"),
        (lambda m, x: tflite.custom("A"), "no operand that tells its result"),
        (lambda m, x: tflite.graph("no/such.tflite", x), "there is no file"),
    ],
)
def test_a_wrong_call_is_told_where_it_stands(call, said):
    with pytest.raises(ferryman.InputError) as raised:
        converted(call, torch.randn(2, 3))
    assert said in str(raised.value)
    assert "test_tflite_ops.py" in raised.value.where


def test_another_target_refuses_it_at_its_place():
    with pytest.raises(ferryman.UnsupportedOps) as raised:
        converted(_CASES["MEAN"][0], image(), target="keras")
    assert "'tfl_mean' has no Keras form" in str(raised.value)
    assert "test_tflite_ops.py" in str(raised.value)


# Custom operators ---------------------------------------------------------------------------------


def twice(x):
    return 2 * x


def remarks(model):
    return [remark["what"] for remark in model.report.remarks]


def test_around_a_custom_operator_everything_is_checked():
    def body(m, x):
        return m.b(tflite.custom("Twice", m.a(x), kernel=twice, axes="elementwise"))

    modules = {"a": nn.Conv2d(3, 8, 3), "b": nn.Conv2d(8, 4, 1)}
    model = converted(body, image(3), modules=modules)
    assert model.report.native.ops["CUSTOM"] == 1
    assert transposes(model) == 2  # of input and output
    checks = model.report.checks
    assert set(checks.nodes) == {"conv2d", "conv2d_1"}
    assert remarks(model) == [
        "not run: LiteRT here has no kernel for custom operator 'Twice'",
    ]


def test_a_kernel_may_give_several_results():
    def kernel(x):
        return x + 1, x.sum((0, 1, 2)).int()

    def body(m, x):
        like = [x, ((8,), torch.int32)]
        y, sums = tflite.custom("Both", x, like=like, kernel=kernel, axes="channels_last")
        return y * 2, sums

    model = converted(body, image())
    assert len(model.report.native.outputs) == 2


def test_a_mistake_behind_a_custom_operator_is_seen(monkeypatch):
    from ferryman import fed_values

    real = fed_values.FedValues.arrays
    monkeypatch.setattr(
        fed_values.FedValues,
        "arrays",
        lambda self, *given: {tensor: x + 1 for tensor, x in real(self, *given).items()},
    )
    with pytest.raises(ferryman.VerificationError, match="relu"):
        converted(lambda m, x: tflite.custom("Twice", x, kernel=twice).relu(), image())


def test_without_a_kernel_the_check_says_so():
    def body(m, x):
        return tflite.custom("Mine", x) + 1

    with pytest.raises(ferryman.InputError, match="'Mine' has no kernel here"):
        converted(body, image())
    assert converted(body, image(), verify=False).report.native.ops == {"CUSTOM": 1, "ADD": 1}


def test_a_kernel_must_give_what_is_declared():
    with pytest.raises(ferryman.InputError, match=r"gives float32\[8, 6, 6\], and"):
        converted(lambda m, x: tflite.custom("Mine", x, kernel=lambda x: x[0]), image())


def test_inside_of_a_branch_a_custom_operator_cannot_be_checked():
    def body(m, x):
        if x.sum() > 0:
            return tflite.custom("Sine", x, kernel=torch.sin) + 1
        return x.cos()

    x = torch.randn(200, 300)
    with pytest.raises(ferryman.UnsupportedOps, match="'Sine' stands in the branch or loop"):
        converted(body, x)
    assert converted(body, x, verify=False).report.native.ops["CUSTOM"] == 1


def test_options_are_a_flexbuffer(tmp_path):
    options = {"scale": 2.5, "count": 3, "names": ["a", "b"], "flag": True}
    model = converted(
        lambda m, x: tflite.custom("Mine", x, options=options), image(), verify=False
    )
    path = tmp_path / "model.tflite"
    model.save(path)
    # The keys of a FlexBuffer's map are sorted texts, each ended by a zero.
    content = path.read_bytes()
    assert all(key.encode() + b"\0" in content for key in options)
    assert np.float32(2.5).tobytes() in content or np.float64(2.5).tobytes() in content


def test_bytes_stand_as_they_are(tmp_path):
    written = b"\x01\xff own options"
    model = converted(
        lambda m, x: tflite.custom("Mine", x, options=written), image(), verify=False
    )
    path = tmp_path / "model.tflite"
    model.save(path)
    assert written in path.read_bytes()


# Finished files -----------------------------------------------------------------------------------


def net():
    return nn.Sequential(nn.Conv2d(8, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=2)).eval()


@pytest.fixture
def part(tmp_path):
    module = net()
    layout = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = ferryman.convert(module, (image(),), progress=False, **layout)
    path = tmp_path / "part.tflite"
    model.save(path)
    return module, path


def test_a_finished_file_becomes_a_part(part):
    module, path = part

    def body(m, x):
        y = tflite.graph(path)(m.a(x).permute(0, 2, 3, 1))
        return m.b(y.permute(0, 3, 1, 2))

    modules = {"a": nn.Conv2d(3, 8, 1), "b": nn.Conv2d(8, 4, 1)}
    model = converted(body, image(3), modules=modules)
    assert model.report.native.ops["CONV_2D"] == 4
    assert transposes(model) == 2  # of input and output
    expected = nn.Sequential(modules["a"], module, modules["b"])
    x = image(3)
    torch.testing.assert_close(model(x), expected(x), rtol=1e-4, atol=1e-5)


def test_a_part_takes_the_types_of_its_file(part):
    _, path = part
    with pytest.raises(ferryman.InputError) as raised:
        converted(lambda m, x: tflite.graph(path, x), image())
    assert "takes float32[1, 6, 6, 8], and is given float32[1, 8, 6, 6]" in str(raised.value)


def test_a_part_with_branches_brings_them_along(tmp_path):
    class Branches(nn.Module):
        def forward(self, c, x):
            return torch.cond(c, torch.sin, torch.cos, (x,))

    x = torch.randn(200, 300)
    path = tmp_path / "branches.tflite"
    ferryman.convert(Branches(), (torch.tensor(True), x), progress=False).save(path)
    model = converted(lambda m, c, x: tflite.graph(path, c, x) + 1, torch.tensor(True), x)
    assert model.report.native.ops["IF"] == 1
    torch.testing.assert_close(model(torch.tensor(False), x), x.cos() + 1)


# The operators themselves -------------------------------------------------------------------------


def test_every_operator_of_the_table_is_a_torch_operator():
    assert len(ROWS) > 110
    for row in ROWS.values():
        schema = OVERLOADS[row.name]._schema
        assert schema.name == f"ferryman::{row.op}"
        assert len(schema.returns) == max(row.num_outputs, 1)
    assert tflite.operators() == tuple(ROWS)


def test_importing_ferryman_registers_nothing():
    script = (
        "import json, torch, ferryman\n"
        "names = [n for n in torch._C._dispatch_get_all_op_names() if n.startswith('ferryman::')]\n"
        "print(json.dumps(names))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert json.loads(done.stdout) == []
