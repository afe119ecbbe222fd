"""From a module to an ExportedProgram, and from there to bytes for the core.

    program = capture(module, (x,))
    buffer, storages = walk(program)

A module that is no function of its inputs is refused first (purity.py, modes.py). Then torch.export
is tried as it is; then with plain Python control flow rewritten (control/); then tracing below
autograd (tracing.py), torch.export's strict mode, and both kinds of tracing with the example's
values for those that Python looks at (freezing.py), which the program then has frozen. Nothing
stays patched (size_branches.py), and the module is as before afterwards (restore.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from .assigned_buffers import assignments_written, require_not_carried
from .complete import require_complete
from .control.reasons import CannotRewrite
from .errors import CaptureError, InputError
from .frozen import values_of_inputs, warn
from .gradients import copy_tensor, levels_restored
from .hints import hint_for, hint_for_type, reason, reasons
from .modes import require_evaluation
from .old_ways import in_modes
from .packed import DataDependentLength
from .places import lines_of, place_of
from .plain_tensors import require_plain_tensor
from .purity import require_function
from .quiet import quiet
from .restore import left_unchanged, name_of
from .size_branches import one_way
from .trial import Failure, Runner
from .walk import walk

__all__ = ["capture", "walk"]


def capture(
    module: nn.Module | Callable | ExportedProgram,
    args: tuple = (),
    kwargs: dict[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    strict: bool | None = None,
    training: bool = False,
    refused: CannotRewrite | None = None,
) -> ExportedProgram:
    """Runs torch.export on a module or function.

    strict: None tries the non-strict mode, then the strict one, then freezes values (with a warning
        that lists those which depend on inputs); True or False allows only that mode.
    training: convert the module as it behaves in training mode (dropout active, batch statistics).
    refused: why control flow must not be rewritten; values are frozen then.
    """
    if isinstance(module, ExportedProgram):
        return module
    module = as_module(module)
    kwargs = {} if kwargs is None else kwargs
    _check_arguments(module, args, kwargs)
    args, kwargs = _separate_tensors(module, args, kwargs)
    if not training:
        require_evaluation(module, args, kwargs)
    functions = require_function(module, args, kwargs)
    with left_unchanged(module), lines_of(functions):
        if dynamic_shapes is None:
            return _export(module, args, kwargs, None, strict, refused)
        from .free_capture import capture_free  # sympy, which most models do not need

        return capture_free(
            (module, args, kwargs),
            dynamic_shapes,
            lambda *given: _export(*given, strict, refused),
        )


# Arguments ---------------------------------------------------------------------------------------


def as_module(module) -> nn.Module:
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    if isinstance(module, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        raise InputError(
            "the model is a TorchScript module",
            why="TorchScript is no longer developed, and torch.export does not take it",
            hint="convert the original nn.Module",
        )
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        module = module.module
    if isinstance(module, nn.Module):
        return module
    if isinstance(module, type) or not callable(module):
        raise InputError(
            f"cannot convert {_describe_type(module)}",
            hint="pass an nn.Module (an instance), a function or an ExportedProgram",
        )
    return _FunctionModule(module)


class _FunctionModule(nn.Module):
    """A function as a module. A method of a module keeps that module's parameters."""

    def __init__(self, function: Callable):
        super().__init__()
        owner = getattr(function, "__self__", None)
        if isinstance(owner, nn.Module):
            self.owner = owner
        self.training = bool(getattr(owner, "training", False))
        self.function_name = getattr(function, "__name__", type(function).__name__)
        # torch names the inputs after the parameters of `forward`.
        self.forward = function if _has_signature(function) else _with_signature(function)


def _has_signature(function: Callable) -> bool:
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        return False
    return True


def _with_signature(function: Callable) -> Callable:
    """torch's builtins have none, and torch.export asks for one."""

    def call(*inputs, **options):
        return function(*inputs, **options)

    return call


def _describe_type(value) -> str:
    if isinstance(value, type):
        return f"the class {value.__qualname__} itself"
    return f"an object of type {type(value).__qualname__}"


