"""T5's encoder, as INSTRUCTOR uses it for embeddings: the mean of all tokens that are there.

Its attention adds a learned bias for each distance, looked up in buckets that the length makes.

python -m examples.networks.t5_encoder
"""

import torch
from torch import nn

from examples.carry import carry, claim
from examples.language import transformers

VOCABULARY = 120


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        config = transformers.T5Config(
            vocab_size=VOCABULARY, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4
        )
        self.encoder = transformers.T5EncoderModel(config)
        self.dense = nn.Linear(64, 32, bias=False)

    def forward(self, tokens):
        """tokens: a dict with input_ids and attention_mask, both [batch, length]."""
        states = self.encoder(**tokens).last_hidden_state
        mask = tokens["attention_mask"][..., None].to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        return {"embedding": nn.functional.normalize(self.dense(mean), dim=-1)}


def sentences(batch, length):
    lengths = torch.randint(1, length + 1, (batch, 1))
    mask = (torch.arange(length) < lengths).long()
    return {"input_ids": torch.randint(VOCABULARY, (batch, length)), "attention_mask": mask}


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [(sentences(2, 10),), (sentences(3, 25),), (sentences(1, 6),)]
    free = {"tokens": {name: {0: "batch", 1: "length"} for name in inputs[0][0]}}
    model = carry(Embedder(), inputs, dynamic_shapes=free)
    claim("the output has its key's name", model.outputs[0].name == "embedding")
    print(f"output: {model.outputs[0]}")
