#include "ops/histogram.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman {

namespace {

struct Bounds {
  ValueId low, high;
};

Result<Bounds> bounds_of_elements(ImportContext& call, ValueId x) {
  const NamedAttr axes(attr::kAxes, Axes{{0}});
  const NamedAttr keep(attr::kKeepDim, false);
  Bounds bounds;
  FERRYMAN_TRY(bounds.low, call.emit(ops::kAmin, {x}, {axes, keep}));
  FERRYMAN_TRY(bounds.high, call.emit(ops::kAmax, {x}, {axes, keep}));
  return bounds;
}

// An empty range becomes one of twice the margin around it.
Result<Bounds> widen_empty(ImportContext& call, Bounds bounds, double margin) {
  FERRYMAN_TRY(const ValueId is_point, call.emit(ops::kEq, {bounds.low, bounds.high}));
  FERRYMAN_TRY(ValueId width, as_dtype(call, is_point, dtype_of(call, bounds.low)));
  FERRYMAN_TRY(width, call.emit(ops::kMul, {width, scalar_like(call, width, margin)}));
  FERRYMAN_TRY(bounds.low, call.emit(ops::kSub, {bounds.low, width}));
  FERRYMAN_TRY(bounds.high, call.emit(ops::kAdd, {bounds.high, width}));
  return bounds;
}

// What lies outside of the bounds, and NaN, counts in no bin: its place is one more, which is cut
// off. The sums of the weights by place.
Result<ValueId> sum_by_place(ImportContext& call, ValueId place, ValueId inside, ValueId weights,
                             int64_t bins) {
  const ValueId outside = scalar_like(call, place, static_cast<double>(bins));
  FERRYMAN_TRY(const ValueId kept, call.emit(ops::kWhere, {inside, place, outside}));
  FERRYMAN_TRY(const ValueId sums, emit_segments(call, weights, kept, bins + 1, "sum"));
  return emit_slice(call, sums, 0, 0, bins);
}

Result<ValueId> lies_between(ImportContext& call, ValueId x, ValueId low, ValueId high) {
  FERRYMAN_TRY(const ValueId above, call.emit(ops::kGe, {x, low}));
  FERRYMAN_TRY(const ValueId below, call.emit(ops::kLe, {x, high}));
  return call.emit(ops::kLogicalAnd, {above, below});
}

ValueId ones_like(ImportContext& call, ValueId x) {
  return call.builder().constant(TensorData::filled(dtype_of(call, x), sizes_of(call, x), 1),
                                 "ones");
}

// ---- histc ----

// The stated bounds; those of the elements if both are 0.
Result<Bounds> read_histc_bounds(ImportContext& call, ValueId x) {
  FERRYMAN_TRY(const double low, call.number("min", 0));
  FERRYMAN_TRY(const double high, call.number("max", 0));
  Bounds bounds{scalar_like(call, x, low), scalar_like(call, x, high)};
  if (low != high) return bounds;
  if (low == 0) {
    FERRYMAN_TRY(bounds, bounds_of_elements(call, x));
  }
  return widen_empty(call, bounds, 1);
}

// How many elements fall into each of `bins` equal parts of [low, high]; the last has its end too.
Imported import_histc(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t bins, call.integer("bins", 100));
  const DType dtype = dtype_of(call, x);
  if (bins < 1 || !is_floating(dtype)) return call.unsupported("of whole numbers");
  if (product(sizes_of(call, x)) == 0) {
    call.ignore("min");
    call.ignore("max");
    return std::vector{call.builder().constant(TensorData::filled(dtype, {bins}, 0), "histc")};
  }
  FERRYMAN_TRY(x, emit_reshape(call, x, {-1}));
  FERRYMAN_TRY(const Bounds bounds, read_histc_bounds(call, x));
  FERRYMAN_TRY(const ValueId from_low, call.emit(ops::kSub, {x, bounds.low}));
  FERRYMAN_TRY(const ValueId width, call.emit(ops::kSub, {bounds.high, bounds.low}));
  FERRYMAN_TRY(ValueId place,
               call.emit(ops::kMul, {from_low, scalar_like(call, x, static_cast<double>(bins))}));
  FERRYMAN_TRY(place, call.emit(ops::kDiv, {place, width}));
  FERRYMAN_TRY(place, call.emit(ops::kFloor, {place}));
  const ValueId last = scalar_like(call, place, static_cast<double>(bins - 1));
  FERRYMAN_TRY(place, call.emit(ops::kMinimum, {place, last}));
  FERRYMAN_TRY(const ValueId inside, lies_between(call, x, bounds.low, bounds.high));
  return one_result(sum_by_place(call, place, inside, ones_like(call, x), bins));
}

// ---- histogram ----

