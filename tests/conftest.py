"""Shared by all Python tests."""

import pytest
import torch

# More threads than free cores wait for each other; and one is the same everywhere.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)
