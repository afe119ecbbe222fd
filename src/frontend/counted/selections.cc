// What chooses entries by their values: nonzero, masks as indices, nms.
//
// The places that a mask chooses are found without a loop: the running sum of the mask says which
// number a chosen entry gets, and the entries' places are scattered to these numbers.
#include <algorithm>
#include <numeric>

#include "frontend/counted/counted_table.h"
#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/expression.h"
#include "ops/names.h"
#include "ops/ordering.h"
#include "ops/product.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman::frontend {

namespace {

ValueId numbers_up_to(ImportContext& call, int64_t size) {
  std::vector<int32_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 0);
  return call.builder().constant(TensorData::of<int32_t>({size}, numbers), "places");
}

ValueId int32(ImportContext& call, int64_t number) {
  return call.builder().scalar(DType::kI32, static_cast<double>(number));
}

// Where the value is not zero, as far as it exists.
Result<ValueId> mask_of(CountedCall& call, ValueId x) {
  ImportContext& context = call.context();
  ValueId mask = x;
  if (dtype_of(context, x) != DType::kBool) {
    FERRYMAN_TRY(mask, context.emit(ops::kNe, {x, scalar_like(context, x, 0)}));
  }
  const CountedAxis* axis = call.find(x);
  if (axis == nullptr) return mask;
  FERRYMAN_TRY(const ValueId exists, call.existing(x, *axis));
  return context.emit(ops::kLogicalAnd, {mask, exists});
}

// The places in a mask of any rank, as many as the results may have along that axis.
Result<ValueId> chosen_places(CountedCall& call, ValueId mask, size_t num_results,
                              int64_t axis = 0) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId line, emit_reshape(context, mask, {-1}));
  const int64_t size = sizes_of(context, line)[0];
  FERRYMAN_TRY(const Places places, places_of(context, line));
  int64_t most = size;
  for (size_t i = 0; i < num_results; ++i) {
    FERRYMAN_TRY(most, call.set_count(i, axis, places.count, size));
  }
  if (most > size) return context.unsupported("more entries than the mask has");
  return emit_slice(context, places.positions, 0, 0, most);
}

// ---- nonzero ----

// The index along each axis of flat places.
Result<std::vector<ValueId>> unravel(ImportContext& call, ValueId places, const Ints& shape) {
  std::vector<ValueId> indices;
  int64_t stride = product(shape);
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    stride /= shape[axis];
    ValueId index = places;
    if (stride > 1) {
      FERRYMAN_TRY(index, call.emit(ops::kFloorDivide, {index, int32(call, stride)}));
    }
    if (axis > 0) {
      FERRYMAN_TRY(index, call.emit(ops::kRemainder, {index, int32(call, shape[axis])}));
    }
    FERRYMAN_TRY(index, as_dtype(call, index, DType::kI64));
    indices.push_back(index);
  }
  return indices;
}

Result<std::vector<ValueId>> nonzero_indices(CountedCall& call, size_t num_results) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor(context.find("condition") ? "condition" : "self"));
  const Ints shape = sizes_of(context, x);
  if (shape.empty() || product(shape) == 0)
    return context.unsupported("of a tensor without axes or elements");
  FERRYMAN_TRY(const ValueId mask, mask_of(call, x));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, num_results));
  return unravel(context, places, shape);
}

Imported import_nonzero(CountedCall& call) {
  FERRYMAN_TRY(std::vector<ValueId> columns, nonzero_indices(call, 1));
  for (ValueId& column : columns) {
    FERRYMAN_TRY(column, emit_reshape(call.context(), column, {-1, 1}));
  }
  if (columns.size() == 1) return columns;
  return one_result(emit_concat(call.context(), columns, 1));
}

Imported import_nonzero_list(CountedCall& call) {
  return nonzero_indices(call, call.num_results());
}

// ---- indices ----

