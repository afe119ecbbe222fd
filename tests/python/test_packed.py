"""Packed sequences: recurrent layers over sequences of their own lengths, given or known."""

import dataclasses
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
)
from torch.utils import _pytree as pytree

import ferryman
from ferryman.capture import capture
from ferryman.frozen import FrozenValues, describe, values_of_inputs

STEPS, SAMPLES, FEATURES, HIDDEN = 5, 3, 4, 3


@dataclasses.dataclass
class Case:
    """known: lengths in the model; given: the example's and another that must be right, too."""

    kind: str = "LSTM"
    known: list[int] | None = None
    given: tuple[list[int], ...] = ([5, 3, 1], [5, 5, 2])
    layers: int = 1
    bidirectional: bool = False
    batch_first: bool = True
    enforce_sorted: bool = True
    total_length: int | None = None
    with_state: bool = False
    on_rows: bool = False
    padding_value: float = 0.0
    options: dict = dataclasses.field(default_factory=dict)


UNSORTED = dict(enforce_sorted=False, given=([2, 5, 3], [5, 1, 5]))
CASES = {
    "lstm": Case(),
    "gru": Case("GRU"),
    "rnn": Case("RNN"),
    "lstm backwards and deep": Case(bidirectional=True, layers=2, batch_first=False),
    "gru backwards": Case("GRU", bidirectional=True, **UNSORTED),
    "rnn backwards": Case("RNN", bidirectional=True, **UNSORTED),
    "rnn of relu without biases": Case(
        "RNN", bidirectional=True, options=dict(nonlinearity="relu", bias=False)
    ),
    "lstm with projections": Case(bidirectional=True, options=dict(proj_size=2)),
    "lstm with states of its own": Case(bidirectional=True, with_state=True, **UNSORTED),
    "gru with states of its own": Case("GRU", bidirectional=True, with_state=True),
    "rnn with states of its own": Case("RNN", bidirectional=True, with_state=True),
    "total length beyond": Case(total_length=7, padding_value=-1.0, given=([4, 3, 1], [2, 2, 1])),
    "total length of the input": Case("GRU", total_length=STEPS, given=([4, 3, 1], [5, 2, 1])),
    "known": Case(known=[5, 3, 1], bidirectional=True),
    "known, none of all steps": Case("GRU", known=[4, 3, 1]),
    "known and unsorted": Case(known=[2, 4, 3], enforce_sorted=False, with_state=True),
    "known and all of one length": Case(known=[5, 5, 5], layers=2),
    "layers on rows": Case(on_rows=True, known=[2, 4, 3], enforce_sorted=False),
    "layers on rows of given lengths": Case("GRU", on_rows=True, total_length=STEPS, **UNSORTED),
}


class Model(nn.Module):
    def __init__(self, case: Case):
        super().__init__()
        self.case = case
        options = dict(batch_first=case.batch_first, bidirectional=case.bidirectional)
        self.rnn = getattr(nn, case.kind)(FEATURES, HIDDEN, case.layers, **options, **case.options)
        self.on_rows = nn.Linear(FEATURES, FEATURES)
        states = case.layers * (2 if case.bidirectional else 1)
        width = case.options.get("proj_size", HIDDEN)
        self.register_buffer("hidden", torch.randn(states, SAMPLES, width))
        self.register_buffer("cell", torch.randn(states, SAMPLES, HIDDEN))

    def forward(self, x, lengths=None):
        case = self.case
        lengths = case.known if lengths is None else lengths
        packed = pack_padded_sequence(x, lengths, case.batch_first, case.enforce_sorted)
        if case.on_rows:
            rows = torch.tanh(self.on_rows(packed.data))
            packed = PackedSequence(
                rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices
            )
        state = None
        if case.with_state:
            state = (self.hidden, self.cell) if case.kind == "LSTM" else self.hidden
        outputs, state = self.rnn(packed, state)
        padded, sizes = pad_packed_sequence(
            outputs, case.batch_first, case.padding_value, case.total_length
        )
        return padded, sizes, state


