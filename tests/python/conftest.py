"""Shared by the Python tests: seeds, and torchvision where its compiled operators are missing."""

import pytest
import torch


def define_torchvision_operators():
    """torchvision registers fake kernels for these on import; some wheels lack the operators."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        try:
            library.define(schema)
        except RuntimeError:
            pass  # the wheel has it
    return library  # the definitions live as long as this object


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)
