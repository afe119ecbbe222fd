"""Attention as people write it, for tests of the layers that Keras has for it."""

import math

import torch
from torch import nn
from torch.nn import functional

WIDTH, HEADS, STEPS = 12, 3, 5


class SelfAttention(nn.Module):
    """nn.MultiheadAttention, of one sequence with itself."""

    def __init__(self, batch_first=True, need_weights=False, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first, **options)
        self.need_weights = need_weights

    def forward(self, x, **masks):
        return self.attention(x, x, x, need_weights=self.need_weights, **masks)[0]


class CrossAttention(nn.Module):
    """The same of three sequences of different widths."""

    def __init__(self, batch_first=True):
        super().__init__()
        self.attention = nn.MultiheadAttention(
            WIDTH, HEADS, batch_first=batch_first, kdim=7, vdim=10
        )

    def forward(self, query, key, value):
        return self.attention(query, key, value, need_weights=False)[0]


class CausalAttention(SelfAttention):
    """As decoders ask for it: a mask of infinities."""

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return super().forward(x, attn_mask=mask)


class Projected(nn.Module):
    """Three layers of their own, and what is done with their heads in `attend`."""

    def __init__(self, key_heads=HEADS, bias=True, out_bias=True):
        super().__init__()
        self.head_width, self.key_heads = WIDTH // HEADS, key_heads
        self.q_proj = nn.Linear(WIDTH, WIDTH, bias=bias)
        self.k_proj = nn.Linear(WIDTH, key_heads * self.head_width, bias=bias)
        self.v_proj = nn.Linear(WIDTH, key_heads * self.head_width, bias=bias)
        self.out_proj = nn.Linear(WIDTH, WIDTH, bias=out_bias)

    def heads(self, x):
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)

    def forward(self, x, *masks):
        q, k, v = (self.heads(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(self.attend(q, k, v, *masks).transpose(1, 2).flatten(2))

    def attend(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v)


class Causal(Projected):
    def attend(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


class Spelled(Projected):
    """As before there was a function for it."""

    def attend(self, q, k, v):
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_width)
        return scores.softmax(-1) @ v


class OtherScale(Projected):
    """Not the scale that Keras has."""

    def attend(self, q, k, v):
        return (q @ k.transpose(-2, -1)).softmax(-1) @ v


class Einsum(Projected):
    def attend(self, q, k, v):
        scores = torch.einsum("bhqe,bhke->bhqk", q * self.head_width**-0.5, k)
        return torch.einsum("bhqk,bhke->bhqe", scores.softmax(-1), v)


class Filled(Projected):
    """Scores of later steps are infinitely low, by a buffer."""

    def __init__(self, low=float("-inf")):
        super().__init__()
        self.low = low
        self.register_buffer("seen", torch.ones(STEPS, STEPS).tril().bool()[None, None])

    def attend(self, q, k, v):
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_width)
        return scores.masked_fill(~self.seen, self.low).softmax(-1) @ v


class Band(Filled):
    """A mask that is of no kind that has a name."""

    def __init__(self):
        super().__init__()
        self.seen = self.seen & torch.ones(STEPS, STEPS).triu(-1).bool()


class FiniteMask(Projected):
    """The bools of a batch as the lowest numbers, which mask a row of nothing evenly."""

    def attend(self, q, k, v, seen):
        low = torch.finfo(q.dtype).min
        mask = torch.where(seen[:, None, None, :], 0.0, low)
        return (q @ k.transpose(-2, -1) / math.sqrt(self.head_width) + mask).softmax(-1) @ v


class BoolMask(Projected):
    """A row that sees nothing is zero in PyTorch, before the last layer."""

    def attend(self, q, k, v, seen):
        return functional.scaled_dot_product_attention(q, k, v, seen[:, None, None, :])


class AnyNumbers(Projected):
    """What is added is no mask."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(HEADS, STEPS, STEPS))

    def attend(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v, self.positions)


class Grouped(Projected):
    """Keys and values of fewer heads."""

    def __init__(self, **options):
        super().__init__(key_heads=1, **options)

    def attend(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v, enable_gqa=True, is_causal=True)


class Repeated(nn.Module):
    """Two heads of keys, each for two of queries, as repeat_interleave spells it."""

    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(16, 16, bias=False)
        self.k_proj = nn.Linear(16, 8, bias=False)
        self.v_proj = nn.Linear(16, 8, bias=False)
        self.out_proj = nn.Linear(16, 16, bias=False)

    def forward(self, x):
        q, k, v = (
            layer(x).unflatten(-1, (-1, 4)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        k, v = (each.repeat_interleave(2, dim=1) for each in (k, v))
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class Packed(nn.Module):
    """One layer for queries, keys and values, as in vision transformers."""

    def __init__(self, bias=True):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=bias)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, steps, _ = x.shape
        qkv = self.qkv(x).reshape(batch, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*qkv.unbind(0))
        return self.proj(attended.transpose(1, 2).reshape(batch, steps, WIDTH))


class Chunked(Packed):
    def forward(self, x):
        parts = self.qkv(x).chunk(3, -1)
        heads = (each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in parts)
        attended = functional.scaled_dot_product_attention(*heads)
        return self.proj(attended.transpose(1, 2).flatten(2))


class FirstStep(Packed):
    """Only the first step is read, so that only its queries are computed."""

    def forward(self, x):
        return super().forward(x)[:, 0]


class InOut(nn.Module):
    """Weights [in, out], as GPT-2 has them."""

    def __init__(self):
        super().__init__()
        self.c_attn = nn.Parameter(torch.randn(WIDTH, 3 * WIDTH))
        self.b_attn = nn.Parameter(torch.randn(3 * WIDTH))
        self.c_proj = nn.Parameter(torch.randn(WIDTH, WIDTH))
        self.b_proj = nn.Parameter(torch.randn(WIDTH))

    def forward(self, x):
        packed = torch.addmm(self.b_attn, x.flatten(0, 1), self.c_attn).unflatten(0, x.shape[:2])
        parts = packed.split(WIDTH, -1)
        heads = (each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in parts)
        attended = functional.scaled_dot_product_attention(*heads, is_causal=True)
        merged = attended.transpose(1, 2).flatten(2).flatten(0, 1)
        return torch.addmm(self.b_proj, merged, self.c_proj).unflatten(0, x.shape[:2])


class Interleaved(Packed):
    """q, k and v of each head side by side, which are not rows of a weight."""

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (HEADS, 3, -1)).permute(3, 0, 2, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Twice(nn.Module):
    """One module, called twice."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return x + self.attention(x, x, x, need_weights=False)[0]


class TiedKeys(Projected):
    """Keys and values of one layer: a weight that two would have to hold."""

    def forward(self, x):
        q, k = self.heads(self.q_proj(x)), self.heads(self.k_proj(x))
        return self.out_proj(self.attend(q, k, k).transpose(1, 2).flatten(2))


class Chained(nn.Module):
    """The last layer of one is that of the queries of the next."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Projected(), Projected()

    def forward(self, x):
        queries = self.second.heads(self.first(x))
        k, v = (self.second.heads(layer(x)) for layer in (self.second.k_proj, self.second.v_proj))
        attended = self.second.attend(queries, k, v)
        return self.second.out_proj(attended.transpose(1, 2).flatten(2))


class Rotated(Projected):
    """Positions between the projection and the product."""

    def attend(self, q, k, v):
        angle = torch.arange(STEPS, dtype=q.dtype)[:, None]
        q, k = (each * angle.cos() + each.flip(-1) * angle.sin() for each in (q, k))
        return functional.scaled_dot_product_attention(q, k, v)


class WithWeights(SelfAttention):
    """The weights of all heads are asked for as well."""

    def forward(self, x):
        return self.attention(x, x, x, need_weights=True)


class Windows(Projected):
    """Windows of a sequence, each by itself, in more than one axis before the heads."""

    def heads(self, x):
        windows = x.unflatten(1, (-1, 2))
        return windows.unflatten(-1, (HEADS, -1)).transpose(2, 3)

    def forward(self, x):
        q, k, v = (self.heads(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(self.attend(q, k, v).transpose(2, 3).flatten(3).flatten(1, 2))
