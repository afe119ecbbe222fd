// Ops that move or repeat elements. Reshape, permute and pixel shuffle mostly do not come here: the
// layout plan answers them (memory.h).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

constexpr size_t kMaxDelegatedConcatInputs = 5;  // XNNPACK takes no CONCATENATION of more

std::vector<int32_t> interleaved(const std::vector<int32_t>& before,
                                 const std::vector<int32_t>& after) {
  std::vector<int32_t> pairs;
  for (size_t i = 0; i < before.size(); ++i) pairs.insert(pairs.end(), {before[i], after[i]});
  return pairs;
}

TensorIndex paddings(LowerOp& op) {
  const std::vector<int32_t> pairs =
      interleaved(op.per_axis(attr::kBefore), op.per_axis(attr::kAfter));
  return op.matrix(pairs, {static_cast<int32_t>(pairs.size() / 2), 2});
}

bool all_are(const std::vector<int32_t>& numbers, int32_t value) {
  return std::all_of(numbers.begin(), numbers.end(), [&](int32_t n) { return n == value; });
}

// What one CONCATENATION joins, and where.
struct Join {
  std::vector<TensorIndex> inputs;
  size_t axis;
  Shape result;
};

// Of more axes than XNNPACK joins: what stands before the axis and what behind it as one each.
void merge_axes(LowerOp& op, Join& join) {
  for (TensorIndex& input : join.inputs)
    input = op.reshaped(input, around_axis(op.symbols(), op.shape(input), join.axis));
  join.result = around_axis(op.symbols(), join.result, join.axis);
  join.axis = 1;
}

// More inputs than XNNPACK takes: chained in groups, which stays in its partition.
void join_first_group(LowerOp& op, Join& join) {
  const auto group_end = join.inputs.begin() + kMaxDelegatedConcatInputs;
  Shape shape = join.result;
  shape[join.axis] =
      std::accumulate(join.inputs.begin(), group_end, Dim(0), [&](Dim sum, TensorIndex input) {
        return op.symbols().add(sum, op.shape(input)[join.axis]);
      });
  const TensorIndex joined =
      op.emit(Op::kConcatenation, {join.inputs.begin(), group_end}, op.result_type().dtype, shape,
              ConcatenationOptions{.axis = static_cast<int32_t>(join.axis)});
  join.inputs.erase(join.inputs.begin() + 1, group_end);
  join.inputs.front() = joined;
}

}  // namespace

void lower_concat(LowerOp& op) {
  Join join = {{}, static_cast<size_t>(op.axis(attr::kAxis)), op.windowed_shape()};
  for (size_t i = 0; i < op.num_operands(); ++i) join.inputs.push_back(op.joined(i));
  if (join.result.size() > kMaxDelegatedRank) merge_axes(op, join);
  while (join.inputs.size() > kMaxDelegatedConcatInputs && op.result_type().dtype == DType::kF32)
    join_first_group(op, join);
  op.finish_in_shape(Op::kConcatenation, std::move(join.inputs), join.result,
                     ConcatenationOptions{.axis = static_cast<int32_t>(join.axis)});
}

namespace {

// Bits of the axes that are taken to their ends.
int32_t ends_of_axes(const LowerOp& op, TensorIndex x, const Shape& ends) {
  int32_t mask = 0;
  const Shape shape = op.shape(x);
  for (size_t axis = 0; axis < ends.size(); ++axis) {
    if (ends[axis] == shape[axis] && !ends[axis].is_static()) mask |= 1 << axis;
  }
  return mask;
}

// Ends that the mask names are not read: a number keeps the list constant.
Shape counted_from_end(const LowerOp& op, TensorIndex x, Shape ends) {
  const int32_t mask = ends_of_axes(op, x, ends);
  for (size_t axis = 0; axis < ends.size(); ++axis)
    if ((mask >> axis & 1) != 0) ends[axis] = Dim(0);
  return ends;
}

}  // namespace

// XNNPACK takes SLICE of sizes that are numbers, and STRIDED_SLICE with masks.
void lower_slice(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  const Shape starts = op.axis_sizes(attr::kStarts);
  const Shape ends = op.axis_sizes(attr::kEnds);
  const std::vector<int32_t> steps = op.per_axis(attr::kSteps);
  const Shape result = op.windowed_shape();
  if (all_are(steps, 1) && all_static(op.shape(x)) && all_static(result)) {
    return op.finish_in_shape(Op::kSlice, {x, op.sizes(starts), op.sizes(result)}, result);
  }
  op.finish_in_shape(Op::kStridedSlice,
                     {x, op.sizes(starts), op.sizes(counted_from_end(op, x, ends)), op.ints(steps)},
                     result, StridedSliceOptions{.end_mask = ends_of_axes(op, x, ends)});
}