// As linspace has them: the first half counted from the start, the second from the end.
Result<ValueId> even_edges(ImportContext& call, const Bounds& bounds, int64_t bins) {
  const auto half = static_cast<size_t>((bins + 1) / 2);
  std::vector<float> from_low, from_high;
  for (int64_t i = 0; i <= bins; ++i) {
    if (from_low.size() < half) {
      from_low.push_back(static_cast<float>(i));
    } else {
      from_high.push_back(static_cast<float>(bins - i));
    }
  }
  FERRYMAN_TRY(const ValueId width, call.emit(ops::kSub, {bounds.high, bounds.low}));
  FERRYMAN_TRY(const ValueId step,
               call.emit(ops::kDiv, {width, scalar_like(call, width, static_cast<double>(bins))}));
  const auto multiples = [&](const std::vector<float>& counts) {
    const ValueId numbers = call.builder().constant(
        TensorData::of<float>({static_cast<int64_t>(counts.size())}, counts), "steps");
    return call.emit(ops::kMul, {numbers, step});
  };
  FERRYMAN_TRY(const ValueId rising, multiples(from_low));
  FERRYMAN_TRY(const ValueId falling, multiples(from_high));
  FERRYMAN_TRY(const ValueId lower, call.emit(ops::kAdd, {bounds.low, rising}));
  FERRYMAN_TRY(const ValueId upper, call.emit(ops::kSub, {bounds.high, falling}));
  return emit_concat(call, std::array{lower, upper}, 0);
}

Result<ValueId> read_edges(ImportContext& call, ValueId x) {
  if (call.target() == "histogram.bins_tensor") return call.tensor("bins");
  FERRYMAN_TRY(const int64_t bins, call.integer("bins", 100));
  if (bins < 1) return call.unsupported("no bins");
  Bounds bounds;
  if (call.given("range")) {
    FERRYMAN_TRY(const Floats range, call.numbers("range"));
    if (range.size() != 2) return call.unsupported("a range without two ends");
    bounds = {scalar_like(call, x, range[0]), scalar_like(call, x, range[1])};
  } else if (product(sizes_of(call, x)) == 0) {
    bounds = {scalar_like(call, x, 0), scalar_like(call, x, 1)};
  } else {
    FERRYMAN_TRY(bounds, bounds_of_elements(call, x));
  }
  FERRYMAN_TRY(bounds, widen_empty(call, bounds, 0.5));
  return even_edges(call, bounds, bins);
}

// For each element, how many edges are not above it.
Result<ValueId> count_edges(ImportContext& call, ValueId x, ValueId edges) {
  FERRYMAN_TRY(const ValueId column, emit_reshape(call, x, {-1, 1}));
  FERRYMAN_TRY(const ValueId is_passed, call.emit(ops::kLe, {edges, column}));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_passed, DType::kI32));
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, false}});
}

// The share of the whole in each bin by its width.
Result<ValueId> density_of(ImportContext& call, ValueId counts, ValueId edges) {
  const int64_t bins = sizes_of(call, counts)[0];
  FERRYMAN_TRY(const ValueId total,
               call.emit(ops::kSum, {counts}, {{attr::kAxes, Axes{{0}}}, {attr::kKeepDim, false}}));
  FERRYMAN_TRY(const ValueId ends, emit_slice(call, edges, 0, 1, bins + 1));
  FERRYMAN_TRY(const ValueId starts, emit_slice(call, edges, 0, 0, bins));
  FERRYMAN_TRY(const ValueId widths, call.emit(ops::kSub, {ends, starts}));
  FERRYMAN_TRY(const ValueId area, call.emit(ops::kMul, {widths, total}));
  return call.emit(ops::kDiv, {counts, area});
}

Imported import_histogram(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  if (dtype_of(call, x) != DType::kF32) return call.unsupported("of anything but float32");
  FERRYMAN_TRY(x, emit_reshape(call, x, {-1}));
  FERRYMAN_TRY(const ValueId edges, read_edges(call, x));
  const int64_t bins = sizes_of(call, edges)[0] - 1;
  if (bins < 1) return call.unsupported("no bins");
  FERRYMAN_TRY(ValueId weights, call.optional_tensor("weight"));
  if (!weights.valid()) weights = ones_like(call, x);
  FERRYMAN_TRY(weights, emit_reshape(call, weights, {-1}));
  FERRYMAN_TRY(const bool density, call.flag("density", false));
  FERRYMAN_TRY(ValueId place, count_edges(call, x, edges));
  FERRYMAN_TRY(place, call.emit(ops::kSub, {place, scalar_like(call, place, 1)}));
  const ValueId last = scalar_like(call, place, static_cast<double>(bins - 1));
  FERRYMAN_TRY(place, call.emit(ops::kMinimum, {place, last}));
  FERRYMAN_TRY(const ValueId low, emit_slice(call, edges, 0, 0, 1));
  FERRYMAN_TRY(const ValueId high, emit_slice(call, edges, 0, bins, bins + 1));
  FERRYMAN_TRY(const ValueId inside, lies_between(call, x, low, high));
  FERRYMAN_TRY(ValueId counts, sum_by_place(call, place, inside, weights, bins));
  if (density) {
    FERRYMAN_TRY(counts, density_of(call, counts, edges));
  }
  return std::vector{counts, edges};
}

}  // namespace

void add_histogram_imports(ImportTable& imports) {
  imports.add("histc.default", import_histc);
  imports.add({"histogram.bin_ct", "histogram.bins_tensor"}, import_histogram);
}

}  // namespace ferryman
