"""transformers: every model type with a configuration of its own, made small.

The first configuration and form of inputs that a type runs with are taken: the smallest, plainest.
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

import torch
from torch import nn

from families.family import Family, Inputs
from families.transformers_configs import repair, small_configs
from families.transformers_inputs import Form, forms, with_marks
from models import torchvision_ops

MAX_PARAMETERS = 100e6


def families() -> list[Family]:
    return [
        Family("transformers", kind, functools.partial(make, kind), functools.partial(inputs, kind))
        for kind in kinds()
    ]


@functools.cache
def kinds() -> tuple[str, ...]:
    torchvision_ops.define()  # it imports torchvision
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    return tuple(sorted(MODEL_MAPPING_NAMES))


def make(kind: str) -> nn.Module:
    form = _choose(kind)
    return TensorsOnly(_model(form.config), {name: form.make()[name] for name in form.sizes()})


def inputs(kind: str, seed: int) -> Inputs:
    form = _choose(kind)
    given = form.make()
    return (), {name: given[name] for name in given if name not in form.sizes()}


class TensorsOnly(nn.Module):
    """Returns the tensors of a model's output, which may hold caches and other objects as well.

    sizes: inputs that say how large another one is. A file has one size, so they are constants.
    """

    def __init__(self, model: nn.Module, sizes: dict[str, torch.Tensor] | None = None):
        super().__init__()
        self.model = model
        self.sizes = tuple(sizes or ())
        for name, tensor in (sizes or {}).items():
            self.register_buffer(f"{name}_", tensor)

    def forward(self, **inputs):
        sizes = {name: getattr(self, f"{name}_") for name in self.sizes}
        outputs = self.model(**inputs, **sizes)
        items = outputs.items() if hasattr(outputs, "items") else {"output": outputs}.items()
        return {name: value for name, value in items if isinstance(value, torch.Tensor)}


def _model(config) -> nn.Module:
    from transformers import AutoModel

    return AutoModel.from_config(config)


# What fits together ------------------------------------------------------------------------------


@functools.cache
def _choose(kind: str) -> Form:
    first: Exception | None = None
    with torch.random.fork_rng(devices=[]):
        for config in small_configs(kind):
            for _ in range(2):
                try:
                    return _running_form(config)
                except Exception as error:  # noqa: BLE001  whatever a model says to it
                    first = first or error
                    if not repair(config, str(error)):
                        break
    raise first or LookupError(f"no small configuration of {kind}")


def _running_form(config) -> Form:
    with torch.device("meta"):
        model = _model(config)
    size = sum(parameter.numel() for parameter in model.parameters())
    if size > MAX_PARAMETERS:
        raise LookupError(f"{size / 1e6:.0f} M parameters")
    model = TensorsOnly(_model(config)).eval()
    parameters = inspect.signature(model.model.forward).parameters
    first: Exception | None = None
    for form in forms(parameters, config):
        try:
            return _run(model, form)
        except Exception as error:  # noqa: BLE001
            first = first or error
    raise first


def _run(model: nn.Module, form: Form) -> Form:
    try:
        with torch.no_grad():
            results: Any = model(**form.make())
    except ValueError as error:
        counts = _missing_marks(str(error), form)
        if form.marks or not counts:
            raise
        *others, last = counts
        for count in others:
            try:
                return _run(model, with_marks(form, count))
            except Exception:  # noqa: BLE001
                continue
        return _run(model, with_marks(form, last))
    if not results:
        raise LookupError("returns no tensor")
    return form


def _missing_marks(message: str, form: Form) -> list[int]:
    """How many tokens have to stand for an image, as the model's error tells: it counts them, or
    the numbers in them."""
    found = re.search(r"tokens: \d+, features:? (\d+)", message)
    if not found:
        return []
    features = int(found.group(1))
    text = getattr(form.config, "text_config", None) or form.config
    width = getattr(text, "hidden_size", 1)
    return [features, *([features // width] if features % width == 0 else [])]
