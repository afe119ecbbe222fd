"""Every op against eager PyTorch, over PyTorch's own samples.

Each sample's non-tensor arguments are frozen into a small module, which is exported, read,
functionalised and translated; the core's reference evaluator then computes it from the rows. An op
in MUST_PASS gives eager's result on all samples; a sample that is refused in an expected way is
named in REFUSED. Whatever is refused is refused with an error: never a wrong result, never a crash.
"""

import functools
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

from ferryman import _native
from ferryman.walk import walk
from ops_reference_list import INTEGERS, MUST_PASS, REFUSED

MAX_SAMPLES = 24  # of each op and dtype, spread over all that PyTorch has
DTYPES = {
    "float32": torch.float32,
    "int64": torch.int64,
    "int32": torch.int32,
    "bool": torch.bool,
}


@functools.cache
def infos_by_name():
    infos = {}
    for info in op_db:
        name = f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name
        infos[name] = info
    return infos


class Frozen(nn.Module):
    """One sample's call, its tensors as inputs and everything else fixed."""

    def __init__(self, function, arguments):
        super().__init__()
        self.function = function
        leaves, self.tree = pytree.tree_flatten(arguments)
        self.fixed = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        self.is_tensor = [isinstance(leaf, torch.Tensor) for leaf in leaves]
        self.tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def forward(self, *tensors):
        given = iter(tensors)
        leaves = [
            next(given) if is_tensor else fixed
            for is_tensor, fixed in zip(self.is_tensor, self.fixed)
        ]
        args, kwargs = pytree.tree_unflatten(leaves, self.tree)
        return self.function(*args, **kwargs)


def freeze(info, sample):
    return Frozen(info.op, ((sample.input, *sample.args), sample.kwargs))


def borrowed(tensors):
    return [(t.data_ptr(), t.numel() * t.element_size(), t) for t in tensors]


def evaluate(program, inputs):
    """The outputs that the core computes; raises NativeError where it refuses."""
    buffer, storages = walk(program)
    inputs = [tensor.detach().contiguous() for tensor in inputs]
    outputs = _native.evaluate_live(buffer, storages, borrowed(inputs))
    return [to_tensor(*output) for output in outputs]


def to_tensor(dtype, shape, data):
    if dtype == "bfloat16":  # numpy has none: carried as its bits
        return to_tensor("int16", shape, data).view(torch.bfloat16)
    return torch.from_numpy(np.frombuffer(data, dtype=dtype).reshape(shape).copy())


def export(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(module, tuple(module.tensors), strict=False)


def eager(module):
    with torch.no_grad():
        results = module(*[tensor.detach().clone() for tensor in module.tensors])
    return [leaf for leaf in pytree.tree_leaves(results) if isinstance(leaf, torch.Tensor)]


def assert_same(got, expected):
    assert [t.dtype for t in got] == [t.dtype for t in expected]
    for mine, theirs in zip(got, expected):
        torch.testing.assert_close(mine, theirs, rtol=2e-5, atol=2e-5, equal_nan=True)


def spread(samples, count):
    """`count` of the samples, evenly spaced, first and last among them."""
    if len(samples) <= count:
        return samples
    return [samples[i * (len(samples) - 1) // (count - 1)] for i in range(count)]


def samples_of(info, dtype):
    torch.manual_seed(0)
    samples = list(info.sample_inputs("cpu", dtype, requires_grad=False))
    return spread(samples, MAX_SAMPLES)


def is_exportable(module):
    """Samples with tensors that cannot be inputs (none at all, two being one) say nothing."""
    return len({id(tensor) for tensor in module.tensors}) == len(module.tensors)


def refusal(module, expected):
    """What the core refused the sample with; None if it computed eager's result."""
    try:
        got = evaluate(export(module), module.tensors)
    except _native.NativeError as error:
        return str(error)
    assert_same(got, expected)
    return None


def check_op(name, dtype):
    info = infos_by_name()[name]
    refused, num_checked = [], 0
    for sample in samples_of(info, dtype):
        module = freeze(info, sample)
        if not is_exportable(module):
            continue
        try:
            expected = eager(module)
        except (RuntimeError, TypeError, IndexError, NotImplementedError):
            continue  # PyTorch itself refuses
        reason = refusal(module, expected)
        num_checked += 1
        if reason is not None and not any(known in reason for known in REFUSED.get(name, ())):
            refused.append(reason)
    assert not refused, refused[0]
    assert num_checked > 0, "no sample of this op can be checked"


@pytest.mark.parametrize("name", MUST_PASS)
def test_float32_samples_give_eagers_result(name):
    check_op(name, torch.float32)


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integer_samples_give_eagers_result(name, dtype):
    if DTYPES[dtype] not in infos_by_name()[name].dtypes:
        pytest.skip(f"PyTorch has no {name} of {dtype}")
    check_op(name, DTYPES[dtype])
