#include "ops/reduce/histogram.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

struct Bounds {
  ValueId low, high;
};

Bounds bounds_of_elements(CoreWriter write, ValueId x) {
  const NamedAttr axes(attr::kAxes, Axes{{0}});
  const NamedAttr keep(attr::kKeepDim, false);
  Bounds bounds;
  bounds.low = write.op(ops::kAmin, {x}, {axes, keep});
  bounds.high = write.op(ops::kAmax, {x}, {axes, keep});
  return bounds;
}

// An empty range becomes one of twice the margin around it.
Bounds widen_empty(CoreWriter write, Bounds bounds, double margin) {
  const ValueId is_point = write.binary(ops::kEq, bounds.low, bounds.high);
  ValueId width = write.cast(is_point, write.dtype(bounds.low));
  width = write.mul(width, margin);
  bounds.low = write.sub(bounds.low, width);
  bounds.high = write.add(bounds.high, width);
  return bounds;
}

// What lies outside of the bounds, and NaN, counts in no bin: its place is one more, which is cut
// off. The sums of the weights by place.
ValueId sum_by_place(CoreWriter write, ValueId place, ValueId inside, ValueId weights,
                     int64_t bins) {
  const ValueId kept = write.where(inside, place, write.scalar(place, static_cast<double>(bins)));
  const ValueId sums = emit_segments(write, weights, kept, bins + 1, "sum");
  return write.slice_axis(sums, 0, 0, bins);
}

ValueId lies_between(CoreWriter write, ValueId x, ValueId low, ValueId high) {
  const ValueId above = write.binary(ops::kGe, x, low);
  return write.binary(ops::kLogicalAnd, above, write.binary(ops::kLe, x, high));
}

ValueId ones_like(CoreWriter write, ValueId x) {
  return write.constant(TensorData::filled(write.dtype(x), write.sizes(x), 1), "ones");
}

// ---- histc ----

// The stated bounds; those of the elements if both are 0.
Result<Bounds> read_histc_bounds(ImportContext& call, ValueId x) {
  FERRYMAN_TRY(const double low, call.number("min", 0));
  FERRYMAN_TRY(const double high, call.number("max", 0));
  const CoreWriter write = call.writer();
  Bounds bounds{write.scalar(x, low), write.scalar(x, high)};
  if (low != high) return bounds;
  if (low == 0) bounds = bounds_of_elements(write, x);
  return widen_empty(write, bounds, 1);
}

// How many elements fall into each of `bins` equal parts of [low, high]; the last has its end too.
Imported import_histc(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t bins, call.integer("bins", 100));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  if (bins < 1 || !is_floating(dtype)) return call.unsupported("of whole numbers");
  if (product(write.sizes(x)) == 0) {
    call.ignore("min");
    call.ignore("max");
    return std::vector{write.constant(TensorData::filled(dtype, {bins}, 0), "histc")};
  }
  x = write.reshape(x, {-1});
  FERRYMAN_TRY(const Bounds bounds, read_histc_bounds(call, x));
  const ValueId from_low = write.sub(x, bounds.low);
  const ValueId width = write.sub(bounds.high, bounds.low);
  ValueId place = write.mul(from_low, write.scalar(x, static_cast<double>(bins)));
  place = write.div(place, width);
  place = write.unary(ops::kFloor, place);
  place = write.binary(ops::kMinimum, place, write.scalar(place, static_cast<double>(bins - 1)));
  const ValueId inside = lies_between(write, x, bounds.low, bounds.high);
  return one_result(sum_by_place(write, place, inside, ones_like(write, x), bins));
}

// ---- histogram ----

