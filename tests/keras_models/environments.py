"""Where tests find the environments of backends, and what they do where there is none."""

from pathlib import Path

import pytest

from keras_models.backends import interpreters

_DEFAULT = Path(__file__).resolve().parents[2] / ".venv-backends" / "bin" / "python"


def interpreter(backend: str) -> Path:
    """PyTorch's backend is in this environment. For the others the Makefile names one, and what is
    named must be there; where nothing is named, .venv-backends is taken if it is there."""
    named = interpreters({}).get(backend)
    python = named or _DEFAULT
    if python.exists():
        return python
    message = (
        f"no environment with Keras on {backend}: {python} is not there; "
        "`make setup-backends` makes one"
    )
    if named is not None:
        pytest.fail(message)
    pytest.skip(message)
