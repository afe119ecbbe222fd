"""What people write: short functions and modules as they stand in models, each with its inputs.

    for name, idiom in IDIOMS.items():
        idiom.model, idiom.args, idiom.fresh()
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

IDIOMS: dict[str, Idiom] = {}


@dataclasses.dataclass(frozen=True)
class Idiom:
    model: Callable
    args: tuple

    def fresh(self) -> tuple:
        """Other floating values of the same shapes, and whole numbers at other places."""
        generator = torch.Generator().manual_seed(1)

        def other(x: torch.Tensor) -> torch.Tensor:
            if x.is_floating_point():
                return torch.randn(x.shape, generator=generator).to(x.dtype)
            return x.flatten().roll(1).reshape(x.shape)

        return pytree.tree_map_only(torch.Tensor, other, self.args)


def _values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _whole(high: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(0))


def idiom(*args):
    """Files a function, or an instance of a module class, under its name."""

    def file(model):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            built = model().eval() if isinstance(model, type) else model
        IDIOMS[model.__name__] = Idiom(built, args)
        return model

    return file


def _hidden(*lengths: int) -> torch.Tensor:
    """True where a sequence of that length has ended."""
    return torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]


# ---- moving axes ---------------------------------------------------------------------------------


@idiom(_values(2, 3, 8, 8))
def patches(x):
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1)
    return x.flatten(3).flatten(1, 2)


@idiom(_values(1, 8, 4, 4))
def shuffles(x):
    return F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) + F.channel_shuffle(x, 2)


@idiom(_values(1, 3, 8, 8))
def unfold_and_fold(x):
    return F.fold(F.unfold(x, 3, padding=1, stride=2), (8, 8), 3, padding=1, stride=2)


@idiom(_values(3, 4, 5))
def einsums(x):
    diagonal = torch.einsum("bii->b", x[:, :4, :4])
    return torch.einsum("bij,bkj->bik", x, x), torch.einsum("bij->bj", x), diagonal


# ---- masks and positions -------------------------------------------------------------------------


@idiom(_values(2, 4, 5), (~_hidden(3, 5)).long())
def masked_softmax(scores, mask):
    return scores.masked_fill(mask[:, None] == 0, float("-inf")).softmax(-1)


@idiom(_values(2, 5, 5))
def added_causal_mask(scores):
    return (scores + nn.Transformer.generate_square_subsequent_mask(5)).softmax(-1)


@idiom(_whole(2, 3, 7))
def positions_of_mask(mask):
    positions = mask.long().cumsum(-1) - 1
    return positions.masked_fill_(mask == 0, 1)


@idiom(_values(2, 3, 7, 8))
def rotary(q):
    frequencies = 1 / 10000 ** (torch.arange(0, 8, 2).float() / 8)
    angles = torch.outer(torch.arange(q.size(2)).float(), frequencies)
    angles = torch.cat([angles, angles], -1)
    a, b = q.chunk(2, -1)
    return q * angles.cos() + torch.cat([-b, a], -1) * angles.sin()


@idiom(_values(2, 3, 7, 8))
def rotary_of_complex(q):
    pairs = torch.view_as_complex(q.reshape(2, 3, 7, 4, 2))
    turns = torch.polar(torch.ones(7, 4), torch.outer(torch.arange(7.0), 0.5 ** torch.arange(4)))
    return torch.view_as_real(pairs * turns).flatten(-2)


@idiom(_values(6, 8))
def gate_of_two(logits):
    weights, experts = torch.topk(logits, 2, -1)
    return torch.zeros_like(logits).scatter(-1, experts, weights.softmax(-1))


@idiom(_values(7, 4), torch.tensor([0, 1, 0, 2, 2, 1, 0]))
def mean_by_graph(x, graph):
    sums = torch.zeros(3, 4).scatter_add_(0, graph[:, None].expand(-1, 4), x)
    counts = torch.zeros(3).index_add_(0, graph, torch.ones(7))
    return sums / counts.clamp(min=1)[:, None]


# ---- writes --------------------------------------------------------------------------------------


@idiom(_values(4, 6))
def writes_of_every_kind(x):
    y = x.clone()
    y[:, 1::2] = 0
    y[0] += 1
    y[..., -1].mul_(2)
    y[y > 1] = -1
    y[[0, 2]] = y[[2, 0]]
    y.t()[3] = 7
    y.view(-1)[::5] = 3
    a, b = y.chunk(2, 1)
    b.copy_(a)
    return y.clamp_(-2, 2), y


@idiom(_values(4, 6), torch.tensor([0, 2]))
def writes_at_indices(x, i):
    y = x.clone()
    y.index_fill_(0, i, 0.0).index_copy_(1, i, torch.ones(4, 2))
    y.index_put_((i, i), torch.tensor([5.0, 6.0]), accumulate=True)
    y.masked_scatter_(y > 0, torch.arange(24.0).view(4, 6))
    return y.scatter_(1, torch.zeros(4, 1, dtype=torch.long), 1.5)


@idiom(_values(5, 3), _values(3, 3))
def diagonals_filled(x, scores):
    x, scores = x.clone(), scores.clone()
    x.fill_diagonal_(1.5)
    scores.fill_diagonal_(float("-inf"))
    return x, scores.softmax(-1)


# ---- attention and transformers ------------------------------------------------------------------


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = nn.MultiheadAttention(8, 2, batch_first=True)
        self.extended = nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True)
        self.across = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)


@idiom(_values(2, 5, 8), _hidden(3, 5), _values(4, 5, 5))
class MasksOfAttention(Attention):
    def forward(self, x, hidden, bias):
        causal = torch.ones(5, 5).triu(1).bool()
        return (
            self.plain(x, x, x, key_padding_mask=hidden),
            self.plain(x, x, x, attn_mask=causal, need_weights=False),
            self.plain(x, x, x, attn_mask=bias, key_padding_mask=hidden)[0],
        )


@idiom(_values(5, 2, 8), _hidden(3, 5))
class WeightsOfEachHead(Attention):
    def forward(self, x, hidden):
        return self.extended(x, x, x, key_padding_mask=hidden, average_attn_weights=False)


@idiom(_values(2, 5, 8), _values(2, 7, 6), _values(2, 7, 4))
class AttentionAcross(Attention):
    def forward(self, q, k, v):
        return self.across(q, k, v)[0]


@idiom(_values(2, 5, 8), _hidden(3, 5))
class EncoderOfPadded(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x, hidden):
        return self.encoder(x, src_key_padding_mask=hidden)


# ---- weights -------------------------------------------------------------------------------------


@idiom(_values(2, 4))
class Parametrised(nn.Module):
    def __init__(self):
        super().__init__()
        parametrizations = nn.utils.parametrizations
        self.a = parametrizations.weight_norm(nn.Linear(4, 5))
        self.b = parametrizations.spectral_norm(nn.Linear(5, 3))
        self.c = parametrizations.orthogonal(nn.Linear(3, 3))

    def forward(self, x):
        return self.c(self.b(self.a(x)))


@idiom(_whole(11, 2, 5))
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words):
        return self.head(self.embedding(words))


@idiom(_values(2, 4, 3, 3))
class Quantised(nn.Module):
    """Vectors replaced by the nearest of a code book."""

    def __init__(self):
        super().__init__()
        self.codes = nn.Embedding(8, 4)

    def forward(self, z):
        flat = z.permute(0, 2, 3, 1).reshape(-1, 4)
        codes = self.codes.weight
        distances = (flat**2).sum(1, keepdim=True) + (codes**2).sum(1) - 2 * flat @ codes.t()
        nearest = distances.argmin(1)
        chosen = self.codes(nearest).view(2, 3, 3, 4).permute(0, 3, 1, 2)
        return z + (chosen - z).detach(), nearest


@idiom(_values(1, 2, 7, 8))
class Unpooled(nn.Module):
    def forward(self, x):
        pooled, indices = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(pooled, indices, 2, output_size=x.shape[-2:])


# ---- types ---------------------------------------------------------------------------------------


@idiom(_values(2, 3, 4, 4).half())
class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).half()

    def forward(self, x):
        return self.layers(x)


@idiom(_values(3, 4).double())
class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double()

    def forward(self, x):
        return self.layers(x), x.sum()


@idiom(_whole(100, 4), _whole(9, 4) + 1)
def whole_numbers(a, b):
    return a // b, -a % b, torch.fmod(-a, b), a / b, a**2, b**a, torch.gcd(a, b), a << 2 ^ b


@idiom(_whole(9, 2, 3, 6, 6), _whole(9, 4, 3, 3, 3), _whole(9, 3, 2, 2, 2))
def whole_images(x, kernel, transposed):
    convolved = F.conv2d(x, kernel, padding=1, stride=2)
    return convolved, F.conv_transpose2d(x, transposed, stride=2), F.avg_pool2d(x - 4, 3, 2)


@idiom(_whole(2, 3, 4).bool())
def bools(m):
    return ~m, m.any(1), m.all(0), m.sum(-1), m.prod(1, dtype=torch.bool), torch.outer(m[0], m[1])


# ---- what goes in and comes out ------------------------------------------------------------------


@idiom(_values(4), 3, 2.5, True)
def numbers_among_inputs(x, count, factor, enabled):
    return x * count + factor if enabled else x


@idiom(_values(4, 6))
def views_returned(x):
    y = x * 2
    return y.view(2, 12), y.t(), y[1:3], y[..., None], x, x, None, torch.ones(3), {"again": y}


@idiom([_values(3), _values(3)], {"k": (_values(2),)})
def nested_inputs(pair, named):
    return [pair[0] + pair[1], {"z": named["k"][0] * 2}]


# ---- signals -------------------------------------------------------------------------------------


@idiom(_values(2, 400))
def there_and_back_in_frequency(x):
    window = torch.hann_window(64)
    spectrum = torch.stft(x, 64, 16, window=window, return_complex=True)
    return torch.istft(spectrum, 64, 16, window=window), spectrum.abs()


@idiom(_values(2, 10))
def running(x):
    return x.cumsum(1), x.cummax(1).values, x.flip(1).cumsum(1).flip(1), x.diff(dim=1)


@idiom(_values(4, 5), _whole(5, 4))
def losses(x, target):
    return (
        F.cross_entropy(x, target, label_smoothing=0.1),
        F.multi_margin_loss(x, target),
        F.huber_loss(x, x * 2),
        F.kl_div(x.log_softmax(-1), x.softmax(-1), reduction="batchmean"),
        F.triplet_margin_loss(x, x + 1, x - 1),
    )


@idiom(_values(2, 3, 8))
def statistics_of_the_batch(x):
    return F.batch_norm(x, None, None, training=True), F.instance_norm(x), F.group_norm(x, 3)
