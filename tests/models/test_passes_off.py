"""All models without the passes that may be left out: the outputs stay eager's."""

import pytest

import ferryman
from models import zoo
from models.measure import compare_outputs
from passes_off import without_passes

TOLERANCE = 1e-4


@pytest.mark.parametrize("name", zoo.NAMES)
def test_outputs_do_not_lean_on_optional_passes(name):
    module = zoo.build(name)
    with without_passes("*"):
        model = ferryman.convert(module, zoo.example_inputs(name), verify=False, progress=False)
    errors = compare_outputs(name, module, model.path, model.report.native)
    assert max(errors.values()) <= TOLERANCE, errors
