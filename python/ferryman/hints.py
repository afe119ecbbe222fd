"""What a user can do about an error of capture, and the part of its message that says what it is.

    hint_for(module, errors)         # "pad the sequences: torch.nn.utils.rnn.pad_sequence(…)"
    reason(error)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from torch import nn

_QUANTISED = (
    "the module is quantised or observed by torch.ao: convert the float model, and quantise the "
    "file, for instance with ai-edge-quantizer"
)
_NUMPY = (
    "the model leaves torch for numpy, where nothing can be traced; write that part with torch's "
    "operators, or move it out of the model"
)
_BRANCHES = (
    "the model branches on values of tensors; use torch.where or torch.cond, or move that part out "
    "of the model"
)
_NESTED = (
    "nested tensors have no place in a file of fixed shapes: pad the sequences with "
    "torch.nn.utils.rnn.pad_sequence(…, batch_first=True), and mask what was added"
)


# What torch's messages end with: how to debug torch.
_ADVICE = (
    *("For more information, run with TORCH_LOGS", "For extended logs", "If you suspect the guard"),
    *("For more debugging help", "User Stack", "Use tlparse", "(snipped, see stack below"),
    *("from user code:", "Set TORCHDYNAMO_VERBOSE", "Hint: ", "Developer debug context:"),
    *("The following call raised this error:", "To fix the error, insert one of"),
    *("The error above occurred", "While executing ", "Original traceback", "Caused by: "),
    *("consider using data-dependent friendly APIs", "The branch condition involves"),
)
_LINES = 6
_NESTED_TENSORS = re.compile(
    r"NestedTensor|nested[._]\w*tensor|aten\._?(nested|jagged|padded_dense)"
)
_UNKNOWN_OUTPUT = re.compile(r"Found <class '([\w.<>]+)'> in output")


def reason(error: BaseException) -> str:
    """The part of torch's message that says what happened, without frames, logs and advice."""
    lines = []
    for line in str(error).strip().splitlines():
        if line.strip().startswith(_ADVICE) and lines:
            break
        if line.strip():
            lines.append(line.partition(". See http")[0].rstrip())
    text = "\n".join(lines[:_LINES]).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def reasons(failures: Sequence[tuple[str, BaseException]]) -> str:
    """Of all ways of capture; the same reason is told once."""
    told: dict[str, str] = {}
    for way, error in failures:
        told.setdefault(reason(error), way)
    return "\n".join(f"{way}: {text}" for text, way in told.items())


def hint_for(module: nn.Module, errors: Sequence[BaseException]) -> str:
    text = " ".join(str(error) for error in errors)
    if is_quantised(module):
        return _QUANTISED
    if _NESTED_TENSORS.search(text):
        return _NESTED
    unknown = _UNKNOWN_OUTPUT.search(text)
    if unknown is not None:
        return _of_unknown_type(unknown[1].rpartition(".")[2])
    if "numpy()" in text:
        return _NUMPY
    if any("DataDependent" in type(error).__name__ for error in errors):
        return _BRANCHES
    return ""


def hint_for_sizes(divisible: Mapping[str, int]) -> str:
    """divisible: free sizes that are multiples, by name."""
    if not divisible:
        return ""
    written = [f'"{factor}*{name}" in the place of "{name}"' for name, factor in divisible.items()]
    told = " and ".join(written)
    return f"the model takes only multiples here: say so in dynamic_shapes, with {told}"


def hint_for_type(kind: type) -> str:
    """For an input that torch.export cannot take apart."""
    return _of_unknown_type(kind.__name__)


def _of_unknown_type(name: str) -> str:
    return (
        f"if {name} is a dataclass, call torch.export.register_dataclass({name}) first; or use "
        "tuples, lists and dicts"
    )


def is_quantised(module: nn.Module) -> bool:
    return any(map(_is_of_quantisation, module.modules()))


def _is_of_quantisation(module: nn.Module) -> bool:
    homes: Iterable[str] = (kind.__module__ for kind in type(module).__mro__)
    return any(
        home.startswith(("torch.ao.", "torchao.")) and type(module).__name__ not in _STUBS
        for home in homes
    )


# They do nothing before the model is prepared.
_STUBS = ("QuantStub", "DeQuantStub", "QuantWrapper", "FloatFunctional")
