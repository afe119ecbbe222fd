"""Shared by all Python tests."""

import os

import pytest
import torch

# In the processes that tests start, too: the core verifies its graph after each pass.
os.environ["FERRYMAN_VERIFY_EACH"] = "1"
# The one backend of Keras that is there in any case.
os.environ.setdefault("KERAS_BACKEND", "torch")

# More threads than free cores wait for each other; and one is the same everywhere.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)
