"""Ferryman carries PyTorch models to TFLite, exactly and with the fewest transposes.

    model = ferryman.convert(module, (x,))
    model.save("model.tflite")
    y = model(x)

Importing it changes nothing in torch.
"""

from .archive import export
from .convert import convert
from .errors import CaptureError, Error, InputError, UnsupportedOps, VerificationError
from .model import Model
from .report import Report
from .verify import Verify

__all__ = [
    "CaptureError",
    "Error",
    "InputError",
    "Model",
    "Report",
    "UnsupportedOps",
    "VerificationError",
    "Verify",
    "convert",
    "export",
]
