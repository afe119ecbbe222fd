"""Writes an ExportedProgram into one buffer that the C++ core reads (src/frontend/live/live.h).

    buffer, storages = walk(exported_program)

One pass over the graph, no call per node from C++ back into Python, no byte of a weight copied:
`storages` lists (address, num_bytes, owner) and the buffer refers to them by index. The names of
values and arguments are those that torch.export.save writes into an archive.
"""

from __future__ import annotations

import operator
import struct
from array import array

import torch
from torch.export.graph_signature import (
    ConstantArgument,
    CustomObjArgument,
    InputKind,
    OutputKind,
    TokenArgument,
)
from torch.fx import GraphModule, Node

from .errors import CaptureError, InputError
from .operators import Operator, describe, name_arguments, qualified_name
from .plain_tensors import require_plain_tensor
from .program_sizes import hints_by_symbol, sizes_of
from .treespec import collect_named_tuples, dump_tree

_MAGIC = b"FERRYLIV"
_VERSION = 2

# The numbers of InputKind and OutputKind in src/frontend/program/program.h.
_USER, _PARAMETER, _BUFFER, _CONSTANT, _TOKEN, _CUSTOM_OBJECT = range(6)
_INPUT_KINDS = {
    InputKind.USER_INPUT: _USER,
    InputKind.PARAMETER: _PARAMETER,
    InputKind.BUFFER: _BUFFER,
    InputKind.CONSTANT_TENSOR: _CONSTANT,
    InputKind.TOKEN: _TOKEN,
    InputKind.CUSTOM_OBJ: _CUSTOM_OBJECT,
}
_OUTPUT_KINDS = {
    OutputKind.USER_OUTPUT: 0,
    OutputKind.LOSS_OUTPUT: 0,
    OutputKind.BUFFER_MUTATION: 1,
    OutputKind.PARAMETER_MUTATION: 2,
    OutputKind.USER_INPUT_MUTATION: 3,
    OutputKind.TOKEN: 4,
}

_DTYPES = {
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
    torch.float64: "f64",
    torch.int8: "i8",
    torch.int16: "i16",
    torch.int32: "i32",
    torch.int64: "i64",
    torch.uint8: "u8",
    torch.uint16: "u16",
    torch.uint32: "u32",
    torch.uint64: "u64",
    torch.bool: "bool",
    torch.complex64: "c64",
    torch.complex128: "c128",
}

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def walk(program: torch.export.ExportedProgram) -> tuple[bytes, list[tuple[int, int, object]]]:
    """Returns the buffer and the storages, (address, num_bytes, owner), that it refers to."""
    walker = _Walker()
    walker.write_program(program)
    return walker.buffer(), walker.storages


