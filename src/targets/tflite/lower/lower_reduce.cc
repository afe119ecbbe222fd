// Reductions and what runs along one axis.
#include <algorithm>

#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

Shape reduced_shape(const Shape& shape, const std::vector<int32_t>& axes, bool keep_dims) {
  Shape result;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int32_t>(i)) != axes.end();
    if (!reduced) result.push_back(shape[i]);
    if (reduced && keep_dims) result.push_back(1);
  }
  return result;
}

// The axes to reduce in the shape in which the operand lies, if that keeps reduced and kept ones
// apart.
std::optional<std::vector<int32_t>> axes_as_it_lies(const LowerOp& op, const Shape& lying) {
  const Shape planned = op.operand_shape(0);
  const std::vector<int32_t> axes = op.axes(attr::kAxes);
  std::vector<MarkedAxis> marked;
  for (const Dim extent : planned) marked.push_back({extent, false});
  for (const int32_t axis : axes) marked[static_cast<size_t>(axis)].is_marked = true;
  const std::optional<std::vector<bool>> marks = marks_in_shape(op.symbols(), marked, lying);
  if (!marks.has_value()) return std::nullopt;
  std::vector<int32_t> found;
  for (size_t i = 0; i < lying.size(); ++i)
    if ((*marks)[i]) found.push_back(static_cast<int32_t>(i));
  if (found.empty()) return std::nullopt;
  return found;
}

// Neighbouring axes that are all reduced or all kept, as one.
struct AxisRun {
  Dim size;
  bool is_reduced;
};

// Alternately kept and reduced.
std::vector<AxisRun> axis_runs(SymbolTable& symbols, const Shape& shape,
                               const std::vector<int32_t>& axes) {
  std::vector<AxisRun> runs;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim(1)) continue;
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int32_t>(i)) != axes.end();
    const bool goes_on = !runs.empty() && runs.back().is_reduced == reduced;
    if (goes_on) {
      runs.back().size = symbols.mul(runs.back().size, shape[i]);
    } else {
      runs.push_back({shape[i], reduced});
    }
  }
  return runs;
}

// Of more axes than XNNPACK reduces, though it takes such an operator on and then fails: run after
// run, from the last, with all that stands before and behind it as one axis each.
void lower_reduction_of_many_axes(LowerOp& op, Op kernel) {
  SymbolTable& symbols = op.symbols();
  std::vector<AxisRun> runs = axis_runs(symbols, op.operand_shape(0), op.axes(attr::kAxes));
  TensorIndex x = op.operand(0);
  Dim behind = 1;
  while (!runs.empty()) {
    const AxisRun run = runs.back();
    runs.pop_back();
    if (!run.is_reduced) {
      behind = symbols.mul(behind, run.size);
      continue;
    }
    Dim before = 1;
    for (const AxisRun& other : runs) before = symbols.mul(before, other.size);
    x = op.emit(kernel, {op.reshaped(x, {before, run.size, behind}), op.ints({1})},
                op.result_type().dtype, {before, behind}, ReducerOptions{});
  }
  op.finish_with(op.reshaped(x, op.result_shape()));
}

void lower_reduction(LowerOp& op, Op kernel) {
  Shape lying = op.lying_shape(0);
  if (lying.size() > kMaxDelegatedRank) lying = as_rows(op.symbols(), lying);
  if (const auto lying_axes = axes_as_it_lies(op, lying)) {
    const bool keep_dims = op.attr(attr::kKeepDim);
    return op.finish_in_shape(kernel, {op.operand(0, lying), op.ints(*lying_axes)},
                              reduced_shape(lying, *lying_axes, keep_dims),
                              ReducerOptions{.keep_dims = keep_dims});
  }
  if (op.operand_shape(0).size() > kMaxDelegatedRank)
    return lower_reduction_of_many_axes(op, kernel);
  const TensorIndex x = op.operand(0);
  const std::vector<int32_t> axes = op.axes(attr::kAxes);
  const bool keep_dims = op.attr(attr::kKeepDim);
  op.finish_in_shape(kernel, {x, op.ints(axes)}, reduced_shape(op.shape(x), axes, keep_dims),
                     ReducerOptions{.keep_dims = keep_dims});
}

// ARG_MAX and ARG_MIN drop the axis.
void lower_arg(LowerOp& op, Op kernel, Options options) {
  const TensorIndex x = op.operand(0);
  const int32_t axis = op.axis(attr::kAxis);
  op.finish_in_shape(kernel, {x, op.scalar(axis)}, reduced_shape(op.shape(x), {axis}, false),
                     std::move(options));
}

// An op along the last axis, whatever the shape of the others.
void lower_along_last(LowerOp& op, Op kernel, Options options) {
  const Shape planned = op.operand_shape(0);
  check(op.axis(attr::kAxis) + 1 == static_cast<int32_t>(planned.size()),
        "the contract puts the axis last");
  const Shape lying = op.lying_shape(0);
  Shape shape = !lying.empty() && lying.back() == planned.back() ? lying : planned;
  if (shape.size() > kMaxDelegatedRank) shape = as_rows(op.symbols(), shape);
  op.finish_in_shape(kernel, {op.operand(0, shape)}, shape, std::move(options));
}

}  // namespace

void lower_sum(LowerOp& op) {
  lower_reduction(op, Op::kSum);
}
// The mean of a whole image: AVERAGE_POOL_2D is the faster kernel (0.87 to 0.97 times MEAN).
void lower_mean(LowerOp& op) {
  const Shape shape = op.operand_shape(0);
  const bool whole_image = shape.size() == 4 && op.type(0).dtype == DType::kF32 &&
                           op.axes(attr::kAxes) == std::vector<int32_t>{1, 2} &&
                           shape[1].is_static() && shape[2].is_static();
  if (!whole_image) return lower_reduction(op, Op::kMean);
  op.finish_in_shape(Op::kAveragePool2d, {op.operand(0)}, {shape[0], 1, 1, shape[3]},
                     Pool2DOptions{.padding = Padding::kValid,
                                   .filter_width = static_cast<int32_t>(shape[2].size()),
                                   .filter_height = static_cast<int32_t>(shape[1].size())});
}
void lower_prod(LowerOp& op) {
  lower_reduction(op, Op::kReduceProd);
}
void lower_amax(LowerOp& op) {
  lower_reduction(op, Op::kReduceMax);
}
void lower_amin(LowerOp& op) {
  lower_reduction(op, Op::kReduceMin);
}
void lower_any(LowerOp& op) {
  lower_reduction(op, Op::kReduceAny);
}
void lower_all(LowerOp& op) {
  lower_reduction(op, Op::kReduceAll);
}

void lower_argmax(LowerOp& op) {
  lower_arg(op, Op::kArgMax, ArgMaxOptions{.output_type = op.result_type().dtype});
}
void lower_argmin(LowerOp& op) {
  lower_arg(op, Op::kArgMin, ArgMinOptions{.output_type = op.result_type().dtype});
}

void lower_softmax(LowerOp& op) {
  lower_along_last(op, Op::kSoftmax, SoftmaxOptions{.beta = 1.0f});
}

void lower_log_softmax(LowerOp& op) {
  lower_along_last(op, Op::kLogSoftmax, default_options(Op::kLogSoftmax));
}

void lower_cumsum(LowerOp& op) {
  op.finish(Op::kCumsum, {op.operand(0), op.scalar(op.axis(attr::kAxis))}, CumsumOptions{});
}

}  // namespace ferryman::tflite
