"""A fixed sample of the families; `make families` runs all of them."""

import os

import pytest

from families import run
from families.check import Row
from workers import Failure, run_all

SAMPLE = """
own:lstm own:gru own:crnn own:conv_tasnet own:diffusion_unet own:nerf own:graph_convolution
own:mamba_scan torchvision:resnet18 torchvision:mobilenet_v3_small torchvision:vit_b_32
torchvision:swin_t torchvision:deeplabv3_mobilenet_v3_large torchvision:r2plus1d_18
timm:levit timm:mobilevit timm:xcit transformers:bert transformers:gpt2 transformers:t5
transformers:llama transformers:mixtral transformers:clip transformers:whisper
transformers:wav2vec2
""".split()
SECONDS = 120


@pytest.fixture(scope="module")
def rows():
    tasks = [tuple(name.split(":")) for name in SAMPLE]
    rows = {}
    for task, result in run_all(
        "families.check:check", tasks, processes=os.cpu_count() or 1, seconds=SECONDS
    ):
        failed = isinstance(result, Failure)
        rows[":".join(task)] = Row(*task, state="wrong", reason=result.what) if failed else result
    return rows


def test_sample_is_of_known_families():
    assert all(run.suites.find(*name.split(":")) for name in SAMPLE)


@pytest.mark.parametrize("name", SAMPLE)
def test_family_gives_pytorchs_result(rows, name):
    row = rows[name]
    assert (row.state, row.reason) == ("right", "")
    assert row.bytes_moved == row.lower_bound
