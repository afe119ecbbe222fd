"""Names of inputs and outputs, and layouts that speak of them."""

import subprocess

import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from test_cli import PROGRAM
from torch import nn

import ferryman
from ferryman.native_contract import Placement, Port
from ferryman.ports import tensor_port


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image, tokens):
        y = self.conv(image)
        return {"map": y, "mean": y.mean((2, 3)), "sum": tokens + 1}


ARGS = (torch.randn(1, 3, 8, 10), torch.randn(1, 5, 6))
IMAGE, LAST = (1, 3, 8, 10), (1, 8, 10, 3)
TOKENS = (1, 5, 6)


def convert(module=None, args=ARGS, **options):
    module = (module or Net()).eval()
    return ferryman.convert(module, args, progress=False, **{"verify": False, **options})


def shapes(model):
    return {port.name: port.shape for port in (*model.inputs, *model.outputs)}


# Names and layouts together ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"input_names": ["a", "b"]}, {"a": IMAGE, "b": TOKENS}),
        ({"input_names": {"image": "a"}}, {"a": IMAGE, "tokens": TOKENS}),
        ({"input_names": {"image": "tokens", "tokens": "image"}},
         {"tokens": IMAGE, "image": TOKENS}),
        ({"input_names": ["a", "b"], "input_layout": {"a": "channels_last"}},
         {"a": LAST, "b": TOKENS}),
        ({"input_names": ["a", "b"], "input_layout": {"image": "channels_last"}},
         {"a": LAST, "b": TOKENS}),
        ({"input_names": {"image": "a"}, "input_layout": {"a": "channels_last"}},
         {"a": LAST, "tokens": TOKENS}),
        ({"input_names": ["image", "b"], "input_layout": {"image": "channels_last"}},
         {"image": LAST, "b": TOKENS}),
        ({"output_names": ["m", "n", "s"], "output_layout": {"m": "channels_last"}},
         {"m": (1, 6, 8, 4), "n": (1, 4), "s": TOKENS}),
        ({"output_names": {"map": "m"}, "output_layout": {"map": "channels_last"}},
         {"m": (1, 6, 8, 4)}),
        ({"input_names": {"image": "photo"}, "input_layout": "channels_last"},
         {"photo": LAST, "tokens": TOKENS}),
        # An input and an output of one name are two things to the runtime.
        ({"input_names": ["map", "sum"]}, {"mean": (1, 4)}),
    ],
)  # fmt: skip
def test_layouts_speak_of_the_names_in_the_file(options, expected):
    model = convert(**options, verify=True)
    assert expected.items() <= shapes(model).items()
    runner = Interpreter(str(model.path)).get_signature_runner()
    assert sorted(runner.get_input_details()) == sorted(port.name for port in model.inputs)
    assert sorted(runner.get_output_details()) == sorted(port.name for port in model.outputs)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input_names": ["", "b"]}, ["empty name"]),
        ({"input_names": ["a", " "]}, ["empty name"]),
        ({"input_names": {"image": ""}}, ["empty name"]),
        ({"input_names": ["a", "a"]}, ["'a' twice"]),
        ({"input_names": {"image": "tokens"}}, ["'tokens' twice"]),
        ({"output_names": {"map": "mean"}}, ["'mean' twice"]),
        ({"input_names": ["a"]}, ["names 1 tensors", "has 2", "image, tokens"]),
        ({"input_names": {"imag": "a"}}, ["'imag'", "the names are: image, tokens"]),
        ({"input_names": {}}, ["input_names is {}"]),
        ({"input_names": {"image": 3}}, ["input_names is"]),
        ({"input_names": 3}, ["input_names is 3"]),
        ({"input_names": [None, "b"]}, ["input_names is"]),
        ({"input_names": ["a", "b"], "input_layout": {"c": "channels_last"}},
         ["'c'", "the names are: a, b, image, tokens"]),
        ({"input_names": {"image": "tokens", "tokens": "image"},
          "input_layout": {"image": "channels_last"}}, ["'image'", "may be two inputs"]),
        ({"input_names": ["a", "b"],
          "input_layout": {"a": "channels_last", "image": "channels_last"}},
         ["two layouts for 'a'", "'image' and 'a' are the same input"]),
        ({"input_layout": ["channels_last"]}, ["input_layout is ['channels_last']"]),
        ({"input_layout": {3: "channels_last"}}, ["input_layout is {3"]),
        ({"input_layout": {"image": "any"}}, ["'any' for 'image' is no layout"]),
        ({"input_layout": {"image": (0, 1, 2)}}, ["[0, 1, 2]", "4 axes"]),
        ({"input_layout": {"image": (0, 1, 2, 2)}}, ["[0, 1, 2, 2]"]),
        ({"input_layout": {"image": (0, -1)}}, ["is no layout"]),
        ({"input_layout": {"image": ()}}, ["is no layout"]),
        ({"output_layout": {"mean": "channels_last"}}, ["'mean' cannot be channels_last"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(options, words):
    with pytest.raises(ferryman.InputError) as caught:
        convert(**options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


# "channels_last" for all -------------------------------------------------------------------------


class Same(nn.Module):
    def forward(self, x):
        return x * 2


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((2, 3, 4, 5), "channels_last", (2, 4, 5, 3)),
        ((2, 3, 4, 5, 6), "channels_last", (2, 4, 5, 6, 3)),
        ((2, 3, 4), "channels_last", None),
        ((2, 3), "channels_last", None),
        ((2, 3, 4, 5, 6, 7), "channels_last", None),
        ((2, 3, 4), {"x": "channels_last"}, (2, 4, 3)),
        ((2, 3, 4, 5, 6, 7), {"x": "channels_last"}, (2, 4, 5, 6, 7, 3)),
        ((3, 4, 5), {"x": (1, 2, 0)}, (4, 5, 3)),
        ((2, 3), {"x": [1, 0]}, (3, 2)),
        ((2, 3, 4, 5), {"x": "channels_first"}, (2, 3, 4, 5)),
        ((3,), {"x": (0,)}, (3,)),
    ],
)
def test_which_axes_move(shape, layout, expected):
    x = torch.randn(shape)
    options = {"input_layout": layout, "output_layout": layout if type(layout) is str else None}
    model = convert(Same(), (x,), verify=True, **options)
    assert model.inputs[0].shape == (expected or shape)
    left = [r for r in model.report.remarks if r["subject"] == "io-layout"]
    assert len(left) == (0 if expected else 2)
    for remark, kind in zip(left, ("inputs", "outputs")):
        assert (
            remark["what"].startswith(f"the {kind} '") and f"({len(shape)} axes)" in remark["what"]
        )
    order = [shape.index(size) for size in model.inputs[0].shape]
    if expected and options["output_layout"] is None:
        torch.testing.assert_close(model(x.permute(order)), x * 2)


def test_a_name_says_otherwise():
    model = convert(input_layout={"*": "channels_last", "image": "channels_first"}, verify=True)
    assert [port.shape for port in model.inputs] == [IMAGE, TOKENS]
    model = convert(input_layout={"*": "channels_last", "tokens": "channels_last"}, verify=True)
    assert [port.shape for port in model.inputs] == [LAST, (1, 6, 5)]
    assert [r for r in model.report.remarks if r["subject"] == "io-layout"] == []


# The program -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("names") / "net.pt2"
    ferryman.export(Net().eval(), ARGS, path)
    return path


def run(archive, folder, *options):
    command = [PROGRAM, "convert", archive, "-o", folder / "net.tflite", *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--input-name", "image=photo"], {"photo": IMAGE, "tokens": TOKENS}),
        (["--input-name", "image=photo", "--input-layout", "photo=channels_last"],
         {"photo": LAST, "tokens": TOKENS}),
        (["--input-names", "a,b", "--input-layout", "a=channels_last"], {"a": LAST, "b": TOKENS}),
        (["--input-layout", "tokens=2,0,1"], {"image": IMAGE, "tokens": (6, 1, 5)}),
        (["--input-layout", "channels_last"], {"image": LAST, "tokens": TOKENS}),
    ],
)  # fmt: skip
def test_the_program_takes_names_and_layouts(archive, tmp_path, options, expected):
    done = run(archive, tmp_path, *options)
    assert (done.returncode, done.stderr) == (0, "")
    details = Interpreter(str(tmp_path / "net.tflite")).get_signature_runner().get_input_details()
    assert {name: tuple(detail["shape"]) for name, detail in details.items()} == expected


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--input-name", "image="], "empty name"),
        (["--input-name", "image"], "OLD=NEW"),
        (["--input-name", "imag=photo"], "the names are: image, tokens"),
        (["--input-name", "image=tokens"], "'tokens' twice"),
        (["--input-name", "image=a", "--input-name", "image=b"], "two names for 'image'"),
        (["--input-name", "image=a", "--input-names", "a,b"], "together"),
        (["--input-layout", "image=1,0"], "4 axes"),
        (["--input-layout", "image=nhwc"], "nhwc"),
    ],
)
def test_the_program_refuses_what_does_not_fit(archive, tmp_path, options, text):
    done = run(archive, tmp_path, *options)
    assert done.returncode == 2 and text in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["tflite", "keras"])
