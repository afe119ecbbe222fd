"""The text of the module, and the files."""

from __future__ import annotations

import io
import json
import keyword
import os
import re
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Error, InputError
from .blocks import Block, Function, find_functions
from .calls import Call, Value, read_calls, references, shapes_of, values_in
from .expressions import Expressions, Name, statement, wrapped

_WEIGHTS = "model.weights.h5"
# Operations with several results, whether all of them are read or not.
_SEVERAL = {"TopK", "Split", "Unstack", "Moments", "Eigh", "Qr", "SVD", "Slogdet", "Frexp"}
_SHORT = ("x", "y", "z")
_SHORT_SPAN = 16  # statements from a value to its last reader
_TAKEN = {*_SHORT, "keras", "layers", "ops", "np", "Path", "name", "model", "inputs", "outputs"}


def write_source(
    keras_file: Path, path: Path, modules: dict[str, str], *, check: bool = False
) -> list[Path]:
    """Writes `path` and what belongs to it, each complete or untouched; returns the files.

    modules: the class of each of the model's modules, by its path.
    check: whether Keras has to build the same model of the text, before anything is written.
    """
    try:
        with zipfile.ZipFile(keras_file) as archive:
            config = json.loads(archive.read("config.json"))
            weights = archive.read(_WEIGHTS)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise Error(f"cannot read {keras_file}", why=str(error)) from error
    if any(layer["class_name"] == "Functional" for layer in config["config"]["layers"]):
        raise InputError(
            "no source is written of a model with nested modules",
            hint="convert without nested: the source makes functions of the model's blocks anyway",
        )
    writer = _ModuleWriter(config["config"], modules, path.stem)
    text = writer.text()
    files = {path: text.encode(), path.with_suffix(".weights.h5"): weights}
    if writer.constants:
        files[path.with_suffix(".constants.npz")] = _npz(writer.constants)
    if check:
        from .check import require_same  # imports torch

        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                (Path(folder) / file.name).write_bytes(content)
            require_same(Path(folder) / path.name, keras_file)
    for file in reversed(files):  # the module last: where it is, all of it is
        _write_whole(file, files[file])
    return list(files)


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Error(f"cannot write {path}", why=error.strerror or str(error)) from error


def _npz(constants: dict[str, tuple[Any, str]]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **{name: np.array(value, dtype) for name, (value, dtype) in constants.items()})
    return stream.getvalue()


class _Scope:
    """One function's text: what it makes, in order, and returns. Values go by short names where the
    last reader is near and no more of them are needed at a time."""

    def __init__(self, units: list[Any], results: list[Value]):
        self._spans = _spans(units, results)
        self._uses = uses = _reads(units) + Counter(results)
        self._names: dict[Value, str] = {}
        self._lists: dict[tuple[str, int], str] = {}  # names of those with several results
        self._taken: Counter[str] = Counter()
        self._held: dict[str, tuple[str, int]] = {}  # what x, y and z stand for
        self._left: Counter[tuple[str, int]] = Counter()
        for value, count in uses.items():
            self._left[value.layer, value.call] += count
        self.lines: list[str] = []

    def refer(self, value: Value) -> str:
        several = self._lists.get((value.layer, value.call))
        return self._names[value] if several is None else f"{several}[{value.output}]"

    def read(self, values: list[Value]) -> None:
        self._left.subtract((value.layer, value.call) for value in values)

    def name_argument(self, value: Value, wish: str) -> str:
        """A parameter of the function."""
        self._names[value] = self._free_name(wish)
        return self._names[value]

    def assign(self, call: Call, wish: str, expression: str) -> None:
        """After the call's operands were read."""
        has_several = (
            call.layer["class_name"] in _SEVERAL
            or _returns_state(call.layer["config"])
            or any((v.layer, v.call) == call.key and v.output > 0 for v in self._uses)
        )
        value = Value(*call.key, 0)
        target = self.target(value, wish)
        if has_several:
            self._lists[call.key] = self._names.pop(value)
        self.lines += statement(target, expression)

    def target(self, value: Value, wish: str) -> str:
        for name in _SHORT if self._spans.get(value, 0) <= _SHORT_SPAN else ():
            if name not in self._held or self._left[self._held[name]] <= 0:
                self.hold(value, name)
                return name
        self._names[value] = self._free_name(wish)
        return self._names[value]

    def hold(self, value: Value, name: str = "x") -> None:
        self._held[name] = value.layer, value.call
        self._names[value] = name

    def _free_name(self, wish: str) -> str:
        name = re.sub(r"\W", "_", wish).strip("_") or "y"
        if name[0].isdigit() or keyword.iskeyword(name) or name in _TAKEN:
            name = f"{name}_" if not name[0].isdigit() else f"y_{name}"
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}_{self._taken[name]}"


