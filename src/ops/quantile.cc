// quantile and nanquantile: between two neighbours in the order of each line.
#include <algorithm>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/ordering.h"
#include "ops/promote.h"

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
  FERRYMAN_TRY(const ValueId q, tensor_as(call, "q", dtype_of(call, x)));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  lines.shape = sizes_of(call, x);
  int64_t size = product(lines.shape);
  if (!call.given("dim")) {
    lines.shape = keepdim ? Ints(lines.shape.size(), 1) : Ints();
  } else if (!lines.shape.empty()) {
    FERRYMAN_TRY(const int64_t axis, call.axis("dim", lines.shape.size()));
    size = lines.shape[static_cast<size_t>(axis)];
    Ints perm(lines.shape.size());
    std::iota(perm.begin(), perm.end(), 0);
    std::rotate(perm.begin() + axis, perm.begin() + axis + 1, perm.end());
    FERRYMAN_TRY(x, emit_permute(call, x, perm));
    lines.shape[static_cast<size_t>(axis)] = 1;
    if (!keepdim) lines.shape.erase(lines.shape.begin() + axis);
  }
  if (size == 0 || product(sizes_of(call, x)) == 0) return call.unsupported("of no elements");
  FERRYMAN_TRY(lines.rows, emit_reshape(call, x, {-1, size}));
  FERRYMAN_TRY(lines.parts, emit_reshape(call, q, {1, -1}));
  if (rank_of(call, q) == 1) lines.shape.insert(lines.shape.begin(), sizes_of(call, q)[0]);
  return lines;
}

// [lines, 1]: how many elements of each line are NaN, in the dtype of the elements.
Result<ValueId> count_nans(ImportContext& call, ValueId rows) {
  FERRYMAN_TRY(const ValueId is_nan, emit_nan_guard(call, rows));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_nan, dtype_of(call, rows)));
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, true}});
}

// [lines, count]: where in its sorted line each quantile stands. NaN are last: they are left out,
// or their lines read there.
Result<ValueId> find_places(ImportContext& call, const QuantileLines& lines) {
  const auto last = static_cast<double>(sizes_of(call, lines.rows)[1] - 1);
  FERRYMAN_TRY(const ValueId nans, count_nans(call, lines.rows));
  const ValueId zero = scalar_like(call, nans, 0);
  const ValueId end = scalar_like(call, nans, last);
  if (call.target().starts_with("nan")) {
    FERRYMAN_TRY(ValueId kept, call.emit(ops::kSub, {end, nans}));
    FERRYMAN_TRY(kept, call.emit(ops::kMaximum, {kept, zero}));
    return call.emit(ops::kMul, {lines.parts, kept});
  }
  FERRYMAN_TRY(const ValueId place, call.emit(ops::kMul, {lines.parts, end}));
  FERRYMAN_TRY(const ValueId has_nan, call.emit(ops::kGt, {nans, zero}));
  return call.emit(ops::kWhere, {has_nan, end, place});
}

Result<ValueId> elements_at(ImportContext& call, ValueId sorted, ValueId places) {
  FERRYMAN_TRY(const ValueId whole, as_dtype(call, places, DType::kI32));
  return gather_elements(call, sorted, whole, 1);
}

Result<ValueId> interpolate(ImportContext& call, ValueId sorted, ValueId place) {
  FERRYMAN_TRY(const std::string way, call.text("interpolation", "linear"));
  if (way == "lower" || way == "higher" || way == "nearest") {
    const OpName round = way == "lower" ? ops::kFloor : way == "higher" ? ops::kCeil : ops::kRound;
    FERRYMAN_TRY(const ValueId rounded, call.emit(round, {place}));
    return elements_at(call, sorted, rounded);
  }
  if (way != "linear" && way != "midpoint") return call.unsupported("an unknown interpolation");
  FERRYMAN_TRY(const ValueId lower, call.emit(ops::kFloor, {place}));
  FERRYMAN_TRY(const ValueId upper, call.emit(ops::kCeil, {place}));
  FERRYMAN_TRY(const ValueId below, elements_at(call, sorted, lower));
  FERRYMAN_TRY(const ValueId above, elements_at(call, sorted, upper));
  ValueId weight = scalar_like(call, place, 0.5);
  if (way == "linear") {
    FERRYMAN_TRY(weight, call.emit(ops::kSub, {place, lower}));
  }
  FERRYMAN_TRY(const ValueId distance, call.emit(ops::kSub, {above, below}));
  FERRYMAN_TRY(const ValueId step, call.emit(ops::kMul, {distance, weight}));
  return call.emit(ops::kAdd, {below, step});
}

Imported import_quantile(ImportContext& call) {
  FERRYMAN_TRY(const QuantileLines lines, read_quantile(call));
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, lines.rows, 1, Order::kAscending));
  FERRYMAN_TRY(const ValueId place, find_places(call, lines));
  FERRYMAN_TRY(ValueId result, interpolate(call, sorted.values, place));
  FERRYMAN_TRY(result, emit_permute(call, result, {1, 0}));
  return one_result(emit_reshape(call, result, lines.shape));
}

}  // namespace

void add_quantile_imports(ImportTable& imports) {
  imports.add({"quantile.default", "quantile.scalar", "nanquantile.default", "nanquantile.scalar"},
              import_quantile);
}

}  // namespace ferryman
