"""Where rounding decides, either side is right, and what follows is compared all the same."""

import pytest
import torch
from torch import nn

import ferryman
from ferryman import _native, eager
from ferryman.capture import capture, walk
from ferryman.decisions import Decisions
from ferryman.runtime import Kernels, Runner
from ferryman.sight import watched, with_outputs

QUIET = {"progress": False}


# The judge: a run of a file that decides as `fake` says -------------------------------------------


def follow(function, x, **fake):
    """The outputs of the program that decides as the file does, and the decisions."""
    program = capture(function, (x,))
    fake = {name: torch.as_tensor(value) for name, value in fake.items()}

    def sight(name, like):  # fx calls the node "round_1", since Python has a round
        value = fake.get(name, fake.get(name.removesuffix("_1")))
        return None if value is None else value.to(like.dtype)

    decisions = Decisions(program.graph, sight, rtol=1e-4, atol=1e-5)
    (output,) = eager.run_program(program, [x], None, decisions)
    return output.tolist(), decisions


X = torch.tensor([0.999999, 2.0, 2.5, -1.000001])
STEPS = {
    "floor": (lambda x: (x + 0.0).floor() * 10, [1.0, 2, 2, -1], [10, 20, 20, -10]),
    "ceil": (lambda x: (x + 0.0).ceil() * 10, [1.0, 3, 3, -1], [10, 30, 30, -10]),
    "trunc": (lambda x: (x + 0.0).trunc() * 10, [1.0, 1, 2, -1], [10, 10, 20, -10]),
    "round": (lambda x: (x + 0.0).round() * 10, [1.0, 2, 3, -1], [10, 20, 30, -10]),
    "remainder": (lambda x: (x + 0.0) % 1.0 > 0.25, [0.0, 0.99999, 0.5, 0], [0, 1, 1, 0]),
    "sign": (lambda x: (x - 2.0).sign() * 3, [-1.0, 1, 1, -1], [-3, 3, 3, -3]),
    "gt": (lambda x: ((x + 0.0) > 2.0) * 1.0, [False, True, True, False], [0, 1, 1, 0]),
    "eq": (lambda x: ((x + 0.0) == 1.0) * 1.0, [True, False, False, False], [1, 0, 0, 0]),
    "ne": (lambda x: ((x + 0.0) != 2.0) * 1.0, [True, True, True, True], [1, 1, 1, 1]),
    "to": (lambda x: (x + 0.0).to(torch.int16) * 2, [1, 1, 2, -1], [2, 2, 4, -2]),
    "div": (
        lambda x: torch.div(x + 0.0, 0.5, rounding_mode="floor"),
        [2.0, 3, 5, -2],
        [2, 3, 5, -2],
    ),
    "bucketize": (
        lambda x: torch.bucketize(x + 0.0, torch.tensor([0.0, 1, 2.5])) * 2,
        [2, 2, 3, 0],
        [4, 4, 6, 0],
    ),
    "histc": (lambda x: torch.histc(x + 0.0, 4, 0, 4) * 2, [0.0, 2, 1, 0], [0, 4, 2, 0]),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_values_at_an_edge_may_be_on_either_side_of_it(name):
    function, decided, followed = STEPS[name]
    output, decisions = follow(function, X, **{name: decided})
    assert output == followed
    assert len(decisions.followed) == 1


@pytest.mark.parametrize("name", STEPS)
def test_values_that_are_clear_of_edges_are_as_in_pytorch(name):
    function, decided, _ = STEPS[name]
    x = torch.tensor([0.3, 1.3, 3.7, -0.6])
    plain = function(x).tolist()
    wrong = [not value for value in decided] if name in ("gt", "eq", "ne") else [9, 7, 9, -9]
    output, decisions = follow(function, x, **{name: wrong})
    assert output == plain
    assert decisions.followed == []


def test_inputs_and_what_only_moves_them_leave_no_choice():
    for function in (
        lambda x: x.floor(),
        lambda x: x[None, 1:].floor(),
        lambda x: x.clone().floor(),
    ):
        for name, wrong in (("floor", 7.0),):
            value = function(X)
            output, decisions = follow(function, X, **{name: value + wrong})
            assert output == value.tolist() and decisions.followed == []
    assert follow(lambda x: x > 2.0, X, gt=[False, True, True, False])[1].followed == []


def test_the_files_own_operand_decides_where_it_is_seen():
    def function(x):
        return (x * 1.5).floor()

    x = torch.tensor([2.0, 2.0])  # 3 exactly, and a file that has one of them smaller
    off = torch.tensor([2.9999995, 3.0])
    assert follow(function, x, mul=off, floor=[2.0, 3.0])[0] == [2, 3]
    assert follow(function, x, mul=off, floor=[2.0, 2.0])[0] == [2, 3]  # 3.0 is no 2
    far = torch.tensor([2.5, 3.0])  # no operand to go by: the comparison stops there
    assert follow(function, x, mul=far, floor=[2.0, 3.0])[0] == [2, 3]


def test_an_infinity_that_the_file_cuts_is_no_matter_of_rounding():
    largest = torch.finfo(torch.float32).max
    x = torch.tensor([float("inf"), 1.0])
    output, decisions = follow(
        lambda x: (x * 2).isinf() * 1.0, x, mul=[largest, 2.0], isinf=[False, False]
    )
    assert output == [1, 0] and decisions.followed == []


# Orders -------------------------------------------------------------------------------------------

TIES = torch.tensor([0.5, 2.0, 0.5, 1.0])
NEAR = torch.tensor([0.5, 2.0, 0.5000001, 1.0])


@pytest.mark.parametrize("x", [TIES, NEAR], ids=["equal", "near"])
@pytest.mark.parametrize(
    "name, function",
    [
        ("getitem_1", lambda x: torch.sort(x + 0.0)[1]),
        ("argsort", lambda x: torch.argsort(x + 0.0)),
        ("getitem_1", lambda x: (x + 0.0).topk(4)[1]),
    ],
)
def test_values_that_are_equal_but_for_rounding_may_come_in_any_order(name, function, x):
    positions = function(x)
    ends = [int((positions == place).nonzero()) for place in (0, 2)]
    other = positions.clone()
    other[ends] = other[ends[::-1]]
    name = name if name == "argsort" else _node_of_positions(function, x)
    assert follow(function, x, **{name: other})[0] == other.tolist()
    for wrong in (positions.roll(1), positions + 1, torch.zeros_like(positions)):
        assert follow(function, x, **{name: wrong})[1].followed == []


def _node_of_positions(function, x):
    seen = {}
    eager.run_program(capture(function, (x,)), [x], seen.__setitem__)
    return [name for name, value in seen.items() if getattr(value, "dtype", None) == torch.int64][0]


def test_a_stable_sort_and_an_argmax_have_one_order_of_equal_values():
    def stable(x):
        return torch.sort(x + 0.0, stable=True)[1]

    name = _node_of_positions(stable, TIES)
    assert follow(stable, TIES, **{name: [2, 0, 3, 1]})[0] == [0, 2, 3, 1]
    assert follow(stable, NEAR, **{name: [2, 0, 3, 1]})[0] == [2, 0, 3, 1]
    assert follow(lambda x: (x + 0.0).argmin(), TIES, argmin=2)[0] == 0
    assert follow(lambda x: (x + 0.0).argmin(), NEAR, argmin=2)[0] == 2
    assert follow(lambda x: (x + 0.0).argmin(), NEAR, argmin=3)[0] == 0


def test_positions_of_a_reduction_along_an_axis():
    x = torch.tensor([[1.0, 5.0], [1.0000001, 3.0]])
    near = {"argmax": [1, 0]}
    assert follow(lambda x: (x + 0.0).argmax(0), x, argmax=[0, 0])[0] == [0, 0]
    assert follow(lambda x: (x + 0.0).argmax(0), x, argmax=[0, 1])[0] == [0, 0]
    assert follow(lambda x: (x + 0.0).argmax(0, keepdim=True), x, argmax=[[0, 0]])[0] == [[0, 0]]
    assert follow(lambda x: (x + 0.0).argmax(0), x, **near)[1].followed == []


def test_an_unsorted_topk_comes_in_any_order():
    def largest(x):
        return (x + 0.0).topk(3, sorted=False)[0] * 2

    name = _node_before_mul(largest)
    assert follow(largest, TIES, **{name: [1.0, 0.5, 2.0]})[0] == [2, 1, 4]
    assert follow(largest, TIES, **{name: [1.0, 0.5, 0.5]})[1].followed == []


def _node_before_mul(function):
    graph = capture(function, (TIES,)).graph
    return next(n for n in graph.nodes if n.name == "mul").args[0].name


# On the runtime -----------------------------------------------------------------------------------


class Ones(nn.Module):
    """Rows that sum up to one, but for rounding; each kernel rounds in its own way."""

    def __init__(self, decide):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(16, 37)
        self.table = nn.Embedding(3, 4)
        self.decide = decide

    def forward(self, x):
        return self.decide(self, self.linear(x).softmax(-1).sum(-1))


DECIDING = {
    "floor": lambda m, ones: ones.floor() * 7,
    "ceil": lambda m, ones: ones.ceil() * 7,
    "cast": lambda m, ones: m.table(ones.to(torch.int64)),
    "round": lambda m, ones: (ones * 0.5).round() + ones,
    "equal": lambda m, ones: torch.where(ones == 1, 5.0, ones),
    "greater": lambda m, ones: (ones > 1).float() * 3,
    "sign": lambda m, ones: (ones - 1).sign() * 3,
    "remainder": lambda m, ones: ones % 1,
    "bucketize": lambda m, ones: m.table(torch.bucketize(ones, torch.tensor([0.5, 1.0]))),
    "one_hot": lambda m, ones: nn.functional.one_hot(ones.long(), 3) * 2.0,
    "histc": lambda m, ones: torch.histc(ones, 4, 0, 2),
    "argmax": lambda m, ones: ones.argmax(),
    "sort": lambda m, ones: ones.sort()[1],
    "floor_divide": lambda m, ones: ones // 0.5,
    "both": lambda m, ones: (ones.floor() * 7, ones.argmax(), (ones >= 1)),
    "count": lambda m, ones: (ones >= 1).sum(),
    "in place": lambda m, ones: (ones * 1).floor_() + 1,
}


@pytest.mark.parametrize("name", DECIDING)
def test_rounding_that_decides_is_no_mistake(name):
    net = Ones(DECIDING[name]).eval()
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    ferryman.convert(net, (x,), verify=ferryman.Verify(samples=3), **QUIET)


class Vocoder(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv1d(8, 16, 5, padding=2), nn.ReLU(), nn.ConvTranspose1d(16, 1, 8, 8)
        )

    def forward(self, mel):
        return (torch.tanh(self.net(mel)) * 32767).to(torch.int16)


def test_samples_cut_to_integers_and_the_remark():
    report = ferryman.convert(Vocoder().eval(), (torch.randn(1, 8, 300),), **QUIET).report
    (remark,) = [r for r in report.remarks if r["subject"] == "decision"]
    assert remark["what"].startswith("rounding decides")
    assert remark["places"][0]["line"] == Vocoder.forward.__code__.co_firstlineno + 1


@pytest.fixture
def core_that_converts(monkeypatch):
    """Makes the core convert another module of the same structure: a converter with a mistake."""
    convert_live = _native.convert_live

    def replace(module, x):
        def convert_other(buffer, tensors, path, options):
            return convert_live(*walk(capture(module, (x,))), path, options)

        monkeypatch.setattr(_native, "convert_live", convert_other)

    return replace


MISTAKES = {
    "floor": (lambda m, o: (o * 1.7).floor() * 7, lambda m, o: (o * 1.7).ceil() * 7, "mul_1 "),
    "threshold": (lambda m, o: (o > 1.4) * 1.0, lambda m, o: (o > 0.4) * 1.0, "gt "),
    "side": (lambda m, o: (o + 1 > 1.3) * 3.0, lambda m, o: (o + 1 > 1.3) * 2.0, "mul "),
    "table": (
        lambda m, o: m.table(o.to(torch.int64)),
        lambda m, o: m.table(o.to(torch.int64)) + 0.01,
        "output 'output'",
    ),
    "after": (lambda m, o: o.floor() * 7 + 2, lambda m, o: o.floor() * 7 + 3, "add "),
    "argmax": (
        lambda m, o: (o[:, None] * torch.arange(5.0)).argmax(-1),
        lambda m, o: (o[:, None] * torch.arange(5.0)).argmin(-1),
        "output 'output'",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("every_node", [True, False])
def test_a_mistake_at_or_after_a_decision_is_found(core_that_converts, name, every_node):
    right, wrong, place = MISTAKES[name]
    x = torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    core_that_converts(Ones(wrong).eval(), x)
    with pytest.raises(ferryman.VerificationError) as caught:
        options = ferryman.Verify(every_node=every_node)
        ferryman.convert(Ones(right).eval(), (x,), verify=options, **QUIET)
    text = str(caught.value)
    assert "mistake of Ferryman" in text
    where = text.partition("\n  why:")[0] + " "
    assert (f"node {place}" in where or where.startswith(place)) == (
        every_node or place.startswith("output")
    )


def test_samples_one_off_are_found(core_that_converts):
    class Rounding(Vocoder):
        def forward(self, mel):
            return (torch.tanh(self.net(mel)) * 32767).round().to(torch.int16)

    mel = torch.randn(1, 8, 300)
    core_that_converts(Rounding().eval(), mel)
    with pytest.raises(ferryman.VerificationError):
        ferryman.convert(Vocoder().eval(), (mel,), **QUIET)


def test_an_unsorted_topk_converts():
    def peaks(x):
        values, positions = (x * 2).topk(7, sorted=False)
        return values.sum(-1), x.gather(-1, positions)

    x = torch.randn(3, 20)
    model = ferryman.convert(peaks, (x,), **QUIET)
    total, values = model(x)
    torch.testing.assert_close(total, peaks(x)[0])
    torch.testing.assert_close(values.sort().values, peaks(x)[1].sort().values)


def test_the_delegate_tells_in_a_copy_of_the_file_how_it_decides(tmp_path):
    def forward(x):
        return (x.softmax(-1).sum(-1).floor() * 7).exp()

    x = torch.randn(64, 37)
    path = tmp_path / "file.tflite"
    model = ferryman.convert(forward, (x,), **QUIET)
    model.save(path)
    placements = {node.node: node.placement for node in model.report.native.nodes}
    tensors = [placements[name].tensor for name in ("softmax", "sum_1", "floor")]
    read = watched(path, Kernels.DELEGATE, tensors, [x.numpy()])
    softmax, total, whole = (torch.from_numpy(read(tensor).copy()) for tensor in tensors)
    torch.testing.assert_close(softmax, x.softmax(-1))
    assert torch.equal(total.floor(), whole)
    assert read(10**6) is None
    inputs = with_outputs(path.read_bytes(), [0])  # no operator makes the input
    assert len(Runner(inputs, Kernels.DELEGATE).outputs) == 1


def test_masks_that_hide_everything_are_no_samples():
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    causal = torch.triu(torch.full((5, 5), float("-inf")), 1)

    def forward(x, padding):  # a row of a mask that was drawn often hides the only key
        return attention(x, x, x, key_padding_mask=padding, attn_mask=causal)[0]

    padding = torch.tensor([[False] * 5, [False] * 4 + [True]])
    samples = ferryman.Verify(samples=6)
    model = ferryman.convert(forward, (torch.randn(2, 5, 8), padding), verify=samples)
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(model(x, padding), forward(x, padding), rtol=1e-5, atol=1e-5)
