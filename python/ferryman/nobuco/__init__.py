"""nobuco's names, for scripts that were written for it: change the import line.

    import ferryman.nobuco as nobuco

    keras_model = nobuco.pytorch_to_keras(module, args=[x])

Models are of Keras 3. Built on Ferryman's public interface alone; docs/from_nobuco.md says, name by
name, what became of it and what to write instead.
"""

from .convert import pytorch_to_keras
from .converters.channel_ordering import t_keras2pytorch, t_pytorch2keras
from .converters.node_converter import converter, locate_converter, unregister_converter
from .enums import ChannelOrder, ChannelOrderingStrategy, TraceLevel
from .functions import force_pytorch_order, force_tensorflow_order, length, shape, traceable

__all__ = [
    "ChannelOrder",
    "ChannelOrderingStrategy",
    "TraceLevel",
    "converter",
    "force_pytorch_order",
    "force_tensorflow_order",
    "length",
    "locate_converter",
    "pytorch_to_keras",
    "shape",
    "t_keras2pytorch",
    "t_pytorch2keras",
    "traceable",
    "unregister_converter",
]
