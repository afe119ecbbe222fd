"""Every tensor of a file has a name of its own, by which people and tools find it."""

import collections

import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

import ferryman


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(x + self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.layer1 = nn.Sequential(Block(), Block())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.fc = nn.Linear(4, 5)

    def forward(self, image):
        x = self.pool(self.layer1(self.stem(image)))
        return {"logits": self.fc(x.mean((2, 3))), "features": x.exp()}


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(10)

    def forward(self, tokens):
        return self.norm(self.lstm(self.embed(tokens))[0])


class TiedHead(nn.Module):
    """One weight read twice, one function called many times, a module called twice."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.inner = nn.Linear(6, 6)

    def forward(self, tokens):
        x = self.inner(self.inner(self.embed(tokens)).tanh()).tanh()
        return x @ self.embed.weight.T, tokens


def convert(module, *args, **options):
    torch.manual_seed(0)
    return ferryman.convert(module().eval(), args, progress=False, verify=False, **options)


def content(model):
    return schema.ModelT.InitFromPackedBuf(bytearray(model.path.read_bytes()), 0)


def names(model):
    """By subgraph, in the file's order."""
    graphs = content(model).subgraphs
    return [[tensor.name.decode() for tensor in graph.tensors] for graph in graphs]


def results(model):
    """Of each operator of the main graph: what it is, and the name of its first output."""
    file = content(model)
    codes = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    graph = file.subgraphs[0]
    return [
        (codes[file.operatorCodes[op.opcodeIndex].builtinCode],
         graph.tensors[op.outputs[0]].name.decode())
        for op in graph.operators
    ]  # fmt: skip


IMAGE = torch.randn(1, 3, 8, 8)
TOKENS = torch.randint(0, 20, (2, 40))
CASES = {
    "layers": (Net, IMAGE, {}),
    "channels_last": (Net, IMAGE, {"input_layout": "channels_last", "output_layout": "any"}),
    "loop": (Tagger, TOKENS, {"recurrent": "loop"}),
    "unrolled": (Tagger, TOKENS, {"recurrent": "unrolled"}),
    "tied": (TiedHead, TOKENS, {}),
    "output_is_input": (lambda: nn.Identity(), IMAGE, {}),
    "names_of_nodes": (Net, IMAGE, {"input_names": ["stem"], "output_names": ["fc", "fc.weight"]}),
    "name_twice": (Net, IMAGE, {"input_names": ["x"], "output_names": ["x", "y"]}),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
                    torch.randn(1, 5, 8), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_tensor_has_a_name_of_its_own(case):
    module, example, options = CASES[case]
    count = collections.Counter(sum(names(convert(module, example, **options)), []))
    assert {name: n for name, n in count.items() if n > 1 or not name} == {}


def test_operators_are_named_after_the_module_that_they_compute():
    found = results(convert(Net, IMAGE))
    assert found == [
        ("TRANSPOSE", "image/transpose"),
        ("CONV_2D", "stem"),
        ("CONV_2D", "layer1.0.conv"),
        ("ADD", "layer1.0/add"),
        ("CONV_2D", "layer1.1.conv"),
        ("ADD", "layer1.1/add_1"),
        ("PADV2", "pool/padv2"),
        ("MAX_POOL_2D", "pool"),
        ("AVERAGE_POOL_2D", "mean"),
        ("FULLY_CONNECTED", "fc"),
        ("EXP", "exp"),
        ("RESHAPE", "logits"),
        ("TRANSPOSE", "features"),
    ]


def test_weights_have_the_names_of_the_module_folded_or_not():
    (main,) = names(convert(Net, IMAGE))
    assert {"stem.weight", "stem.bias", "layer1.0.conv.weight", "fc.weight", "fc.bias"} <= set(main)
    assert "pool/padv2/paddings" in main
    assert "layer1.0.conv/bias" in main  # of the batch norm


def test_inputs_and_outputs_have_the_names_of_the_signature():
    model = convert(Net, IMAGE, input_names=["picture"], output_names=["scores", "map"])
    file = content(model)
    (signature,) = file.signatureDefs
    tensors = file.subgraphs[0].tensors
    for ports in (signature.inputs, signature.outputs):
        for port in ports:
            assert tensors[port.tensorIndex].name == port.name
    assert [port.name for port in signature.inputs] == [b"picture"]


def test_graphs_that_a_loop_calls_tell_whose_they_are():
    main, *called = names(convert(Tagger, TOKENS, recurrent="loop"))
    assert called
    weights = {"lstm.weight_hh_l0", "lstm.weight_hh_l0_reverse"}
    own = [name for graph in called for name in graph if name not in weights]
    assert all(name.startswith("lstm") for name in own)


def test_names_are_the_same_every_time():
    assert names(convert(Tagger, TOKENS)) == names(convert(Tagger, TOKENS))
