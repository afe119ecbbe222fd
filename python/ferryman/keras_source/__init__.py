"""A Keras model as a Python module that a person would have written.

    write_source(path, Path("model.py"), modules)

Writes `model.py` with `build_model()`, a line for each layer and a function for blocks that repeat,
and its weights beside it, `model.weights.h5`.
"""

from .source import write_source

__all__ = ["write_source"]
