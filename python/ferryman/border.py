"""Where the package is entered: what leaves it is an Error, whatever happened inside.

@at_the_border
def convert(...): ...
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .errors import Error

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def at_the_border(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    @functools.wraps(function)
    def entered(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except (Error, Warning):  # a warning is one where the user asked for errors
            raise
        except Exception as error:
            raise _of_our_own(error) from error

    return entered


def _of_our_own(error: Exception) -> Error:
    return Error(
        f"a mistake inside Ferryman: {type(error).__name__}",
        why=str(error).strip() or "no reason was given",
        hint="please report it at the repository's issues, with the traceback above this message",
    )