// PADV2 is never delegated; PAD is, and has the value 0.
void lower_pad(LowerOp& op) {
  const double value = op.attr(attr::kValue);
  if (value == 0 && !std::signbit(value)) {
    return op.finish_in_shape(Op::kPad, {op.operand(0), paddings(op)}, op.windowed_shape());
  }
  op.finish_in_shape(Op::kPadv2,
                     {op.operand(0), paddings(op), op.filled(op.type(0).dtype, {}, value)},
                     op.windowed_shape());
}

void lower_reflect_pad(LowerOp& op) {
  op.finish_in_shape(Op::kMirrorPad, {op.operand(0), paddings(op)}, op.windowed_shape(),
                     MirrorPadOptions{.mode = MirrorPadMode::kReflect});
}

void lower_flip(LowerOp& op) {
  op.finish_in_shape(Op::kReverseV2, {op.operand(0), op.ints(op.axes(attr::kAxes))},
                     op.windowed_shape());
}

void lower_tile(LowerOp& op) {
  op.finish_in_shape(Op::kTile, {op.operand(0), op.ints(op.per_axis(attr::kRepeats))},
                     op.windowed_shape());
}

// The first place is 0 along all other axes.
void lower_overwrite(LowerOp& op) {
  const auto axis = static_cast<size_t>(op.axis(attr::kAxis));
  const size_t rank = op.result_type().rank();
  std::vector<TensorIndex> places(rank, op.scalar(0));
  places[axis] = op.operand(2);
  const auto count = static_cast<int32_t>(rank);
  const TensorIndex begin = op.emit(Op::kPack, std::move(places), DType::kI32, {count},
                                    PackOptions{.values_count = count, .axis = 0});
  op.finish(Op::kDynamicUpdateSlice, {op.operand(0), op.operand(1), begin});
}

void lower_iota(LowerOp& op) {
  const Dim count = op.attr(attr::kShape).dims[0];
  op.finish(Op::kRange, {op.scalar(0), op.size(count), op.scalar(1)});
}

void lower_sym_size(LowerOp& op) {
  op.finish_with(op.size(op.attr(attr::kShape).dims[0]));
}

void lower_expand(LowerOp& op) {
  op.finish(Op::kBroadcastTo, {op.aligned(0), op.sizes(op.result_shape())});
}

// Core gather: result = x with axis replaced by the axes of the indices.
void lower_gather(LowerOp& op) {
  op.finish(Op::kGather, {op.operand(0), op.operand(1)},
            GatherOptions{.axis = op.axis(attr::kAxis)});
}

// Relabelling ops come here only where the plan found no factors that both sides share, or too
// many: then both sides are in logical order, and the elements move.

void lower_reshape(LowerOp& op) {
  op.finish_with(op.emit_reshape(op.operand(0), op.result_shape()));
}

void lower_permute(LowerOp& op) {
  const Ints& perm = op.attr(attr::kPerm).values;
  op.finish(Op::kTranspose, {op.operand(0), op.ints({perm.begin(), perm.end()})});
}

namespace {

// RESHAPE to `split`, TRANSPOSE, RESHAPE to the result.
void lower_shuffle(LowerOp& op, const Shape& split, const std::vector<int32_t>& perm) {
  const TensorIndex parts = op.emit_reshape(op.operand(0), split);
  Shape turned;
  for (const int32_t axis : perm) turned.push_back(split[static_cast<size_t>(axis)]);
  const TensorIndex moved =
      op.emit(Op::kTranspose, {parts, op.ints(perm)}, op.result_type().dtype, turned);
  op.finish_with(op.emit_reshape(moved, op.result_shape()));
}

}  // namespace

void lower_pixel_shuffle(LowerOp& op) {
  const Shape x = op.shape(op.operand(0));
  const auto r = static_cast<int32_t>(op.attr(attr::kFactor));
  lower_shuffle(op, {x[0], op.symbols().floordiv(x[1], r * r), r, r, x[2], x[3]},
                {0, 1, 4, 2, 5, 3});
}

void lower_pixel_unshuffle(LowerOp& op) {
  const Shape x = op.shape(op.operand(0));
  const auto r = static_cast<int32_t>(op.attr(attr::kFactor));
  SymbolTable& symbols = op.symbols();
  lower_shuffle(op, {x[0], x[1], symbols.floordiv(x[2], r), r, symbols.floordiv(x[3], r), r},
                {0, 1, 3, 5, 2, 4});
}

}  // namespace ferryman::tflite
