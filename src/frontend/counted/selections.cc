// What chooses entries by their values: nonzero, masks as indices, nms.
//
// The places that a mask chooses are found without a loop: the running sum of the mask says which
// number a chosen entry gets, and the entries' places are scattered to these numbers.
#include <algorithm>
#include <array>

#include "frontend/counted/counted_table.h"
#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/expression.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/product/product.h"
#include "ops/promote.h"
#include "ops/reduce/ordering.h"

namespace ferryman::frontend {

namespace {

ValueId int32(CoreWriter write, Dim number) {
  return write.size_value(number, DType::kI32);
}

// Where the value is not zero, as far as it exists.
Result<ValueId> mask_of(CountedCall& call, ValueId x) {
  ValueId mask = x;
  const CoreWriter write = call.writer();
  if (write.dtype(x) != DType::kBool) mask = write.binary(ops::kNe, x, 0);
  const CountedAxis* axis = call.find(x);
  if (axis == nullptr) return mask;
  const ValueId exists = call.existing(x, *axis);
  return write.binary(ops::kLogicalAnd, mask, exists);
}

// The places in a mask of any rank, as many as the results may have along that axis.
Result<ValueId> chosen_places(CountedCall& call, ValueId mask, size_t num_results,
                              int64_t axis = 0) {
  ImportContext& context = call.context();
  const CoreWriter write = call.writer();
  const ValueId line = write.reshape(mask, {-1});
  const Dim size = write.dim(line, 0);
  const Places places = places_of(write, line);
  Dim most = size;
  for (size_t i = 0; i < num_results; ++i) {
    FERRYMAN_TRY(most, call.set_count(i, axis, places.count, size));
  }
  if (!write.symbols().is_at_least(size, most))
    return context.unsupported("more entries than the mask has");
  return write.slice_axis(places.positions, 0, 0, most);
}

// ---- nonzero ----

// The index along each axis of flat places.
std::vector<ValueId> unravel(CoreWriter write, ValueId places, const Dims& shape) {
  std::vector<ValueId> indices;
  SymbolTable& symbols = write.symbols();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const auto after = shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1;
    const Dim stride = symbols.product(Dims(after, shape.end()));
    ValueId index = places;
    if (stride != Dim(1)) {
      index = write.binary(ops::kFloorDivide, index, int32(write, stride));
    }
    if (axis > 0) {
      index = write.binary(ops::kRemainder, index, int32(write, shape[axis]));
    }
    index = write.cast(index, DType::kI64);
    indices.push_back(index);
  }
  return indices;
}

Result<std::vector<ValueId>> nonzero_indices(CountedCall& call, size_t num_results) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor(context.find("condition") ? "condition" : "self"));
  const CoreWriter write = call.writer();
  const Dims shape = write.dims(x);
  if (shape.empty() || write.num_elements(x) == Dim(0))
    return context.unsupported("of a tensor without axes or elements");
  FERRYMAN_TRY(const ValueId mask, mask_of(call, x));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, num_results));
  return unravel(write, places, shape);
}

Imported import_nonzero(CountedCall& call) {
  FERRYMAN_TRY(std::vector<ValueId> columns, nonzero_indices(call, 1));
  const CoreWriter write = call.writer();
  for (ValueId& column : columns) {
    column = write.reshape(column, {-1, 1});
  }
  if (columns.size() == 1) return columns;
  return one_result(write.concat(columns, 1));
}

Imported import_nonzero_list(CountedCall& call) {
  return nonzero_indices(call, call.num_results());
}

// ---- indices ----

// x's entries where the mask holds, in the place of the axes that it covers.
Imported select_by_mask(CountedCall& call, ValueId x, const OneIndex& index) {
  ImportContext& context = call.context();
  const CoreWriter write = call.writer();
  Dims shape = write.dims(x);
  const Dims covered = write.dims(index.tensor);
  const auto begin = shape.begin() + index.axis;
  const bool fits =
      index.axis + static_cast<int64_t>(covered.size()) <= static_cast<int64_t>(shape.size()) &&
      !covered.empty() && std::equal(covered.begin(), covered.end(), begin);
  if (!fits || write.num_elements(index.tensor) == Dim(0))
    return context.unsupported("a mask of another shape");
  FERRYMAN_TRY(const ValueId mask, mask_of(call, index.tensor));
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, 1, index.axis));
  const auto end = begin + static_cast<int64_t>(covered.size());
  *begin = write.num_elements(index.tensor);
  shape.erase(begin + 1, end);
  return one_result(write.gather(write.reshape(x, shape), index.axis, places));
}

Imported import_index(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const OneIndex index, only_index(context));
  const CoreWriter write = call.writer();
  if (is_mask(write, index.tensor)) return select_by_mask(call, x, index);
  const CountedAxis* rows = call.find(x);
  if (rows != nullptr && rows->axis != index.axis && call.find(index.tensor) != nullptr)
    return context.unsupported("a counted index into another axis than the counted one");
  FERRYMAN_TRY(ValueId positions, positions_of(call, x, index));
  positions = brought_inside(write, positions, write.dim(x, index.axis));
  return one_result(write.gather(x, index.axis, positions));
}

