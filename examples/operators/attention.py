"""scaled_dot_product_attention in its variants, with free lengths, and MultiheadAttention.

A scale of one's own, masks of bools and of numbers, causal, fewer heads of keys than of queries.
nn.MultiheadAttention with time first needs no help.

python -m examples.operators.attention
"""

import torch
import torch.nn.functional as F
from torch import nn

from examples.carry import carry

LENGTHS = {"query": {2: "queries"}, "key": {2: "keys"}, "value": {2: "keys"}}


def plain(query, key, value):
    """Each [batch, heads, length, width]."""
    return F.scaled_dot_product_attention(query, key, value)


def scaled(query, key, value):
    return F.scaled_dot_product_attention(query, key, value, scale=0.3)


def masked(query, key, value, mask):
    """mask: [queries, keys], true where it may look."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def causal(query, key, value):
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def grouped(query, key, value):
    return F.scaled_dot_product_attention(query, key[:, ::2], value[:, ::2], enable_gqa=True)


def tensors(queries, keys):
    return tuple(torch.randn(2, 4, length, 8) for length in (queries, keys, keys))


def mask(queries, keys, of_bools):
    mask = torch.rand(queries, keys) > 0.5
    mask[:, 0] = True  # nobody may look at nothing
    return mask if of_bools else torch.where(mask, torch.randn(queries, keys), -1e9)


class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4)

    def forward(self, x, memory):
        """x, memory: [length, batch, 32]; the output, and the weights as the mean of all heads."""
        return self.attention(x, memory, memory)


if __name__ == "__main__":
    torch.manual_seed(0)
    several = [tensors(5, 7), tensors(3, 9), tensors(8, 2)]
    for function in (plain, scaled, causal, grouped):
        print(f"\n{function.__name__}")
        carry(function, several, dynamic_shapes=LENGTHS)
    for of_bools in (True, False):
        print(f"\nmasked by {'bools' if of_bools else 'numbers'}")
        lengths = [(query.shape[2], key.shape[2]) for query, key, _ in several]
        with_masks = [(*each, mask(*both, of_bools)) for each, both in zip(several, lengths)]
        carry(masked, with_masks, dynamic_shapes=LENGTHS | {"mask": {0: "queries", 1: "keys"}})

    print("\nMultiheadAttention")
    sequences = [(torch.randn(6, 2, 32), torch.randn(9, 2, 32)) for _ in range(3)]
    for target in ("tflite", "keras"):
        carry(TimeFirst(), sequences, target=target)
