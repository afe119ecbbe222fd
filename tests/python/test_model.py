"""The Model that convert returns: its ports, its end, and calls from several threads."""

import gc
import os
import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import ferryman


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image, ids, scale=2.0):
        y = self.conv(image)
        return {"map": y, "mean": y.mean((2, 3)) * scale, "ids": ids + 1}


def example(seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, 3, 8, 8, generator=generator)
    return image, torch.randint(0, 9, (5,), generator=generator)


def convert(**options):
    torch.manual_seed(0)
    return ferryman.convert(
        Net().eval(), example(), **{"verify": False, "progress": False, **options}
    )


# Ports -------------------------------------------------------------------------------------------


def test_ports_are_those_of_the_file():
    model = convert(
        input_layout={"image": "channels_last"}, input_names={"image": "photo"},
        output_layout={"map": (2, 3, 0, 1)}, verify=True,
    )  # fmt: skip
    ports = [(port.name, port.shape, port.layout) for port in (*model.inputs, *model.outputs)]
    assert ports == [
        ("photo", (1, 8, 8, 3), "channels_last"),
        ("ids", (5,), "channels_first"),
        ("map", (6, 6, 1, 4), "2,3,0,1"),
        ("mean", (1, 4), "channels_first"),
        ("ids", (5,), "channels_first"),
    ]
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(model.path)).get_signature_runner()
    for ports, details in (
        (model.inputs, runner.get_input_details()),
        (model.outputs, runner.get_output_details()),
    ):
        assert {port.name: (port.shape, port.dtype) for port in ports} == {
            name: (tuple(detail["shape"]), np.dtype(detail["dtype"]).name)
            for name, detail in details.items()
        }


def test_ports_of_complex_numbers_are_pairs():
    model = ferryman.convert(
        lambda x: x * 2, (torch.randn(2, 3, dtype=torch.complex64),), progress=False
    )
    (port,) = model.inputs
    assert (port.shape, port.dtype, port.layout) == ((2, 3, 2), "float32", "channels_first")


def test_the_text_of_a_model_tells_its_ports():
    model = convert()
    image, ids = (port.dtype for port in model.inputs)
    assert repr(model).startswith(
        f"<ferryman.Model Net: image {image}[1, 3, 8, 8], ids {ids}[5] -> map {image}[1, 4, 6, 6], "
    )
    model.close()
    assert repr(model).endswith(", closed>")


def test_a_call_without_arrays_gives_tensors():
    model = ferryman.convert(lambda n=3: torch.arange(4.0) * n, (), progress=False, verify=False)
    assert isinstance(model(), torch.Tensor)


# The end -----------------------------------------------------------------------------------------


def drop(model):
    del model


def fail():
    with pytest.raises(ferryman.Error):
        ferryman.convert(nn.ReLU().eval(), (torch.ones(2),), input_names=[""], progress=False)


@pytest.mark.parametrize(
    "end",
    [
        lambda: drop(convert()),
        lambda: convert().close(),
        lambda: convert()(*example()),
        lambda: convert().__enter__().__exit__(None, None, None),
        fail,
    ],
    ids=["dropped", "closed", "called", "with", "failed"],
)
def test_nothing_is_left_and_nothing_warns(end, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        end()
        gc.collect()
    assert [str(w.message) for w in seen if issubclass(w.category, ResourceWarning)] == []
    assert os.listdir(tmp_path) == []


def test_a_forked_process_leaves_the_file_alone():
    model = convert()
    child = os.fork()
    if child == 0:
        model.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert model.path.exists()


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model(*example()),
        lambda model: model.save("never.tflite"),
        lambda model: model.path,
        lambda model: model.__enter__(),
    ],
    ids=["call", "save", "path", "with"],
)
def test_a_closed_model_says_so(use):
    with convert() as model:
        path = model.path
    assert not path.exists()
    model.close()  # a second time
    with pytest.raises(ferryman.Error, match="the model is closed"):
        use(model)
    assert model.report.native.file_bytes > 0 and len(model.inputs) == 2


# Threads -----------------------------------------------------------------------------------------


def test_threads_get_the_results_of_their_own_inputs():
    model, module = convert(), Net().eval()
    module.load_state_dict({k: v for k, v in _state().items()})
    wrong, start = [], threading.Barrier(8)

    def work(seed):
        args = example(seed)
        expected = module(*args)
        start.wait()
        for _ in range(50):
            try:
                result = model(*args)
            except Exception as error:
                wrong.append(error)
                return
            if not all(torch.allclose(result[k], expected[k], atol=1e-5) for k in expected):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _state():
    torch.manual_seed(0)
    return Net().state_dict()


def test_a_model_that_is_closed_among_threads_fails_cleanly():
    model, outcomes = convert(), []

    def work():
        for _ in range(200):
            try:
                model(*example())
            except ferryman.Error as error:
                outcomes.append(error.what)
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    model.close()
    for thread in threads:
        thread.join()
    assert set(outcomes) == {"the model is closed"}
