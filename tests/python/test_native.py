"""The native module: what it borrows, and how its failures look from Python."""

import sys

import pytest
import torch
from torch import nn

import ferryman
import native_support
from ferryman import _native, errors
from ferryman.capture import capture, walk


def walked():
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    return walk(capture(module, (torch.randn(2, 4),)))


def test_live_program_is_read():
    text = native_support.print_live(*walked())
    assert "aten.linear.default" in text
    assert "aten.relu.default" in text


def test_owners_are_given_back():
    buffer, tensors = walked()
    owner = tensors[0][2]
    before = sys.getrefcount(owner)
    native_support.print_live(buffer, tensors)
    assert sys.getrefcount(owner) == before


def test_failure_of_the_core_becomes_a_public_error():
    buffer, tensors = walked()
    with pytest.raises(_native.NativeError) as caught:
        native_support.print_live(buffer[:-1], tensors)
    error = errors.from_native(caught.value)
    assert isinstance(error, ferryman.InputError)
    assert [diagnostic["name"] for diagnostic in error.diagnostics] == ["malformed-program"]
    assert str(error).startswith("error[E0103]: ")


@pytest.mark.parametrize("tensor", [(0, 4, None), (1, 2)])
def test_tensor_that_is_none_is_refused(tensor):
    buffer, _ = walked()
    with pytest.raises(ValueError, match="tensor"):
        native_support.print_live(buffer, [tensor])
