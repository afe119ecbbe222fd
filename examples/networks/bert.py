"""BERT of transformers, small and with weights as drawn, for any batch and length.

Inputs go by name; padding is in the attention mask.

python -m examples.networks.bert
"""

import torch

from examples.carry import carry, claim
from examples.language import transformers

VOCABULARY = 120


def small_bert():
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    return transformers.BertModel(config)


def sentences(batch, length):
    lengths = torch.randint(length // 2, length + 1, (batch, 1))
    mask = (torch.arange(length) < lengths).long()
    return {"input_ids": torch.randint(VOCABULARY, (batch, length)) * mask, "attention_mask": mask}


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = [sentences(2, 12), sentences(1, 30), sentences(5, 7)]
    free = {name: {0: "batch", 1: "length"} for name in inputs[0]}
    model = carry(small_bert(), inputs, dynamic_shapes=free)
    claim("any batch and length", {s.name for s in model.report.sizes} == {"batch", "length"})
    print("outputs:", ", ".join(map(str, model.outputs)))
