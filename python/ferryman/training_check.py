"""Whether a Keras model learns as the module does: a few steps of SGD on the same data.

    losses = compare_training(module, path, native, arguments, leaves, steps=5)

Both start from the same weights, in training mode, with the same inputs and random targets; the
loss of each step is the mean squared error, summed over floating outputs. What is dropped at random
is not: of random numbers no two libraries draw the same.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from .arguments import Arguments
from .eager import to_numpy
from .errors import InputError, VerificationError
from .keras_runtime import import_keras, load_model, ports_of
from .native_contract import NativeReport
from .runtime import to_stored
from .sight import stored_values

LEARNING_RATE = 0.01
RTOL = 1e-3  # of the losses

_DROPS = {
    getattr(functions, name + ending)
    for functions in (torch, nn.functional)
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout",
                 "alpha_dropout", "feature_alpha_dropout")
    for ending in ("", "_")
    if hasattr(functions, name + ending)
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Losses:
    """Of one step, before the weights change."""

    torch: float
    keras: float

    @property
    def ok(self) -> bool:
        return abs(self.torch - self.keras) <= RTOL * max(abs(self.torch), 1e-6)


def compare_training(
    module: nn.Module | None,
    path: os.PathLike | str,
    native: NativeReport,
    arguments: Arguments,
    leaves: list[Any],
    steps: int,
    seed: int = 0,
) -> list[Losses]:
    """VerificationError at the first step whose losses differ by more than RTOL."""
    if module is None:
        raise InputError(
            "the training check takes the module",
            why="a program that was exported for inference is not to be trained",
            hint="convert the nn.Module itself, or leave out training_steps",
        )
    leaves = [_own(leaf) for leaf in leaves]
    targets: dict[int, torch.Tensor] = {}
    ours = _torch_losses(_copy_of(module), arguments, native, leaves, targets, steps, seed)
    theirs = _keras_losses(path, native, leaves, targets, steps)
    losses = [Losses(*pair) for pair in zip(ours, theirs, strict=True)]
    for step, pair in enumerate(losses):
        if not pair.ok:
            raise VerificationError(
                f"the Keras model learns otherwise: the loss of step {step + 1} is "
                f"{pair.keras:.6g}, PyTorch's is {pair.torch:.6g}",
                why="both had the same weights, inputs and targets, and SGD with a rate of "
                f"{LEARNING_RATE}",
                hint="docs/keras.md, Training, says what Keras does otherwise",
            )
    return losses


def _own(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf


def _copy_of(module: nn.Module) -> nn.Module:
    """In training, but for dropout."""
    try:
        copied = copy.deepcopy(module).train()
    except Exception as error:  # whatever the user's own classes say
        raise InputError(
            "the module cannot be copied for the training check",
            why=str(error).strip(),
            hint="leave out training_steps",
        ) from error
    for part in copied.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = 0.0
        elif isinstance(part, (nn.RNNBase, nn.MultiheadAttention)):
            part.dropout = 0.0
    return copied


# PyTorch ------------------------------------------------------------------------------------------


class _NothingDropped(TorchFunctionMode):
    """Functions keep everything, too."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in _DROPS:
            return args[0] if args else kwargs["input"]
        if function is nn.functional.scaled_dot_product_attention and len(args) < 5:
            kwargs = {**kwargs, "dropout_p": 0.0}
        return function(*args, **kwargs)


def _torch_losses(
    module: nn.Module, arguments: Arguments, native, leaves, targets, steps: int, seed: int
) -> list[float]:
    given_args, given_kwargs = arguments.unflatten(leaves)
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trained:
        raise InputError("no parameter of the module is trained, so there is no training to check")
    optimizer = torch.optim.SGD(trained, lr=LEARNING_RATE)
    indices = sorted({port.index for port in native.outputs})
    losses = []
    for _ in range(steps):
        with torch.enable_grad(), _NothingDropped():
            outputs = pytree.tree_leaves(module(*given_args, **given_kwargs))
            loss = torch.zeros(())
            for index in indices:
                output = outputs[index]
                if not (isinstance(output, torch.Tensor) and output.is_floating_point()):
                    continue
                if index not in targets:
                    targets[index] = torch.randn(output.shape, generator=generator)
                loss = loss + nn.functional.mse_loss(output.float(), targets[index])
        if not loss.requires_grad:
            raise InputError("no output of the module depends on a parameter that is trained")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# Keras --------------------------------------------------------------------------------------------


def _keras_losses(path, native: NativeReport, leaves, targets, steps) -> list[float]:
    keras = import_keras()
    model = load_model(path)
    for layer in model._flatten_layers():
        if hasattr(layer, "rate") and "Dropout" in type(layer).__name__:
            layer.rate = 0.0
    inputs, outputs = ports_of(model, native.tensors)
    by_tensor = {port.placement.tensor: port for port in native.outputs}
    ports = [by_tensor[detail["index"]] for detail in outputs]
    stored = [
        to_stored(to_numpy(targets[port.index]), port.placement).reshape(tuple(port.shape))
        if port.index in targets
        else None
        for port in ports
    ]
    kinds = [None if target is None else "mse" for target in stored]
    given = stored_values(native.inputs, SimpleNamespace(inputs=inputs), leaves)
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss=_single(kinds))
    filled = [np.zeros(1, np.float32) if target is None else target for target in stored]
    losses = []
    for _ in range(steps):
        result = model.train_on_batch(_single(given), _single(filled))
        losses.append(float(np.ravel(result)[0]))
        model.reset_metrics()
    return losses


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
