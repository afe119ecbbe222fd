// quantile and nanquantile: between two neighbours in the order of each line.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/promote.h"
#include "ops/reduce/ordering.h"

namespace ferryman {

namespace {

struct QuantileLines {
  ValueId rows;   // [lines, size]
  ValueId parts;  // [1, count], between 0 and 1
  Ints shape;     // of the result
};

Result<QuantileLines> read_quantile(ImportContext& call) {
  QuantileLines lines;
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId q, tensor_as(call, "q", write.dtype(x)));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  lines.shape = write.sizes(x);
  int64_t size = product(lines.shape);
  if (!call.given("dim")) {
    lines.shape = keepdim ? Ints(lines.shape.size(), 1) : Ints();
  } else if (!lines.shape.empty()) {
    FERRYMAN_TRY(const int64_t axis, call.axis("dim", lines.shape.size()));
    size = lines.shape[static_cast<size_t>(axis)];
    Ints perm = iota_axes(lines.shape.size());
    std::rotate(perm.begin() + axis, perm.begin() + axis + 1, perm.end());
    x = write.permute(x, perm);
    lines.shape[static_cast<size_t>(axis)] = 1;
    if (!keepdim) lines.shape.erase(lines.shape.begin() + axis);
  }
  if (size == 0 || product(write.sizes(x)) == 0) return call.unsupported("of no elements");
  lines.rows = write.reshape(x, {-1, size});
  lines.parts = write.reshape(q, {1, -1});
  if (write.rank(q) == 1) lines.shape.insert(lines.shape.begin(), write.size(q, 0));
  return lines;
}

// [lines, 1]: how many elements of each line are NaN, in the dtype of the elements.
ValueId count_nans(CoreWriter write, ValueId rows) {
  const ValueId is_nan = emit_nan_guard(write, rows);
  return write.reduce(ops::kSum, write.cast(is_nan, write.dtype(rows)), {1}, /*keepdim=*/true);
}

// [lines, count]: where in its sorted line each quantile stands. NaN are last: they are left out,
// or their lines read there.
Result<ValueId> find_places(ImportContext& call, const QuantileLines& lines) {
  const CoreWriter write = call.writer();
  const auto last = static_cast<double>(write.size(lines.rows, 1) - 1);
  const ValueId nans = count_nans(write, lines.rows);
  const ValueId zero = write.scalar(nans, 0);
  const ValueId end = write.scalar(nans, last);
  if (call.target().starts_with("nan")) {
    ValueId kept = write.sub(end, nans);
    kept = write.binary(ops::kMaximum, kept, zero);
    return write.mul(lines.parts, kept);
  }
  const ValueId place = write.mul(lines.parts, end);
  return write.where(write.binary(ops::kGt, nans, zero), end, place);
}

ValueId elements_at(CoreWriter write, ValueId sorted, ValueId places) {
  return gather_elements(write, sorted, write.cast(places, DType::kI32), 1);
}

Result<ValueId> interpolate(ImportContext& call, ValueId sorted, ValueId place) {
  FERRYMAN_TRY(const std::string way, call.text("interpolation", "linear"));
  const CoreWriter write = call.writer();
  if (way == "lower" || way == "higher" || way == "nearest") {
    const OpName round = way == "lower" ? ops::kFloor : way == "higher" ? ops::kCeil : ops::kRound;
    return elements_at(write, sorted, write.unary(round, place));
  }
  if (way != "linear" && way != "midpoint") return call.unsupported("an unknown interpolation");
  const ValueId lower = write.unary(ops::kFloor, place);
  const ValueId upper = write.unary(ops::kCeil, place);
  const ValueId below = elements_at(write, sorted, lower);
  const ValueId above = elements_at(write, sorted, upper);
  ValueId weight = write.scalar(place, 0.5);
  if (way == "linear") weight = write.sub(place, lower);
  return write.add(below, write.mul(write.sub(above, below), weight));
}

Imported import_quantile(ImportContext& call) {
  FERRYMAN_TRY(const QuantileLines lines, read_quantile(call));
  const CoreWriter write = call.writer();
  const Ordered sorted = emit_sort(write, lines.rows, 1, Order::kAscending);
  FERRYMAN_TRY(const ValueId place, find_places(call, lines));
  FERRYMAN_TRY(ValueId result, interpolate(call, sorted.values, place));
  result = write.permute(result, {1, 0});
  return one_result(write.reshape(result, lines.shape));
}

}  // namespace

void add_quantile_imports(ImportTable& imports) {
  imports.add({"quantile.default", "quantile.scalar", "nanquantile.default", "nanquantile.scalar"},
              import_quantile);
}

}  // namespace ferryman
