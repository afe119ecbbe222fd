"""nested=: modules of the user as functional models inside of the model."""

import pytest
import torch
from command_line import convert, refused, save
from keras_nets import Classifier, assert_same, run_alone, uneven
from torch import nn

import ferryman

keras = pytest.importorskip("keras")


class Split(nn.Module):
    """Two results, of which one is used outside; an inner part that is called twice."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.twice = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        a, b = self.a(x), torch.relu(self.b(x))
        return self.twice(self.twice(a * b)), a


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.split, self.head = Split(), nn.Sequential(nn.Linear(8, 4), nn.ReLU())

    def forward(self, x, y):
        p, q = self.split(x + y)
        return self.head(p - q) @ self.head[0].weight[:, :4].T  # which hangs on an input


def models_in(model, depth=0):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield depth, layer.name
            yield from models_in(layer, depth + 1)


def test_modules_with_parts_are_models(tmp_path):
    net = uneven(Classifier())
    x = torch.randn(2, 3, 32, 32)
    model = ferryman.convert(net, (x,), target="keras", nested=True, progress=False)
    assert {(0, "blocks"), (1, "blocks_0"), (1, "blocks_1")} <= set(models_in(model.keras))
    assert all(name in model.report.checks.nodes for name in model.report.nodes)
    flat = ferryman.convert(net, (x,), target="keras", verify=False, progress=False)
    assert model.mapping == flat.mapping
    for batch in (1, 5):
        x = torch.randn(batch, 3, 32, 32)
        assert_same(run_alone(model, [x], tmp_path), net(x))
    with pytest.raises(ferryman.InputError, match="nested"):
        model.source(tmp_path / "net.py")


def test_several_inputs_and_results():
    net = uneven(Outer())
    x, y = torch.randn(3, 8), torch.randn(3, 8)
    model = ferryman.convert(net, (x, y), target="keras", nested=["split"], progress=False)
    assert list(models_in(model.keras)) == [(0, "split")]
    assert {v.path for v in model.keras.get_layer("split").variables} >= {"split_a/kernel"}
    assert torch.allclose(model(x, y), net(x, y), atol=1e-5)


def test_state_dicts_go_in_and_out():
    net, other = uneven(Classifier()), uneven(Classifier())
    nn.init.normal_(other.head.weight)
    nn.init.uniform_(other.blocks[1].bn1.running_var, 3, 4)
    x = torch.randn(2, 3, 32, 32)
    model = ferryman.convert(net, (x,), target="keras", nested=True, verify=False, progress=False)
    ferryman.load_state_dict(model.keras, other.state_dict())
    given = torch.as_tensor(model.keras(x.numpy(), training=False))
    assert torch.allclose(given, other(x), atol=1e-4)
    for name, value in ferryman.state_dict(model.keras).items():
        assert torch.equal(value, other.state_dict()[name])


def test_what_computes_elsewhere_in_between_stays_flat():
    class Back(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})

        def forward(self, x):
            return self.pair["b"](self.pair["a"](x) * 2)

    model = ferryman.convert(
        Back(), (torch.randn(2, 4),), target="keras", nested=["pair"], progress=False
    )
    assert not list(models_in(model.keras))
    (remark,) = (r for r in model.report.remarks if r["subject"] == "nested")
    assert "'pair'" in remark["what"] and "comes back" in remark["why"]


def test_unknown_modules_and_other_targets_are_refused(tmp_path):
    net, x = uneven(Classifier()), torch.randn(2, 3, 32, 32)
    with pytest.raises(ferryman.Error, match="'blok'") as error:
        ferryman.convert(net, (x,), target="keras", nested=["blok"], progress=False)
    assert "blocks" in str(error.value)
    with pytest.raises(ferryman.Error, match="nested modules in tflite"):
        ferryman.convert(net, (x,), nested=True, progress=False)
    with pytest.raises(ferryman.InputError, match="nested is"):
        ferryman.convert(net, (x,), target="keras", nested="blocks", progress=False)
    archive = save(net, (x,), tmp_path / "net.pt2")
    assert refused(convert(archive, tmp_path, "--nested", "blocks"), 2, "nested modules in tflite")
