"""In-place writes and views against eager PyTorch: each program must give eager's outputs, and
leave eager's contents in its inputs, parameters and buffers."""

import pytest
import torch
import torch.nn.functional as F
from functional_program import check, functionalise
from random_programs import random_program
from torch import nn

from ferryman import _native, errors

torch.manual_seed(0)


def arange(*sizes, dtype=torch.float32):
    count = 1
    for size in sizes:
        count *= size
    return torch.arange(count, dtype=dtype).reshape(sizes)


# Programs of one input, by what they test. Every one runs on arange(4, 6) unless it says otherwise.
PROGRAMS = {}


def program(*inputs):
    def register(function):
        PROGRAMS[function.__name__] = (function, inputs or (arange(4, 6),))
        return function

    return register


@program()
def write_to_a_fresh_value(x):
    return (x - 10).relu_()


@program()
def write_to_the_input(x):
    x.add_(1)
    return x * 2


@program()
def input_returned_after_a_write(x):
    y = x.add_(1)
    return x, y


@program()
def slice_assigned_a_number(x):
    y = x.clone()
    y[1:3] = 7
    return y


@program()
def strided_slice_assigned(x):
    y = x.clone()
    y[::2, 1::3] = -1
    return y


@program()
def row_assigned_a_tensor(x):
    y = x.clone()
    y[1] = y[2] * 2
    return y


@program()
def slice_assigned_a_broadcast_tensor(x):
    y = x.clone()
    y[:, 2:5] = torch.tensor([1.0, 2.0, 3.0])
    return y


@program()
def column_added_in_place(x):
    y = x * 1
    y[:, 2] += 5
    return y


@program()
def relu_into_every_second_channel(x):
    y = x - 12
    y[:, ::2].relu_()
    return y


@program()
def view_made_before_the_write(x):
    y = x.clone()
    flat = y.view(-1)
    y[0] = 100
    return flat, flat.sum()


@program()
def view_made_after_the_write(x):
    y = x.clone()
    y[0] = 100
    return y.view(-1) + 1


@program()
def write_through_a_flat_view(x):
    y = x.clone()
    y.view(-1)[5:9].mul_(3)
    return y


@program()
def two_overlapping_slices(x):
    y = x.clone()
    a, b = y[0:3], y[1:4]
    a.add_(10)
    b.mul_(2)
    a.sub_(1)
    return y, a, b


@program()
def view_of_a_view_of_a_view(x):
    y = x.clone()
    z = y.t().unsqueeze(1).reshape(6, 4)
    z[2:4, 1] = -5
    return y, z


@program()
def sibling_views_see_each_others_writes(x):
    y = x.clone()
    t, flat, top = y.t(), y.view(2, 12), y[:2]
    t[0].fill_(9)
    flat[1].add_(1)
    top.zero_()
    return y, t, flat, top


@program()
def repeated_writes_to_one_view(x):
    y = x.clone()
    part = y[1]
    part.add_(1)
    part.mul_(2)
    part.sub_(3)
    return y


@program()
def read_between_two_writes(x):
    y = x.clone()
    part = y[1]
    part.add_(1)
    total = y.sum()
    part.mul_(2)
    return total, y


@program()
def write_through_an_alias_between_two_writes_to_a_view(x):
    y = x.clone()
    part, all_of_y = y[:2], y.detach()
    part.add_(1)
    all_of_y.mul_(2)
    part.sub_(3)
    return y


@program()
def transposed_write(x):
    y = x.clone()
    y.transpose(0, 1)[3].neg_()
    return y


@program(arange(2, 3, 4))
def permuted_write(x):
    y = x.clone()
    y.permute(2, 0, 1)[1].add_(100)
    return y


@program(arange(2, 3, 4))
def movedim_write(x):
    y = x.clone()
    y.movedim(0, 2)[0, :, 1].fill_(-1)
    y.movedim((0, 1), (1, 2))[3] = 50
    return y


@program(arange(2, 3, 4))
def matrix_transpose_write(x):
    y = x.clone()
    y.mT[:, 0] = 1
    y.swapaxes(0, 2)[1].mul_(2)
    y.adjoint()[0, 0].add_(3)
    return y


@program(arange(1, 4, 1, 3))
def squeezed_write(x):
    y = x.clone()
    y.squeeze()[1].fill_(5)
    y.squeeze(0)[2].add_(5)
    y.squeeze((0, 2))[3].mul_(5)
    return y


