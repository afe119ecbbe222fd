"""timm: the smallest model of each of its modules, up to 60 M parameters."""

from __future__ import annotations

import functools

import torch

from families.family import Family, images
from models import torchvision_ops

MAX_PARAMETERS = 60e6


def families() -> list[Family]:
    return [Family("timm", module, functools.partial(_make, module), _inputs(module))
            for module in modules()]  # fmt: skip


@functools.cache
def _timm():
    torchvision_ops.define()
    import timm

    return timm


def modules() -> list[str]:
    return sorted(_timm().models.list_modules())


@functools.cache
def smallest(module: str):
    """(name, image size) of the module's smallest model, counted without memory for weights."""
    timm = _timm()
    best = None
    for name in timm.list_models(module=module):
        try:
            with torch.device("meta"):
                model = timm.create_model(name)
        except Exception:  # noqa: BLE001  some need downloads or other packages
            continue
        count = sum(p.numel() for p in model.parameters())
        if count <= MAX_PARAMETERS and (best is None or count < best[0]):
            best = (count, name, model.default_cfg.get("input_size", (3, 224, 224)))
    return best[1:] if best else None


def _make(module: str):
    found = smallest(module)
    if found is None:
        raise LookupError(f"no model of timm's {module} has up to {MAX_PARAMETERS:.0f} parameters")
    return _timm().create_model(found[0])


def _inputs(module: str):
    def inputs(seed: int):
        return images(1, *smallest(module)[1])(seed)

    return inputs
