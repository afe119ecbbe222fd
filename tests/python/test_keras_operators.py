"""Operators of PyTorch's database on Keras. All of them: tests/opinfo/run.py --target keras."""

import pytest

from opinfo.check import check_op

pytest.importorskip("keras")

# What differs most from one runtime to the other: integers, NaN, ties, windows, empty tensors.
OPERATORS = [
    ("acos", "float32"), ("copysign", "float32"), ("bitwise_right_shift", "int64"),
    ("div.trunc_rounding", "int64"), ("remainder", "int64"), ("cumsum", "int64"),
    ("sort", "float32"), ("topk", "float32"), ("median", "float32"), ("scatter_add", "float32"),
    ("index_copy", "float32"), ("where", "float32"), ("nn.functional.conv2d", "float32"),
    ("nn.functional.conv_transpose2d", "float32"), ("nn.functional.avg_pool2d", "float32"),
    ("nn.functional.interpolate.bilinear", "float32"), ("nn.functional.pad.reflect", "float32"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "dtype"), OPERATORS)
def test_operator(op, dtype):
    outcome = check_op("operators", op, dtype, 3, (), "keras")
    assert outcome.state == "passes", outcome.reasons