// As linspace has them: the first half counted from the start, the second from the end.
ValueId even_edges(CoreWriter write, const Bounds& bounds, int64_t bins) {
  const auto half = static_cast<size_t>((bins + 1) / 2);
  std::vector<float> from_low, from_high;
  for (int64_t i = 0; i <= bins; ++i) {
    if (from_low.size() < half) {
      from_low.push_back(static_cast<float>(i));
    } else {
      from_high.push_back(static_cast<float>(bins - i));
    }
  }
  const ValueId step = write.div(write.sub(bounds.high, bounds.low), static_cast<double>(bins));
  const auto multiples = [&](const std::vector<float>& counts) {
    const ValueId numbers = write.constant(
        TensorData::of<float>({static_cast<int64_t>(counts.size())}, counts), "steps");
    return write.mul(numbers, step);
  };
  const ValueId rising = multiples(from_low);
  const ValueId falling = multiples(from_high);
  const ValueId lower = write.add(bounds.low, rising);
  return write.concat(std::array{lower, write.sub(bounds.high, falling)}, 0);
}

Result<ValueId> read_edges(ImportContext& call, ValueId x) {
  if (call.target() == "histogram.bins_tensor") return call.tensor("bins");
  FERRYMAN_TRY(const int64_t bins, call.integer("bins", 100));
  if (bins < 1) return call.unsupported("no bins");
  Bounds bounds;
  const CoreWriter write = call.writer();
  if (call.given("range")) {
    FERRYMAN_TRY(const Floats range, call.numbers("range"));
    if (range.size() != 2) return call.unsupported("a range without two ends");
    bounds = {write.scalar(x, range[0]), write.scalar(x, range[1])};
  } else if (product(write.sizes(x)) == 0) {
    bounds = {write.scalar(x, 0), write.scalar(x, 1)};
  } else {
    bounds = bounds_of_elements(write, x);
  }
  bounds = widen_empty(write, bounds, 0.5);
  return even_edges(write, bounds, bins);
}

// For each element, how many edges are not above it.
ValueId count_edges(CoreWriter write, ValueId x, ValueId edges) {
  const ValueId is_passed = write.binary(ops::kLe, edges, write.reshape(x, {-1, 1}));
  return write.reduce(ops::kSum, write.cast(is_passed, DType::kI32), {1}, /*keepdim=*/false);
}

// The share of the whole in each bin by its width.
ValueId density_of(CoreWriter write, ValueId counts, ValueId edges) {
  const int64_t bins = write.size(counts, 0);
  const ValueId total = write.reduce(ops::kSum, counts, {0}, /*keepdim=*/false);
  const ValueId ends = write.slice_axis(edges, 0, 1, bins + 1);
  return write.div(counts, write.mul(write.sub(ends, write.slice_axis(edges, 0, 0, bins)), total));
}

Imported import_histogram(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (write.dtype(x) != DType::kF32) return call.unsupported("of anything but float32");
  x = write.reshape(x, {-1});
  FERRYMAN_TRY(const ValueId edges, read_edges(call, x));
  const int64_t bins = write.size(edges, 0) - 1;
  if (bins < 1) return call.unsupported("no bins");
  FERRYMAN_TRY(ValueId weights, call.optional_tensor("weight"));
  if (!weights.valid()) weights = ones_like(write, x);
  weights = write.reshape(weights, {-1});
  FERRYMAN_TRY(const bool density, call.flag("density", false));
  ValueId place = count_edges(write, x, edges);
  place = write.sub(place, 1);
  place = write.binary(ops::kMinimum, place, write.scalar(place, static_cast<double>(bins - 1)));
  const ValueId low = write.slice_axis(edges, 0, 0, 1);
  const ValueId inside = lies_between(write, x, low, write.slice_axis(edges, 0, bins, bins + 1));
  ValueId counts = sum_by_place(write, place, inside, weights, bins);
  if (density) counts = density_of(write, counts, edges);
  return std::vector{counts, edges};
}

}  // namespace

void add_histogram_imports(ImportTable& imports) {
  imports.add("histc.default", import_histc);
  imports.add({"histogram.bin_ct", "histogram.bins_tensor"}, import_histogram);
}

}  // namespace ferryman
