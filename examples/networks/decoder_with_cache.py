"""A decoder of StableLM's kind that keeps keys and values: as inputs and outputs of free length.

Each call takes the past of the call before. The file decodes the same tokens as PyTorch.

python -m examples.networks.decoder_with_cache
"""

import torch
import torch.nn.functional as F
from torch import nn

import ferryman
from examples.carry import claim, compare, describe

VOCABULARY, WIDTH, HEADS, LAYERS, ROTATED = 60, 32, 4, 2, 4
HEAD = WIDTH // HEADS


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(WIDTH, 3 * WIDTH)
        self.leave = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x, rotation, mask, past):
        """x: [batch, new, width]; past: keys and values, [batch, heads, length, head] each."""
        batch, new, _ = x.shape
        heads = self.project(x).view(batch, new, 3, HEADS, HEAD).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        query, key = rotate(query, *rotation), rotate(key, *rotation)
        key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        x = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.leave(x.transpose(1, 2).reshape(batch, new, WIDTH)), (key, value)


def rotate(x, cosine, sine):
    """The first part of each head, by its position."""
    turned, rest = x[..., :ROTATED], x[..., ROTATED:]
    left, right = turned.chunk(2, dim=-1)
    turned = turned * cosine + torch.cat([-right, left], dim=-1) * sine
    return torch.cat([turned, rest], dim=-1)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.norm, self.other_norm = Attention(), *two_norms()
        self.gate, self.up = (nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(2))
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x, rotation, mask, past):
        attended, past = self.attention(self.norm(x), rotation, mask, past)
        x = x + attended
        y = self.other_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), past


def two_norms():
    return nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)
        frequencies = 1 / 10_000 ** (torch.arange(0, ROTATED, 2) / ROTATED)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, tokens, past):
        """tokens: [batch, new]; past: for each layer keys and values. Logits of the last token."""
        new, length = tokens.shape[1], past[0][0].shape[2]
        positions = torch.arange(length, length + new)
        angles = positions[:, None] * self.frequencies
        angles = torch.cat([angles, angles], dim=-1)
        rotation = angles.cos(), angles.sin()
        mask = torch.arange(length + new) <= positions[:, None]
        x, kept = self.embedding(tokens), []
        for layer, own in zip(self.layers, past):
            x, own = layer(x, rotation, mask, own)
            kept.append(own)
        return self.head(self.norm(x[:, -1])), kept


def empty_past():
    """For PyTorch; the file takes a past of one position or more, since a size of 0 is none."""
    return [tuple(torch.zeros(1, HEADS, 0, HEAD) for _ in range(2)) for _ in range(LAYERS)]


@torch.no_grad()
def decode(model, prompt, past, count):
    """Greedily; the tokens, and the logits of each step."""
    tokens, logits = [], []
    given = prompt
    for _ in range(count):
        step, past = model(given, past)
        given = step.argmax(-1, keepdim=True)
        tokens.append(int(given))
        logits.append(step)
    return tokens, logits


if __name__ == "__main__":
    torch.manual_seed(0)
    net = Decoder().eval()
    prompt = torch.randint(VOCABULARY, (1, 5))
    with torch.no_grad():
        _, past = net(prompt[:, :-1], empty_past())
    own = {2: "length"}
    free = {"tokens": {1: "new"}, "past": [(own, own) for _ in range(LAYERS)]}
    model = ferryman.convert(net, (prompt, past), dynamic_shapes=free, progress=False)
    describe(model)
    sizes = {size.name for size in model.report.sizes}
    claim("new tokens and caches are free in length", sizes == {"new", "length"})

    expected, expected_logits = decode(net, prompt[:, -1:], past, 32)
    got, got_logits = decode(model, prompt[:, -1:], past, 32)
    claim("32 tokens are PyTorch's", got == expected)
    print(f"worst difference of logits: {compare(expected_logits, got_logits):.1e}")