def _check_arguments(module: nn.Module, args, kwargs) -> None:
    if not isinstance(args, (tuple, list)):
        raise InputError(
            f"args must be a tuple of example inputs, not {_describe_type(args)}",
            hint="write (x,) for one input" if isinstance(args, torch.Tensor) else "",
        )
    if not isinstance(kwargs, dict):
        raise InputError(f"kwargs must be a dict of example inputs, not {_describe_type(kwargs)}")
    try:
        signature = inspect.signature(module.forward)
    except (TypeError, ValueError):
        signature = None  # a builtin
    if signature is not None:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InputError(
                f"the example inputs do not fit forward{signature}",
                why=str(error),
            ) from None
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        require_plain_tensor(name, tensor)
    device = _device_of(module)
    for path, leaf in _leaves(args, kwargs):
        _check_leaf(path, leaf, device)


def _check_leaf(path: str, leaf, device: torch.device | None) -> None:
    if leaf is None or isinstance(leaf, (bool, int, float, str)):
        return
    if not isinstance(leaf, torch.Tensor):
        if type(leaf).__module__.split(".")[0] == "numpy":
            raise InputError(
                f"example input {path} is a numpy object", hint="pass torch.from_numpy(...)"
            )
        raise InputError(
            f"example input {path} is {_describe_type(leaf)}",
            why="torch.export takes tensors, numbers, strings, None, and tuples, lists and dicts "
            "of them",
            hint=hint_for_type(type(leaf)),
        )
    if leaf.is_meta or isinstance(leaf, torch._subclasses.FakeTensor):
        raise InputError(
            f"example input {path} has no data ({_describe_type(leaf)} on '{leaf.device}')",
            hint="pass a real tensor: the conversion is checked with it",
        )
    if leaf.layout is not torch.strided:
        raise InputError(f"example input {path} is sparse", hint="pass x.to_dense()")
    if device is not None and leaf.device.type != device.type and leaf.dim() > 0:
        raise InputError(
            f"example input {path} is on '{leaf.device}', the module on '{device}'",
            hint="move one of them with .to(...)",
        )


def _device_of(module: nn.Module) -> torch.device | None:
    devices = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
    return devices.pop() if len(devices) == 1 else None


def _leaves(args, kwargs) -> Iterator[tuple[str, Any]]:
    for path, leaf in pytree.tree_flatten_with_path((tuple(args), kwargs))[0]:
        # The path starts with args or kwargs and the place in it.
        start = "args" if path[0].idx == 0 else "kwargs"
        yield start + pytree.keystr(path[1:]), leaf


def _separate_tensors(module: nn.Module, args, kwargs) -> tuple[tuple, dict]:
    """Clones a tensor that is given a second time, or that the module owns.

    torch.export takes one object for one input: of two inputs that are the same tensor, only one
    would be connected, and the program would be wrong for all other arguments.
    """
    seen = {id(tensor) for tensor in (*module.parameters(), *module.buffers())}
    leaves, tree = pytree.tree_flatten((tuple(args), kwargs))
    for position, leaf in enumerate(leaves):
        if not isinstance(leaf, torch.Tensor):
            continue
        if id(leaf) in seen:
            leaves[position] = copy_tensor(leaf)
        seen.add(id(leaf))
    return pytree.tree_unflatten(leaves, tree)


# Export ------------------------------------------------------------------------------------------


def _export(module, args, kwargs, dynamic_shapes, strict, refused) -> ExportedProgram:
    given = (module, args, kwargs)
    failures: list[tuple[str, Exception]] = []
    for name, way in _ways(given, dynamic_shapes, strict):
        if _is_hopeless(name, [error for _, error in failures]):
            continue
        if name == _REWRITTEN and refused is not None:
            failures.append((name, refused))
            continue
        try:
            follows = nullcontext([]) if name == _STRICT else assignments_written(module)
            with (
                left_unchanged(module),
                follows as misfits,
                _exporting(),
                levels_restored(),
                _marks_restored(args, kwargs),
            ):
                program = way()
            require_complete(program)
        except Exception as error:
            failures.append((name, error))
        else:
            require_not_carried(*given, misfits)
            if strict is None and dynamic_shapes is None:
                program = _without_free_values(*given, program)
            warn(program, [error for _, error in failures if isinstance(error, CannotRewrite)])
            return program
        if len(failures) == 1:
            _require_running(*given)
    errors = [error for _, error in failures]
    raise CaptureError(
        f"torch.export cannot capture {name_of(module)}",
        where=place_of(errors[0]),
        why=reasons(failures),
        hint=hint_for(module, errors),
    ) from errors[0]


_REWRITTEN = "export of rewritten control flow"
_TRACING = "tracing by make_fx"
_STRICT = "strict export"
_NOT_EMPTY = "non-strict export of tensors that are not empty"


