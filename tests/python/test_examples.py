"""Every program under examples/ runs, and what it claims holds."""

import importlib.util
import math
import runpy
import sys
from pathlib import Path

import pytest
import torch

from ferryman.conversions import registry

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

# All 864 take half a minute.
ARGUMENTS = {"examples.operators.grouped_convolutions": ["--every", "11"]}
ELSEWHERE = {"examples.demo"}  # `make demo`, which also times what it makes
NEEDS = {"torchvision": "from examples.vision", "transformers": "from examples.language"}


def programs():
    """Modules that do something when they are run; the others are parts of these."""
    found = []
    for path in sorted(EXAMPLES.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if '__name__ == "__main__"' in path.read_text() and name not in ELSEWHERE:
            found.append(name)
    return found


def missing(program):
    text = (ROOT / program.replace(".", "/")).with_suffix(".py").read_text()
    needed = [package for package, words in NEEDS.items() if words in text]
    needed += ["keras"] if "keras" in text else []
    return [package for package in needed if importlib.util.find_spec(package) is None]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch):
    """As `python -m examples.…` in the repository's folder."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(sys, "path", list(sys.path))  # examples.vision adds to it


@pytest.fixture(autouse=True)
def without_its_converters():
    """What a program registers is of that program alone."""
    before = list(registry._REGISTERED)
    yield
    registry._REGISTERED[:] = before


@pytest.mark.parametrize("program", programs())
def test_programs_do_what_they_claim(program, monkeypatch):
    if absent := missing(program):
        pytest.skip(f"without {', '.join(absent)}")
    monkeypatch.setattr(sys, "argv", [program, *ARGUMENTS.get(program, [])])
    runpy.run_module(program, run_name="__main__", alter_sys=True)


def test_the_table_has_every_program():
    table = (EXAMPLES / "README.md").read_text()
    absent = [name for name in programs() if f"`{name.removeprefix('examples.')}`" not in table]
    assert not absent


# That what they share can fail -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (torch.ones(2), torch.ones(2) + 1e-3),
        (torch.ones(2), torch.ones(3)),
        (torch.ones(2), torch.ones(2).double()),
        (torch.tensor([1, 2]), torch.tensor([1, 3])),
        (torch.tensor([math.nan, 1]), torch.tensor([1.0, 1])),
        (torch.tensor([1.0, 1]), torch.tensor([math.nan, 1])),
        (torch.tensor([math.inf, 1]), torch.tensor([-math.inf, 1])),
        (1, 2),
        ([torch.ones(2)], [torch.ones(2), torch.ones(2)]),
    ],
)
def test_a_difference_ends_an_example(expected, got):
    from examples import carry

    with pytest.raises(SystemExit, match="NOT SO"):
        carry.compare({"y": expected}, {"y": got})
    assert carry.compare({"y": expected}, {"y": expected}) == 0


def test_a_claim_that_does_not_hold_ends_an_example():
    from examples import carry

    with pytest.raises(SystemExit, match="NOT SO: it holds"):
        carry.claim("it holds", False)


def test_values_are_put_into_the_order_of_a_port():
    from examples import carry
    from ferryman.ports import TensorPort

    def port(layout):
        return TensorPort("x", (), "float32", layout)

    image, other = torch.empty(1, 2, 3, 4), torch.empty(5, 6, 7)
    ports = [port("channels_last"), port("1,2,0")]
    first, number, second = carry.in_order_of(ports, [image, 3, other])
    assert (first.shape, number, second.shape) == ((1, 3, 4, 2), 3, (6, 7, 5))