@program()
def unsqueezed_write(x):
    y = x.clone()
    y.unsqueeze(0).unsqueeze(-1)[:, 1].mul_(4)
    return y


@program()
def unflattened_write(x):
    y = x.clone()
    y.unflatten(1, (2, 3))[:, 1, 0] = 77
    return y


@program(arange(2, 3, 4))
def flatten_of_a_contiguous_tensor_is_a_view(x):
    y = x.clone()
    y.flatten(1).add_(1)
    y.flatten()[3] = 0
    y.ravel()[4] = 0
    return y


@program(arange(4, 6))
def flatten_of_a_transposed_tensor_is_a_copy(x):
    y = x.clone()
    y.t().flatten().add_(1)
    return y


@program(arange(4, 6))
def reshape_of_a_transposed_tensor_may_be_a_view(x):
    y = x.clone()
    y.t().reshape(2, 3, 4)[1, 2] = -3
    y.t().reshape(3, 8).fill_(1)
    return y


@program()
def contiguous_of_a_contiguous_tensor_is_the_tensor(x):
    y = x.clone()
    y.contiguous().add_(1)
    return y


@program()
def contiguous_of_a_transposed_tensor_is_a_copy(x):
    y = x.clone()
    z = y.t().contiguous()
    z.add_(1)
    return y, z


@program(arange(2, 3, 4, 4))
def contiguous_channels_last(x):
    y = x.clone()
    z = y.contiguous(memory_format=torch.channels_last)
    z.add_(1)
    again = z.contiguous(memory_format=torch.channels_last)
    again.mul_(2)
    return y, z, again


@program(arange(2, 3, 4, 4).to(memory_format=torch.channels_last))
def channels_last_input(x):
    y = x.relu()
    y.contiguous().add_(100)
    y.contiguous(memory_format=torch.channels_last).add_(1)
    y.permute(0, 2, 3, 1).view(2, 16, 3)[:, 3] = -1
    return y


@program()
def to_the_same_type_is_the_tensor(x):
    y = x.clone()
    y.to(torch.float32).add_(1)
    y.float().add_(1)
    y.type_as(x).add_(1)
    y.to("cpu").add_(1)
    y.to(x).add_(1)
    return y


@program()
def to_another_type_is_a_copy(x):
    y = x.clone()
    y.to(torch.float64).add_(1)
    y.to(torch.float32, copy=True).add_(1)
    y.half().add_(1)
    return y


@program()
def detached_tensor_shares_memory(x):
    y = x.clone()
    y.detach()[0] = 1
    y.detach().t()[1] = 2
    return y


@program()
def dropout_outside_training_is_the_tensor(x):
    y = x.clone()
    F.dropout(y, 0.5, training=False).add_(1)
    F.dropout2d(y, 0.5, training=False).mul_(2)
    F.dropout(y, 0.5, training=False, inplace=True)
    return y


@program()
def narrow_and_select(x):
    y = x.clone()
    y.narrow(1, 2, 3).mul_(2)
    y.narrow(0, -1, 1).add_(1)
    y.select(1, -1).fill_(0)
    return y


@program()
def chunks_written(x):
    y = x.clone()
    a, b, c = y.chunk(3, dim=1)
    b.fill_(0)
    a.mul_(c)
    return y, a, b, c


@program(arange(7, 3))
def split_pieces_written(x):
    y = x.clone()
    pieces = y.split(3)
    pieces[1].neg_()
    first, second = y.split([2, 5])
    second[1:3] = 8
    left, right = torch.tensor_split(y, 2)
    right.add_(left[:3])
    return (y, *pieces, first)


@program(arange(4, 6, 4))
def hsplit_vsplit_dsplit(x):
    y = x.clone()
    y.hsplit(2)[1].add_(1)
    y.vsplit(2)[0].mul_(2)
    y.dsplit(2)[1].zero_()
    return y


@program()
def unbound_rows_written(x):
    y = x.clone()
    rows = y.unbind(0)
    rows[1].add_(rows[0])
    columns = y.unbind(1)
    columns[2].zero_()
    return (y, *rows)


@program(arange(4, 4))
def diagonal_written(x):
    y = x.clone()
    y.diagonal().fill_(1)
    y.diagonal(1).mul_(2)
    torch.diagonal(y, -1).copy_(torch.tensor([7.0, 8.0, 9.0]))
    torch.linalg.diagonal(y, offset=2).add_(1)
    return y


