"""The weights of a converted model, to be read and replaced.

    weights = model.weights
    weights["conv.weight"]                      # a numpy array, in PyTorch's shape
    weights["conv.weight"] = 2 * weights["conv.weight"]
    model(x)                                    # the file is written anew, once
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from .eager import to_numpy
from .errors import InputError


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """In the body of a converter a tracer would follow what is done to weights, and lose them."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        yield


class Weights(MutableMapping[str, np.ndarray]):
    """By the keys of the module's state_dict. The module itself stays as it is."""

    def __init__(self, tensors: dict[str, torch.Tensor], changed: Callable[[], None]):
        """changed: is told of each assignment."""
        self._tensors, self._changed = tensors, changed

    def __getitem__(self, key: str) -> np.ndarray:
        known = self._find(key)
        with untraced():
            return np.array(to_numpy(known))

    def __setitem__(self, key: str, value: Any) -> None:
        known = self._find(key)
        with untraced():
            given = value.detach().cpu() if isinstance(value, torch.Tensor) else np.array(value)
            tensor = torch.as_tensor(given)
            if tensor.shape != known.shape:
                raise InputError(
                    f"'{key}' is given the shape {tuple(tensor.shape)}, it has {tuple(known.shape)}"
                )
            self._tensors[key] = tensor.to(known.dtype).clone()
        self._changed()

    def __delitem__(self, key: str) -> None:
        raise TypeError("a model keeps all of its weights")

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def _find(self, key: str) -> torch.Tensor:
        if key not in self._tensors:
            raise KeyError(f"'{key}' is no weight of the model, which has {', '.join(self)}")
        return self._tensors[key]
