"""What errors of capture say: the line, one reason, what to do; and nothing of torch's own."""

import dataclasses
import inspect
import warnings

import pytest
import torch
import torch.ao.quantization as ao
import torch.nn.functional as F
from torch import nn

import ferryman
from ferryman.capture import capture
from ferryman.hints import is_quantised

X = torch.ones(3, 3)


@dataclasses.dataclass
class Unregistered:
    x: torch.Tensor


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def through_numpy(x):
    if x.sum() > 0:
        return torch.from_numpy(x.numpy())
    return x


def unsupported(x):
    return torch.linalg.eig(x)[0].real


def fails(x):
    return x @ x[:2]


def jagged(a, b):
    nested = torch.nested.nested_tensor([a, b], layout=torch.jagged)
    return torch.nested.to_padded_tensor(nested, 0.0)


def strided(a, b):
    return torch.nested.nested_tensor([a, b]).to_padded_tensor(0.0)


def error_of(function, *args, **options):
    with pytest.raises(ferryman.Error) as caught:
        ferryman.convert(Calls(function).eval(), args, progress=False, **options)
    return caught.value


def line_in(function, text):
    lines, first = inspect.getsourcelines(function)
    return f"{__file__}:{first + next(i for i, line in enumerate(lines) if text in line)}"


@pytest.mark.parametrize("function", [jagged, strided])
def test_nested_tensors_are_to_be_padded(function):
    error = error_of(function, X, X[:2])
    assert "pad_sequence" in error.hint


def test_unregistered_class_is_to_be_registered():
    error = error_of(Unregistered, X)
    assert "torch.export.register_dataclass(Unregistered)" in error.hint
    error = error_of(lambda given: given.x + 1, Unregistered(X))
    assert isinstance(error, ferryman.InputError)
    assert "torch.export.register_dataclass(Unregistered)" in error.hint


def test_error_names_the_line_of_the_function_that_failed():
    assert line_in(through_numpy, "x.sum()") in error_of(through_numpy, X).where
    assert line_in(unsupported, "eig") in str(error_of(unsupported, X))
    assert line_in(fails, "@") in error_of(fails, X).where


def test_a_reason_is_told_once():
    error = error_of(strided, X, X[:2])
    reasons = [line.partition(": ")[2] for line in error.why.splitlines()]
    assert len(reasons) == len(set(reasons))


class Stubbed(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.f, self.d = ao.QuantStub(), nn.Linear(4, 3), ao.DeQuantStub()

    def forward(self, x):
        return self.d(self.f(self.q(x)))


def observed(**kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = Stubbed().eval()
        net.qconfig = ao.get_default_qconfig(torch.backends.quantized.engine)
        net = ao.prepare(net)
        net(torch.randn(8, 4))
        return ao.convert(net) if kind.get("converted") else net


@pytest.mark.parametrize("converted", [False, True])
def test_quantised_and_observed_modules_are_told_what_to_convert_instead(converted):
    net = observed(converted=converted)
    assert is_quantised(net) and not is_quantised(Stubbed())
    with pytest.raises(ferryman.Error) as caught:
        ferryman.convert(net, (torch.randn(2, 4),), progress=False)
    assert "convert the float model, and quantise the file" in str(caught.value)


@pytest.mark.parametrize("drop", [F.dropout, F.dropout2d, F.dropout3d])
def test_dropout_called_without_training_is_told_how_to_say_it(drop):
    x = torch.ones(1, 2, 3, 3, 3) if drop is F.dropout3d else torch.ones(1, 2, 3, 3)
    error = error_of(lambda x: drop(x, 0.5), x)
    assert "training=self.training" in str(error)


def test_attention_that_always_drops_is_told_how_to_say_it():
    q = torch.ones(1, 1, 4, 8)
    error = error_of(lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.1), q)
    assert "self.training" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (nn.LSTM(3, 4, 2), (X,)),
        lambda: (Calls(through_numpy), (X,)),
        lambda: (Calls(unsupported), (X,)),
        lambda: (Calls(jagged), (X, X[:2])),
    ],
)
def test_torchs_own_noise_stays_off_the_screen(make, capfd):
    module, args = make()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            ferryman.convert(module.eval(), args, progress=False, verify=False)
        except ferryman.Error:
            pass
    torchs = [w for w in told if not issubclass(w.category, ResourceWarning)]
    assert [str(warning.message) for warning in torchs] == []
    assert capfd.readouterr() == ("", "")


def test_what_the_model_prints_and_warns_of_is_told_once(capsys):
    def talks(x):
        print("hello")
        warnings.warn("careful", UserWarning, stacklevel=1)
        return x + 1

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        capture(Calls(talks).eval(), (X,))
    assert [str(warning.message) for warning in told] == ["careful"]
    assert capsys.readouterr().out == "hello\n"


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.0)),
        nn.BatchNorm1d(3, track_running_stats=False),
        nn.Sequential(nn.RReLU(0.25, 0.25), nn.AlphaDropout(0.0)),
        nn.MultiheadAttention(3, 1),
        nn.GRU(3, 3, 2),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_training_mode_that_changes_nothing_converts(module, training):
    args = (X, X, X) if isinstance(module, nn.MultiheadAttention) else (X,)
    ferryman.convert(module.train(), args, training=training, progress=False)
    assert module.training