def inputs_of(case: Case, seed: int):
    shape = (SAMPLES, STEPS) if case.batch_first else (STEPS, SAMPLES)
    x = torch.randn(*shape, FEATURES, generator=torch.Generator().manual_seed(seed))
    return (x,) if case.known else (x, torch.tensor(case.given[seed]))


def require_equal(got, expected):
    got, expected = pytree.tree_leaves(got), pytree.tree_leaves(expected)
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected):
        assert mine.shape == theirs.shape
        torch.testing.assert_close(mine.to(theirs.dtype), theirs.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_packed_sequences_give_eagers_results_on_fresh_inputs(name):
    case = CASES[name]
    torch.manual_seed(0)
    model = Model(case).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrozenValues)
        converted = ferryman.convert(model, inputs_of(case, 0), progress=False)
    fresh = inputs_of(case, 1)
    require_equal(converted(*fresh), model(*fresh))


def test_the_longest_length_is_frozen_and_told():
    model = Model(Case()).eval()
    told = r"5 of pad_packed_sequence without total_length in Model .*test_packed.py"
    with pytest.warns(FrozenValues, match=told):
        program = capture(model, inputs_of(Case(), 0))
    with pytest.raises(RuntimeError, match="longest"):
        program.module()(torch.randn(SAMPLES, STEPS, FEATURES), torch.tensor([4, 2, 1]))


def test_a_total_length_freezes_nothing():
    case = CASES["total length of the input"]
    program = capture(Model(case).eval(), inputs_of(case, 0))
    assert describe(values_of_inputs(program)) == []


def test_only_the_final_state_needs_no_longest_length():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = nn.Embedding(10, 4), nn.GRU(4, 3, batch_first=True)

        def forward(self, tokens, mask):
            lengths = mask.sum(1).cpu().tolist()
            x = pack_padded_sequence(self.embed(tokens), lengths, True, enforce_sorted=False)
            return self.rnn(x)[1][-1]

    def inputs(*lengths):
        mask = torch.arange(5) < torch.tensor(lengths)[:, None]
        return torch.randint(0, 10, (3, 5)) * mask, mask.long()

    torch.manual_seed(0)
    model, args = Encoder().eval(), inputs(4, 5, 2)
    converted = ferryman.convert(model, args, verify=ferryman.Verify(inputs=[args]), progress=False)
    fresh = inputs(1, 3, 4)
    require_equal(converted(*fresh), model(*fresh))


def test_sequences_of_their_own_shapes_are_packed():
    class OfParts(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 3)

        def forward(self, a, b):
            outputs, (h, _) = self.rnn(pack_sequence([a, b], enforce_sorted=False))
            return outputs.data, h

    torch.manual_seed(0)
    model, args = OfParts().eval(), (torch.randn(2, 4), torch.randn(5, 4))
    converted = ferryman.convert(model, args, progress=False)
    fresh = (torch.randn(2, 4), torch.randn(5, 4))
    require_equal(converted(*fresh), model(*fresh))


def test_rows_that_are_written_are_what_goes_on():
    class Scales(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 3, batch_first=True)

        def forward(self, x):
            packed = pack_padded_sequence(x, [5, 2], batch_first=True)
            packed.data.mul_(2)
            return pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    torch.manual_seed(0)
    model, args = Scales().eval(), (torch.randn(2, 5, 4),)
    converted = ferryman.convert(model, args, progress=False)
    fresh = (torch.randn(2, 5, 4),)
    require_equal(converted(*fresh), model(*fresh))


def test_padding_of_nan_reaches_no_result():
    case = Case(known=[5, 3, 1])
    torch.manual_seed(0)
    model, (x,) = Model(case).eval(), inputs_of(case, 0)
    program = capture(model, (x,)).module()
    x = x.clone()
    x[1, 3:] = float("nan")
    require_equal(program(x), model(x))
