"""What a file gives in an environment that has Keras and one backend: nothing of Ferryman, and no
PyTorch but where it is the backend.

    KERAS_BACKEND=jax python alone.py

Each line of the input asks for one thing, each line of the output answers it; see backends.py.
"""

import gc
import json
import os
import sys
import warnings

# What is None here cannot be imported, even where it is installed.
sys.modules["ferryman"] = None
if os.environ["KERAS_BACKEND"] != "torch":
    sys.modules["torch"] = None

import keras  # noqa: E402
import numpy as np  # noqa: E402

COMPILED = (2, 0)  # examples with which a graph is compiled, too, as fit() and predict() do
# JAX compiles every operation for every shape; the whole graph takes it less time.
IS_CALLED = keras.backend.backend() != "jax"


def main() -> None:
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to the output
    for line in sys.stdin:
        try:
            answer = _answer(**json.loads(line))
        except Exception as error:  # noqa: BLE001  whatever a backend says
            answer = {"failure": f"{type(error).__name__}: {error}"}
        keras.utils.clear_session(free_memory=True)
        gc.collect()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(task: str, **options):
    return {"compare": _compare, "train": _train, "versions": _versions}[task](**options)


def _versions():
    return {"keras": keras.__version__, "backend": keras.backend.backend()}


def _compare(model: str, cases: str):
    """The worst difference of any output, by the number of examples; 0 stands for that of the
    conversion's example."""
    loaded = keras.saving.load_model(model, safe_mode=True)
    given = np.load(cases)
    errors = {}
    for batch in sorted({int(name.split(":")[0]) for name in given.files}):
        inputs = _arrays(given, batch, "in")
        expected = _arrays(given, batch, "out")
        run = _called if IS_CALLED else _compiled
        errors[str(batch)] = _error(run(loaded, inputs), expected)
        if IS_CALLED and batch in COMPILED:
            errors["compiled"] = _error(_compiled(loaded, inputs), expected)
    return {"errors": errors}


def _arrays(given, batch: int, side: str):
    count = sum(name.startswith(f"{batch}:{side}:") for name in given.files)
    return [given[f"{batch}:{side}:{i}"] for i in range(count)]


def _called(model, inputs):
    given = [keras.ops.convert_to_tensor(array) for array in inputs]
    with _no_gradients():
        return keras.tree.flatten(model(given if len(given) > 1 else given[0]))


def _compiled(model, inputs):
    return keras.tree.flatten(model.predict_on_batch(inputs if len(inputs) > 1 else inputs[0]))


def _no_gradients():
    if keras.backend.backend() == "torch":
        import torch

        return torch.no_grad()
    import contextlib

    return contextlib.nullcontext()


def _error(outputs, expected) -> float:
    got = [keras.ops.convert_to_numpy(output) for output in outputs]
    shapes, wanted = [list(a.shape) for a in got], [list(a.shape) for a in expected]
    if shapes != wanted:
        raise ValueError(f"outputs are of the shapes {shapes}, not {wanted}")
    return max((_difference(a, b) for a, b in zip(got, expected)), default=0.0)


def _difference(got, expected) -> float:
    """The largest, relative to the largest magnitude that is expected, or 1. Whole numbers are
    equal or not."""
    if expected.size == 0:
        return 0.0
    if expected.dtype.kind not in "fc":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    a, b = got.astype(np.float64), expected.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = b[np.isfinite(b)]
    scale = max(float(np.abs(finite).max()) if finite.size else 1.0, 1.0)
    with np.errstate(invalid="ignore"):
        distance = np.where(same, 0.0, np.abs(a - b))
    return float(np.nan_to_num(distance, nan=np.inf, posinf=np.inf).max()) / scale


def _train(model: str, batch: str, rate: float, steps: int):
    """The losses of so many steps of plain SGD on one batch."""
    loaded = keras.saving.load_model(model, safe_mode=True)
    given = np.load(batch)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loaded.compile(keras.optimizers.SGD(rate), loss)
    return {
        "losses": [float(loaded.train_on_batch(given["x"], given["y"])) for _ in range(steps)]
    }


if __name__ == "__main__":
    main()