def test_reasons_of_transposes_speak_of_the_names_in_the_file(target):
    names = {"input_names": {"image": "photo"}, "output_names": {"map": "features"}}
    layout = convert(target=target, **names).report.native.layout
    reasons = " ".join(transpose.reason for transpose in layout.transposes)
    assert "input 'photo'" in reasons and "output 'features'" in reasons
    assert "'image'" not in reasons and "'map'" not in reasons


# What a port tells of itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "factors", "perm", "stored", "expected"),
    [
        ((1, 3, 8, 8), (1, 3, 8, 8), (0, 2, 3, 1), (1, 8, 8, 3), "channels_last"),
        # Axes that the graph cuts, side by side and apart.
        ((1, 3, 8, 8), (3, 2, 4, 2, 4), (1, 2, 3, 4, 0), (1, 8, 8, 3), "channels_last"),
        ((1, 3, 8, 8), (3, 2, 4, 2, 4), (0, 1, 2, 3, 4), (1, 3, 8, 8), "channels_first"),
        ((1, 3, 8, 8), (3, 2, 4, 2, 4), (3, 4, 1, 2, 0), (1, 8, 8, 3), "0,3,2,1"),
        ((1, 3, 8, 8), (3, 2, 4, 2, 4), (1, 3, 2, 4, 0), (1, 2, 2, 4, 4, 3), "any"),
        ((1, 3, 8, 8), (3, 2, 4, 2, 4), (2, 1, 3, 4, 0), (1, 8, 8, 3), "any"),
        # Nothing in it.
        ((2, 0, 3), (2, 0, 3), (0, 2, 1), (2, 3, 0), "channels_last"),
        ((2, 0, 3), (2, 0, 3), (0, 1, 2), (2, 0, 3), "channels_first"),
        ((2, 0, 3), (2, 0, 5, 3), (0, 1, 2, 3), (2, 0, 3), "any"),
        # A factor that holds parts of two axes.
        ((4, 6, 5), (24, 5), (0, 1), (24, 5), "any"),
    ],
)
def test_a_port_tells_the_order_of_its_axes(shape, factors, perm, stored, expected):
    placement = Placement(tensor=0, factors=factors, perm=perm)
    port = Port(index=0, name="x", placement=placement, shape=stored, dtype="float32")
    assert tensor_port(port, torch.empty(shape)).layout == expected


def test_an_image_that_is_cut_into_blocks_has_the_layout_that_was_asked_for():
    net = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 8, 1), nn.PixelShuffle(2))
    options = {"input_layout": "channels_last", "output_layout": "channels_last"}
    model = convert(net, (torch.randn(1, 3, 8, 10),), **options)
    assert [port.layout for port in (*model.inputs, *model.outputs)] == ["channels_last"] * 2


def test_an_output_of_counted_size_tells_the_order_of_its_axes():
    class Chosen(nn.Module):
        def forward(self, x):
            return x[x[:, 0, 0] > 0]

    args = (torch.randn(5, 3, 4),)
    assert convert(Chosen(), args).outputs[0].layout == "channels_first"
    last = convert(Chosen(), args, output_layout={"output": (0, 2, 1)})
    assert last.outputs[0].layout == "channels_last"
