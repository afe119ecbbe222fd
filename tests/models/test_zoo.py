"""The zoo's promises: reproducible, not constant anywhere, activations of order one."""

import pytest
import torch

from models import zoo


def _tensors(output):
    return list(output.values()) if isinstance(output, dict) else [output]


@pytest.mark.parametrize("name", zoo.QUICK_NAMES)
def test_building_twice_gives_the_same_model(name):
    first, second = zoo.build(name).state_dict(), zoo.build(name).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", zoo.QUICK_NAMES)
def test_outputs_are_of_order_one_and_depend_on_the_input(name):
    module = zoo.build(name)
    with torch.no_grad():
        example = _tensors(module(*zoo.example_inputs(name)))
        other = _tensors(module(*zoo.other_inputs(name)))
    for a, b in zip(example, other):
        assert 0.02 < b.std() < 50
        assert (a - b).abs().max() > 0.02


def test_no_parameter_is_constant_and_no_batch_norm_is_the_identity():
    module = zoo.build("mobilenet_v3_large")
    for name, parameter in module.named_parameters():
        assert parameter.min() != parameter.max(), name
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            assert buffer.min() != buffer.max(), name


def test_random_state_of_the_caller_is_untouched():
    before = torch.random.get_rng_state()
    zoo.build("espcn")
    zoo.example_inputs("espcn")
    assert torch.equal(before, torch.random.get_rng_state())
