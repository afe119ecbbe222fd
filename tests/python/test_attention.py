"""scaled_dot_product_attention against eager PyTorch, on LiteRT, on other inputs than the example.
"""

import pytest
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import nn
from torch.nn import functional as F

import ferryman

HEADS, ROWS, COLUMNS, FEATURES = 4, 5, 7, 8


class Attention(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.options = options

    def forward(self, q, k, v, *mask):
        return F.scaled_dot_product_attention(q, k, v, *mask, **self.options)


def inputs(seed, groups=HEADS, columns=COLUMNS, mask=None):
    torch.manual_seed(seed)
    q = torch.randn(2, HEADS, ROWS, FEATURES)
    k, v = (torch.randn(2, groups, columns, FEATURES) for _ in range(2))
    if mask == "bool":
        given = (torch.rand(2, 1, ROWS, columns) > 0.4,)
        given[0][0, 0, 1] = False  # a row that sees nothing
    elif mask == "float":
        given = (torch.randn(ROWS, columns),)
        given[0][2, 3] = -torch.inf
        given[0][1] = -torch.inf
    else:
        given = ()
    return (q, k, v, *given)


CASES = {
    "plain": ({}, {}),
    "scaled": ({"scale": 0.3}, {}),
    "causal": ({"is_causal": True}, {}),
    "causal with more rows": ({"is_causal": True}, {"columns": 3}),
    "bool mask": ({}, {"mask": "bool"}),
    "float mask": ({}, {"mask": "float"}),
    "grouped queries": ({"enable_gqa": True}, {"groups": 2}),
    "one group": ({"enable_gqa": True, "is_causal": True}, {"groups": 1}),
    "grouped queries and a mask": ({"enable_gqa": True}, {"groups": 2, "mask": "bool"}),
}


@pytest.mark.parametrize("options, given", CASES.values(), ids=CASES.keys())
def test_attention_gives_eagers_result(options, given):
    module = Attention(**options).eval()
    model = ferryman.convert(module, inputs(0, **given), progress=False)
    fresh = inputs(1, **given)
    torch.testing.assert_close(model(*fresh), module(*fresh), rtol=1e-5, atol=1e-5)


def test_packed_projection_becomes_three_layers_with_the_scale_in_one():
    module = nn.MultiheadAttention(16, 4, batch_first=True).eval()

    def forward(x):
        return module(x, x, x, need_weights=False)[0]

    model = ferryman.convert(forward, (torch.randn(1, 6, 16),), progress=False)
    ops = model.report.native.ops
    assert ops["FULLY_CONNECTED"] == 4
    assert not {"SLICE", "SPLIT", "MUL"} & set(ops)


def tensors_of(model):
    interpreter = Interpreter(str(model.path))
    return interpreter.get_tensor_details()


def test_rows_that_nobody_reads_are_not_computed():
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
    module = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)).eval()

    def forward(x):
        return module(x)[:, 0]

    torch.manual_seed(0)
    model = ferryman.convert(forward, (torch.randn(1, 6, 16),), progress=False)
    # The inner values of the MLPs: six rows in the first layer, one in the second.
    shapes = [tuple(tensor["shape"]) for tensor in tensors_of(model)]
    rows = [shape[-2] for shape in shapes if len(shape) == 3 and shape[-1] == 32]
    assert rows == [6, 1]
    x = torch.randn(1, 6, 16)
    torch.testing.assert_close(model(x), forward(x), rtol=1e-5, atol=1e-5)


def test_padded_encoder_is_verified_as_it_was_exported():
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    module = nn.TransformerEncoder(layer, 2).eval()
    padding = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
    x = torch.randn(2, 6, 16)
    with torch.no_grad():
        fused = module(x, src_key_padding_mask=padding)
    assert not fused[1, 4:].any()  # what eager mode writes there, and no exported program
    model = ferryman.convert(module, (x,), {"src_key_padding_mask": padding}, progress=False)
    result = model(x, src_key_padding_mask=padding)
    torch.testing.assert_close(result[~padding], fused[~padding], rtol=1e-5, atol=1e-5)