@program(arange(4, 4))
def as_strided_written(x):
    y = x.clone()
    y.as_strided((2, 3), (8, 1), 2).add_(100)
    return y


@program(arange(3, 8))
def unfold_without_overlap_written(x):
    y = x.clone()
    windows = y.unfold(1, 2, 2)
    windows[:, 1, 0] = -1
    windows.mul_(2)
    return y, windows


@program(arange(3, 9))
def unfold_with_gaps_written(x):
    y = x.clone()
    y.unfold(1, 2, 3)[1, 2, 0] = -1
    y.unfold(1, 2, 3).mul_(2)
    y.unfold(0, 2, 5).add_(1)
    return y


@program()
def as_strided_reads_beyond_its_tensor(x):
    y = x.clone()
    part = y[1:, 2:4]
    window = part.as_strided((2, 3), (6, 2))
    y[2] = -1
    again = window.as_strided((2,), (1,))
    window.mul_(2)
    column = y.diagonal(-1).as_strided((3,), (1,))
    return window, again, part, y.unbind(1)[5].as_strided((2,), (1,), 4), column


@program(arange(4, 6).t())
def as_strided_on_transposed_memory(x):
    x.as_strided((2, 3), (6, 1), 1).add_(100)
    y = x.t().view(24)
    y.as_strided((2, 2), (5, 1)).mul_(2)
    return x


@program(arange(3, 9))
def unfold_with_a_remainder_written(x):
    y = x.clone()
    y.unfold(1, 2, 2).fill_(0)
    y.unfold(0, 3, 3).add_(1)
    return y


@program(arange(3, 8))
def overlapping_unfold_sees_a_write_to_its_tensor(x):
    y = x.clone()
    windows = y.unfold(1, 3, 1)
    y[1] = 0
    return windows


@program(arange(1, 6))
def expanded_tensor_sees_a_write_to_its_tensor(x):
    y = x.clone()
    wide = y.expand(4, 6)
    also = y.expand_as(wide)
    y[:, 2] = 50
    return wide, also, y.broadcast_to(2, 6)


@program()
def expand_without_repetition_is_writable(x):
    y = x.clone()
    y.expand(1, 4, 6)[0, 1].add_(3)
    return y


@program(arange(3), arange(4))
def meshgrid_sees_a_write(x, z):
    a, b = x.clone(), z.clone()
    grids = torch.meshgrid(a, b, indexing="ij")
    turned = torch.meshgrid(a, b, indexing="xy")
    a[1] = 70
    b[2] = 80
    return (*grids, *turned)


@program()
def masked_fill(x):
    y = x.clone()
    y.masked_fill_(y > 10, -1)
    y[:, :3].masked_fill_(x[:, :3] % 2 == 0, 5)
    return y


@program()
def boolean_mask_assigned(x):
    y = x.clone()
    y[y > 10] = 0.5
    y[1:, 2:][x[1:, 2:] > 20] = 3
    return y


@program()
def index_list_assigned(x):
    y = x.clone()
    y[:, [0, 3]] = 9
    y[[1, 2], [4, 5]] = torch.tensor([1.0, 2.0])
    y[[0, 1]] += 1
    return y


@program()
def index_put_accumulates_into_a_view(x):
    y = x.clone()
    index = torch.tensor([0, 0, 1])
    y[1:].index_put_((index,), torch.ones(3, 6), accumulate=True)
    return y


@program()
def scatter_and_index_ops(x):
    y = x.clone()
    index = torch.tensor([[0, 1, 2, 0, 1, 2]])
    y.scatter_(0, index, -5.0)
    y.scatter_add_(0, index, torch.ones(1, 6))
    y.index_fill_(1, torch.tensor([2]), 4.0)
    y.index_copy_(0, torch.tensor([3]), torch.zeros(1, 6))
    y.index_add_(0, torch.tensor([1, 1]), torch.ones(2, 6))
    y.masked_scatter_(y == 0, torch.arange(24.0))
    return y


@program()
def fill_family(x):
    y = x.clone()
    y[0].zero_()
    y[1].fill_(3)
    y[2].fill_(torch.tensor(4.5))
    y[3].copy_(torch.tensor([1, 2, 3, 4, 5, 6]))
    return y


@program()
def copy_broadcasts_and_casts(x):
    y = torch.empty(4, 6, dtype=torch.float64)
    y.copy_(x[0])
    y[:, :3].copy_(x[:, 3:4].to(torch.int32))
    return y


