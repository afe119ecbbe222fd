"""DETR: a ResNet, a transformer, and boxes for each query, small and with weights as drawn.

Frozen batch norms need no help, nor do the positions made by cumulative sums of the mask.

python -m examples.networks.detr
"""

import torch
from torch import nn

from examples.carry import carry, claim
from examples.language import transformers


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        backbone = transformers.ResNetConfig(
            embedding_size=8,
            hidden_sizes=[8, 16, 24, 32],
            depths=[1, 1, 1, 1],
            layer_type="basic",
            out_features=["stage4"],
        )
        config = transformers.DetrConfig(
            use_timm_backbone=False,
            use_pretrained_backbone=False,
            backbone=None,
            backbone_config=backbone,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_queries=10,
            num_labels=5,
        )
        self.detr = transformers.DetrForObjectDetection(config)

    def forward(self, image):
        """image: [1, 3, height, width]; logits [1, 10, 6], boxes [1, 10, 4]."""
        result = self.detr(pixel_values=image)
        return {"logits": result.logits, "boxes": result.pred_boxes}


if __name__ == "__main__":
    torch.manual_seed(0)
    images = [(torch.randn(1, 3, 128, 96),) for _ in range(2)]
    model = carry(Detector(), images, input_layout="channels_last")
    claim("logits and boxes", [port.name for port in model.outputs] == ["logits", "boxes"])
    print(f"transposes: {len(model.report.native.layout.transposes)}")
