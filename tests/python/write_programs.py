"""Programs whose operators write: in place, into out=, into inputs, of every type and shape."""

import torch
import torch.nn.functional as F
from small_programs import arange, program


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
