"""Google's quantizer takes our files, and what it makes of them is as exact as of litert-torch's.

The numbers are of bench/quantised.py, which measures both; docs/quantise.md has them as a table.
"""

import pytest

import ferryman
from models import quantised, zoo

# Signal to noise of litert-torch's file in dB: dynamic_wi8_afp32, static_wi8_ai8. Deep networks
# with random weights amplify noise, whoever writes the file.
PEER = {
    "resnet50": (21.2, 5.3),
    "mobilenet_v2": (14.8, 10.0),
    "mobilenet_v3_large": (13.0, 0.8),
    "efficientnet_b0": (12.7, 0.1),
    "squeezenet1_1": (40.9, 16.9),
    "shufflenet_v2_x1_0": (17.6, 8.5),
    "regnet_y_400mf": (19.1, 6.0),
    "unet": (20.1, 18.6),
    "espcn": (43.6, 34.8),
    "wavenet": (31.9, 19.1),
}
MAX_LOSS = 3.0
GOOD = 30.0  # what a dynamic file reaches wherever the peer's does


@pytest.mark.parametrize("name", quantised.NAMES)
def test_quantised_files_run_and_are_as_exact_as_the_peers(name, tmp_path):
    pytest.importorskip("ai_edge_quantizer")
    module, file = zoo.build(name), tmp_path / "float.tflite"
    ferryman.convert(module, zoo.example_inputs(name), verify=False, progress=False).save(file)
    samples, inputs = quantised.calibration_inputs(name), quantised.other_inputs(name)
    for recipe, peer in zip(quantised.RECIPES, PEER[name], strict=True):
        made = quantised.quantise(file, recipe, samples, tmp_path / f"{recipe}.tflite")
        ratio = quantised.signal_to_noise(file, made, inputs)
        assert made.stat().st_size < 0.5 * file.stat().st_size or name in ("espcn", "wavenet")
        assert ratio >= peer - MAX_LOSS, recipe
        if recipe.startswith("dynamic") and peer >= GOOD:
            assert ratio >= GOOD
