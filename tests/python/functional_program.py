"""Functional programs from the core, run in PyTorch, and compared with eager modules.

    program = functionalise(module, (x,))          # a FunctionalProgram
    program.run([x])                               # {"user": […], "input_mutation": {name: …}, …}
    check(module, x)                               # asserts that all of it equals eager
"""

from __future__ import annotations

import copy
import json

import torch
from torch import nn
from torch.utils import _pytree as pytree

import native_support
from ferryman.capture import capture, walk

# On values, unlike on memory, a view may always be a copy; strides of computed values differ from
# those that the exporter saw.
_AS_RESHAPE = {"aten.view.default", "aten._unsafe_view.default"}


class FunctionalProgram:
    def __init__(self, exported: torch.export.ExportedProgram):
        self._weights = {**exported.state_dict, **exported.constants}
        buffer, storages = walk(exported)
        self.json = json.loads(native_support.functionalise_to_json(buffer, storages))

    @property
    def targets(self) -> list[str]:
        return [node["target"] for node in self.json["nodes"]]

    def run(self, leaves: list) -> dict:
        """leaves: the flattened user inputs, in order."""
        values: dict[int, object] = {}
        users = iter(leaves)
        for given in self.json["inputs"]:
            value = next(users) if given["kind"] == "user" else self._weight(given)
            if given["value"] is not None:
                values[given["value"]] = value
        self._run_nodes(self.json["nodes"], values)
        mutations = ("input_mutation", "buffer_mutation", "parameter_mutation")
        results = {"user": [], **{kind: {} for kind in mutations}}
        for output in self.json["outputs"]:
            value = self._argument(output["arg"], values)
            if output["kind"] == "user":
                results["user"].append(value)
            else:
                results[output["kind"]][output["name"]] = value
        return results

    def _weight(self, given: dict) -> torch.Tensor:
        return self._weights[given["name"]].detach().clone()

    def _run_nodes(self, nodes: list[dict], values: dict) -> None:
        for node in nodes:
            arguments = {name: self._argument(arg, values) for name, arg in node["args"]}
            results = self._call(node, arguments)
            results = list(results) if isinstance(results, (tuple, list)) else [results]
            for index, result in zip(node["results"], results, strict=True):
                if index is None:
                    continue
                self._check_type(self.json["values"][index], result)
                values[index] = result

    def _call(self, node: dict, arguments: dict):
        target = node["target"]
        if target in _AS_RESHAPE:
            return arguments["self"].reshape(arguments["size"])
        if target.startswith("aten.as_strided"):
            arguments["self"] = self._with_strides_of(dict(node["args"])["self"], arguments["self"])
        namespace, rest = target.split(".", 1)
        if namespace == "_operator":
            import operator

            return getattr(operator, rest)(*arguments.values())
        packet, overload = rest.rsplit(".", 1)
        op = getattr(getattr(getattr(torch.ops, namespace), packet), overload)
        written = [a.name for a in op._schema.arguments if a.alias_info and a.alias_info.is_write]
        assert not written, f"{target} writes to {written}"
        return op(**arguments)

    def _with_strides_of(self, arg: dict, tensor: torch.Tensor) -> torch.Tensor:
        expected = self.json["values"][arg["value"]]
        return torch.empty_strided(
            expected["sizes"], expected["strides"], dtype=tensor.dtype
        ).copy_(tensor)

    def _check_type(self, expected: dict, result) -> None:
        if not isinstance(result, torch.Tensor):
            return
        sizes = [size if isinstance(size, int) else None for size in expected["sizes"]]
        actual = [a if e is not None else None for a, e in zip(result.shape, sizes, strict=True)]
        assert actual == sizes, f"{expected} is {list(result.shape)}"
        assert str(result.dtype) == f"torch.{expected['dtype']}", f"{expected} is {result.dtype}"

    def _argument(self, arg, values: dict):
        if isinstance(arg, list):
            return [self._argument(element, values) for element in arg]
        if not isinstance(arg, dict):
            return arg
        ((kind, content),) = arg.items()
        if kind == "value":
            return values[content]
        if kind == "float":
            return float(content)
        if kind in ("dtype", "memory_format", "layout"):
            return getattr(torch, content)
        if kind == "device":
            return torch.device(content)
        raise AssertionError(f"an argument of unknown kind: {arg}")


class _Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def as_module(function) -> nn.Module:
    return function if isinstance(function, nn.Module) else _Function(function).eval()


def clone_all(tree):
    """Copies that keep their strides."""
    return pytree.tree_map_only(torch.Tensor, lambda t: t.detach().clone(), tree)


def functionalise(module, args: tuple, **options) -> FunctionalProgram:
    return FunctionalProgram(capture(as_module(module), clone_all(args), **options))


def check(module, *args, other_args: tuple | None = None, **options) -> FunctionalProgram:
    """Exports with `args`, runs with `other_args` (default: the same), and compares with eager:
    results, and what is left in the inputs, parameters and buffers."""
    module = as_module(module)
    program = functionalise(module, args, **options)
    run_args = args if other_args is None else other_args

    eager = copy.deepcopy(module)
    eager_args = clone_all(run_args)
    with torch.no_grad():
        expected = pytree.tree_leaves(eager(*eager_args))
        actual = program.run(pytree.tree_leaves(clone_all(run_args)))
    _compare("outputs", actual["user"], expected)

    names = [given["name"] for given in program.json["inputs"] if given["kind"] == "user"]
    before = dict(zip(names, pytree.tree_leaves(run_args), strict=True))
    after = dict(zip(names, pytree.tree_leaves(eager_args), strict=True))
    _compare("inputs", {**before, **actual["input_mutation"]}, after)

    state = dict(module.state_dict(), **dict(module.named_buffers()))
    new_state = dict(eager.state_dict(), **dict(eager.named_buffers()))
    mutated = {**actual["buffer_mutation"], **actual["parameter_mutation"]}
    _compare("state", {**state, **mutated}, new_state)
    return program


def _compare(what: str, actual, expected) -> None:
    def same(a, b):
        if not isinstance(b, torch.Tensor):
            assert a == b, f"{what}: {a} is not {b}"
            return
        torch.testing.assert_close(a, b, equal_nan=True, msg=lambda text: f"{what}: {text}")

    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            same(actual[key], expected[key])
        return
    assert len(actual) == len(expected), f"{what}: {len(actual)} instead of {len(expected)}"
    for a, b in zip(actual, expected, strict=True):
        same(a, b)
