"""What ferryman.convert does: capture, the core, verification, report."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from . import _native, archive
from .arguments import Arguments, signature_of
from .bodies import outlines
from .border import at_the_border
from .capture import as_module, capture, walk
from .control.reasons import CannotRewrite
from .control.rewritten import rewritten
from .conversions import nesting
from .conversions.marks import converters_of
from .conversions.registry import Conversions, Converter
from .conversions.replacing import Replacing, Tolerance
from .conversions.skeleton import skeletons
from .decompose import decompose_unknown
from .errors import Error, InputError, UnsupportedOps, from_native
from .explicit_state import ExplicitState
from .folder import Folder
from .free_batch import free_batch
from .frozen import values_of_inputs
from .hints import hint_for, hint_for_sizes
from .model import Model
from .native_contract import NativeReport, Options, with_names
from .ports import sizes_of_ports
from .program_sizes import conditions_of, divisible, named_sizes
from .progress import Stages
from .quiet import quiet
from .report import Report
from .results import Results, module_types
from .runners import BATCH_IS_FREE, SUFFIXES
from .scopes import with_weights
from .verdict import require_equal
from .verify import Verify
from .verify import verify as check_numbers

Layouts = str | Mapping[str, str | Sequence[int]] | None
Names = Sequence[str] | Mapping[str, str] | None


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
    input_names: Names = None,
    output_names: Names = None,
    recurrent: str = "auto",
    nan: str = "fast",
    state: str = "variables",
    nested: bool | Sequence[str] = False,
    converters: Sequence[Converter] = (),
    verify: bool | Verify = True,
    quantize: Any = None,
    progress: bool = True,
    training: bool = False,
) -> Model:
    """Converts a PyTorch model and checks the result on the real runtime.

    module: a module, a function, an ExportedProgram, or the path of a .pt2 archive.
    args, kwargs: example inputs for a module or function; nested structures are fine.
    target: "tflite", or "keras": a functional model of Keras 3.
    dynamic_shapes: the sizes that are free, {"x": {0: "batch", 2: "height"}}: equal names are equal
        sizes; or as torch.export takes them, with Dim, Dim.AUTO, Dim.DYNAMIC. For Keras the batch
        is free unless sizes are given ({}: none is), where the model allows it; a remark says where
        not.
    input_layout, output_layout: "channels_last" or "channels_first", for all or by name
        ({"x": "channels_last"}); outputs also "any", whatever is cheapest. As in PyTorch by
        default. For all, "channels_last" means images (4 axes) and volumes (5 axes); a remark names
        what it leaves. By name it moves axis 1 of any tensor with 3 axes or more to the end. An
        order of axes, {"image": (1, 2, 0)}, says everything else.
    input_names, output_names: names in the file, a list for all or {old: new} for a few. Layouts
        speak of the new names, and understand the old ones.
    recurrent: how LSTM, GRU and RNN layers are written: "unrolled" step by step, as a "loop"
        (WHILE), or "auto", whichever is expected to be faster.
    nan: "fast": argmax, topk, amax and the like are the target's own operators, which treat NaN
        otherwise; "exact": NaN comes out as in PyTorch. A model that asks about NaN is exact.
    state: what becomes of buffers that forward writes: "variables" of the file, which TFLite does
        not have yet, or "explicit": each is an input and an output, and model(x, state=buffers)
        returns the results and the new ones. Keras has no other form.
    nested: Keras: modules that become functional models inside of the model: True, all that have
        parts, or a list of their paths.
    converters: conversions of your own that come before the registered ones, as
        @ferryman.converter makes them; of two for one thing, the first.
    verify: True, False, or Verify(...) with other samples and tolerances.
    training: convert a module as it behaves in training mode, instead of refusing it.

    Raises InputError, CaptureError, UnsupportedOps or VerificationError, all ferryman.Error.
    """
    _require_known_options(target, quantize)
    conversions = Conversions(target, converters, without=nesting.active())
    _require_effect(module, args, kwargs, dynamic_shapes, training)
    check = _verify_options(verify)
    if check is not None and check.training_steps and target != "keras":
        raise InputError(
            "Verify(training_steps=…) has no effect on this target",
            why="of all targets only Keras is trained",
            hint='convert with target="keras", or leave it out',
        )
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
        state=_one_of("state", state, ("variables", "explicit")),
        nested=_nested(nested),
    )
    source = (
        _ArchiveSource(module, conversions)
        if isinstance(module, (str, os.PathLike))
        else _LiveSource(
            module,
            args,
            kwargs,
            dynamic_shapes,
            conversions,
            training=training,
            has_free_batch=target in BATCH_IS_FREE,
        )
    )
    known = nesting.known()
    if known is not None:
        return known
    with nesting.by_itself():
        model = _convert(source, options, check, Stages(visible=progress))
    nesting.remember(model)
    return model


def to_keras(module: nn.Module | Callable, args: tuple = (), *more: Any, **options: Any) -> Any:
    """The live keras.Model of ferryman.convert(module, args, …, target="keras")."""
    return convert(module, args, *more, target="keras", **options).keras


def _convert(source: _Source, options: Options, check: Verify | None, stages: Stages) -> Model:
    if check is not None and source.example is not None:
        check.own_leaves(source.example)  # before anything takes long
    folder = Folder()
    path = folder.path / f"model{SUFFIXES[options.target]}"
    if check is not None and check.every_node:
        options = dataclasses.replace(options, bodies_folder=str(folder.within("bodies")))
    program, native = source.convert(str(path), options.to_json(), stages)
    captured = program
    source.replacing.put_models(path)
    native = with_names(native, named_sizes(program).names)
    signature, reference = source.signature, source.reference
    state = ExplicitState.of(program, native, signature)
    if state is not None:
        program, signature = state.program, state.signature(signature)
        reference = None if reference is None else state.module(reference)
    arguments = Arguments.of_program(program, signature, state and {state.argument: state.initial})
    checks = None
    if check is not None:
        with stages("verify"), source.replacing.in_check(Tolerance(check.rtol, check.atol)):
            checks = check_numbers(program, path, native, check, reference, arguments)
        folder.remove_within("bodies")
    seconds = _all_seconds(stages, native)
    modules, frozen = module_types(program), values_of_inputs(program)
    statements, bodies = rewritten(program), outlines(program)
    report = Report(
        native,
        checks,
        seconds,
        source.name,
        modules,
        frozen,
        statements,
        bodies,
        source.fixed_batch,
        converters_of(program),
        source.replacing.remarks(),
    )
    if checks is not None:
        require_equal(report)
    sizes = sizes_of_ports(native, conditions_of(program))
    rewriting = _Rewriting(captured, options, source.replacing, path)
    return Model(folder, path, report, arguments, Results.of(program), sizes, rewriting)


_NUMBERS = itertools.count(1)  # of files that are written anew


class _Rewriting:
    """Writes the file of a conversion anew, with other weights."""

    def __init__(self, program: ExportedProgram, options: Options, replacing: Replacing, path):
        self.tensors = dict(program.state_dict)
        self._program, self._replacing, self._path = program, replacing, path
        self._options = dataclasses.replace(options, bodies_folder="").to_json()

    def again(self) -> _Rewriting:
        """With the weights of the conversion."""
        fresh = copy.copy(self)
        fresh.tensors = dict(self._program.state_dict)
        return fresh

    def __call__(self) -> tuple[Path, NativeReport]:
        """Another file: who has read the one before keeps what was read."""
        path = self._path.with_stem(f"{self._path.stem}_{next(_NUMBERS)}")
        program = decompose_unknown(with_weights(self._program, self.tensors))
        buffer, tensors = walk(program)
        native = _run_core(
            lambda: _native.convert_live(buffer, tensors, str(path), self._options)
        )
        self._replacing.put_models(path)
        return path, native


def _run_core(call: Callable[[], str]) -> NativeReport:
    try:
        return NativeReport.from_json(call())
    except _native.NativeError as error:
        refusal = from_native(error)
        if isinstance(refusal, UnsupportedOps):
            refusal.skeletons = skeletons(refusal.diagnostics)
        raise refusal from None


def _all_seconds(stages: Stages, native: NativeReport) -> dict[str, float]:
    """The stages in order, with those of the core in the place of the whole."""
    seconds = {}
    for name, time in stages.seconds.items():
        if name != "convert":
            seconds[name] = time
            continue
        seconds["hand over"] = max(0.0, time - sum(stage.seconds for stage in native.stages))
        seconds.update((stage.name, stage.seconds) for stage in native.stages)
    return seconds


class _LiveSource:
    """A module in this process: its tensors are lent to the core."""

    def __init__(
        self,
        module,
        args,
        kwargs,
        dynamic_shapes,
        conversions: Conversions,
        *,
        training: bool,
        has_free_batch: bool,
    ):
        self.name = (
            type(module).__name__
            if isinstance(module, nn.Module)
            else getattr(module, "__name__", type(module).__name__)
        )
        self._given = (module, args, kwargs)
        self.fixed_batch = ""  # why it is that of the example, where it could have been free
        self._options = {"dynamic_shapes": dynamic_shapes, "training": training}
        self._batch = None  # the axes of a batch that may be free
        if isinstance(module, ExportedProgram):
            # It has no other self to be compared with.
            self.reference = self.signature = None
            self.example = Arguments.of_program(module)
        else:
            # One module for a function: what listens to its calls has to know it again.
            self.reference = as_module(module)
            self._given = (self.reference, args, kwargs)
            self.signature = signature_of(self.reference.forward)
            # Where sizes are free, inputs of others than the example's will do.
            self.example = None
            if dynamic_shapes is None and has_free_batch:
                self._batch = free_batch(self.signature, args, kwargs or {})
            if dynamic_shapes is None and self._batch is None:
                self.example = Arguments.of_example(args, kwargs or {}, self.signature)
        self.replacing = Replacing(conversions, self.reference, args, kwargs)

    def convert(self, path: str, options: str, stages: Stages):
        if self._batch is None:
            return self._convert_captured(path, options, stages)
        fixed = self._options
        try:
            self._options = {**fixed, "dynamic_shapes": self._batch}
            return self._convert_captured(path, options, stages)
        except Error as error:
            self._options, self.fixed_batch = fixed, _what(error)
        return self._convert_captured(path, options, stages)

    def _convert_captured(self, path: str, options: str, stages: Stages):
        with stages("capture"):
            program = self._capture()
        with stages("decompose"), quiet():
            program = decompose_unknown(program)
        try:
            with stages("convert"):
                return program, self._convert(program, path, options)
        except UnsupportedOps as refusal:
            if self.reference is None or not rewritten(program):
                raise
            return self._convert_frozen(refusal, path, options, stages)

    def _capture(self, **options: Any) -> ExportedProgram:
        self.replacing.rehearse()
        with self.replacing.in_capture():
            program = capture(*self._given, **self._options, **options)
        return self.replacing.in_program(program)

    def _convert_frozen(self, refusal: UnsupportedOps, path: str, options: str, stages: Stages):
        """Control flow that was rewritten has operators that it would not have: of the ways that
        the example does not take."""
        why = CannotRewrite(f"rewritten control flow does not convert: {refusal.what}")
        try:
            with stages("capture"):
                program = self._capture(refused=why)
            with stages("decompose"), quiet():
                program = decompose_unknown(program)
            with stages("convert"):
                return program, self._convert(program, path, options)
        except Error:
            raise refusal from None

    def _convert(self, program: ExportedProgram, path: str, options: str) -> NativeReport:
        buffer, tensors = walk(program)
        try:
            return _run_core(lambda: _native.convert_live(buffer, tensors, path, options))
        except UnsupportedOps as refusal:
            if self.reference is not None:
                hint = hint_for(self.reference, [refusal])
                refusal.hint = hint or hint_for_sizes(divisible(program))
            raise


def _what(error: Error) -> str:
    """In a line: of the core's errors, which come with a text of their own, the first."""
    for diagnostic in error.diagnostics:
        if isinstance(diagnostic, dict) and "what" in diagnostic:
            return diagnostic["what"]
    return error.what


