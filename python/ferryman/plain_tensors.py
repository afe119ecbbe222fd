"""Which tensors the core can read: those whose bytes say their values.

require_plain_tensor("conv.weight", tensor)     # InputError of a quantised, fake, lazy, … one
"""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensor

from .errors import InputError


def require_plain_tensor(name: str, tensor) -> None:
    if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
        raise InputError(
            f"'{name}' has no shape yet: its module is lazy",
            hint="run the module once on example inputs before converting",
        )
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        raise InputError(
            f"'{name}' is an intermediate value of torch.func, which torch.export took as a "
            "constant",
            hint="convert the module itself: derivatives are followed there",
        )
    if isinstance(tensor, FakeTensor):
        raise InputError(
            f"'{name}' has no data: it is a value of the tracer that torch.export took as a "
            "constant",
            hint="convert the module itself, or export it again",
        )
    data = tensor.data if isinstance(tensor, torch.nn.Parameter) else tensor
    if type(data) not in (torch.Tensor, torch.nn.Buffer):
        raise InputError(
            f"'{name}' is a {type(data).__name__}, not a plain tensor",
            hint="replace tensor subclasses by plain tensors before converting",
        )
    if tensor.is_meta:
        raise InputError(
            f"'{name}' has no data: it lies on the meta device",
            hint="load the weights before converting",
        )
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise InputError(
            f"'{name}' is no dense tensor ({tensor.layout}, {tensor.dtype})",
            hint="call .to_dense() or .dequantize() on it",
        )
    if tensor.is_conj() or tensor.is_neg():
        raise InputError(
            f"'{name}' is a lazy conjugate or negative",
            hint="call .resolve_conj() or .resolve_neg() on it",
        )
