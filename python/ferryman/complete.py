"""Whether a captured program has all it computes with: nothing of it may live in the tracer only.

    require_complete(program)     # raises CaptureError
"""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.export import ExportedProgram

from .errors import CaptureError

# Of torch._functorch.predispatch; those of vmap alone are undone as a whole (decompose.py).
_TRANSFORMS = ("_unwrap_for_grad", "_make_dual", "_unpack_dual", "_enter_dual_level")


def require_complete(program: ExportedProgram) -> None:
    """torch.export takes what it lost sight of for a constant, which then has no data."""
    for name, tensor in (*program.constants.items(), *program.state_dict.items()):
        if isinstance(tensor, torch.Tensor) and not has_data(tensor):
            raise CaptureError(f"'{name}' is a value of the tracer, which has no data")
    for result in program.graph.output_node().all_input_nodes:
        value = result.meta.get("val")
        if isinstance(value, torch.Tensor) and value.device.type == "meta":
            raise CaptureError("forward returns a tensor on the device 'meta', which has no data")
    for node in program.graph.nodes:
        is_transform = getattr(node.target, "__module__", "") == "torch._functorch.predispatch"
        if is_transform and node.target.__name__ in _TRANSFORMS:
            raise CaptureError("torch.export records a transform of torch.func as a call of it")


def has_data(tensor: torch.Tensor) -> bool:
    if isinstance(tensor, FakeTensor) or tensor.is_meta:
        return False
    return not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
