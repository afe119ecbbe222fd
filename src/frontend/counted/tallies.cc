// What counts values: bincount, which has as many bins as the largest value asks for; and its
// opposite, repeat_interleave, where constants say how often.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "frontend/counted/counted_table.h"
#include "frontend/counted/highest_value.h"
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/product.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman::frontend {

namespace {

// ---- bincount ----

// Where nothing bounds the values. Larger ones stop the runtime.
constexpr int64_t kMostBins = 1 << 16;
constexpr int64_t kMaxBins = int64_t{1} << 24;

// A gather of nothing but positions: the runtime stops at one outside.
Result<ValueId> required_below(ImportContext& call, ValueId x, int64_t size) {
  std::vector<int32_t> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 0);
  const ValueId all = call.builder().constant(TensorData::of<int32_t>({size}, numbers), "bins");
  return emit_gather(call, all, x, 0);
}

// The bin of each entry; those that do not exist have one of their own, after all others.
struct Bins {
  ValueId place;  // int32
  ValueId most;   // the largest that exists, -1 if none does
  int64_t count = 0;
};

Result<Bins> bins_of(CountedCall& counted, ValueId x, int64_t minimum) {
  ImportContext& call = counted.context();
  Bins bins;
  Result<int64_t> recorded = counted.result_size(0, 0);  // a number: frozen with the example's
  const std::optional<int64_t> highest = highest_value(call.graph(), x);
  FERRYMAN_TRY(const ValueId whole, counted.filled(x, Extreme::kZero));
  if (recorded.ok() || highest.has_value()) {
    bins.count = recorded.ok() ? *recorded : std::max(minimum, *highest + 1);
    if (bins.count > kMaxBins) return call.unsupported("more bins than memory can hold");
    FERRYMAN_TRY(bins.place, as_dtype(call, whole, DType::kI64));
    const NamedAttr low(attr::kMin, 0.0), high(attr::kMax, static_cast<double>(bins.count));
    FERRYMAN_TRY(bins.place, call.emit(ops::kClamp, {bins.place}, {low, high}));
    FERRYMAN_TRY(bins.place, as_dtype(call, bins.place, DType::kI32));
  } else {
    bins.count = std::max(minimum, kMostBins);
    FERRYMAN_TRY(const ValueId position, as_dtype(call, whole, DType::kI64));
    FERRYMAN_TRY(bins.place, required_below(call, position, bins.count));
  }
  ValueId ranked = bins.place;
  if (const CountedAxis* axis = counted.find(x); axis != nullptr) {
    FERRYMAN_TRY(const ValueId exists, counted.existing(x, *axis));
    const ValueId after = scalar_like(call, bins.place, static_cast<double>(bins.count));
    const ValueId none = scalar_like(call, bins.place, -1);
    FERRYMAN_TRY(ranked, call.emit(ops::kWhere, {exists, bins.place, none}));
    FERRYMAN_TRY(bins.place, call.emit(ops::kWhere, {exists, bins.place, after}));
  }
  FERRYMAN_TRY(bins.most, call.emit(ops::kAmax, {ranked},
                                    {{attr::kAxes, Axes{{0}}}, {attr::kKeepDim, false}}));
  return bins;
}

Imported import_bincount(CountedCall& counted) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId weights, call.optional_tensor("weights"));
  FERRYMAN_TRY(const int64_t minimum, call.integer("minlength", 0));
  const int64_t size = sizes_of(call, x)[0];
  if (size == 0) return call.unsupported("of no values");
  const DType dtype = call.result_type(0).dtype;
  FERRYMAN_TRY(const Bins bins, bins_of(counted, x, minimum));
  FERRYMAN_TRY(ValueId count, call.emit(ops::kAdd, {bins.most, scalar_like(call, bins.most, 1)}));
  const ValueId least = scalar_like(call, count, static_cast<double>(minimum));
  FERRYMAN_TRY(count, call.emit(ops::kMaximum, {count, least}));
  FERRYMAN_TRY(const int64_t most, counted.set_count(0, 0, count, bins.count));
  if (!weights.valid()) {
    weights = call.builder().constant(TensorData::filled(DType::kI32, {size}, 1), "ones");
  } else {
    FERRYMAN_TRY(weights, as_dtype(call, weights, dtype));
  }
  FERRYMAN_TRY(ValueId sums, emit_segments(call, weights, bins.place, bins.count + 1, "sum"));
  FERRYMAN_TRY(sums, emit_slice(call, sums, 0, 0, most));
  return one_result(as_dtype(call, sums, dtype));
}

