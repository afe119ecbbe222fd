"""Numbers that leave the tensors and only go into arithmetic: `x.max().item()`, `float(x.sum())`.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import _pytree as pytree

import ferryman

HALF = 0.5


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def largest(x):
    return x.max().item()


def place(x):
    return x.argmax().item()


def filled_by(x):
    result = x.clone()
    result[0] = largest(x)
    return result.fill_(place(x)) + result


FLOATS = {
    "item": lambda x: x * x.abs().max().item(),
    "float": lambda x: x / (float(x.abs().sum()) + 1e-6),
    "tolist": lambda x: [x * number for number in x.amax(0).tolist()],
    "add and subtract": lambda x: (x + largest(x)) - (1 - largest(x)),
    "divide": lambda x: (x / largest(x)) * (2 / largest(x)),
    "power": lambda x: x.abs() ** (largest(x) / 4) + largest(x) ** 2,
    "number to a power": lambda x: (abs(largest(x)) + HALF) ** x,
    "floor division": lambda x: x * (largest(x) // HALF) + largest(x) % HALF,
    "functions": lambda x: x * math.sqrt(abs(largest(x))) - abs(largest(x)) * -largest(x),
    "rounding": lambda x: x * math.floor(largest(x)) + math.ceil(largest(x)) - round(largest(x)),
    "larger of two": lambda x: x * torch.sym_max(largest(x), x.mean().item()),
    "larger in Python": lambda x: x * max(largest(x), x.mean().item()),
    "clamp": lambda x: x.clamp(x.mean().item() - 1, largest(x) / 2),
    "clamp to one": lambda x: torch.clamp_min(x, x.mean().item()),
    "compare": lambda x: torch.where(x > largest(x) / 2, largest(x), 0.0) + (x < largest(x)),
    "masked_fill": lambda x: x.masked_fill(x > 0, largest(x)),
    "full": lambda x: x * torch.full((3,), largest(x)) + torch.full_like(x, largest(x)),
    "new_full": lambda x: x + x.new_full((4, 3), largest(x)),
    "tensor": lambda x: x * torch.tensor(largest(x)) + torch.tensor([largest(x), 1.0, 2.0]),
    "alpha": lambda x: torch.add(x, x * x, alpha=largest(x) / 3),
    "addcmul": lambda x: torch.addcmul(x, x, x, value=largest(x)),
    "addmm": lambda x: torch.addmm(x, x, x.T @ x, alpha=largest(x)),
    "lerp": lambda x: torch.lerp(x, x * x, x.mean().item()),
    "leaky_relu": lambda x: F.leaky_relu(x, largest(x)),
    "threshold": lambda x: F.threshold(x, x.mean().item(), -1.0),
    "linspace": lambda x: torch.linspace(0, largest(x), 5),
    "whole number": lambda x: x * place(x) + place(x) // 2 - place(x) % 3,
    "whole number as float": lambda x: x * (place(x) / 2) + float(place(x)),
    "shifted": lambda x: x + (place(x) << 1) - (place(x) >> 1),
    "row at a position": lambda x: x[int(x[:, 0].argmax())] * 2,
    "hardtanh": lambda x: F.hardtanh(x, -1 - abs(largest(x)), abs(largest(x)) / 2),
    "int": lambda x: x * int(largest(x) * 3),
    "bool": lambda x: x * (x.mean() > 0).item() + bool((x > 1).any()),
    "comparison as factor": lambda x: x * (largest(x) < 2),
    "half": lambda x: x.half() * x.half().max().item(),
    "written": filled_by,
    "whole tensor": lambda x: (x * 3).to(torch.int64) * place(x) - place(x),
    "whole tensor by a float": lambda x: (x * 3).to(torch.int64) * largest(x),
    "elements of a mask": lambda x: x * x[x > 0].sum().item(),
}


def draw(seed):
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(seed)) + seed % 3


def run_plain(path, x):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    lite = Interpreter(
        str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    lite.allocate_tensors()
    lite.set_tensor(lite.get_input_details()[0]["index"], x.numpy())
    lite.invoke()
    return [lite.get_tensor(detail["index"]) for detail in lite.get_output_details()]


@pytest.mark.parametrize("name", FLOATS)
def test_a_number_is_computed_when_the_file_runs(name, recwarn):
    function = FLOATS[name]
    model = ferryman.convert(Function(function).eval(), (draw(0),), progress=False)
    assert not [w for w in recwarn if "frozen" in str(w.message)]
    for seed in range(1, 7):
        x = draw(seed)
        expected = pytree.tree_leaves(function(x))
        # Half precision is computed in float32.
        rtol = 2e-3 if expected[0].dtype is torch.float16 else 1e-5
        for got, wanted in zip(pytree.tree_leaves(model(x)), expected, strict=True):
            torch.testing.assert_close(got, wanted, rtol=rtol, atol=1e-5)
        if len(expected) == 1:
            (plain,) = run_plain(model.path, x)
            np.testing.assert_allclose(plain, expected[0].numpy(), rtol=1e-3, atol=1e-5)


def test_numbers_come_back_as_numbers():
    def numbers(x):
        return {
            "scaled": x * 2,
            "largest": largest(x) / 2,
            "place": place(x) + 1,
            "any": (x > 1).any().item(),
        }

    model = ferryman.convert(Function(numbers).eval(), (draw(0),), progress=False)
    for x in (draw(1), draw(2)):
        expected = numbers(x)
        for got in (model(x), model(x.numpy())):
            assert [type(got[key]) for key in ("largest", "place", "any")] == [float, int, bool]
            assert got["place"] == expected["place"] and got["any"] == expected["any"]
            assert got["largest"] == pytest.approx(expected["largest"], rel=1e-6)


def test_a_count_is_a_number():
    def mean_of_positive(x):
        chosen = x[x > 0]
        return chosen.sum() / chosen.shape[0], chosen.shape[0] - 1

    model = ferryman.convert(Function(mean_of_positive).eval(), (draw(0),), progress=False)
    for seed in range(5):
        got, expected = model(draw(seed)), mean_of_positive(draw(seed))
        torch.testing.assert_close(got[0], expected[0])
        assert got[1] == expected[1]
    assert model(-torch.ones(4, 3))[1] == -1


def test_an_archive_keeps_its_numbers(tmp_path):
    names = ("item", "float", "clamp", "divide", "larger of two", "whole number", "bool")
    functions = [FLOATS[name] for name in names]
    module = Function(lambda x: [function(x) for function in functions]).eval()
    path = tmp_path / "numbers.pt2"
    torch.export.save(torch.export.export(module, (draw(0),), strict=True), path)
    model = ferryman.convert(path, progress=False)
    for seed in range(1, 4):
        for got, wanted in zip(model(draw(seed)), module(draw(seed)), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


def test_a_slice_ends_at_a_number():
    module = Function(lambda x: x[:, : x[0].argmax().item()]).eval()
    model = ferryman.convert(module, (draw(0),), progress=False)
    for seed in range(5):
        torch.testing.assert_close(model(draw(seed)), module(draw(seed)))


def test_a_number_that_is_a_size_is_refused_at_its_place():
    function = Function(lambda x: x.new_zeros(place(x))).eval()
    with pytest.raises(ferryman.Error, match="known|computed") as refused:
        ferryman.convert(function, (draw(0),), progress=False)
    assert "test_numbers.py" in str(refused.value)