// x's entries where the mask holds, in the place of the axes that it covers.
Imported select_by_mask(CountedCall& call, ValueId x, const OneIndex& index) {
  ImportContext& context = call.context();
  Ints shape = sizes_of(context, x);
  const Ints covered = sizes_of(context, index.tensor);
  const auto begin = shape.begin() + index.axis;
  const bool fits =
      index.axis + static_cast<int64_t>(covered.size()) <= static_cast<int64_t>(shape.size()) &&
      !covered.empty() && std::equal(covered.begin(), covered.end(), begin);
  if (!fits || product(covered) == 0) return context.unsupported("a mask of another shape");
  FERRYMAN_TRY(const ValueId mask, mask_of(call, index.tensor));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, 1, index.axis));
  const auto end = begin + static_cast<int64_t>(covered.size());
  shape.insert(shape.erase(begin, end), product(covered));
  FERRYMAN_TRY(const ValueId merged, emit_reshape(context, x, shape));
  return one_result(emit_gather(context, merged, places, index.axis));
}

Imported import_index(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const OneIndex index, only_index(context));
  if (is_mask(context, index.tensor)) return select_by_mask(call, x, index);
  const CountedAxis* rows = call.find(x);
  if (rows != nullptr && rows->axis != index.axis && call.find(index.tensor) != nullptr)
    return context.unsupported("a counted index into another axis than the counted one");
  FERRYMAN_TRY(ValueId positions, positions_of(call, x, index));
  const int64_t last = sizes_of(context, x)[static_cast<size_t>(index.axis)] - 1;
  FERRYMAN_TRY(positions,
               context.emit(ops::kClamp, {positions},
                            {{attr::kMin, 0.0}, {attr::kMax, static_cast<double>(last)}}));
  return one_result(emit_gather(context, x, positions, index.axis));
}

Imported import_masked_select(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const ValueId given, context.tensor("mask"));
  FERRYMAN_TRY(ValueId mask, mask_of(call, given));
  const Ints a = sizes_of(context, x), b = sizes_of(context, mask);
  Ints shape(std::max(a.size(), b.size()), 1);
  for (const Ints& sizes : {a, b}) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      int64_t& size = shape[shape.size() - sizes.size() + i];
      if (sizes[i] != 1) size = sizes[i];
    }
  }
  if (product(shape) == 0) return context.unsupported("of a tensor without elements");
  if (const CountedAxis* axis = call.find(x); axis != nullptr) {
    FERRYMAN_TRY(const ValueId exists, call.existing(x, *axis));
    FERRYMAN_TRY(mask, context.emit(ops::kLogicalAnd, {mask, exists}));
  }
  FERRYMAN_TRY(x, emit_expand(context, x, shape));
  FERRYMAN_TRY(mask, emit_expand(context, mask, shape));
  FERRYMAN_TRY(x, emit_reshape(context, x, {-1}));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, 1));
  return one_result(emit_gather(context, x, places, 0));
}

// ---- boxes ----

// Whether a box has an area to speak of. Others overlap nothing, and must be kept from the target's
// kernel: it takes a box for new that does not overlap itself.
Result<ValueId> have_area(ImportContext& call, ValueId boxes) {
  std::vector<Expression> corners;
  for (int64_t i = 0; i < 4; ++i) {
    FERRYMAN_TRY(const ValueId corner, emit_select(call, boxes, 1, i));
    corners.emplace_back(call.builder(), corner);
  }
  const Expression width = corners[2] - corners[0];
  const Expression area = width * (corners[3] - corners[1]);
  constexpr double kSmallest = 1e-37, kLargest = 1e37;  // sums of areas stay finite
  return both(width > 0.0, both(area > kSmallest, area < kLargest)).value();
}

// n, n - 1, … for the boxes that take part: no two are equal, so that the kernel, which does not
// promise an order of equal scores, has no choice.
Result<ValueId> ranks(ImportContext& call, ValueId takes_part) {
  const int64_t size = sizes_of(call, takes_part)[0];
  std::vector<float> numbers(static_cast<size_t>(size));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(numbers.size() - i);
  const ValueId falling = call.builder().constant(TensorData::of<float>({size}, numbers), "ranks");
  return call.emit(ops::kWhere, {takes_part, falling, scalar_like(call, falling, 0)});
}

