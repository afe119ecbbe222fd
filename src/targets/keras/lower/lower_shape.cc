// Ops that move or repeat elements. Reshape, permute and pixel shuffle mostly do not come here: the
// layout plan answers them (memory.h).
#include <algorithm>
#include <limits>
#include <string_view>

#include "ops/attrs.h"
#include "passes/integer_range.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

JsonArray pairs(const Ints& before, const Ints& after, size_t first, size_t last) {
  JsonArray widths;
  for (size_t i = first; i < last; ++i) widths.push_back(JsonArray{before[i], after[i]});
  return widths;
}

bool are_zero(const Ints& numbers, size_t axis) {
  return numbers[axis] == 0;
}

// Whether only what lies between the batch and the channels is padded.
bool pads_image(const LowerOp& op, const Ints& before, const Ints& after) {
  const size_t last = before.size() - 1;
  return before.size() >= 3 && before.size() <= 5 && is_floating(op.type(0).dtype) &&
         are_zero(before, 0) && are_zero(after, 0) && are_zero(before, last) &&
         are_zero(after, last);
}

}  // namespace

void lower_concat(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const int64_t axis = op.axis(attr::kAxis);
  JsonArray parts;
  bool is_layer = axis > 0;
  for (size_t i = 0; i < op.num_operands(); ++i) {
    const TensorIndex part = op.joined(i);
    is_layer = is_layer && !builder.is_literal(part) &&
               builder.shape(part)[0] == builder.shape(op.joined(0))[0];
    parts.push_back(TensorRef{part});
  }
  const TensorSpec result = {op.result_type().dtype, op.windowed_shape()};
  const JsonObject config = {{"axis", axis}};
  JsonArray arguments = list_argument(std::move(parts));
  op.finish(is_layer
                ? builder.layer({"Concatenate", config}, std::move(arguments), result)
                : builder.operation(kNumpy, "Concatenate", std::move(arguments), config, result));
}

void lower_slice(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorIndex x = op.operand(0);
  const Dims starts = op.axis_sizes(attr::kStarts);
  const Dims ends = op.axis_sizes(attr::kEnds);
  const Ints steps = op.per_axis(attr::kSteps);
  JsonArray key;
  for (size_t axis = 0; axis < starts.size(); ++axis) {
    const bool to_end = ends[axis] == builder.shape(x)[axis];
    const bool is_whole = starts[axis] == Dim(0) && to_end && steps[axis] == 1;
    key.push_back(is_whole ? slice_json({}, {}, 1)
                           : slice_json(starts[axis].size(),
                                        to_end ? Json() : Json(ends[axis].size()), steps[axis]));
  }
  op.finish(builder.operation(kNumpy, "GetItem", {TensorRef{x}, key}, {},
                              {op.result_type().dtype, op.windowed_shape()}));
}

void lower_pad(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorIndex x = op.operand(0);
  const Ints before = op.per_axis(attr::kBefore);
  const Ints after = op.per_axis(attr::kAfter);
  const double value = op.attr(attr::kValue);
  const TensorSpec result = {op.result_type().dtype, op.windowed_shape()};
  if (value == 0 && pads_image(op, before, after)) {
    const size_t num_axes = before.size() - 2;
    const JsonArray widths = pairs(before, after, 1, before.size() - 1);
    const Json padding = num_axes == 1 ? widths[0] : Json(widths);
    return op.finish(
        builder.layer({"ZeroPadding" + std::to_string(num_axes) + "D", {{"padding", padding}}},
                      {TensorRef{x}}, result));
  }
  const Json filled = is_floating(result.dtype)      ? Json(value)
                      : result.dtype == DType::kBool ? Json(value != 0)
                                                     : Json(static_cast<int64_t>(value));
  op.finish(builder.operation(
      kNumpy, "Pad", {TensorRef{x}, filled},
      {{"pad_width", pairs(before, after, 0, before.size())}, {"mode", "constant"}}, result));
}

void lower_reflect_pad(LowerOp& op) {
  const Ints before = op.per_axis(attr::kBefore);
  const Ints after = op.per_axis(attr::kAfter);
  op.finish(op.builder().operation(
      kNumpy, "Pad", {TensorRef{op.operand(0)}},
      {{"pad_width", pairs(before, after, 0, before.size())}, {"mode", "reflect"}},
      {op.result_type().dtype, op.windowed_shape()}));
}

void lower_flip(LowerOp& op) {
  op.finish(op.builder().operation(kNumpy, "Flip", {TensorRef{op.operand(0)}},
                                   {{"axis", op.axes(attr::kAxes)}},
                                   {op.result_type().dtype, op.windowed_shape()}));
}

void lower_tile(LowerOp& op) {
  op.finish(op.builder().operation(kNumpy, "Tile", {TensorRef{op.operand(0)}},
                                   {{"repeats", op.per_axis(attr::kRepeats)}},
                                   {op.result_type().dtype, op.windowed_shape()}));
}

void lower_expand(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  op.finish(builder.as_tensor(builder.broadcast(op.operand(0), op.result_shape())));
}