class _ArchiveSource:
    """A .pt2 file, which the core reads itself; torch loads it, too, to compare and to run."""

    reference = signature = None
    example = None  # in the archive, which the core reads first
    fixed_batch = ""

    def __init__(self, path, conversions: Conversions):
        self._path = os.fspath(path)
        self.replacing = Replacing(conversions, None)
        self.name = Path(self._path).name

    def convert(self, path: str, options: str, stages: Stages):
        with stages("convert"):  # first: the core trusts the file less, and knows what to advise
            native, refusal = self._try_core(path, options)
        with stages("load"):
            program = archive.load(self._path)
        replaced = self.replacing.in_program(program)
        if native is not None and replaced is program:
            return program, native
        with stages("decompose"):
            decomposed = decompose_unknown(replaced)
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


def _require_known_options(target, quantize) -> None:
    _one_of("target", target, tuple(SUFFIXES))
    if quantize is not None:
        raise InputError("the option quantize has no effect in this version", hint="leave it out")


def _require_effect(module, args, kwargs, dynamic_shapes, training: bool) -> None:
    """A program is exported already: what only export would heed must not be given."""
    if not isinstance(module, (str, os.PathLike, ExportedProgram)):
        return
    kind = "an ExportedProgram" if isinstance(module, ExportedProgram) else "an archive"
    options = {"args": args, "kwargs": kwargs, "dynamic_shapes": dynamic_shapes}
    for name, given in {**options, "training": training}.items():
        if given:
            raise InputError(
                f"{name} has no effect on {kind}",
                why="it was exported with its own example inputs and sizes, in its own mode",
                hint="leave it out; ferryman.Verify(inputs=[…]) checks with inputs of your own",
            )


