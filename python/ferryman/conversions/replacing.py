"""The converters of one conversion at work: tried out, taken into the program, held to the numbers.

    replacing = Replacing(Conversions("tflite", [hardsigmoid]), module, args, kwargs)
    replacing.rehearse()                     # what each body has to keep, whatever is verified
    with replacing.in_capture():
        program = torch.export.export(module, args)
    program = replacing.in_program(program)  # operators
    with replacing.in_check(options):
        module(x)                            # VerificationError where a body computes otherwise

A body in PyTorch is traced where the call stands, so that the program is that of a model in which
it is written: nothing about it is opaque to later stages.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from ..compare import compare
from ..eager import to_numpy, undisturbed
from ..errors import CaptureError, VerificationError
from ..gradients import call_module
from ..keras_runtime import know_guests
from ..restore import left_unchanged
from . import bodies, nesting, operators
from .bodies import Duty, versions_of
from .calls import Call, Place, current, listening
from .keras_bodies import KerasBodies
from .marks import marked
from .put_into import put_models
from .registry import Conversions, Converter


@dataclasses.dataclass(frozen=True)
class Ignored:
    """An argument that a converter does nothing with."""

    converter: str
    argument: str
    place: Place


@dataclasses.dataclass(frozen=True)
class Remark:
    """Of a report."""

    what: str
    why: str
    subject: str
    places: tuple[dict[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class Tolerance:
    rtol: float
    atol: float


class Replacing:
    def __init__(
        self,
        conversions: Conversions,
        module: nn.Module | None,
        args: tuple = (),
        kwargs: dict[str, Any] | None = None,
    ):
        """module: the user's own; None where only a program is known."""
        self.conversions = conversions
        self._given = (module, tuple(args), kwargs or {})
        self._duties: dict[tuple, Duty] = {}
        self._of_keras = KerasBodies()
        self._nested: dict[tuple, nesting.Remembered] = {}
        self._is_rehearsed = False
        self._heard: set[Converter] = set()  # of calls of the example
        self._traced: set[Converter] = set()
        self._captured_program: ExportedProgram | None = None  # whose operators were replaced
        self.used: set[Converter] = set()
        self.ignored: list[Ignored] = []

    def _body(self, call: Call) -> Any:
        """What a converter's function makes of a call, in tensors of PyTorch."""
        if call.converter.is_of_keras:
            return self._of_keras.run(call)
        remembered = self._nested.setdefault(_key(call), nesting.Remembered())
        with nesting.running(call.converter, remembered):
            return bodies.run(call)

    def put_models(self, path: os.PathLike | str) -> None:
        """Into a file that was written for Keras, the models that converters have made."""
        if self._of_keras:
            know_guests(path, put_models(path))

    # Tried out ---------------------------------------------------------------------------------

    def rehearse(self) -> None:
        """Runs the model on its example, and for each call both the original and the body. Raises
        CaptureError if the body fails, or gives something of another kind. A model that does not
        run is nothing to say here."""
        module = self._given[0]
        if self._is_rehearsed or module is None or not self.conversions:
            return
        self._is_rehearsed = True
        if self.conversions.target == "tflite":
            from .. import tflite  # noqa: F401  # bodies may name torch.ops.ferryman.tfl_…
        with contextlib.suppress(_DoesNotRun):
            self._run(self._rehearsed)

    def _run(self, answer: Callable[[Call], Any]) -> None:
        module, args, kwargs = self._given
        with left_unchanged(module), undisturbed(), listening(
            self.conversions, module, answer, begin=self._of_keras.begin
        ):
            try:
                call_module(module, args, kwargs)
            except Exception as error:
                if current().error is None:
                    raise _DoesNotRun from error
                raise

    def _rehearsed(self, call: Call) -> Any:
        self._heard.add(call.converter)
        if call.is_nested:
            return self._body(call)
        duty, result, trial = _both(call, self._body)
        self._duties[_key(call)] = duty
        duty.require(call, pytree.tree_leaves(trial.result))
        if not call.converter.is_of_keras:  # whose layers have state of their own
            bodies.require_state(call, duty.buffers, trial.buffers)
        duty.kept(trial.call, trial.call.leaves, trial.versions, trial.result)
        for name in trial.ignored:
            found = Ignored(str(call.converter), name, call.place)
            self.ignored += [] if found in self.ignored else [found]
        return result

    # Into the program --------------------------------------------------------------------------

    @contextlib.contextmanager
    def in_capture(self) -> Iterator[None]:
        module = self._given[0]
        if module is None or not self.conversions:
            yield
            return
        self._traced.clear()
        # Of several ways of capture one may fail in a body where another does not.
        with listening(
            self.conversions,
            module,
            self._captured,
            begin=self._of_keras.begin,
            is_strict=False,
        ):
            yield
        missed = sorted(map(str, self._heard - self._traced))
        if missed:
            raise CaptureError(
                f"the model was captured without its converters {', '.join(missed)}",
                why="only PyTorch's strict export takes it, which does not tell of calls",
                hint='write converters for operators, such as "aten::relu": they are found in what '
                "was captured",
            )
        self.used |= self._traced

    def _captured(self, call: Call) -> Any:
        if get_proxy_mode() is not None:
            self._traced.add(call.converter)
        leaves = call.leaves
        versions = versions_of(leaves)
        with marked(call.converter):
            result = self._body(call)
            duty = self._duties.get(_key(call))
            # A call that the example does not make is in a branch that it does not take.
            return result if duty is None else duty.kept(call, leaves, versions, result)

    def in_program(self, program: ExportedProgram) -> ExportedProgram:
        """With operators replaced."""
        replaced = operators.replaced(program, self.conversions, self._body)
        self._captured_program = program if replaced.used else None
        self.used |= replaced.used
        operators.require_outside_of_bodies(replaced.program, self.conversions)
        return replaced.program

    # Held to the numbers -----------------------------------------------------------------------

    @contextlib.contextmanager
    def in_check(self, tolerance: Tolerance) -> Iterator[None]:
        """While this lasts, the module compares each body with what it stands for."""
        module = self._given[0]
        compare = functools.partial(_require_equal, tolerance=tolerance)
        if self._captured_program is not None:
            operators.require_equal(
                self._captured_program, self.conversions, self._body, compare
            )
        if module is None or not self._heard:
            yield
            return

        def checked(call: Call) -> Any:
            if call.is_nested:
                return self._body(call)
            _, result, trial = _both(call, self._body)
            compare(call, result, trial.result)
            return result

        with listening(self.conversions, module, checked, begin=self._of_keras.begin):
            yield

    # Told ----------------------------------------------------------------------------------------

    def remarks(self) -> list[Remark]:
        """Of converters of the call that nothing was converted by, and of arguments that some do
        nothing with."""
        target = self.conversions.target
        unused = [
            each
            for each in self.conversions.of_call
            if each not in self.used and (not each.targets or target in each.targets)
        ]
        remarks = [
            Remark(
                f"the converter {each} was not used",
                f"the model has no {' or '.join(s.name for s in each.subjects)}, or another "
                "converter comes before",
                each.name,
            )
            for each in unused
        ]
        return remarks + [
            Remark(
                f"the converter {found.converter} ignores the argument '{found.argument}'",
                "what the call says with it has no effect on the converted model",
                found.argument,
                (dataclasses.asdict(found.place),),
            )
            for found in self.ignored
        ]