// Of boxes in order: which of those that take part remain.
Result<ValueId> remaining(CountedCall& call, ValueId boxes, ValueId takes_part, double threshold) {
  if (threshold >= 1) return takes_part;  // none overlaps another by more
  ImportContext& context = call.context();
  const int64_t size = sizes_of(context, takes_part)[0];
  FERRYMAN_TRY(const ValueId rank, ranks(context, takes_part));
  FERRYMAN_TRY(const ValueId kept,
               context.emit(ops::kNms, {boxes, rank}, {{attr::kThreshold, threshold}}));
  const ValueId count = context.graph().op(context.graph().producer(kept)).results[1];
  FERRYMAN_TRY(const ValueId is_kept, call.below(count, size));
  FERRYMAN_TRY(const ValueId place,
               context.emit(ops::kWhere, {is_kept, kept, int32(context, size)}));
  const ValueId ones =
      context.builder().constant(TensorData::filled(DType::kI32, {size}, 1), "ones");
  FERRYMAN_TRY(ValueId hits, emit_segments(context, ones, place, size + 1, "sum"));
  FERRYMAN_TRY(hits, emit_slice(context, hits, 0, 0, size));
  return context.emit(ops::kGt, {hits, int32(context, 0)});
}

constexpr int64_t kMaxBoxes = int64_t{1} << 24;  // float32 numbers them exactly

Imported import_nms(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ValueId boxes, context.tensor("dets"));
  FERRYMAN_TRY(ValueId scores, context.tensor("scores"));
  FERRYMAN_TRY(const double threshold, context.number("iou_threshold"));
  const int64_t size = sizes_of(context, scores)[0];
  if (size == 0 || size > kMaxBoxes) return context.unsupported("of no boxes, or too many");
  if (!(threshold >= 0)) return context.unsupported("a negative threshold");
  const CountedAxis* axis = call.find(boxes);
  FERRYMAN_TRY(scores, call.filled(scores, Extreme::kLowest));
  FERRYMAN_TRY(scores, as_dtype(context, scores, DType::kF32));
  FERRYMAN_TRY(boxes, as_dtype(context, boxes, DType::kF32));
  FERRYMAN_TRY(const Ordered order, emit_sort(context, scores, 0, Order::kDescending));
  FERRYMAN_TRY(boxes, emit_gather(context, boxes, order.positions, 0));
  FERRYMAN_TRY(ValueId takes_part, have_area(context, boxes));
  FERRYMAN_TRY(ValueId stays, context.emit(ops::kLogicalNot, {takes_part}));
  if (axis != nullptr) {  // those that do not exist come last
    FERRYMAN_TRY(const ValueId exists, call.below(axis->count, size));
    FERRYMAN_TRY(takes_part, context.emit(ops::kLogicalAnd, {takes_part, exists}));
    FERRYMAN_TRY(stays, context.emit(ops::kLogicalAnd, {stays, exists}));
  }
  FERRYMAN_TRY(const ValueId kept, remaining(call, boxes, takes_part, threshold));
  FERRYMAN_TRY(stays, context.emit(ops::kLogicalOr, {stays, kept}));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, stays, 1));
  FERRYMAN_TRY(const ValueId positions, emit_gather(context, order.positions, places, 0));
  return one_result(as_dtype(context, positions, DType::kI64));
}

}  // namespace

Result<Places> places_of(ImportContext& call, ValueId mask) {
  const int64_t size = sizes_of(call, mask)[0];
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, mask, DType::kI32));
  FERRYMAN_TRY(const ValueId sums, call.emit(ops::kCumsum, {ones}, {{attr::kAxis, Axis{0}}}));
  Places places;
  FERRYMAN_TRY(places.count, emit_select(call, sums, 0, size - 1));
  FERRYMAN_TRY(const ValueId number, call.emit(ops::kSub, {sums, int32(call, 1)}));
  FERRYMAN_TRY(const ValueId target, call.emit(ops::kWhere, {mask, number, int32(call, size)}));
  FERRYMAN_TRY(const ValueId all,
               emit_segments(call, numbers_up_to(call, size), target, size + 1, "sum"));
  FERRYMAN_TRY(places.positions, emit_slice(call, all, 0, 0, size));
  return places;
}

void add_counted_selections(CountedTable& table) {
  table.add({"nonzero.default"}, import_nonzero);
  table.add({"nonzero_numpy.default", "where.default"}, import_nonzero_list);
  table.add({"index.Tensor", "_unsafe_index.Tensor"}, import_index);
  table.add({"masked_select.default"}, import_masked_select);
  table.add({"torchvision.nms.default"}, import_nms);
}

}  // namespace ferryman::frontend
