"""Files quantised with Google's quantizer, and how far their results are from the float file's.

file = quantise(path, "static_wi8_ai8", samples, output)
noise = signal_to_noise(path, file, inputs)        # in dB, over all outputs and inputs
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from models import zoo

RECIPES = ("dynamic_wi8_afp32", "static_wi8_ai8")
# Convolutions with and without groups, squeezed and gated ones, norms, GELU, transposed and dilated
# convolutions, pixel shuffles, padded pools.
NAMES = (
    "resnet50",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "regnet_y_400mf",
    "unet",
    "espcn",
    "wavenet",
)  # fmt: skip
CALIBRATION_SAMPLES, TEST_SAMPLES = 8, 4

Arrays = Sequence[np.ndarray]


def quantise(path: Path, recipe_name: str, samples: Sequence[Arrays], output: Path) -> Path:
    """`samples`: inputs to calibrate with, in the order of the file's."""
    from ai_edge_quantizer import quantizer, recipe

    tool = quantizer.Quantizer(str(path), getattr(recipe, recipe_name)())
    calibration = None
    if tool.need_calibration:
        runner = Interpreter(str(path))
        (key, signature), *_ = runner.get_signature_list().items()
        named = [dict(zip(signature["inputs"], sample, strict=True)) for sample in samples]
        calibration = tool.calibrate({key: named})
    output.write_bytes(tool.quantize(calibration).quantized_model)
    return output


def signal_to_noise(reference: Path, file: Path, inputs: Sequence[Arrays]) -> float:
    signal = noise = 0.0
    for expected, got in zip(_outputs(reference, inputs), _outputs(file, inputs), strict=True):
        signal += float(np.sum(np.square(expected)))
        noise += float(np.sum(np.square(expected - got)))
    return 10 * math.log10(signal / noise)


def _outputs(path: Path, inputs: Sequence[Arrays]) -> list[np.ndarray]:
    runner = Interpreter(str(path), num_threads=1)
    runner.allocate_tensors()
    results = []
    for arrays in inputs:
        for detail, array in zip(runner.get_input_details(), arrays, strict=True):
            runner.set_tensor(detail["index"], _stored(array, detail))
        runner.invoke()
        results += [
            _real(runner.get_tensor(detail["index"]), detail)
            for detail in runner.get_output_details()
        ]
    return results


def _stored(array: np.ndarray, detail: dict) -> np.ndarray:
    """As the file has it: static recipes make inputs and outputs int8."""
    scale, zero_point = detail["quantization"]
    if detail["dtype"] == np.float32:
        return array
    info = np.iinfo(detail["dtype"])
    return np.clip(np.round(array / scale) + zero_point, info.min, info.max).astype(detail["dtype"])


def _real(array: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero_point = detail["quantization"]
    real = array.astype(np.float64)
    return real if detail["dtype"] == np.float32 else (real - zero_point) * scale


def calibration_inputs(name: str) -> list[Arrays]:
    return [_arrays(name, seed) for seed in range(100, 100 + CALIBRATION_SAMPLES)]


def other_inputs(name: str) -> list[Arrays]:
    return [_arrays(name, seed) for seed in range(TEST_SAMPLES)]


def _arrays(name: str, seed: int) -> Arrays:
    return [x.numpy() for x in zoo.other_inputs(name, seed)]
