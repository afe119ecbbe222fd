"""In which order of axes a tensor of Keras lies, as nobuco notes it on the tensor itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from ..enums import ChannelOrder
from ..keras_here import keras
from .tensor import perm_keras2pytorch, perm_pytorch2keras


def set_channel_order(tensor: Any, channel_order: ChannelOrder) -> Any:
    tensor.channel_order = channel_order
    return tensor


def get_channel_order(tensor: Any) -> ChannelOrder:
    return getattr(tensor, "channel_order", ChannelOrder.PYTORCH)


def is_of_keras(value: Any) -> bool:
    """Symbolic or with values, of whatever backend."""
    return isinstance(value, (keras.KerasTensor, keras.Variable)) or keras.ops.is_tensor(value)


def tensors_in(structure: Any) -> list[Any]:
    return [leaf for leaf in pytree.tree_leaves(structure) if is_of_keras(leaf)]


def in_order(structure: Any, order: ChannelOrder) -> Any:
    """With its tensors transposed to that order, where they lie in the other one."""
    return pytree.tree_map(lambda leaf: _ordered(leaf, order) if is_of_keras(leaf) else leaf,
                           structure)  # fmt: skip


def _ordered(tensor: Any, order: ChannelOrder) -> Any:
    rank = len(tensor.shape)
    if get_channel_order(tensor) is not order and rank > 2:
        to_last = order is ChannelOrder.TENSORFLOW
        perm = perm_pytorch2keras(rank) if to_last else perm_keras2pytorch(rank)
        tensor = keras.ops.transpose(tensor, perm)
    return set_channel_order(tensor, order)


def t_pytorch2keras(
    tensor_pt: torch.Tensor, channel_order: ChannelOrder = ChannelOrder.PYTORCH
) -> Any:
    """A tensor of PyTorch with the same values in Keras, its axes in that order."""
    array = tensor_pt.detach().cpu().numpy()
    if channel_order is ChannelOrder.TENSORFLOW:
        array = array.transpose(perm_pytorch2keras(array.ndim))
    return set_channel_order(keras.ops.convert_to_tensor(array.copy()), channel_order)


def t_keras2pytorch(tensor_tf: Any, restore_channel_order: bool = False) -> torch.Tensor:
    """Back again. restore_channel_order: with axes as in PyTorch, if the tensor says that they lie
    otherwise."""
    array = np.array(keras.ops.convert_to_numpy(tensor_tf))
    if restore_channel_order and get_channel_order(tensor_tf) is ChannelOrder.TENSORFLOW:
        array = array.transpose(perm_keras2pytorch(array.ndim))
    return torch.as_tensor(array.copy())
