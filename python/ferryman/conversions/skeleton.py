"""A converter to be filled in, for an operator that has no conversion.

    print(skeleton_of(torch.ops.my.gate.default))

    @ferryman.converter("my::gate")
    def gate(x, y, scale=2.0):
        ...
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Any

import torch
from torch._ops import OpOverload

_LEAST = 3  # shown whole; of more, the names are listed


def skeletons(diagnostics: Iterable[Any]) -> str:
    """For the operators that errors of the core are about; "" if they are about none."""
    found: dict[str, OpOverload] = {}
    for diagnostic in diagnostics:
        subject = diagnostic.get("subject", "") if isinstance(diagnostic, dict) else ""
        operator = _operator(subject)
        if operator is not None and diagnostic["code"].startswith("E02"):
            found.setdefault(operator._schema.name, operator)
    shown = [skeleton_of(operator) for operator in list(found.values())[:_LEAST]]
    if not shown:
        return ""
    more = list(found)[_LEAST:]
    rest = f"\n\nand the same for {', '.join(more)}" if more else ""
    return "or give Ferryman a conversion, in PyTorch:\n\n" + "\n\n".join(shown) + rest


def _operator(target: str) -> OpOverload | None:
    """Of "my.gate.default"."""
    parts = target.split(".")
    if len(parts) != 3:
        return None
    packet = getattr(getattr(torch.ops, parts[0], None), parts[1], None)
    found = getattr(packet, parts[2], None)
    return found if isinstance(found, OpOverload) else None


def skeleton_of(operator: OpOverload) -> str:
    schema = operator._schema
    name = _name(schema.name.partition("::")[2])
    given = ", ".join(_parameters(schema.arguments))
    gives = ", ".join(str(result.type) for result in schema.returns) or "nothing"
    writes = [a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write]
    text = f"compute {gives} with operators of torch"
    if writes:
        text += f", and write {', '.join(map(_name, writes))} with copy_"
    return (
        f'@ferryman.converter("{schema.name}")\n'
        f"def {name}({given}):\n"
        f'    raise NotImplementedError("{text}")'
    )


def _parameters(arguments: Iterable[Any]) -> list[str]:
    parameters, is_keyword_only = [], False
    for argument in arguments:
        if argument.kwarg_only and not is_keyword_only:
            is_keyword_only = True
            parameters.append("*")
        default = f"={argument.default_value!r}" if argument.has_default_value() else ""
        parameters.append(f"{_name(argument.name)}{default}")
    return parameters


def _name(name: str) -> str:
    name = name if name.isidentifier() else "convert"
    return f"{name}_" if keyword.iskeyword(name) else name