@program(arange(4, 6, dtype=torch.int32))
def copy_truncates_to_integers(x):
    y = x.clone()
    y[0] = torch.tensor(2.7)
    y[1].copy_(torch.full((6,), -1.5))
    return y


@program()
def double_operand_is_cast_back(x):
    y = x.clone()
    y.add_(torch.full((6,), 0.1, dtype=torch.float64))
    y[0].mul_(torch.full((6,), 1.7, dtype=torch.float64))
    y.sub_(torch.tensor(0.25, dtype=torch.float64))
    y.div_(3)
    return y


@program(arange(4, 6, dtype=torch.int64))
def integers_in_place(x):
    y = x.clone()
    y.add_(3).mul_(2)
    y.floor_divide_(3)
    y.bitwise_and_(7)
    y |= 8
    y ^= 1
    y <<= 2
    y >>= 1
    y.remainder_(5)
    y.pow_(2)
    y.sub_(torch.ones(6, dtype=torch.int32))
    return y


@program()
def predicates_in_place_keep_the_type(x):
    y = x.clone()
    y[0].gt_(3)
    y[1].eq_(x[1])
    y[2].logical_not_()
    y[3].logical_and_(x[0])
    return y


@program()
def pow_in_place(x):
    y = x.clone()
    y.pow_(2)
    y[0].pow_(torch.full((6,), 0.5))
    y.clamp_(1, 50).clamp_(max=torch.full((6,), 30.0))
    return y


@program()
def activations_in_place(x):
    y = x - 12
    for function in (F.relu, F.silu, F.hardswish, F.elu, F.leaky_relu, F.hardtanh, F.relu6,
                     F.celu, F.selu, F.mish, F.hardsigmoid, F.threshold):
        z = y.clone()
        y = y + (function(z, 0.1, 2.0, inplace=True) if function is F.threshold
                 else function(z, inplace=True))
    return y.sigmoid_().tanh_()


@program()
def unary_in_place(x):
    y = x.clone().add_(0.5)
    return y.sqrt_().exp_().log_().reciprocal_().abs_().neg_().floor_().round_().erf_()


@program()
def out_argument(x):
    out = torch.empty(4, 6)
    torch.add(x, 1, out=out)
    y = torch.ones(4, 6)
    torch.mul(x, out, out=y[:, :])
    torch.sub(x[0], 1, out=y[2])
    return out, y


@program()
def out_argument_of_reductions(x):
    total, best, where = torch.zeros(6), torch.zeros(4), torch.zeros(4, dtype=torch.int64)
    torch.sum(x, 0, out=total)
    torch.max(x, 1, out=(best, where))
    whole = torch.empty(2, 4, 6)
    torch.stack([x, x + 1], out=whole)
    joined = torch.zeros(8, 6)
    torch.cat([x, x], out=joined)
    return total, best, where, whole, joined


@program(arange(2, 4, 4))
def out_arguments_in_pairs(x):
    values, indices = torch.empty(2, 4, 4), torch.empty(2, 4, 4, dtype=torch.int64)
    torch.cummax(x, 1, out=(values, indices))
    low, high = torch.empty(2, 4), torch.empty(2, 4)
    torch.aminmax(x, dim=2, out=(low, high))
    ordered, order = torch.empty(2, 4, 4), torch.empty(2, 4, 4, dtype=torch.int64)
    torch.sort(x, 2, descending=True, out=(ordered, order))
    return values, indices, low, high, ordered, order


@program()
def out_argument_is_cast(x):
    out = torch.empty(4, 6, dtype=torch.float64)
    torch.add(x, x, out=out)
    torch.mul(x[1], 2, out=out[0])
    less = torch.empty(4, 6)
    torch.lt(x, 5, out=less)
    return out, less


@program()
def out_argument_of_another_size(x):
    out = torch.empty(0)
    torch.add(x, 1, out=out)
    out[0] = 3
    return out


@program()
def out_argument_of_factories(x):
    y = x.clone()
    torch.arange(6, out=y[0])
    torch.full((6,), 4, out=y[1])
    torch.zeros(6, out=y[2])
    return y


@program()
def in_place_views(x):
    y = x.clone()
    z = y[:2]
    y.t_()
    y[0] = 44
    y.unsqueeze_(0)
    y[0, 1].add_(1)
    y.squeeze_(0)
    y.transpose_(0, 1)
    return y, z