class _DoesNotRun(Exception):
    """The model, on its example."""


@dataclasses.dataclass
class _Trial:
    """A body that was run on copies: the call that it had, its result, and what it did not use."""

    call: Call
    versions: list[int]
    result: Any
    ignored: list[str]
    buffers: list[str]  # of the module, that it wrote


def _both(call: Call, body: Callable[[Call], Any]) -> tuple[Duty, Any, _Trial]:
    """What the original does to the arguments, its result, and the body run on copies of them."""
    trial = _tried(dataclasses.replace(call, **_copied(call)), body)
    leaves = call.leaves
    versions = versions_of(leaves)
    buffers = _Buffers(call.module)
    with current().deaf():
        result = call.run()
    duty = dataclasses.replace(Duty.of(leaves, versions, result), buffers=buffers.written())
    return duty, result, trial


def _copied(call: Call) -> dict[str, Any]:
    """A tensor that is given twice stays one."""
    copies: dict[int, torch.Tensor] = {}

    def copy(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in copies:
            copied = tensor.detach().clone()
            copies[id(tensor)] = copied.requires_grad_() if tensor.requires_grad else copied
        return copies[id(tensor)]

    args, kwargs = pytree.tree_map_only(torch.Tensor, copy, (call.args, call.kwargs))
    return {"args": args, "kwargs": kwargs}


def _tried(call: Call, body: Callable[[Call], Any]) -> _Trial:
    versions = versions_of(call.leaves)
    unchanged = contextlib.nullcontext() if call.module is None else left_unchanged(call.module)
    with unchanged, torch.random.fork_rng(devices=[]), _Watch() as watch:
        buffers = _Buffers(call.module)
        result = body(call)
        written = buffers.written()
    return _Trial(call, versions, result, bodies.ignored(call, watch.seen, result), written)


class _Buffers:
    """Of a module, as they are now."""

    def __init__(self, module: nn.Module | None):
        self._module = module
        self._before = self._state()

    def _state(self) -> dict[str, tuple]:
        named = () if self._module is None else self._module.named_buffers()
        return {name: (id(buffer), buffer._version) for name, buffer in named}

    def written(self) -> list[str]:
        """In place, or assigned."""
        now = self._state()
        return [name for name, state in self._before.items() if now.get(name) != state]


class _Watch(TorchFunctionMode):
    """Which tensors torch's functions are called with."""

    def __init__(self):
        super().__init__()
        self.seen: set[int] = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves = pytree.tree_leaves((args, kwargs))
        self.seen |= {id(leaf) for leaf in leaves if isinstance(leaf, torch.Tensor)}
        return func(*args, **kwargs)


def _key(call: Call) -> tuple:
    """Of calls that do the same to their arguments."""
    leaves, spec = pytree.tree_flatten((call.args, call.kwargs))
    plain = tuple("" if isinstance(leaf, torch.Tensor) else repr(leaf) for leaf in leaves)
    return id(call.converter), call.name, id(call.module), str(spec), plain


def _require_equal(call: Call, expected: Any, got: Any, tolerance: Tolerance) -> None:
    pairs = zip(pytree.tree_leaves(expected), pytree.tree_leaves(got))
    for index, (wanted, mine) in enumerate(pairs):
        if not (_has_values(wanted) and _has_values(mine)):
            continue
        found = compare(
            to_numpy(wanted), to_numpy(mine), rtol=tolerance.rtol, atol=tolerance.atol
        )
        if not found.ok:
            raise _wrong(call, index, found)


def _has_values(value: Any) -> bool:
    """Those inside of torch.func's transforms are of many calls at once."""
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor
    return isinstance(value, torch.Tensor) and not wrapped(value)


def _wrong(call: Call, index: int, found: Any) -> VerificationError:
    of = f" in result {index}" if index else ""
    values = found.note or (
        f"PyTorch gives {found.expected:.7g} and the converter {found.got:.7g} at "
        f"{list(found.index)} (the worst; {found.relative:.1e} of the largest value)"
    )
    return VerificationError(
        f"the converter {call.converter} computes something else than {call.name}{of}",
        where=str(call.place),
        why=f"for the same arguments {values}",
        hint="mend its function; ferryman.Verify(rtol=…, atol=…) says how far off it may be",
    )
