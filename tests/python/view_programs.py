"""Programs that write through views: slices, transposed and overlapping windows, siblings."""

import torch
import torch.nn.functional as F
from small_programs import arange, program


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