// Core gather: result = x with axis replaced by the axes of the indices.
void lower_gather(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const bool is_table = op.graph().value(op.op().operands[0]).kind == ValueKind::kParameter &&
                        op.type(0).rank() == 2 && op.axis(attr::kAxis) == 0;
  const TensorIndex indices = builder.as_tensor(op.operand(1));
  if (is_table) {
    LayerSpec table = builder.table_layer(op.op().operands[0]);
    // One that is tied goes by the embedding, whichever of its names comes first.
    const SourceLocation& location = op.graph().location(op.op().location);
    if (location.module_type.ends_with("Embedding")) table.name = location.module_path;
    return op.finish_layer(std::move(table), {TensorRef{indices}});
  }
  op.finish_operation(kNumpy, "Take", {TensorRef{op.operand(0)}, TensorRef{indices}},
                      {{"axis", op.axis(attr::kAxis)}});
}

namespace {

// What a segment without rows has.
Json neutral(std::string_view reduction, DType dtype) {
  const bool is_float = is_floating(dtype);
  const double infinity = std::numeric_limits<double>::infinity();
  if (reduction == "sum") return is_float ? Json(0.0) : Json(0);
  if (reduction == "prod") return is_float ? Json(1.0) : Json(1);
  if (is_float) return reduction == "amax" ? Json(-infinity) : Json(infinity);
  const IntegerRange range = range_of_dtype(dtype);
  return reduction == "amax" ? range.min : range.max;
}

std::string_view update_name(std::string_view reduction) {
  if (reduction == "sum") return "add";
  if (reduction == "prod") return "mul";
  return reduction == "amax" ? "max" : "min";
}

}  // namespace

void lower_segment_reduce(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const std::string& reduction = op.attr(attr::kReduction);
  const TensorIndex numbers = op.operand(1);
  const TensorSpec result = op.result_spec();
  const TensorIndex start =
      builder.constant_tensor(result.dtype, {}, neutral(reduction, result.dtype));
  const TensorIndex rows = builder.as_tensor(builder.broadcast(start, result.shape));
  const TensorIndex places =
      builder.reshape(builder.as_tensor(numbers), {builder.shape(numbers)[0], Dim(1)});
  op.finish_operation(kCore, "ScatterUpdate",
                      {TensorRef{rows}, TensorRef{places}, TensorRef{op.operand(0)}},
                      {{"reduction", update_name(reduction)}});
}

void lower_sym_size(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const DType dtype = op.result_type().dtype;
  const TensorIndex zeros = builder.zeros_along(dtype, op.attr(attr::kShape).dims);
  const Dims counted = builder.shape(zeros);
  const TensorIndex ones = builder.operation(kNumpy, "OnesLike", {TensorRef{zeros}},
                                             {{"dtype", dtype_name(dtype)}}, {dtype, counted});
  const TensorIndex sum = builder.operation(kNumpy, "Sum", {TensorRef{ones}},
                                            {{"axis", Json()}, {"keepdims", false}}, {dtype, {}});
  op.finish(builder.cast(sum, dtype));
}

// Relabelling ops come here only where the plan found no factors that both sides share, or too
// many: then both sides are in logical order, and the elements move.

void lower_reshape(LowerOp& op) {
  op.finish(op.builder().reshape(op.operand(0), op.result_shape()));
}

void lower_permute(LowerOp& op) {
  op.finish(op.builder().transpose(op.operand(0), op.attr(attr::kPerm).values));
}

namespace {

void lower_shuffle(LowerOp& op, const Dims& split, const Ints& perm) {
  ModelBuilder& builder = op.builder();
  const TensorIndex parts = builder.reshape(op.operand(0), split);
  op.finish(builder.reshape(builder.transpose(parts, perm), op.result_shape()));
}

}  // namespace

void lower_pixel_shuffle(LowerOp& op) {
  const Dims x = op.type(0).dims;
  const int64_t r = op.attr(attr::kFactor);
  lower_shuffle(op, {x[0], op.builder().symbols().floordiv(x[1], r * r), r, r, x[2], x[3]},
                {0, 1, 4, 2, 5, 3});
}

void lower_pixel_unshuffle(LowerOp& op) {
  const Dims x = op.type(0).dims;
  const int64_t r = op.attr(attr::kFactor);
  SymbolTable& symbols = op.builder().symbols();
  lower_shuffle(op, {x[0], x[1], symbols.floordiv(x[2], r), r, symbols.floordiv(x[3], r), r},
                {0, 1, 3, 5, 2, 4});
}

namespace {

// 0, 1, … up to a size that is free: as many ones, added up.
void lower_counted(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorIndex zeros = builder.zeros_along(DType::kI32, op.attr(attr::kShape).dims);
  const TensorSpec positions = {DType::kI32, builder.shape(zeros)};
  const TensorIndex ones =
      builder.operation(kNumpy, "OnesLike", {TensorRef{zeros}}, {{"dtype", "int32"}}, positions);
  const TensorIndex counted = builder.operation(kNumpy, "Cumsum", {TensorRef{ones}},
                                                {{"axis", 0}, {"dtype", "int32"}}, positions);
  const TensorIndex result =
      builder.operation(kNumpy, "Subtract", {TensorRef{counted}, 1}, {}, positions);
  op.finish(builder.cast(result, op.result_type().dtype));
}

}  // namespace

void lower_iota(LowerOp& op) {
  if (!all_static(op.attr(attr::kShape).dims)) return lower_counted(op);
  const int64_t count = op.attr(attr::kShape).dims[0].size();
  Ints numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  const TensorIndex range =
      op.builder().constant(TensorData::of<int64_t>({count}, numbers), "positions");
  op.finish(op.builder().cast(op.builder().as_tensor(range), op.result_type().dtype));
}

}  // namespace ferryman::keras