class _ModuleWriter:
    def __init__(self, config: dict[str, Any], modules: dict[str, str], stem: str):
        self._config, self._modules, self._stem = config, modules, stem
        self._expressions = Expressions()
        self._shapes = shapes_of(config)
        self._calls = read_calls(config)
        self._inputs = references(config["input_layers"])
        self._outputs = references(config["output_layers"])
        self._units, self._functions = find_functions(self._calls, modules)
        self._function_of = {
            block.prefix: function for function in self._functions for block in function.blocks
        }
        # What Keras itself calls operations, with a number behind it.
        self._automatic = {
            _automatic_name(call.layer["class_name"]) for call in self._calls if not _is_layer(call)
        }
        self._uses = Counter(value for call in self._calls for value in call.reads())
        self._uses.update(values_in(self._outputs))

    @property
    def constants(self) -> dict[str, tuple[Any, str]]:
        return self._expressions.constants

    def text(self) -> str:
        functions = [self._function_text(function) for function in self._functions]
        body = self._build_model()
        head = self._head("\n".join([*functions, body]))
        return "\n\n\n".join([head, *functions, body]) + "\n"

    def _head(self, text: str) -> str:
        whole = self._modules.get("", "") or self._config["name"]
        lines = [f'"""{whole}, carried to Keras 3 by Ferryman.', ""]
        lines += ["    model = build_model()", ""]
        for value in values_in(self._inputs):
            lines.append(f"{value.layer}: {_shape(self._shapes[value])}")
        weights = f"{self._stem}.weights.h5"
        lines += ["", f"The weights are in {weights}, beside this file.", '"""', ""]
        lines += ["from pathlib import Path", "", "import keras"]
        if "np." in text or self.constants:
            lines.append("import numpy as np")
        lines += [f"from keras import layers{', ops' if 'ops.' in text else ''}", ""]
        lines.append('WEIGHTS = Path(__file__).with_suffix(".weights.h5")')
        if self.constants:
            lines.append('CONSTANTS = np.load(Path(__file__).with_suffix(".constants.npz"))')
        return "\n".join(lines)

    # ---- functions for blocks ----

    def _function_text(self, function: Function) -> str:
        block = function.blocks[0]
        inputs, outputs = block.inputs(), self._results(block)
        scope = _Scope(list(block.calls), outputs)
        if len(inputs) == 1:
            scope.hold(inputs[0])
            arguments = ["x"]
        else:
            wishes = [f"x{place}" for place, _ in enumerate(inputs, 1)]
            arguments = [scope.name_argument(value, wish) for value, wish in zip(inputs, wishes)]
        for place, call in enumerate(block.calls):
            self._write_call(scope, call, self._block_config(function, block, place), block)
        parameters = list(dict.fromkeys(function.parameters.values()))
        define = f"def {function.name}({', '.join([*arguments, *parameters, 'name'])}):"
        lines = [define] if len(define) < 100 else wrapped(define, "")
        told = [", ".join(_shape(self._shapes.get(v)) for v in side) for side in (inputs, outputs)]
        lines += [f'    """{told[0]} to {told[1]} in {_dotted(self._modules, block)}."""']
        lines += scope.lines
        lines.append(f"    return {', '.join(scope.refer(value) for value in outputs)}")
        return "\n".join(lines)

    def _block_config(self, function: Function, block: Block, place: int) -> dict[str, Any]:
        call = block.calls[place]
        config = dict(call.layer["config"])
        for key in config:
            if (place, key) in function.parameters:
                config[key] = Name(function.parameters[place, key])
        config["name"] = Name(f'f"{{name}}{block.suffix(call)}"')
        return config

    def _results(self, block: Block) -> list[Value]:
        """What is read outside of it."""
        own, inside = set(block.keys), _reads([block])
        return [
            value
            for value, count in self._uses.items()
            if (value.layer, value.call) in own and count > inside[value]
        ]

    # ---- the model ----

    def _build_model(self) -> str:
        scope = _Scope(self._units, list(values_in(self._outputs)))
        layers_made: set[str] = set()
        times = Counter(call.name for call in self._calls)
        for unit in self._units:
            if isinstance(unit, Block):
                self._write_block(scope, unit)
            elif unit.is_input:
                self._write_input(scope, unit)
            else:
                if times[unit.name] > 1 and unit.name not in layers_made and _is_layer(unit):
                    layers_made.add(unit.name)
                    made = self._expressions.layer(unit.layer, self._config_of(unit))
                    scope.lines += statement(_variable(unit.name), made)
                config = None if times[unit.name] > 1 else self._config_of(unit)
                self._write_call(scope, unit, config, None)
        inputs, outputs = (self._structure(side, scope) for side in (self._inputs, self._outputs))
        made = (
            f"keras.Model({inputs}, {outputs}, name={self._expressions.text(self._config['name'])})"
        )
        lines = ["def build_model(weights=WEIGHTS):"]
        lines.append('    """With these weights; None: as Keras initialises them."""')
        lines += [*scope.lines, *statement("model", made)]
        lines += ["    if weights is not None:", "        model.load_weights(weights)"]
        return "\n".join([*lines, "    return model"])

    def _config_of(self, call: Call) -> dict[str, Any]:
        """Without a name that Keras could give an operation, as that of a layer Reshape next to
        ops.reshape: names have to differ, and those that it gives both do."""
        config = call.layer["config"]
        if re.sub(r"_\d+$", "", call.name) not in self._automatic:
            return config
        return {key: value for key, value in config.items() if key != "name"}

    def _structure(self, side: Any, scope: _Scope) -> str:
        if isinstance(side, Value):
            return scope.refer(side)
        if isinstance(side, dict):
            pairs = (f'"{key}": {self._structure(each, scope)}' for key, each in side.items())
            return f"{{{', '.join(pairs)}}}"
        return f"[{', '.join(self._structure(each, scope) for each in side)}]"

    def _write_input(self, scope: _Scope, call: Call) -> None:
        config = call.layer["config"]
        shape = tuple(config["batch_shape"])
        parts = [f"shape={self._expressions.text(shape[1:])}"]
        if not shape or shape[0] is not None:
            parts = [f"batch_shape={self._expressions.text(shape)}"]
        if config["dtype"] != "float32":
            parts.append(f'dtype="{config["dtype"]}"')
        if "name" in self._config_of(call):
            parts.append(f'name="{call.name}"')
        name = scope.name_argument(Value(call.name, 0, 0), f"{call.name}_in")
        scope.lines += statement(name, f"keras.Input({', '.join(parts)})")

    def _write_block(self, scope: _Scope, block: Block) -> None:
        function = self._function_of[block.prefix]
        inputs, results = block.inputs(), self._results(block)
        args = [scope.refer(value) for value in inputs]
        for name, value in function.arguments(block).items():
            args.append(f"{name}={self._expressions.text(value)}")
        args.append(f'name="{block.prefix}"')
        scope.read([value for call in block.calls for value in call.reads()])
        expression = f"{function.name}({', '.join(args)})"
        if len(results) == 1:
            targets = [scope.target(results[0], block.prefix)]
        else:
            targets = [scope.name_argument(value, block.prefix) for value in results]
        scope.lines += statement(", ".join(targets), expression)

    def _write_call(
        self, scope: _Scope, call: Call, config: dict[str, Any] | None, block: Block | None
    ) -> None:
        """config: of a layer that is made here; None where it has been made before."""
        if _is_layer(call):
            made = _variable(call.name)
            if config is not None:
                made = self._expressions.layer(call.layer, config)
            expression = f"{made}({self._expressions.call_args(call, scope.refer)})"
        else:
            expression = self._expressions.operation(
                call, scope.refer, config or call.layer["config"]
            )
        scope.read(list(call.reads()))
        wish = block.suffix(call) if block is not None else call.name
        scope.assign(call, wish, expression)


