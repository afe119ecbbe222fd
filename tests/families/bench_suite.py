"""Networks whose latency is compared with that of other converters' files: of usual sizes, one of
each way of computing."""

from __future__ import annotations

import torch
from torch import nn

from families.bench_nets import ConvTasNet, DiffusionUnet
from families.family import Family
from models import torchvision_ops, zoo


def families() -> list[Family]:
    return [
        _image("vit_b_16"),
        _image("swin_t"),
        _image("swin_v2_t", 256),
        _image("maxvit_t"),
        _family("encoder", lambda: Encoder(None), lambda: torch.randn(1, 64, 256)),
        _family("encoder_first_token", lambda: Encoder(0), lambda: torch.randn(1, 64, 256)),
        _family("bert", _bert, _tokens(128)),
        _family("gpt2", _gpt2, _tokens(64)),
        _family("llama", _llama, _tokens(64)),
        _family("t5_encoder", _t5_encoder, _tokens(64)),
        _family("whisper_encoder", _whisper_encoder, lambda: torch.randn(1, 80, 3000)),
        _family("lstm", lambda: FirstOutput(_lstm()), lambda: torch.randn(1, 100, 64)),
        _family("gru", lambda: FirstOutput(nn.GRU(64, 128, batch_first=True)),
                lambda: torch.randn(1, 100, 64)),
        _family("bigru", lambda: FirstOutput(_bidirectional_gru()),
                lambda: torch.randn(1, 100, 64)),
        *(_timm(name) for name in _TIMM),
        _timm("mobilevit_xs", 256),
        _family("distilbert", _distilbert, _tokens(128)),
        _family("electra", _electra, _tokens(128)),
        _family("segformer", _segformer, lambda: torch.randn(1, 3, 256, 256)),
        _family("wav2vec2", _wav2vec2, lambda: torch.randn(1, 16000)),
        _family("detr", _detr, lambda: torch.randn(1, 3, 320, 320)),
        _family("yolov8n", _yolo, lambda: torch.randn(1, 3, 320, 320)),
        Family("bench", "diffusion_unet", DiffusionUnet,
               lambda seed: ((torch.randn(1, 3, 64, 64), torch.tensor([float(seed)])), {})),
        _family("conv_tasnet", ConvTasNet, lambda: torch.randn(1, 1, 8000)),
    ]  # fmt: skip


_TIMM = ("deit_tiny_patch16_224", "mixer_s32_224", "coat_lite_tiny", "efficientformer_l1",
         "caformer_s18", "edgenext_xx_small", "pvt_v2_b0", "fastvit_t8",
         "mobilenetv4_conv_small", "poolformer_s12")  # fmt: skip


def _family(name: str, make, tensor) -> Family:
    return Family("bench", name, make, lambda seed: ((tensor(),), {}))


def _image(name: str, size: int = 224) -> Family:
    return _family(
        name,
        lambda: getattr(zoo.torchvision_models(), name)(weights=None),
        lambda: torch.randn(1, 3, size, size),
    )


def _timm(name: str, size: int = 224) -> Family:
    def make():
        torchvision_ops.define()  # it imports torchvision
        import timm

        return timm.create_model(name)

    return _family(name, make, lambda: torch.randn(1, 3, size, size))


def _tokens(count: int):
    return lambda: torch.randint(0, 1000, (1, count))


def _lstm() -> nn.Module:
    return nn.LSTM(64, 128, num_layers=2, bidirectional=True, batch_first=True)


def _bidirectional_gru() -> nn.Module:
    return nn.GRU(64, 128, num_layers=2, bidirectional=True, batch_first=True)


class FirstOutput(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x):
        outputs = self.model(x)
        return outputs[0] if isinstance(outputs, tuple) else next(iter(outputs.values()))


class Encoder(nn.Module):
    """Four layers of which all rows are read, or one."""

    def __init__(self, row: int | None):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            256, 8, 1024, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, 10)
        self.row = row

    def forward(self, x):
        x = self.layers(x)
        return self.head(x if self.row is None else x[:, self.row])


def _of(kind: str, **sizes) -> nn.Module:
    torchvision_ops.define()
    from transformers import CONFIG_MAPPING, AutoModel

    config = CONFIG_MAPPING[kind](**sizes)
    config.use_cache = False
    return AutoModel.from_config(config)


def _bert() -> nn.Module:
    return FirstOutput(_of("bert", hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
                           intermediate_size=1024, vocab_size=1000))  # fmt: skip


def _gpt2() -> nn.Module:
    return FirstOutput(_of("gpt2", n_embd=256, n_layer=4, n_head=4, vocab_size=1000))


def _llama() -> nn.Module:
    return FirstOutput(_of(
        "llama", hidden_size=256, num_hidden_layers=4, num_attention_heads=8,
        num_key_value_heads=2, intermediate_size=688, vocab_size=1000,
    ))  # fmt: skip


def _t5_encoder() -> nn.Module:
    model = _of("t5", d_model=256, num_layers=4, num_heads=4, d_kv=64, d_ff=1024, vocab_size=1000)
    return FirstOutput(model.encoder)


def _whisper_encoder() -> nn.Module:
    model = _of("whisper", d_model=384, encoder_layers=4, encoder_attention_heads=6,
                encoder_ffn_dim=1536, decoder_layers=1)  # fmt: skip
    return FirstOutput(model.encoder)


def _distilbert() -> nn.Module:
    return FirstOutput(_of("distilbert", dim=256, n_layers=4, n_heads=4, hidden_dim=1024,
                           vocab_size=1000))  # fmt: skip


def _electra() -> nn.Module:
    return FirstOutput(_of(
        "electra", embedding_size=128, hidden_size=256, num_hidden_layers=4,
        num_attention_heads=4, intermediate_size=1024, vocab_size=1000,
    ))  # fmt: skip


def _segformer() -> nn.Module:
    return FirstOutput(_of("segformer"))  # the sizes of b0


def _wav2vec2() -> nn.Module:
    return FirstOutput(_of("wav2vec2", hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
                           intermediate_size=1024, conv_dim=(256,) * 7))  # fmt: skip


def _detr() -> nn.Module:
    return FirstOutput(_of("detr", d_model=256, encoder_layers=3, decoder_layers=3,
                           encoder_ffn_dim=1024, decoder_ffn_dim=1024, use_timm_backbone=False,
                           use_pretrained_backbone=False))  # fmt: skip


def _yolo() -> nn.Module:
    from families import ultralytics_suite

    return ultralytics_suite.families()[3].make()
