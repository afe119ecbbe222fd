"""What ferryman.convert does: capture, the core, verification, report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from . import _native, archive
from .border import at_the_border
from .capture import as_module, capture, walk
from .decompose import decompose_unknown
from .errors import InputError, UnsupportedOps, from_native
from .frozen import values_of_inputs
from .model import Model
from .native_contract import NativeReport, Options
from .progress import Stages
from .report import Report
from .structure import Structure, module_types
from .verdict import require_equal
from .verify import Verify
from .verify import verify as check_numbers

Layouts = str | dict[str, str] | None


@at_the_border
def convert(
    module: nn.Module | Callable | ExportedProgram | str | os.PathLike,
    args: tuple = (),
    kwargs: dict[str, Any] | None = None,
    *,
    target: str = "tflite",
    dynamic_shapes: Any = None,
    input_layout: Layouts = None,
    output_layout: Layouts = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    recurrent: str = "auto",
    nan: str = "fast",
    converters: Sequence[Any] = (),
    verify: bool | Verify = True,
    quantize: Any = None,
    progress: bool = True,
    training: bool = False,
) -> Model:
    """Converts a PyTorch model and checks the result on the real runtime.

    module: a module, a function, an ExportedProgram, or the path of a .pt2 archive.
    args, kwargs: example inputs for a module or function; nested structures are fine.
    input_layout, output_layout: "channels_last" or "channels_first", for all or by name; outputs
        also "any", whatever is cheapest. As in PyTorch by default.
    recurrent: how LSTM, GRU and RNN layers are written: "unrolled" step by step, as a "loop"
        (WHILE), or "auto", whichever is expected to be faster.
    nan: "fast": argmax, topk, amax and the like are the target's own operators, which treat NaN
        otherwise; "exact": NaN comes out as in PyTorch. A model that asks about NaN is exact.
    verify: True, False, or Verify(...) with other samples and tolerances.
    training: convert a module as it behaves in training mode, instead of refusing it.

    Raises InputError, CaptureError, UnsupportedOps or VerificationError, all ferryman.Error.
    """
    _require_known_options(target, dynamic_shapes, converters, quantize)
    _require_effect(module, args, kwargs, training)
    options = Options(
        target=target,
        input_layouts=_layouts("input_layout", input_layout, ("channels_last", "channels_first")),
        output_layouts=_layouts(
            "output_layout", output_layout, ("channels_last", "channels_first", "any")
        ),
        input_names=_names("input_names", input_names),
        output_names=_names("output_names", output_names),
        recurrent=_one_of("recurrent", recurrent, ("auto", "unrolled", "loop")),
        nan=_one_of("nan", nan, ("fast", "exact")),
    )
    source = (
        _ArchiveSource(module)
        if isinstance(module, (str, os.PathLike))
        else _LiveSource(module, args, kwargs, training=training)
    )
    return _convert(source, options, _verify_options(verify), Stages(visible=progress))


def _convert(source: _Source, options: Options, check: Verify | None, stages: Stages) -> Model:
    folder = tempfile.TemporaryDirectory(prefix="ferryman-")
    path = Path(folder.name) / "model.tflite"
    program, native = source.convert(str(path), options.to_json(), stages)
    checks = None
    if check is not None:
        with stages("verify"):
            checks = check_numbers(program, path, native, check, source.reference)
    seconds = _all_seconds(stages, native)
    modules, frozen = module_types(program), values_of_inputs(program)
    report = Report(native, checks, seconds, source.name, modules, frozen)
    if checks is not None:
        require_equal(report)
    return Model(folder, path, report, Structure.of(program))


def _run_core(call: Callable[[], str]) -> NativeReport:
    try:
        return NativeReport.from_json(call())
    except _native.NativeError as error:
        raise from_native(error) from None


def _all_seconds(stages: Stages, native: NativeReport) -> dict[str, float]:
    """The stages in order, with those of the core in the place of the whole."""
    seconds = {}
    for name, time in stages.seconds.items():
        if name != "convert":
            seconds[name] = time
            continue
        seconds["hand over"] = max(0.0, time - sum(s for _, s in native.stages))
        seconds.update(native.stages)
    return seconds


class _LiveSource:
    """A module in this process: its tensors are lent to the core."""

    def __init__(self, module, args, kwargs, *, training: bool):
        self.name = (
            type(module).__name__
            if isinstance(module, nn.Module)
            else getattr(module, "__name__", type(module).__name__)
        )
        self._module, self._args, self._kwargs, self._training = module, args, kwargs, training
        # An ExportedProgram has no other self to be compared with.
        self.reference = None if isinstance(module, ExportedProgram) else as_module(module)

    def convert(self, path: str, options: str, stages: Stages):
        with stages("capture"):
            program = capture(self._module, self._args, self._kwargs, training=self._training)
        with stages("decompose"):
            program = decompose_unknown(program)
        with stages("convert"):
            buffer, tensors = walk(program)
            native = _run_core(lambda: _native.convert_live(buffer, tensors, path, options))
        return program, native


class _ArchiveSource:
    """A .pt2 file, which the core reads itself; torch loads it, too, to compare and to run."""

    reference = None

    def __init__(self, path):
        self._path = os.fspath(path)
        self.name = Path(self._path).name

    def convert(self, path: str, options: str, stages: Stages):
        with stages("convert"):  # first: the core trusts the file less, and knows what to advise
            native, refusal = self._try_core(path, options)
        with stages("load"):
            program = archive.load(self._path)
        if native is not None:
            return program, native
        with stages("decompose"):
            decomposed = decompose_unknown(program)
        if decomposed is program:
            raise refusal
        with stages("convert"):
            buffer, tensors = walk(decomposed)
            native = _run_core(lambda: _native.convert_live(buffer, tensors, path, options))
        return decomposed, native

    def _try_core(self, path: str, options: str):
        try:
            return _run_core(lambda: _native.convert_archive(self._path, path, options)), None
        except UnsupportedOps as refusal:  # torch may know how to write them
            return None, refusal


_Source = _LiveSource | _ArchiveSource


def _require_known_options(target, dynamic_shapes, converters, quantize) -> None:
    if target != "tflite":
        raise InputError(f"unknown target {target!r}", hint='"tflite" is what there is')
    for name, given in (
        ("dynamic_shapes", dynamic_shapes is not None),
        ("converters", len(converters) > 0),
        ("quantize", quantize is not None),
    ):
        if given:
            raise InputError(
                f"the option {name} has no effect in this version", hint="leave it out"
            )


def _require_effect(module, args, kwargs, training: bool) -> None:
    """A program is exported already: what only export would heed must not be given."""
    if not isinstance(module, (str, os.PathLike, ExportedProgram)):
        return
    kind = "an ExportedProgram" if isinstance(module, ExportedProgram) else "an archive"
    for name, given in (("args", args), ("kwargs", kwargs), ("training", training)):
        if given:
            raise InputError(
                f"{name} has no effect on {kind}",
                why="it was exported with its own example inputs, in its own mode",
                hint="leave it out; ferryman.Verify(inputs=[…]) checks with inputs of your own",
            )


def _layouts(option: str, given: Layouts, known: tuple[str, ...]) -> dict[str, str]:
    layouts = {"*": given} if isinstance(given, str) else dict(given or {})
    for name, layout in layouts.items():
        if layout not in known:
            raise InputError(
                f"{option} {layout!r} for {name!r} is no layout",
                hint="write one of " + ", ".join(f'"{layout}"' for layout in known),
            )
    return layouts


def _names(option: str, given: Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    if isinstance(given, str) or not given or not all(isinstance(name, str) for name in given):
        raise InputError(
            f"{option} is {given!r}",
            hint="write a list with a name for each tensor, or leave it out to take the model's",
        )
    return list(given)


def _one_of(option: str, given: str, forms: tuple[str, ...]) -> str:
    if given in forms:
        return given
    raise InputError(
        f"{option} is {given!r}", hint="write one of " + ", ".join(f'"{form}"' for form in forms)
    )


def _verify_options(verify: bool | Verify) -> Verify | None:
    if isinstance(verify, Verify):
        return verify
    if isinstance(verify, bool):
        return Verify() if verify else None
    raise InputError(f"verify is {verify!r}", hint="pass True, False or ferryman.Verify(…)")