def _calls_of(unit: Any) -> tuple[Call, ...]:
    return unit.calls if isinstance(unit, Block) else (unit,)


def _reads(units: list[Any]) -> Counter[Value]:
    return Counter(value for unit in units for call in _calls_of(unit) for value in call.reads())


def _spans(units: list[Any], results: list[Value]) -> dict[Value, int]:
    """How many statements lie between a value and its last reader."""
    made = {call.key: place for place, unit in enumerate(units) for call in _calls_of(unit)}
    last = {
        value: place
        for place, unit in enumerate(units)
        for call in _calls_of(unit)
        for value in call.reads()
    }
    last.update(dict.fromkeys(results, len(units)))
    return {value: place - made.get((value.layer, value.call), 0) for value, place in last.items()}


def _returns_state(config: Any) -> bool:
    """A recurrent layer, or one around it."""
    if not isinstance(config, dict):
        return False
    return bool(config.get("return_state")) or any(map(_returns_state, config.values()))


def _is_layer(call: Call) -> bool:
    return call.layer["module"] == "keras.layers"


def _automatic_name(kind: str) -> str:
    """As Keras makes it."""
    kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()


def _variable(layer: str) -> str:
    return f"layer_{re.sub(r'[^0-9a-zA-Z_]', '_', layer)}"


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "a value"
    sizes = ["batch" if n is None and place == 0 else str(n) for place, n in enumerate(shape)]
    return f"({', '.join(sizes)})"


def _dotted(modules: dict[str, str], block: Block) -> str:
    return next(path for path in modules if path.replace(".", "_") == block.prefix)