@program(torch.complex(arange(3, 4), arange(3, 4) + 1))
def complex_views(z):
    y = z.clone()
    torch.view_as_real(y)[0, :, 1] = 7
    y.real[1].mul_(2)
    y.imag[2].neg_()
    return torch.view_as_real(y)


@program(arange(3, 4))
def view_as_complex_written(x):
    y = x.clone()
    torch.view_as_complex(y.view(3, 2, 2))[0].mul_(2)
    return y


@program(arange(3, 4))
def bitcast_written(x):
    y = x.clone()
    y.view(torch.int32)[0] = 1065353216
    return y


@program()
def input_written_through_a_view(x):
    x[1].fill_(8)
    x.t()[2].add_(1)
    return x.sum()


@program(arange(4, 6).t())
def transposed_input_written(x):
    x[1] = 8
    x.reshape(24).add_(100)
    x.t().reshape(24).add_(1)
    return x + 0


@program(arange(4, 6), arange(4, 6) * 2)
def one_of_two_inputs_written(x, y):
    x.add_(y)
    return x * y


@program()
def constant_is_not_changed(x):
    table = torch.tensor([1.0, 2.0, 3.0])
    table[1] = 20
    table.add_(1)
    return x[0, :3] + table, table


@program()
def loop_that_fills_a_buffer(x):
    rows = torch.zeros(4, 6)
    total = torch.zeros(6)
    for i in range(4):
        total += x[i]
        rows[i] = total
    return rows


@program()
def gradients_switched_off(x):
    y = x.clone()
    with torch.no_grad():
        part = y[1]
        part.add_(1)
    part.mul_(2)
    return y, part


@program()
def whole_slice_assigned(x):
    y = torch.empty_like(x)
    y[:] = x + 1
    y[...].mul_(2)
    y[None, 0:4].sub_(1)
    return y


@program()
def swap_of_two_rows(x):
    y = x.clone()
    saved = y[0].clone()
    y[0] = y[1]
    y[1] = saved
    return y


@program(arange(2, 8, 3, 3))
def channel_halves_of_an_image(x):
    y = x * 2
    left, right = y.chunk(2, 1)
    left.relu_()
    right[:, ::2].sigmoid_()
    return torch.cat([left, right], 1), y.mean((2, 3))


@program(arange(5))
def one_axis(x):
    y = x.clone()
    y[3] = 1
    y[-2:] += 1
    y.T[0] = 9
    return y


@program(torch.tensor(3.0))
def no_axis(x):
    y = x.clone()
    y.add_(1)
    y.view(1)[0] = 5
    y.reshape(1, 1).mul_(2)
    return y


@program(torch.zeros(0, 4))
def no_elements(x):
    y = x.clone()
    y.add_(1)
    y.view(2, 0).fill_(1)
    return y


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_equals_eager(name):
    function, inputs = PROGRAMS[name]
    check(function, *inputs)


def test_random_programs_equal_eager():
    refused = []
    for seed in range(100):
        random_function, x = random_program(seed)
        try:
            check(random_function.function, x)
        except _native.NativeError as error:
            names = {d["name"] for d in errors.from_native(error).diagnostics}
            assert names == {"unsupported-alias"}, f"seed {seed}\n{random_function}"
            refused.append(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}\n{random_function}") from error
    # Writes through slices of expanded tensors, as_strided of as_strided and their like.
    assert len(refused) <= 4, refused


def test_writes_with_a_symbolic_size_hold_for_other_sizes():
    def writes(x):
        y = x.clone()
        y[:, 1] = 5
        y.view(-1, 6)[0].add_(1)
        y.t()[2:].mul_(2)
        left, right = y.chunk(2, 1)
        left.add_(right)
        z = torch.zeros_like(y)
        z.copy_(x[:1])
        z[1:].fill_(3)
        z.unsqueeze(1).add_(1)
        return y, y.reshape(-1), z

    size = torch.export.Dim("size", min=3, max=64)
    shapes = {"args": ({0: size},)}
    check(writes, arange(4, 6), other_args=(arange(7, 6),), dynamic_shapes=shapes)


# State -------------------------------------------------------------------------------------------


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("window", torch.zeros(3, 4))

    def forward(self, x):
        self.calls += 1
        self.window[1:] = self.window[:-1].clone()
        self.window[0] = x
        return self.window.mean(0) + self.calls


def test_written_buffers_become_outputs():
    program = check(Counter().eval(), arange(4))
    outputs = [(output["kind"], output["name"]) for output in program.json["outputs"]]
    assert outputs == [
        ("buffer_mutation", "calls"),
        ("buffer_mutation", "window"),
        ("user", ""),
    ]


