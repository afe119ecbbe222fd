"""Ferryman carries PyTorch models to TFLite and Keras, exactly and with the fewest transposes.

    model = ferryman.convert(module, (x,))
    model.save("model.tflite")
    y = model(x)

Importing it changes nothing in torch, and imports torch when something of it is asked for: the
program `ferryman` starts without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import tflite
    from .archive import export
    from .conversion import convert, to_keras
    from .conversions.keras_bodies import converting
    from .conversions.locate import locate
    from .conversions.registry import Converter, converter, converters, unregister
    from .conversions.traceable import traceable
    from .errors import CaptureError, Error, InputError, UnsupportedOps, VerificationError
    from .keras_weights import load_state_dict, state_dict
    from .model import Model
    from .report import Report
    from .verify import Verify

__all__ = [
    "CaptureError",
    "Converter",
    "Error",
    "InputError",
    "Model",
    "Report",
    "UnsupportedOps",
    "VerificationError",
    "Verify",
    "convert",
    "converter",
    "converters",
    "converting",
    "export",
    "load_state_dict",
    "locate",
    "state_dict",
    "tflite",
    "to_keras",
    "traceable",
    "unregister",
]

_HOMES = {
    "_native": ("__version__",),
    "archive": ("export",),
    "conversion": ("convert", "to_keras"),
    "conversions.keras_bodies": ("converting",),
    "conversions.locate": ("locate",),
    "conversions.registry": ("Converter", "converter", "converters", "unregister"),
    "conversions.traceable": ("traceable",),
    "errors": ("CaptureError", "Error", "InputError", "UnsupportedOps", "VerificationError"),
    "keras_weights": ("load_state_dict", "state_dict"),
    "model": ("Model",),
    "report": ("Report",),
    "verify": ("Verify",),
}
_MODULES = ("tflite",)
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for other in _HOMES[home]:
        globals()[other] = getattr(import_module(f".{home}", __name__), other)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
