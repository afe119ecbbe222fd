"""One converter for a whole module: attention, time first, becomes Keras' MultiHeadAttention.

nn.MultiheadAttention keeps the three projections in one matrix and gives the weights beside the
result; Keras' layer keeps each apart and takes the batch first. The body moves the weights over and
the axes around it; what is checked is the module as a whole.

python -m examples.converters.whole_module
"""

import keras
import torch
from torch import nn

import ferryman
from examples.carry import carry, claim

FEATURES, HEADS = 16, 4


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(FEATURES, HEADS)  # batch_first=False
        self.norm = nn.LayerNorm(FEATURES)

    def forward(self, tokens, memory):
        """tokens: [length, batch, features]; memory: [other length, batch, features]."""
        attended, weights = self.attention(tokens, memory, memory)
        return self.norm(tokens + attended), weights


def by_heads(rows):
    """Of a projection [heads * size, ...], as Keras has it: [..., heads, size]."""
    return rows.detach().T.reshape(*rows.shape[1:], HEADS, FEATURES // HEADS).numpy()


@ferryman.converter(nn.MultiheadAttention, target="keras")
def attention(module, query, key, value, need_weights=True, average_attn_weights=True):
    layer = keras.layers.MultiHeadAttention(HEADS, FEATURES // HEADS)
    query, key, value = (keras.ops.swapaxes(x, 0, 1) for x in (query, key, value))
    layer.build(query.shape, value.shape, key.shape)
    weights = []
    for kernel, bias in zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3)):
        weights += [by_heads(kernel), by_heads(bias)]
    last = module.out_proj
    kernel = last.weight.detach().T.reshape(HEADS, FEATURES // HEADS, FEATURES)
    layer.set_weights([*weights, kernel.numpy(), last.bias.detach().numpy()])
    result, scores = layer(query, value, key=key, return_attention_scores=True)
    return keras.ops.swapaxes(result, 0, 1), keras.ops.mean(scores, axis=1)


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(torch.randn(5, 2, FEATURES), torch.randn(7, 2, FEATURES)) for _ in range(3)]
    # Without free sizes: the batch is axis 1 here, and Keras' first one is the length.
    model = carry(Encoder(), inputs, target="keras", dynamic_shapes={})
    inner = [layer for part in model.keras.layers for layer in getattr(part, "layers", [])]
    kinds = [type(layer).__name__ for layer in inner]
    claim("the module is Keras' layer", kinds.count("MultiHeadAttention") == 1)
    claim("and nothing that is multiplied by hand", not {"Dense", "EinsumDense"} & set(kinds))
