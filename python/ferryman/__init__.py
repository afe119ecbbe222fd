"""Ferryman carries PyTorch models to TFLite, exactly and with the fewest transposes.

    model = ferryman.convert(module, (x,))
    model.save("model.tflite")
    y = model(x)

Importing it changes nothing in torch.
"""

from .errors import CaptureError, Error, InputError, UnsupportedOps, VerificationError

__all__ = ["CaptureError", "Error", "InputError", "UnsupportedOps", "VerificationError"]
