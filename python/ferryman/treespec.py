"""Treespecs as torch.export.save writes them, for structures that it refuses to write as well."""

from __future__ import annotations

import json

from torch.utils import _pytree as pytree


def dump_tree(spec: pytree.TreeSpec) -> str:
    try:
        return pytree.treespec_dumps(spec, 1)
    except NotImplementedError:
        # torch.return_types and the like have no name to be saved under; theirs will do here.
        return json.dumps([1, _dump_node(spec)])


def _dump_node(spec: pytree.TreeSpec) -> dict:
    children = [_dump_node(child) for child in spec.children()]
    if spec.type is None:
        return {"type": None, "context": None, "children_spec": children}
    context = spec.context if isinstance(spec.context, (list, str)) else None
    fields = getattr(spec.type, "_fields", None) or getattr(spec.context, "_fields", None)
    if hasattr(spec.type, "n_sequence_fields"):  # torch.return_types.topk: a C struct sequence
        fields = spec.type.__match_args__
    if fields is not None:
        context = list(fields)
    name = f"{spec.type.__module__}.{spec.type.__qualname__}"
    return {"type": name, "context": json.dumps(context), "children_spec": children}


def collect_named_tuples(spec: pytree.TreeSpec, found: dict[str, list[str]]) -> None:
    if spec.type is not None and hasattr(spec.context, "_fields"):
        known = pytree.SUPPORTED_SERIALIZED_TYPES.get(spec.context)
        if known is not None:
            found[known.serialized_type_name] = list(spec.context._fields)
    for child in spec.children():
        collect_named_tuples(child, found)