def _layouts(option: str, given: Layouts, known: tuple[str, ...]) -> dict[str, str]:
    """By name, as the core takes them; "*" stands for all."""
    if isinstance(given, str):
        given = {"*": given}
    elif not isinstance(given, Mapping | None) or not all(isinstance(n, str) for n in given or {}):
        raise InputError(
            f"{option} is {given!r}", hint='write a layout for all, or {"name of a tensor": layout}'
        )
    layouts = {}
    for name, layout in (given or {}).items():
        if layout not in known and not _is_order(layout):
            raise InputError(
                f"{option} {layout!r} for {name!r} is no layout",
                hint="write one of " + ", ".join(f'"{layout}"' for layout in known) + ", or the "
                "order of the axes, outermost first: (1, 2, 0)",
            )
        layouts[name] = layout if isinstance(layout, str) else ",".join(map(str, layout))
    return layouts


def _is_order(layout: Any) -> bool:
    if isinstance(layout, (tuple, list)):
        return bool(layout) and all(type(axis) is int and axis >= 0 for axis in layout)
    return isinstance(layout, str) and all(axis.isdecimal() for axis in layout.split(","))


def _names(option: str, given: Names) -> list[str] | dict[str, str] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        names, texts = dict(given), [*given, *given.values()]
    else:
        names = texts = list(given) if isinstance(given, (list, tuple)) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"{option} is {given!r}",
            hint="write a list with a name for each tensor, {old: new} for a few, or leave it out "
            "to take the model's",
        )
    return names


def _nested(given: bool | Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, bool):
        return ("*",) if given else ()
    if isinstance(given, (list, tuple)) and all(isinstance(path, str) for path in given):
        return tuple(given)
    raise InputError(
        f"nested is {given!r}", hint='write True, or a list of modules: nested=["encoder.layer.0"]'
    )


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
