"""The LiteRT interpreter, as much of it as Ferryman needs.

runner = Runner(path)
outputs = runner.run(inputs)          # numpy arrays as the file has them, in its order
"""

from __future__ import annotations

import contextlib
import enum
import math
import os
from collections.abc import Iterable

import numpy as np

from .errors import Error, VerificationError
from .native_contract import Placement


class Kernels(enum.Enum):
    """What runs a file. Of LiteRT there are two ways, which differ in what they accept and in
    rounding."""

    DELEGATE = "XNNPACK"  # the default of LiteRT
    PLAIN = "built-in kernels"
    KERAS = "Keras"

    @property
    def shows_values(self) -> bool:
        """Whether values inside can be read after a run."""
        return self is not Kernels.DELEGATE


# What Runner takes.
LITERT = (Kernels.DELEGATE, Kernels.PLAIN)


class Runner:
    """One file, by its path or its bytes, ready to run, and again with other sizes along its free
    axes. `keep_values` keeps every intermediate
    tensor readable after a run; the delegate computes none of them, so that takes the plain
    kernels.
    """

    def __init__(
        self,
        file: os.PathLike | str | bytes,
        kernels: Kernels,
        *,
        keep_values: bool = False,
        threads: int = 1,
    ):
        if keep_values and kernels is Kernels.DELEGATE:
            raise ValueError("the delegate keeps no intermediate values")
        interpreter_module = _import_runtime()
        resolvers = interpreter_module.OpResolverType
        self.kernels = kernels
        resolver = {
            Kernels.PLAIN: resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            Kernels.DELEGATE: resolvers.AUTO,
        }[kernels]
        with self._refusals():
            self._interpreter = interpreter_module.Interpreter(
                **_model(file),
                num_threads=threads,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=keep_values,
            )
        self._allocate()

    def _allocate(self) -> None:
        self._is_allocated = False
        with self._refusals():
            self._interpreter.allocate_tensors()
        self._is_allocated = True
        self.inputs = self._interpreter.get_input_details()
        self.outputs = self._interpreter.get_output_details()

    def _resize(self, inputs: list[np.ndarray]) -> None:
        """Where a size is another one than at hand: that plans the whole file anew."""
        others = [
            (detail["index"], np.shape(array))
            for detail, array in zip(self.inputs, inputs, strict=True)
            if tuple(detail["shape"]) != np.shape(array)
        ]
        if self._is_allocated and not others:
            return
        self._is_allocated = False  # until it is: what fails half-way is done anew
        with self._refusals():
            for index, shape in others:
                # Strictly: along free axes only.
                self._interpreter.resize_tensor_input(index, list(shape), strict=True)
        self._allocate()

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        self._resize(inputs)
        for detail, array in zip(self.inputs, inputs, strict=True):
            # Not ascontiguousarray, which gives a scalar an axis.
            self._interpreter.set_tensor(detail["index"], np.asarray(array, order="C"))
        with self._refusals():
            self._interpreter.invoke()
        return [self.tensor(detail["index"]) for detail in self.outputs]

    @contextlib.contextmanager
    def _refusals(self):
        try:
            yield
        except (RuntimeError, ValueError) as error:
            raise VerificationError(
                f"LiteRT does not run the file with {self.kernels.value}", why=str(error).strip()
            ) from error

    def tensor(self, index: int) -> np.ndarray | None:
        """None of an element type that Python's binding does not read, as bfloat16."""
        try:
            # LiteRT gives a number for a tensor without axes.
            return np.asarray(self._interpreter.get_tensor(index))
        except ValueError:
            return self._empty(index)

    def _empty(self, index: int) -> np.ndarray | None:
        """A tensor without elements, which LiteRT refuses to read."""
        details = {detail["index"]: detail for detail in self._interpreter.get_tensor_details()}
        detail = details.get(index)  # it leaves out the types that it does not know
        if detail is None:
            return None
        if np.prod(detail["shape"]) != 0:
            raise VerificationError(f"tensor {index} ('{detail['name']}') cannot be read")
        return np.empty(detail["shape"], detail["dtype"])


def _model(file: os.PathLike | str | bytes) -> dict[str, str | bytes]:
    return {"model_content": file} if isinstance(file, bytes) else {"model_path": os.fspath(file)}


def part_of(value: np.ndarray, part: str) -> np.ndarray:
    """What of a complex value a placement speaks of; a real value is itself."""
    if part == "real":
        return value.real
    if part == "imag":
        return value.imag
    if part == "pair":
        return np.stack([value.real, value.imag], axis=-1)
    return value


def pair_axis(placement: Placement, shape: tuple[int, ...]) -> int:
    """Which axis of a tensor of the file is the last one of its pairs: the one of as many elements
    as come before that factor."""

    def count(sizes: Iterable[int]) -> int:
        return math.prod(size or 1 for size in sizes)  # empty axes are told apart by nothing

    position = placement.perm.index(len(placement.factors) - 1)
    before = count(placement.factors[axis] for axis in placement.perm[:position])
    return next(
        axis for axis, size in enumerate(shape) if size == 2 and count(shape[:axis]) == before
    )


def to_stored(value: np.ndarray, placement: Placement) -> np.ndarray:
    """A value of the program, as the file holds it (native_contract.Placement)."""
    return part_of(value, placement.part).reshape(placement.factors).transpose(placement.perm)


def from_stored(stored: np.ndarray, placement: Placement, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse: a tensor of the file as the value of `shape` that it holds."""
    permuted = stored.reshape([placement.factors[axis] for axis in placement.perm])
    return permuted.transpose(np.argsort(placement.perm)).reshape(shape)


def _import_runtime():
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise Error(
            "running a .tflite file takes the package ai-edge-litert",
            why=str(error),
            hint="pip install ai-edge-litert, or convert with verify=False",
        ) from error
    return interpreter
