"""What kind of an operator each of PyTorch's database is, for summaries.

family("nn.functional.max_pool2d")     # "pooling"
"""

from __future__ import annotations

import re

from torch.testing._internal.opinfo import core

from opinfo.samples import infos

# The first that the whole name matches. `nn.functional.`, `masked.` and the like are left out.
_PATTERNS = [
    ("attention", r"scaled_dot_product_attention|multi_head_attention_forward|.*Attention"
     r"|Transformer.*"),
    ("recurrent", r"(RNN|LSTM|GRU)(Cell)?|RNN.*"),
    ("convolution", r"conv\d.*|conv_transpose.*|unfold|fold"),
    ("pooling", r".*pool\d?d?.*|.*max_unpool.*"),
    ("resize", r"interpolate.*|upsample.*|_upsample.*|grid_sample.*|pixel_.*shuffle"),
    ("normalisation", r".*(batch|group|layer|instance|rms|response)_norm.*|normalize|renorm"
     r"|_batch_norm.*"),
    ("linear", r"addmm.*|addmv|addbmm|baddbmm|addr|dot|vdot|bmm.*|mv|mm|matmul|linear|bilinear"
     r"|outer|einsum|tensordot|inner|kron|multi_dot|vecdot|__rmatmul__|cdist|dist|matrix_power"),
    ("indexing", r"gather|scatter.*|index_.*|_unsafe_masked.*|__getitem__|put|take.*|masked_.*"
     r"|searchsorted|bucketize|embedding.*|.*_scatter|nonzero.*|argwhere|where|isin"
     r"|unique.*|repeat_interleave|_segment_reduce.*|tril|triu|trace|diag.*|diagonal.*|select"
     r"|select_.*|narrow.*|slice.*"),
    ("reduction", r"cum.*|logcumsumexp|logsumexp|.*softm(ax|in).*|sort|argsort|msort|topk|kthvalue"
     r"|mode|.*median|.*quantile|max\.reduction.*|min\.reduction.*|aminmax|var_mean.*|std_mean.*"
     r"|norm(\..*)?|.*_loss.*|.*cross_entropy.*|kl_div|trapz|trapezoid|cumulative_trapezoid|diff"
     r"|cosine_similarity|pairwise_distance|pdist|vector_norm|equal|allclose|sum_to_size"
     r"|gradient|cov|corrcoef|hist.*"),
    ("shape", r"reshape.*|view.*|permute.*|flatten|unflatten|ravel|squeeze.*|unsqueeze.*|cat"
     r"|stack|.stack|column_stack|_chunk_cat|block_diag|cartesian_prod|combinations|meshgrid.*"
     r"|chunk|unsafe_chunk|split.*|unsafe_split|tensor_split|.split|unbind.*|expand.*|broadcast_.*"
     r"|repeat|tile|roll|flip.*|rot90|movedim|transpose.*|t|t_copy|T|H|mT|mH|pad\..*"
     r"|constant_pad_nd|as_strided.*|atleast_.*|unfold_copy|resize_.*|channel_shuffle|fftshift"
     r"|ifftshift|swapaxes"),
    ("elementwise", r"addcmul|addcdiv|clamp|lerp|clone|contiguous|to|zeros_like|ones_like|full_like"
     r"|hardswish|leaky_relu|gelu|glu|dropout.*|masked_fill|logaddexp2?|cross|zero_|resolve_.*"
     r"|alias_copy|fill|empty_like|.*dropout"),
]  # fmt: skip
_PREFIX = re.compile(r"^(torch\.ops\.aten\.|nn\.functional\.|nn\.|masked\.|linalg\.|fft\.)")
# These come first: "fft.fft" and "linalg.norm" are none of the above.
_OTHER = re.compile(r"(fft\.(?!.*shift)|linalg\.(?!norm|vector_norm|matrix_norm|multi_dot|vecdot"
                    r"|cross|diagonal|matrix_power)|signal\.|sparse\.).*|stft")  # fmt: skip
# Of PyTorch's database of modules, those whose families have few operators.
MODULES = [
    "nn.RNN",
    "nn.LSTM",
    "nn.GRU",
    "nn.RNNCell",
    "nn.LSTMCell",
    "nn.GRUCell",
    "nn.MultiheadAttention",
    "nn.TransformerEncoderLayer",
    "nn.TransformerDecoderLayer",
]
FAMILIES = [name for name, _ in _PATTERNS] + ["other"]


def family(op: str) -> str:
    if _OTHER.fullmatch(op):
        return "other"
    name = _PREFIX.sub("", op)
    for kind, pattern in _PATTERNS:
        if re.fullmatch(pattern, name):
            return kind
    info = infos().get(op)
    if isinstance(info, (core.UnaryUfuncInfo, core.BinaryUfuncInfo)):
        return "elementwise"
    if isinstance(info, core.ReductionOpInfo):
        return "reduction"
    return "other"
