// Reductions, and what runs along one axis.
#include <algorithm>

#include "ops/attrs.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

void lower_reduction(LowerOp& op, std::string_view name) {
  op.finish_operation(
      kNumpy, name, {TensorRef{op.operand(0)}},
      {{"axis", op.axes(attr::kAxes)}, {"keepdims", bool{op.attr(attr::kKeepDim)}}});
}

// Keras' positions are int32; the axis stays, with one entry.
void lower_arg(LowerOp& op, std::string_view name) {
  ModelBuilder& builder = op.builder();
  const TensorIndex found = builder.operation(kNumpy, name, {TensorRef{op.operand(0)}},
                                              {{"axis", op.axis(attr::kAxis)}, {"keepdims", true}},
                                              {DType::kI32, op.windowed_shape()});
  op.finish(builder.cast(found, op.result_type().dtype));
}

// All axes between the batch and the channels of an image.
bool is_over_image(const LowerOp& op) {
  const size_t rank = op.rank(0);
  if (rank < 3 || rank > 5 || !is_floating(op.type(0).dtype)) return false;
  Ints image;
  for (size_t axis = 1; axis + 1 < rank; ++axis) image.push_back(static_cast<int64_t>(axis));
  return op.axes(attr::kAxes) == image;
}

void lower_global_pool(LowerOp& op, std::string_view kind) {
  const std::string name =
      std::string("Global") + std::string(kind) + "Pooling" + std::to_string(op.rank(0) - 2) + "D";
  op.finish_layer({name, {{"keepdims", bool{op.attr(attr::kKeepDim)}}}},
                  {TensorRef{op.operand(0)}});
}

}  // namespace

void lower_sum(LowerOp& op) {
  lower_reduction(op, "Sum");
}
void lower_mean(LowerOp& op) {
  // Of a sequence [N, L, C] it may be a mean over anything.
  if (is_over_image(op) && op.rank(0) > 3) return lower_global_pool(op, "Average");
  lower_reduction(op, "Mean");
}
void lower_prod(LowerOp& op) {
  lower_reduction(op, "Prod");
}
void lower_amax(LowerOp& op) {
  if (is_over_image(op) && op.rank(0) > 3) return lower_global_pool(op, "Max");
  lower_reduction(op, "Max");
}
void lower_amin(LowerOp& op) {
  lower_reduction(op, "Min");
}
void lower_any(LowerOp& op) {
  lower_reduction(op, "Any");
}
void lower_all(LowerOp& op) {
  lower_reduction(op, "All");
}
void lower_argmax(LowerOp& op) {
  lower_arg(op, "Argmax");
}
void lower_argmin(LowerOp& op) {
  lower_arg(op, "Argmin");
}

void lower_softmax(LowerOp& op) {
  const int64_t axis = op.axis(attr::kAxis);
  const bool is_last = axis + 1 == static_cast<int64_t>(op.rank(0));
  op.finish_layer({"Softmax", {{"axis", is_last ? int64_t{-1} : axis}}},
                  {TensorRef{op.operand(0)}});
}

void lower_log_softmax(LowerOp& op) {
  op.finish_operation(kNn, "LogSoftmax", {TensorRef{op.operand(0)}},
                      {{"axis", op.axis(attr::kAxis)}});
}

void lower_cumsum(LowerOp& op) {
  op.finish_operation(
      kNumpy, "Cumsum", {TensorRef{op.operand(0)}},
      {{"axis", op.axis(attr::kAxis)}, {"dtype", dtype_name(op.result_type().dtype)}});
}

namespace {

TensorIndex flip_last(ModelBuilder& builder, TensorIndex x) {
  return builder.operation(kNumpy, "Flip", {TensorRef{x}}, {{"axis", -1}},
                           {builder.dtype(x), builder.shape(x)});
}

// Positions along the last axis in the order of the elements, equal ones as they stand; NaN is the
// largest. Sorted from behind, and read from behind, for the largest first.
TensorIndex sorted_positions(ModelBuilder& builder, TensorIndex x, bool is_largest) {
  const TensorSpec positions = {DType::kI32, builder.shape(x)};
  const TensorIndex turned = is_largest ? flip_last(builder, x) : x;
  const TensorIndex found =
      builder.operation(kNumpy, "Argsort", {TensorRef{turned}}, {{"axis", -1}}, positions);
  if (!is_largest) return found;
  const int64_t last = builder.shape(x).back().size() - 1;
  return builder.operation(kNumpy, "Subtract", {last, TensorRef{flip_last(builder, found)}}, {},
                           positions);
}

TensorIndex first_of_last(ModelBuilder& builder, TensorIndex x, int64_t count) {
  Dims shape = builder.shape(x);
  JsonArray key(shape.size(), slice_json({}, {}, {}));
  key.back() = slice_json({}, count, {});
  shape.back() = count;
  return builder.operation(kNumpy, "GetItem", {TensorRef{x}, key}, {}, {builder.dtype(x), shape});
}

}  // namespace

// Along the last axis. Keras' TopK leaves it to the backend which of equal elements come first, so
// it is taken where nobody asks.
void lower_topk(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorIndex x = builder.as_tensor(op.operand(0));
  const int64_t count = op.attr(attr::kCount).value.size();
  const ValueId positions = op.op().results[1];
  const bool asks_where = op.graph().num_readers(positions) > 0 || op.graph().is_output(positions);
  if (!asks_where && op.attr(attr::kLargest)) {
    const std::vector<TensorIndex> found =
        builder.operations(kMath, "TopK", {TensorRef{x}}, {{"k", count}},
                           {op.result_spec(0), {DType::kI32, op.result_shape(1)}});
    op.finish_result(0, found[0]);
    return op.finish_result(1, builder.cast(found[1], op.result_type(1).dtype));
  }
  const TensorIndex order = sorted_positions(builder, x, op.attr(attr::kLargest));
  const TensorIndex first = first_of_last(builder, order, count);
  op.finish_result(0, builder.operation(kNumpy, "TakeAlongAxis", {TensorRef{x}, TensorRef{first}},
                                        {{"axis", -1}}, op.result_spec(0)));
  op.finish_result(1, builder.cast(first, op.result_type(1).dtype));
}

}  // namespace ferryman::keras