// ---- repeat_interleave ----

// Of constants: entry n as often as repeats[n] says.
Result<Ints> repeated(ImportContext& call, ValueId repeats, int64_t size) {
  Ints counts = call.graph().constant(repeats).to_ints();
  if (counts.size() == 1) counts.resize(static_cast<size_t>(size), counts[0]);
  if (static_cast<int64_t>(counts.size()) != size)
    return call.unsupported("not one number of repeats for each entry");
  Ints places;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) return call.unsupported("a negative number of repeats");
    places.insert(places.end(), static_cast<size_t>(counts[i]), static_cast<int64_t>(i));
  }
  return places;
}

// For each of `total` results the entry that it is, by the running sum of the repeats: as many as
// have ended before it.
Result<ValueId> places_by_ends(ImportContext& call, ValueId repeats, int64_t size, int64_t total) {
  FERRYMAN_TRY(ValueId ends, as_dtype(call, repeats, DType::kI32));
  FERRYMAN_TRY(ends, emit_reshape(call, ends, {-1}));
  FERRYMAN_TRY(ends, emit_expand(call, ends, {size}));
  FERRYMAN_TRY(ends, call.emit(ops::kCumsum, {ends}, {{attr::kAxis, Axis{0}}}));
  FERRYMAN_TRY(ends, emit_reshape(call, ends, {1, size}));
  Ints numbers(static_cast<size_t>(total));
  std::iota(numbers.begin(), numbers.end(), 0);
  const ValueId number = int_constant(call, {total, 1}, numbers);
  FERRYMAN_TRY(const ValueId small, as_dtype(call, number, DType::kI32));
  FERRYMAN_TRY(ValueId has_ended, call.emit(ops::kLe, {ends, small}));
  FERRYMAN_TRY(has_ended, as_dtype(call, has_ended, DType::kI32));
  return call.emit(ops::kSum, {has_ended}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, false}});
}

// The numbers of the entries, one for each result along the axis.
Result<ValueId> places_repeated(CountedCall& counted, ValueId repeats, int64_t size, int64_t axis) {
  ImportContext& call = counted.context();
  if (call.graph().is_constant(repeats)) {
    FERRYMAN_TRY(const Ints places, repeated(call, repeats, size));
    const auto total = static_cast<int64_t>(places.size());
    FERRYMAN_TRY_STATUS(counted.set_size(0, axis, total));
    return int_constant(call, {total}, places);
  }
  const Result<int64_t> total = counted.result_size(0, axis);
  if (!total.ok() || counted.find(repeats) != nullptr || size == 0)
    return call.unsupported("a size that depends on the repeats")
        .hint("pass output_size= to repeat_interleave, or constants as repeats");
  return places_by_ends(call, repeats, size, *total);
}

Imported import_repeat_interleave(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("output_size");
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  if (counted.find(x) != nullptr) return call.unsupported("of entries counted at run time");
  int64_t axis = 0;
  if (call.given("dim")) {
    FERRYMAN_TRY(axis, call.axis("dim", rank_of(call, x)));
  } else {
    FERRYMAN_TRY(x, emit_reshape(call, x, {-1}));
  }
  const int64_t size = sizes_of(call, x)[static_cast<size_t>(axis)];
  FERRYMAN_TRY(const ValueId places, places_repeated(counted, repeats, size, axis));
  return one_result(emit_gather(call, x, places, axis));
}

Imported import_repeats(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("output_size");
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  const int64_t size = sizes_of(call, repeats)[0];
  FERRYMAN_TRY(const ValueId places, places_repeated(counted, repeats, size, 0));
  return one_result(as_dtype(call, places, dtype_of(call, repeats)));
}

}  // namespace

void add_counted_tallies(CountedTable& table) {
  table.add({"bincount.default"}, import_bincount);
  table.add({"repeat_interleave.self_Tensor"}, import_repeat_interleave);
  table.add({"repeat_interleave.Tensor"}, import_repeats);
}

}  // namespace ferryman::frontend
