"""Errors as a user of the package meets them: the type, and a text that says what to do."""

import foreign_ops
import pytest
import torch
from torch import nn

import ferryman


def convert(module, args=(), **options):
    return ferryman.convert(module, args, progress=False, **options)


def text_of(kind, module, args=(), **options):
    with pytest.raises(ferryman.Error) as caught:
        convert(module, args, **options)
    assert type(caught.value) is kind
    return str(caught.value)


class Inverting(nn.Module):
    def forward(self, x):
        y = foreign_ops.invert(x)
        return foreign_ops.invert(y) + foreign_ops.spectrum(x)


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inverting()

    def forward(self, x):
        return self.inner(x)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(3))

    def forward(self, x):
        self.count.add_(1)
        return x + self.count


def test_all_unsupported_ops_are_told_at_once_with_place_and_number():
    with pytest.raises(ferryman.UnsupportedOps) as caught:
        convert(Outer().eval(), (torch.eye(3),))
    text = str(caught.value)
    line = Inverting.forward.__code__.co_firstlineno + 1
    assert "foreign.invert.default" in text and "foreign.spectrum.default" in text
    assert f"inner ({__file__}:{line}), node invert" in text
    assert "(1 more place)" in text
    assert "hint: " in text
    assert [len(d["places"]) for d in caught.value.diagnostics] == [2, 1]


def test_place_in_the_outermost_module_has_its_class():
    text = text_of(ferryman.UnsupportedOps, Inverting().eval(), (torch.eye(3),))
    assert f"Inverting ({__file__}:" in text


def test_training_mode_is_refused_with_the_module_that_is_in_it():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).eval()
    net[1].train()
    text = text_of(ferryman.InputError, net, (torch.zeros(1, 2),))
    assert text.startswith("its module '1' is in training mode")
    assert "call module.eval() first" in text


def test_example_inputs_that_do_not_fit_are_refused(capfd):
    text = text_of(ferryman.InputError, nn.Linear(3, 2).eval(), (torch.zeros(1, 2),))
    assert text.startswith(
        "Linear does not run on these example inputs\n  why:  RuntimeError: mat1"
    )
    assert "Traceback" not in capfd.readouterr().err
    text = text_of(ferryman.InputError, nn.Linear(3, 2).eval(), ())
    assert "do not fit forward(input" in text
    text = text_of(ferryman.InputError, nn.Linear(3, 2).eval(), torch.zeros(1, 3))
    assert "write (x,) for one input" in text


def test_write_to_a_buffer_is_refused():
    text = text_of(ferryman.UnsupportedOps, Counting().eval(), (torch.zeros(3),))
    assert text.startswith("error[E0205]: the model writes to its buffers 'count'")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"input_names": ["a", "b"]}, "input_names names 2 tensors, where the model has 1"),
        ({"output_names": []}, "output_names is []"),
        ({"output_names": "y"}, "output_names is 'y'"),
        ({"input_layout": {"imag": "channels_last"}}, "the names are: input"),
        ({"output_layout": {"y": "any"}}, "a layout for 'y', which the model does not have"),
    ],
)
def test_option_that_does_not_fit_the_model_is_refused(options, text):
    image = torch.zeros(1, 3, 4, 4)
    assert text in text_of(ferryman.InputError, nn.ReLU().eval(), (image,), **options)


def test_file_that_is_no_archive_is_refused(tmp_path):
    assert "cannot read" in text_of(ferryman.InputError, tmp_path / "none.pt2")
    broken = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(nn.ReLU(), (torch.zeros(2),)), broken)
    broken.write_bytes(broken.read_bytes()[:-100])
    assert text_of(ferryman.InputError, broken).startswith("error[E01")
    script = tmp_path / "net.pt"
    torch.jit.script(nn.ReLU()).save(script)
    assert "TorchScript" in text_of(ferryman.InputError, script)
    assert "TorchScript" in text_of(
        ferryman.InputError, torch.jit.script(nn.ReLU()), (torch.zeros(2),)
    )


def test_what_export_alone_would_heed_is_refused_for_a_program(tmp_path):
    x = torch.zeros(2)
    program = torch.export.export(nn.ReLU().eval(), (x,))
    path = tmp_path / "net.pt2"
    torch.export.save(program, path)
    assert text_of(ferryman.InputError, program, (x,)).startswith("args has no effect")
    assert text_of(ferryman.InputError, path, training=True).startswith("training has no effect")
    assert text_of(ferryman.InputError, path, kwargs={"input": x}).startswith("kwargs has no")


def test_errors_are_all_ferryman_errors():
    for kind in (ferryman.InputError, ferryman.CaptureError, ferryman.UnsupportedOps,
                 ferryman.VerificationError):  # fmt: skip
        assert issubclass(kind, ferryman.Error)
