"""Shared by all Python tests."""

import pytest
import torch

from ferryman import _native

# More threads than free cores wait for each other; and one is the same everywhere.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


def pytest_ignore_collect(collection_path, config):
    # Whole models need the driver in the core.
    if collection_path.name == "test_models.py" and not hasattr(_native, "convert_live"):
        return True
    return None