def _ways(given, dynamic_shapes, strict: bool | None) -> Iterator[tuple[str, Callable]]:
    """The ways of capture, each with its name, in the order in which they are tried."""
    module, args, kwargs = given

    def export(strict: bool) -> ExportedProgram:
        return torch.export.export(
            module, args, kwargs, dynamic_shapes=dynamic_shapes, strict=strict
        )

    def traced(**options) -> ExportedProgram:
        from .tracing import export_traced

        return export_traced(*given, **options)

    def frozen() -> ExportedProgram:
        from .freezing import export_frozen  # sympy, which most models do not need

        return export_frozen(*given)

    def not_empty() -> ExportedProgram:
        from .unknown_sizes import export_not_empty

        return export_not_empty(*given)

    def rewritten() -> ExportedProgram:
        from .control.rewriting import export_rewritten  # only models that look at values need it

        if dynamic_shapes is not None:
            return export_rewritten(*given, dynamic_shapes)
        return _of_constants_only(frozen) or export_rewritten(*given)

    def answered(way: Callable, **options) -> Callable:
        return lambda: in_modes(module, way, **options)

    others = strict is None and dynamic_shapes is None
    if strict is not True:
        yield "non-strict export", lambda: export(False)
        yield "non-strict export, answering for torch", answered(lambda: export(False))
    if strict is None:
        yield _REWRITTEN, rewritten
    if others:
        yield _TRACING, answered(traced)
    if strict is not False:
        yield _STRICT, lambda: export(True)
    if others:
        yield _NOT_EMPTY, not_empty
        yield "tracing with the example's values", answered(frozen, may_freeze=True)
        yield "tracing with the example's values, not answering for torch", frozen
        traced_frozen = answered(lambda: traced(freeze=True), may_freeze=True)
        yield f"{_TRACING} with the example's values", traced_frozen


def _of_constants_only(frozen: Callable[[], ExportedProgram]) -> ExportedProgram | None:
    """With the example's values, if no input has a part in any of them."""
    try:
        program = frozen()
    except Exception:  # then control flow has to be looked at anyway
        return None
    return None if values_of_inputs(program) else program


def _is_hopeless(way: str, failures: list[Exception]) -> bool:
    """Whether it would fail as the others did: because they looked at values, or not."""
    if way == _NOT_EMPTY:
        from .unknown_sizes import stops_at_a_size  # sympy, which most models do not need

        return not stops_at_a_size(failures[0])
    if way == _REWRITTEN:
        return not any(map(looks_at_a_value, failures))
    if way == _STRICT:
        return any(isinstance(error, DataDependentLength) for error in failures)
    return way == _TRACING and any(map(looks_at_a_value, failures))


def looks_at_a_value(error: Exception) -> bool:
    """Whether torch stopped because Python asked for a value of a tensor."""
    return "DataDependent" in type(error).__name__


def _without_free_values(module, args, kwargs, program: ExportedProgram) -> ExportedProgram:
    """Numbers and sizes that torch leaves open, but no input has a part in, become constants."""
    from .freezing import depends_on_values, export_frozen  # torch.export has loaded sympy

    if not depends_on_values(program):
        return program
    try:
        with left_unchanged(module), assignments_written(module), _exporting():
            frozen = export_frozen(module, args, kwargs)
    except Exception:  # then it is the core's to say what it cannot do
        return program
    return program if values_of_inputs(frozen) else frozen


@contextmanager
def _marks_restored(args, kwargs):
    """torch marks tensors whose sizes are free, and where it fails they stay so."""
    leaves = pytree.tree_leaves((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    saved = [dict(vars(tensor)) for tensor in tensors]
    try:
        yield
    finally:
        for tensor, attributes in zip(tensors, saved):
            vars(tensor).clear()
            vars(tensor).update(attributes)


@contextmanager
def _exporting():
    """With gradients, whatever the caller has set: without, modules such as nn.TransformerEncoder
    take a fused path that hides their operators."""
    with torch.enable_grad(), quiet(), one_way():
        yield


def _require_running(module, args, kwargs) -> None:
    """A module that does not even run on its example inputs needs no other way of capture."""
    with left_unchanged(module) as state:
        result = Runner(module, state)((args, kwargs))
    if isinstance(result, Failure):
        raise InputError(
            f"{name_of(module)} does not run on these example inputs",
            where=place_of(result.error),
            why=reason(result.error),
        ) from result.error
