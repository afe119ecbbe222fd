"""Every op against eager PyTorch, over PyTorch's own samples.

The non-tensor arguments of the samples are frozen into a small module, which is exported, read,
functionalised and translated; the core's reference evaluator then computes it from the rows. An op
in MUST_PASS gives eager's result on all samples; a sample that is refused in an expected way is
named in REFUSED. Whatever is refused is refused with an error: never a wrong result, never a crash.
"""

import warnings

import numpy as np
import pytest
import torch
from ops_reference_list import INTEGERS, MUST_PASS, REFUSED
from torch import nn
from torch.utils import _pytree as pytree

import native_support
from ferryman import _native
from ferryman.walk import walk
from opinfo.samples import Frozen, as_call, infos, spread

# Of each op, spread over all samples that PyTorch has; the dtypes of whole numbers differ little.
MAX_FLOAT_SAMPLES, MAX_INTEGER_SAMPLES = 12, 4
INTEGER_DTYPES = (torch.int64, torch.int32, torch.bool)


def borrowed(tensors):
    return [(t.data_ptr(), t.numel() * t.element_size(), t) for t in tensors]


def evaluate(program, inputs):
    """The outputs that the core computes; raises NativeError where it refuses."""
    buffer, storages = walk(program)
    inputs = [tensor.detach().contiguous() for tensor in inputs]
    outputs = native_support.evaluate_live(buffer, storages, borrowed(inputs))
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


def calls_of(info, dtype, max_samples):
    torch.manual_seed(0)
    samples = list(info.sample_inputs("cpu", dtype, requires_grad=False))
    return [as_call(sample) for sample in spread(samples, max_samples)]


def is_exportable(module):
    """Export takes the same tensor given twice for one."""
    return len({id(tensor) for tensor in module.tensors}) == len(module.tensors)


def works_in_torch(info, call):
    """Whether eager PyTorch computes the call and torch.export can express it."""
    module = Frozen(info.op, [call])
    if not is_exportable(module):
        return False
    try:
        eager(module)
        export(module)
    except Exception:  # noqa: BLE001  whatever torch says: the sample tells nothing about us
        return False
    return True


def refusal(info, calls):
    """What the core refused the calls with; None if it computed eager's results."""
    module = Frozen(info.op, calls)
    try:
        got = evaluate(export(module), module.tensors)
    except _native.NativeError as error:
        return str(error)
    assert_same(got, eager(module))
    return None


def passes_at_once(info, calls):
    """One program of all calls is quick; only where it fails, each is looked at by itself."""
    module = Frozen(info.op, calls)
    if not is_exportable(module):
        return False
    try:
        expected = eager(module)
        got = evaluate(export(module), module.tensors)
    except Exception:  # noqa: BLE001
        return False
    assert_same(got, expected)
    return True


def check_op(name, dtype, max_samples):
    info = infos()[name]
    calls = calls_of(info, dtype, max_samples)
    if passes_at_once(info, calls):
        return
    calls = [call for call in calls if works_in_torch(info, call)]
    assert calls, "no sample of this op can be checked"
    reasons = [refusal(info, [call]) for call in calls]
    refused = [reason for reason in reasons if reason is not None]
    unexpected = [
        reason for reason in refused if not any(known in reason for known in REFUSED.get(name, ()))
    ]
    assert not unexpected, unexpected[0]
    assert len(refused) < len(calls), "all samples of this op are refused"


def integer_cases():
    return [
        (name, dtype)
        for name in INTEGERS
        for dtype in INTEGER_DTYPES
        if dtype in infos()[name].dtypes
    ]


@pytest.mark.parametrize("name", MUST_PASS)
def test_float32_samples_give_eagers_result(name):
    check_op(name, torch.float32, MAX_FLOAT_SAMPLES)


@pytest.mark.parametrize("name, dtype", integer_cases())
def test_integer_samples_give_eagers_result(name, dtype):
    check_op(name, dtype, MAX_INTEGER_SAMPLES)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_gives_eagers_result(dim):
    torch.manual_seed(0)
    module = nn.utils.weight_norm(nn.Conv1d(3, 4, 2), dim=dim).eval()
    x = torch.randn(2, 3, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (x,), strict=False)
    assert_same(evaluate(program, [x]), [module(x).detach()])
