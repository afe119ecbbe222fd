"""Tensors without axes and without elements, through the whole of the converter."""

import torch

import ferryman


def test_scalars_and_empty_tensors_go_in_and_out_as_such():
    def forward(x, nothing):
        return x * 2, torch.relu(nothing), torch.cat([nothing, nothing + 1]).sum()

    model = ferryman.convert(forward, (torch.tensor(3.0), torch.ones(0, 4)))
    doubled, empty, total = model(torch.tensor(5.0), torch.ones(0, 4))
    assert (doubled.shape, float(doubled)) == ((), 10.0)
    assert empty.shape == (0, 4)
    assert float(total) == 0.0


def test_bfloat16_is_float32_in_the_file_and_bfloat16_for_the_caller():
    module = torch.nn.Linear(8, 4).eval().bfloat16()
    x = torch.randn(2, 8).bfloat16()
    model = ferryman.convert(module, (x,))
    y = model(x)
    assert y.dtype is torch.bfloat16
    torch.testing.assert_close(y, module(x).detach(), rtol=1e-2, atol=1e-2)
