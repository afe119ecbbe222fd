"""nobuco's enumerations."""

from __future__ import annotations

import enum


class ChannelOrder(enum.Enum):
    """How the axes of an image lie: channels first, as in PyTorch, or last."""

    PYTORCH = 1
    CHANNEL_FIRST = 1
    TENSORFLOW = 2
    CHANNEL_LAST = 2


class ChannelOrderingStrategy(enum.Enum):
    """The order in which the function of a converter takes its tensors.

    FORCE_TENSORFLOW_ORDER: channels last. All others: as in PyTorch, which is one of the orders
    that each of them allows; where what it does goes element by element, any.
    """

    FORCE_TENSORFLOW_ORDER = 1
    FORCE_PYTORCH_ORDER = 2
    MINIMUM_TRANSPOSITIONS = 3
    MINIMUM_TRANSPOSITIONS_OR_PYTORCH = 4
    MANUAL = 5
    OUTPUT_FORCE_PYTORCH_ORDER = 6


class TraceLevel(enum.Enum):
    """Ferryman's report always has the lines of the user's code."""

    NEVER = 0
    DEFAULT = 1
    ALWAYS = 2