class Reassigned(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.ones(4))

    def forward(self, x):
        old = self.state
        self.state = self.state * 2 + x
        return old + 1, self.state


def test_reassigned_buffer_becomes_an_output():
    check(Reassigned().eval(), arange(4))


class WritesParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        with torch.no_grad():
            self.weight.mul_(2)
        return x * self.weight


def test_written_parameter_becomes_an_output():
    program = check(WritesParameter().eval(), arange(4))
    assert program.json["outputs"][0]["kind"] == "parameter_mutation"


def test_batch_statistics_of_training_become_outputs():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)).train()
    program = check(module, torch.randn(2, 3, 8, 8), training=True)
    names = {o["name"] for o in program.json["outputs"] if o["kind"] == "buffer_mutation"}
    assert names == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}


class TiedBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("a", torch.ones(4))
        self.register_buffer("b", self.a)

    def forward(self, x):
        self.a.add_(x)
        return self.b * 2


def test_write_to_one_of_two_names_of_a_buffer_is_seen_by_both():
    check(TiedBuffers().eval(), arange(4))


class OverlappingBuffers(nn.Module):
    def __init__(self):
        super().__init__()
        whole = torch.ones(6)
        self.register_buffer("head", whole[:4])
        self.register_buffer("tail", whole[2:])

    def forward(self, x):
        self.head.add_(x)
        return self.tail * 2


def rejected(module, *args):
    with pytest.raises(_native.NativeError) as caught:
        functionalise(module, args)
    return errors.from_native(caught.value).diagnostics


def test_write_to_buffers_that_overlap_is_refused():
    (diagnostic,) = rejected(OverlappingBuffers().eval(), arange(4))
    assert diagnostic["name"] == "unsupported-alias"
    assert "'head' and 'tail' share memory" in diagnostic["why"]


# Refusals ----------------------------------------------------------------------------------------


def test_write_through_overlapping_windows_is_refused():
    def overlapping(x):
        y = x.clone()
        y.as_strided((5, 3), (1, 1)).add_(1)
        return y

    (diagnostic,) = rejected(overlapping, arange(8))
    assert diagnostic["name"] == "unsupported-alias"
    assert "aten.add_.Tensor writes in place through the view 'as_strided'" in diagnostic["what"]


def test_several_out_arguments_without_a_row_are_refused():
    def factorised(x):
        q, r = torch.empty(0), torch.empty(0)
        torch.linalg.qr(x, out=(q, r))
        return q @ r

    assert [d["subject"] for d in rejected(factorised, arange(3, 3))] == ["aten.linalg_qr.out"]


def test_every_refusal_is_reported():
    def several(x):
        y = x.clone()
        y.unfold(0, 3, 1)[0].add_(1)
        y.unfold(0, 2, 3).mul_(2)
        return y

    assert len(rejected(several, arange(8))) == 2


# What stays as it is -----------------------------------------------------------------------------


def test_program_without_writes_is_untouched():
    def pure(x):
        y = x.view(2, 12).t().reshape(4, 6)
        a, b = y.split(2)
        return torch.cat([a.relu(), b[:, ::2].repeat(1, 2)]).detach() + 1

    program = functionalise(pure, (arange(4, 6),))
    assert program.targets == [
        "aten.view.default",
        "aten.t.default",
        "aten.reshape.default",
        "aten.split.Tensor",
        "aten.relu.default",
        "aten.slice.Tensor",
        "aten.repeat.default",
        "aten.cat.default",
        "aten.add.Tensor",
    ]


def test_in_place_activation_is_renamed_only():
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 5), nn.SiLU(True))
    program = check(module.eval(), arange(4, 6))
    assert program.targets == [
        "aten.linear.default",
        "aten.relu.default",
        "aten.linear.default",
        "aten.silu.default",
    ]
    assert [node["name"] for node in program.json["nodes"]] == [
        "linear", "relu_", "linear_1", "silu_"]


def test_repeated_writes_to_a_view_are_scattered_once():
    program = check(repeated_writes_to_one_view, arange(4, 6))
    assert program.targets.count("aten.select_scatter.default") == 1


def test_checks_and_dead_nodes_are_dropped():
    def checked(x):
        (x * 2).sum()
        return x.to(torch.float64).sin()

    assert functionalise(checked, (arange(3),)).targets == ["aten.to.dtype", "aten.sin.default"]