Imported import_masked_select(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const ValueId given, context.tensor("mask"));
  FERRYMAN_TRY(ValueId mask, mask_of(call, given));
  const CoreWriter write = call.writer();
  const Dims a = write.dims(x), b = write.dims(mask);
  Dims shape(std::max(a.size(), b.size()), 1);
  for (const Dims& sizes : {a, b}) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      Dim& size = shape[shape.size() - sizes.size() + i];
      if (sizes[i] != Dim(1)) size = sizes[i];
    }
  }
  if (write.symbols().product(shape) == Dim(0))
    return context.unsupported("of a tensor without elements");
  if (const CountedAxis* axis = call.find(x); axis != nullptr) {
    const ValueId exists = call.existing(x, *axis);
    mask = write.binary(ops::kLogicalAnd, mask, exists);
  }
  x = write.expand(x, shape);
  mask = write.expand(mask, shape);
  x = write.reshape(x, {-1});
  FERRYMAN_TRY(const ValueId places, chosen_places(call, mask, 1));
  return one_result(write.gather(x, 0, places));
}

// ---- boxes ----

// Whether a box has an area to speak of. Others overlap nothing, and must be kept from the target's
// kernel: it takes a box for new that does not overlap itself.
ValueId have_area(CoreWriter write, ValueId boxes) {
  std::vector<Expression> corners;
  for (int64_t i = 0; i < 4; ++i) {
    const ValueId corner = write.select(boxes, 1, i);
    corners.emplace_back(write, corner);
  }
  const Expression width = corners[2] - corners[0];
  const Expression area = width * (corners[3] - corners[1]);
  constexpr double kSmallest = 1e-37, kLargest = 1e37;  // sums of areas stay finite
  return both(width > 0.0, both(area > kSmallest, area < kLargest)).value();
}

// n, n - 1, … 1
ValueId falling(CoreWriter write, Dim size) {
  if (!size.is_static()) {
    const ValueId places = write.cast(write.numbers(size, "places"), DType::kF32);
    return write.sub(write.size_value(size, DType::kF32), places);
  }
  std::vector<float> numbers(static_cast<size_t>(size.size()));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(numbers.size() - i);
  return write.constant(TensorData::of<float>({size.size()}, numbers), "ranks");
}

// n, n - 1, … for the boxes that take part: no two are equal, so that the kernel, which does not
// promise an order of equal scores, has no choice.
ValueId ranks(CoreWriter write, ValueId takes_part) {
  return write.where(takes_part, falling(write, write.dim(takes_part, 0)), 0);
}

// Of boxes in order: which of those that take part remain.
Result<ValueId> remaining(CountedCall& call, ValueId boxes, ValueId takes_part, double threshold) {
  if (threshold >= 1) return takes_part;  // none overlaps another by more
  const CoreWriter write = call.writer();
  const Dim size = write.dim(takes_part, 0);
  const ValueId rank = ranks(write, takes_part);
  const std::vector<ValueId> nms = write.all_results(
      ops::kNms, std::array{boxes, rank}, std::array{NamedAttr(attr::kThreshold, threshold)});
  const ValueId kept = nms[0];
  const ValueId is_kept = call.below(nms[1], size);
  const ValueId place = write.where(is_kept, kept, int32(write, size));
  const ValueId ones = write.filled(DType::kI32, {size}, 1, "ones");
  const Dim with_spare = write.symbols().shift(size, 1);
  ValueId hits = emit_segments(write, ones, place, with_spare, "sum");
  hits = write.slice_axis(hits, 0, 0, size);
  return write.binary(ops::kGt, hits, int32(write, 0));
}

constexpr int64_t kMaxBoxes = int64_t{1} << 24;  // float32 numbers them exactly

Imported import_nms(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(ValueId boxes, context.tensor("dets"));
  FERRYMAN_TRY(ValueId scores, context.tensor("scores"));
  FERRYMAN_TRY(const double threshold, context.number("iou_threshold"));
  const CoreWriter write = call.writer();
  const Dim size = write.dim(scores, 0);
  if (size == Dim(0) || (size.is_static() && size.size() > kMaxBoxes))
    return context.unsupported("of no boxes, or too many");
  if (!(threshold >= 0)) return context.unsupported("a negative threshold");
  const CountedAxis* axis = call.find(boxes);
  scores = call.filled(scores, Extreme::kLowest);
  scores = write.cast(scores, DType::kF32);
  boxes = write.cast(boxes, DType::kF32);
  const Ordered order = emit_sort(write, scores, 0, Order::kDescending);
  boxes = write.gather(boxes, 0, order.positions);
  ValueId takes_part = have_area(write, boxes);
  ValueId stays = write.unary(ops::kLogicalNot, takes_part);
  if (axis != nullptr) {  // those that do not exist come last
    const ValueId exists = call.below(axis->count, size);
    takes_part = write.binary(ops::kLogicalAnd, takes_part, exists);
    stays = write.binary(ops::kLogicalAnd, stays, exists);
  }
  FERRYMAN_TRY(const ValueId kept, remaining(call, boxes, takes_part, threshold));
  stays = write.binary(ops::kLogicalOr, stays, kept);
  FERRYMAN_TRY(const ValueId places, chosen_places(call, stays, 1));
  const ValueId positions = write.gather(order.positions, 0, places);
  return one_result(write.cast(positions, DType::kI64));
}

}  // namespace

Places places_of(CoreWriter write, ValueId mask) {
  const Dim size = write.dim(mask, 0);
  const ValueId ones = write.cast(mask, DType::kI32);
  const ValueId sums = write.op(ops::kCumsum, {ones}, {{attr::kAxis, Axis{0}}});
  Places places;
  places.count = write.select(sums, 0, write.symbols().shift(size, -1));
  const ValueId number = write.sub(sums, int32(write, 1));
  const ValueId target = write.where(mask, number, int32(write, size));
  const Dim with_spare = write.symbols().shift(size, 1);
  const ValueId all =
      emit_segments(write, write.numbers(size, "places"), target, with_spare, "sum");
  places.positions = write.slice_axis(all, 0, 0, size);
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