class _Walker:
    def __init__(self):
        self.words: list[int] = []
        self.storages: list[tuple[int, int, object]] = []
        self._strings: dict[str, int] = {}
        self._num_values = 0
        # By fx node: the index of its value, a list of such (None = no value) for several results,
        # a Python constant wrapped in a tuple, or the sub-graph module of a get_attr node.
        self._values: dict[Node, object] = {}
        self._storage_indices: dict[int, int] = {}
        self._expressions: dict[object, str] = {}
        self._hints: dict[object, object] = {}  # by sympy's symbol: the example's sizes

    def buffer(self) -> bytes:
        encoded = [text.encode("utf-8", "replace") for text in self._strings]
        header = struct.pack("<8sqqq", _MAGIC, _VERSION, len(self.words), len(encoded))
        lengths = array("q", [len(text) for text in encoded])
        return b"".join([header, array("q", self.words).tobytes(), lengths.tobytes(), *encoded])

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    # The program -----------------------------------------------------------------------------

    def write_program(self, program: torch.export.ExportedProgram) -> None:
        signature = program.module_call_graph[0].signature
        named_tuples: dict[str, list[str]] = {}
        string, words = self._string, self.words
        words.append(string(torch.__version__))
        for spec in (signature.in_spec, signature.out_spec):
            words.append(string(dump_tree(spec)))
            collect_named_tuples(spec, named_tuples)
        words.append(len(named_tuples))
        for name, fields in named_tuples.items():
            words += (string(name), len(fields), *map(string, fields))
        self._write_symbols(program)
        guards = program._guards_code if hasattr(program, "_guards_code") else []
        words += (len(guards), *map(string, guards))
        self._write_graph(program)

    def _write_symbols(self, program: torch.export.ExportedProgram) -> None:
        """Sizes of the inputs by the user's names; then those that are only known at run time."""
        sizes = sizes_of(program)
        self._hints = hints_by_symbol(program, sizes)
        symbols = [
            (size.symbol, size.name, size.hint, size.min, _bound(size.max or "oo"))
            for size in sizes
        ]
        known = {size.symbol for size in sizes}
        symbols += [
            (str(symbol), str(symbol), 0, _bound(bounds.lower), _bound(bounds.upper))
            for symbol, bounds in program.range_constraints.items()
            if symbol.is_Symbol and str(symbol) not in known  # 2*s77 has the range that s77 says
        ]
        self.words.append(len(symbols))
        for symbol, name, *numbers in symbols:
            self.words += (self._string(symbol), self._string(name), *numbers)

    def _write_graph(self, program: torch.export.ExportedProgram) -> None:
        nodes = list(program.graph.nodes)
        placeholders = [node for node in nodes if node.op == "placeholder"]
        specs = program.graph_signature.input_specs
        self.words.append(len(specs))
        for node, spec in zip(placeholders, specs, strict=True):
            self._write_input(program, node, spec)
        self._write_nodes(nodes)
        results = nodes[-1].args[0]
        self.words.append(len(program.graph_signature.output_specs))
        for result, spec in zip(results, program.graph_signature.output_specs, strict=True):
            kind = _OUTPUT_KINDS.get(spec.kind)
            if kind is None:
                raise CaptureError(
                    f"the program returns a gradient ({spec.target})",
                    hint="export the model for inference",
                )
            self.words += (kind, self._string(spec.target or ""))
            self._write_argument(result)

    def _write_input(self, program, node: Node, spec) -> None:
        words = self.words
        kind = _INPUT_KINDS[spec.kind]
        if isinstance(spec.arg, ConstantArgument):
            words += (kind, self._string(spec.arg.name), 0)
            self._write_argument(spec.arg.value)
            self._values[node] = (spec.arg.value,)
            return
        words += (kind, self._string(node.name if spec.target is None else spec.target), 1)
        if isinstance(spec.arg, (TokenArgument, CustomObjArgument)):
            self._values[node] = self._write_value(node.name, spec.arg)
        else:
            self._values[node] = self._write_value(node.name, node.meta["val"])
        if kind not in (_PARAMETER, _BUFFER, _CONSTANT):
            words.append(0)
            return
        is_state = kind == _PARAMETER or (kind == _BUFFER and spec.persistent)
        tensor = (program.state_dict if is_state else program.constants)[spec.target]
        words.append(2 if tensor.requires_grad else 1)
        self._write_tensor_data(spec.target, tensor)

    def _write_tensor_data(self, name: str, tensor: torch.Tensor) -> None:
        require_plain_tensor(name, tensor)
        storage = tensor.untyped_storage()
        key = storage._cdata  # of the storage itself; an empty one has no address
        index = self._storage_indices.get(key)
        if index is None:
            index = self._storage_indices[key] = len(self.storages)
            held = storage if storage.device.type == "cpu" else storage.cpu()
            if held.nbytes() > 0 and held.data_ptr() == 0:
                raise InputError(f"'{name}' has no data: its memory is released or not yet there")
            self.storages.append((held.data_ptr(), held.nbytes(), held))
        strides = tensor.stride()
        self.words += (index, tensor.storage_offset(), len(strides), *strides)

    # Nodes -----------------------------------------------------------------------------------

    def _write_nodes(self, nodes: list[Node]) -> None:
        written = [node for node in nodes if self._is_written(node)]
        self.words.append(len(written))
        for node in written:
            self._write_node(node)

    def _is_written(self, node: Node) -> bool:
        if node.op == "get_attr":
            self._values[node] = _attribute(node)
            return False
        return node.op == "call_function" and node.target is not operator.getitem

    def _write_node(self, node: Node) -> None:
        words, string, meta = self.words, self._string, node.meta
        described = describe(node.target)
        words += (string(described.target), string(node.name))
        stack = meta.get("nn_module_stack")
        if stack:
            key = next(reversed(stack))
            path, type_name = stack[key]
            if not isinstance(type_name, str):
                type_name = f"{type_name.__module__}.{type_name.__qualname__}"
            words += (string(str(key)), string(path), string(type_name))
        else:
            words += (string(""),) * 3
        words.append(string(meta.get("stack_trace") or ""))
        arguments = name_arguments(described, node.args, node.kwargs)
        words.append(len(arguments))
        for name, argument in arguments:
            words.append(string(name))
            self._write_argument(argument)
        self._write_results(node, described)

    def _write_results(self, node: Node, described: Operator) -> None:
        val = node.meta.get("val")
        if described.num_returns == 0:
            self.words.append(0)
        elif isinstance(val, (list, tuple)):
            self._write_several_results(node, val)
        elif isinstance(val, dict):
            names = _name_items(node)
            self.words.append(len(val))
            self._values[node] = {
                key: self._write_result(names.get(key, f"{node.name}_unused_{key}"), item)
                for key, item in val.items()
            }
        else:
            self.words.append(1)
            self._values[node] = self._write_result(node.name, val)
        self._resolve_items(node)

    def _write_several_results(self, node: Node, val) -> None:
        self.words.append(sum(len(item) if isinstance(item, list) else 1 for item in val))
        items = _item_nodes(node)
        results = []
        for position, item in enumerate(val):
            user = items.get(position)
            if isinstance(item, list):
                names = _name_items(user) if user else {}
                stem = user.name if user else f"{node.name}_unused_{position}"
                joint = "_unused_" if user else "_"
                results.append(
                    [
                        self._write_result(names.get(i, f"{stem}{joint}{i}"), part)
                        for i, part in enumerate(item)
                    ]
                )
            else:
                name = user.name if user else f"{node.name}_unused_{position}"
                results.append(self._write_result(name, item))
        self._values[node] = results

    def _write_result(self, name: str, val) -> int | None:
        if val is None:
            self.words.append(0)
            return None
        self.words.append(1)
        return self._write_value(name, val)

    def _resolve_items(self, node: Node) -> None:
        """Results of several results are values of their own; getitem nodes only name them."""
        value = self._values.get(node)
        if not isinstance(value, (list, dict)):
            return
        for user in node.users:
            if user.op == "call_function" and user.target is operator.getitem:
                self._values[user] = value[user.args[1]]
                self._resolve_items(user)

    # Values ----------------------------------------------------------------------------------

    def _write_value(self, name: str, val) -> int:
        words = self.words
        words.append(self._string(name))
        if isinstance(val, torch.Tensor):
            self._write_tensor_type(name, val)
        elif isinstance(val, (bool, torch.SymBool)):
            words.append(2)
            self._write_size(val)
        elif isinstance(val, (int, torch.SymInt)):
            words.append(1)
            self._write_size(val)
        elif isinstance(val, torch.SymFloat) and not _is_concrete(val):
            words += (3, self._string(self._expression(val)))
        elif isinstance(val, (float, torch.SymFloat)):
            words += (4, _float_bits(float(val)))
        else:
            words.append(5)
        self._num_values += 1
        return self._num_values - 1

    def _write_tensor_type(self, name: str, val: torch.Tensor) -> None:
        if val.layout is not torch.strided:
            raise CaptureError(
                f"'{name}' has the layout {val.layout}",
                hint="use dense tensors: call .to_dense() in the model",
            )
        dtype = self._string(_DTYPES.get(val.dtype) or str(val.dtype).removeprefix("torch."))
        sizes, strides = val.shape, val.stride()
        if _are_ints(sizes) and _are_ints(strides):
            self.words += (0, dtype, len(sizes), 0, *sizes, *strides)
            return
        self.words += (0, dtype, len(sizes), 1)
        for size in (*sizes, *strides):
            self._write_size(size)

    def _write_size(self, size) -> None:
        if isinstance(size, (int, bool)) or _is_concrete(size):
            self.words += (int(size), 0)
            return
        self.words += (self._hint(size), 1 + self._string(self._expression(size)))

    def _hint(self, size) -> int:
        """The example's value; sizes of run time have none, and torch keeps none of bools."""
        if isinstance(size, torch.SymBool):
            return 0
        known = size.node.expr.xreplace(self._hints)
        if known.is_Integer:
            return int(known)
        return 0 if size.node.hint is None else int(size.node.hint)

    def _expression(self, number) -> str:
        expression = number.node.expr
        text = self._expressions.get(expression)
        if text is None:
            import sympy

            text = self._expressions[expression] = sympy.srepr(expression)
        return text

    # Arguments -------------------------------------------------------------------------------

    def _write_argument(self, argument) -> None:
        words, kind = self.words, type(argument)
        if kind is Node:
            self._write_reference(argument)
        elif kind is int:
            words += (2, argument)
        elif argument is None:
            words.append(0)
        elif kind is bool:
            words += (1, int(argument))
        elif kind is float:
            words += (3, _float_bits(argument))
        elif kind is str:
            words += (4, self._string(argument))
        elif isinstance(argument, (list, tuple)):
            words += (8, len(argument))
            for item in argument:
                self._write_argument(item)
        elif isinstance(argument, dict):
            words += (8, len(argument))
            for key, item in argument.items():
                words += (8, 2, 4, self._string(key))
                self._write_argument(item)
        elif kind is torch.dtype:
            name = _DTYPES.get(argument) or str(argument).removeprefix("torch.")
            words += (5, self._string(name))
        elif kind is complex:
            words += (9, _float_bits(argument.real), _float_bits(argument.imag))
        else:
            self._write_enum(argument)

    def _write_enum(self, argument) -> None:
        if isinstance(argument, torch.device):
            kind, text = "device", str(argument)
        elif isinstance(argument, torch.memory_format):
            kind, text = "memory_format", str(argument).removeprefix("torch.")
        elif isinstance(argument, torch.layout):
            kind, text = "layout", str(argument).removeprefix("torch.")
        elif isinstance(argument, (torch._ops.OpOverload, torch._ops.HigherOrderOperator)):
            kind, text = "operator", qualified_name(argument)
        else:
            raise CaptureError(
                f"an argument of type {type(argument).__name__} has no place in a program",
                hint="pass tensors, numbers and strings to operators",
            )
        self.words += (6, self._string(kind), self._string(text))

    def _write_reference(self, node: Node) -> None:
        value = self._values.get(node)
        if isinstance(value, int):
            self.words += (7, value)
        elif isinstance(value, tuple):
            self._write_argument(value[0])
        elif isinstance(value, GraphModule):
            self._write_subgraph(str(node.target), value)
        elif isinstance(value, list):  # a whole Tensor[] handed on
            self.words += (8, len(value))
            for item in value:
                self.words += (0,) if item is None else (7, item)
        elif value is None and node in self._values:
            self.words.append(0)
        else:
            raise CaptureError(f"the graph uses '{node.name}', which has no value")

    def _write_subgraph(self, name: str, module: GraphModule) -> None:
        nodes = list(module.graph.nodes)
        placeholders = [node for node in nodes if node.op == "placeholder"]
        self.words += (10, self._string(name), len(placeholders))
        for node in placeholders:
            self._values[node] = self._write_value(node.name, node.meta.get("val"))
        self._write_nodes(nodes)
        results = nodes[-1].args[0]
        if isinstance(results, Node):
            results = (results,)
        self.words.append(len(results))
        for result in results:
            self._write_argument(result)


def _item_nodes(node: Node) -> dict[object, Node]:
    """The first getitem node of each item."""
    items: dict[object, Node] = {}
    for user in node.users:
        if user.op == "call_function" and user.target is operator.getitem:
            items.setdefault(user.args[1], user)
    return items


def _name_items(node: Node) -> dict[object, str]:
    return {position: user.name for position, user in _item_nodes(node).items()}


def _attribute(node: Node):
    value = node.graph.owning_module
    for part in str(node.target).split("."):
        value = getattr(value, part)
    return value


def _are_ints(sizes) -> bool:
    for size in sizes:
        if type(size) is not int:
            return False
    return True


def _is_concrete(number) -> bool:
    return number.node.expr.is_number


def _float_bits(number: float) -> int:
    return struct.unpack("<q", struct.pack("<d", number))[0]


def _bound(bound) -> int:
    """A range's end; infinity in either spelling is the end of int64."""
    text = str(bound)
    if text in ("int_oo", "oo"):
        return _INT64_MAX
    if text in ("-int_oo", "-oo"):
        return _INT64_MIN
    return max(_INT64_MIN, min(_INT64_MAX, int(bound)))
