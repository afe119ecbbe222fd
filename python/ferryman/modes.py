"""Training mode: which modules behave otherwise in it than in evaluation.

    require_evaluation(module, args, kwargs)      # InputError that names them

Of torch.nn's own modules it is known. For all other code the model runs once on its example while
Python reports where `training` is read of a module that is in training mode: only that is watched,
instruction by instruction, in the functions that name it, so that a read that is never reached does
not count. What reads it by another way (`getattr`, compiled code) shows in a second run, with all
modules in evaluation mode.
"""

from __future__ import annotations

import dis
import functools
import sys
import types
from typing import Any

from torch import nn

from .errors import InputError
from .restore import left_unchanged
from .trial import Failure, Runner
from .values import difference

_FLAG = "training"
# Known by what they are, or copied with the flag (the graphs of torch.cond): their own reads of it
# say nothing.
_KNOWN = ("torch.nn.modules", "torch.fx")
_SHOWN = 4


def require_evaluation(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
    training = {child: path for path, child in module.named_modules() if child.training}
    if not training:
        return
    reasons = {child: reason for child in training if (reason := _known_reason(child))}
    if not reasons:
        reasons = _seen_reasons(module, args, kwargs)
    if reasons:
        raise _refusal({training.get(child): (child, reason) for child, reason in reasons.items()})


def _refusal(found: dict[str | None, tuple[nn.Module, str]]) -> InputError:
    """By path; None of a module that is not registered."""
    names = [f"'{path}'" for path in found if path]
    what = "the module is" if not names else f"its module {names[0]} is"
    if len(names) > 1:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        what = f"its modules {', '.join(names[:_SHOWN])}{more} are"
    lines = [
        f"{path or 'it'} ({type(child).__name__}) {reason}"
        for path, (child, reason) in list(found.items())[:_SHOWN]
    ]
    return InputError(
        f"{what} in training mode",
        why="\n".join(lines),
        hint="call module.eval() first, or pass training=True if that is what you want",
    )


def _known_reason(module: nn.Module) -> str:
    """Why one of torch.nn's modules gives another result in training mode."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return f"drops values at random, p={module.p}" if module.p > 0 else ""
    if isinstance(module, nn.modules.batchnorm._NormBase):
        keeps = module.running_mean is not None or module.running_var is not None
        return "uses the statistics of the batch, and updates its own" if keeps else ""
    if isinstance(module, nn.RReLU):
        return "draws its slopes at random" if module.lower != module.upper else ""
    drops = getattr(module, "dropout", 0)
    if isinstance(module, nn.MultiheadAttention) and drops > 0:
        return f"drops attention weights at random, dropout={drops}"
    if isinstance(module, nn.RNNBase) and drops > 0 and module.num_layers > 1:
        return f"drops values between its layers at random, dropout={drops}"
    return ""


def _seen_reasons(module, args, kwargs) -> dict[nn.Module, str]:
    with left_unchanged(module) as state:
        run = Runner(module, state)
        reads = _Reads()
        with reads:
            in_training = run((args, kwargs))
        if isinstance(in_training, Failure) or reads.found:
            return reads.found
        state.restore()
        for child in module.modules():
            if _FLAG in vars(child):  # not of compiled modules
                child.__dict__[_FLAG] = False
        found = difference(run((args, kwargs)), in_training)
    if found is None:
        return {}
    return {module: f"gives {found}, which it gives in evaluation mode"}


# Reads -------------------------------------------------------------------------------------------


class _Reads:
    """Who was asked whether it is in training mode, and was. Where a debugger watches already, the
    second run has to do."""

    def __init__(self):
        self.found: dict[nn.Module, str] = {}

    def __enter__(self) -> None:
        self._watches = sys.gettrace() is None
        if self._watches:
            sys.settrace(self._enter_function)

    def __exit__(self, *_: Any) -> None:
        if self._watches:
            sys.settrace(None)

    def _enter_function(self, frame: types.FrameType, event: str, _: Any):
        if _FLAG not in frame.f_code.co_names:
            return None
        if (frame.f_globals.get("__name__") or "").startswith(_KNOWN):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame: types.FrameType, event: str, _: Any):
        source = _reads_in(frame.f_code).get(frame.f_lasti) if event == "opcode" else None
        if source is not None:
            module = _resolve(frame, source)
            if isinstance(module, nn.Module) and module.training:
                place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                self.found.setdefault(module, f"reads `training` at {place}")
        return self._step


@functools.lru_cache(maxsize=1024)
def _reads_in(code: types.CodeType) -> dict[int, tuple[str, ...]]:
    """By the offset of an instruction that reads the flag: ("self", "block") of
    `self.block.training`, or () where the object is no plain name."""
    reads, chain = {}, ()
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if name.startswith("LOAD_ATTR"):
            if value == _FLAG:
                reads[instruction.offset] = chain
            chain = (*chain, value) if chain else ()
        elif name.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_GLOBAL")):
            chain = (value[-1] if isinstance(value, tuple) else value,)
        elif name not in ("CACHE", "EXTENDED_ARG", "PRECALL"):
            chain = ()
    return reads


def _resolve(frame: types.FrameType, source: tuple[str, ...]) -> Any:
    names = source or ("self",)
    value = frame.f_locals.get(names[0], frame.f_globals.get(names[0]))
    for name in names[1:]:
        value = getattr(value, name, None)
    return value
