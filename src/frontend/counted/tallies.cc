// What counts values: bincount, which has as many bins as the largest value asks for; and its
// opposite, repeat_interleave, where constants say how often.
#include <algorithm>
#include <array>
#include <cmath>

#include "frontend/counted/counted_table.h"
#include "frontend/counted/highest_value.h"
#include "ops/attrs.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/product/product.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// ---- bincount ----

// Where nothing bounds the values. Larger ones stop the runtime.
constexpr int64_t kMostBins = 1 << 16;
constexpr int64_t kMaxBins = int64_t{1} << 24;

// A gather of nothing but positions: the runtime stops at one outside.
ValueId required_below(CoreWriter write, ValueId x, int64_t size) {
  return write.gather(write.numbers(size, "bins"), 0, x);
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
  Result<Dim> recorded = counted.result_size(0, 0);  // a number: frozen with the example's
  const std::optional<int64_t> highest = highest_value(call.graph(), x);
  const ValueId whole = counted.filled(x, Extreme::kZero);
  const CoreWriter write = counted.writer();
  if (recorded.ok() || highest.has_value()) {
    bins.count = recorded.ok() ? recorded->size() : std::max(minimum, *highest + 1);
    if (bins.count > kMaxBins) return call.unsupported("more bins than memory can hold");
    bins.place = write.cast(whole, DType::kI64);
    const NamedAttr low(attr::kMin, 0.0), high(attr::kMax, static_cast<double>(bins.count));
    bins.place = write.op(ops::kClamp, {bins.place}, {low, high});
    bins.place = write.cast(bins.place, DType::kI32);
  } else {
    bins.count = std::max(minimum, kMostBins);
    const ValueId position = write.cast(whole, DType::kI64);
    bins.place = required_below(write, position, bins.count);
  }
  ValueId ranked = bins.place;
  if (const CountedAxis* axis = counted.find(x); axis != nullptr) {
    const ValueId exists = counted.existing(x, *axis);
    const ValueId after = write.scalar(bins.place, static_cast<double>(bins.count));
    ranked = write.where(exists, bins.place, write.scalar(bins.place, -1));
    bins.place = write.where(exists, bins.place, after);
  }
  bins.most = write.reduce(ops::kAmax, ranked, {0}, /*keepdim=*/false);
  return bins;
}

Imported import_bincount(CountedCall& counted) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId weights, call.optional_tensor("weights"));
  FERRYMAN_TRY(const int64_t minimum, call.integer("minlength", 0));
  const CoreWriter write = counted.writer();
  const Dim size = write.dim(x, 0);
  if (size == Dim(0)) return call.unsupported("of no values");
  const DType dtype = call.result_type(0).dtype;
  FERRYMAN_TRY(const Bins bins, bins_of(counted, x, minimum));
  ValueId count = write.add(bins.most, 1);
  count = write.binary(ops::kMaximum, count, write.scalar(count, static_cast<double>(minimum)));
  FERRYMAN_TRY(const Dim most, counted.set_count(0, 0, count, bins.count));
  if (!weights.valid()) {
    weights = write.filled(DType::kI32, {size}, 1, "ones");
  } else {
    weights = write.cast(weights, dtype);
  }
  ValueId sums = emit_segments(write, weights, bins.place, bins.count + 1, "sum");
  sums = write.slice_axis(sums, 0, 0, most);
  return one_result(write.cast(sums, dtype));
}

// ---- repeat_interleave ----

// Of constants: entry n as often as repeats[n] says.
Result<Ints> repeated(ImportContext& call, ValueId repeats, int64_t size) {
  Ints counts = call.writer().graph().constant(repeats).to_ints();
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

// 0, 1, … as int32 [total, 1].
ValueId column_of_numbers(CoreWriter write, Dim total) {
  if (!total.is_static()) return write.numbers_along(total, 2, 0, "numbers");
  const auto count = static_cast<size_t>(total.size());
  return write.cast(write.indices({total.size(), 1}, iota_axes(count)), DType::kI32);
}

// For each of `total` results the entry that it is, by the running sum of the repeats: as many as
// have ended before it.
ValueId places_by_ends(CoreWriter write, ValueId repeats, Dim size, Dim total) {
  ValueId ends = write.cast(repeats, DType::kI32);
  ends = write.reshape(ends, {-1});
  ends = write.expand(ends, Dims{size});
  ends = write.op(ops::kCumsum, {ends}, {{attr::kAxis, Axis{0}}});
  ends = write.reshape(ends, Dims{1, size});
  const ValueId small = column_of_numbers(write, total);
  ValueId has_ended = write.binary(ops::kLe, ends, small);
  has_ended = write.cast(has_ended, DType::kI32);
  return write.reduce(ops::kSum, has_ended, {1}, /*keepdim=*/false);
}

// The numbers of the entries, one for each result along the axis.
Result<ValueId> places_repeated(CountedCall& counted, ValueId repeats, Dim size, int64_t axis) {
  ImportContext& call = counted.context();
  const CoreWriter write = counted.writer();
  if (write.is_constant(repeats) && size.is_static()) {
    FERRYMAN_TRY(const Ints places, repeated(call, repeats, size.size()));
    const auto total = static_cast<int64_t>(places.size());
    FERRYMAN_TRY_STATUS(counted.set_size(0, axis, total));
    return write.indices({total}, places);
  }
  const Result<Dim> total = counted.result_size(0, axis);
  if (!total.ok() || counted.find(repeats) != nullptr || size == Dim(0))
    return call.unsupported("a size that depends on the repeats")
        .hint("pass output_size= to repeat_interleave, or constants as repeats");
  return places_by_ends(write, repeats, size, *total);
}

Imported import_repeat_interleave(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("output_size");
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  if (counted.find(x) != nullptr) return call.unsupported("of entries counted at run time");
  int64_t axis = 0;
  const CoreWriter write = counted.writer();
  if (call.given("dim")) {
    FERRYMAN_TRY(axis, call.axis("dim", write.rank(x)));
  } else {
    x = write.reshape(x, {-1});
  }
  const Dim size = write.dim(x, axis);
  FERRYMAN_TRY(const ValueId places, places_repeated(counted, repeats, size, axis));
  return one_result(write.gather(x, axis, places));
}

Imported import_repeats(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("output_size");
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  const CoreWriter write = counted.writer();
  const Dim size = write.dim(repeats, 0);
  FERRYMAN_TRY(const ValueId places, places_repeated(counted, repeats, size, 0));
  return one_result(write.cast(places, write.dtype(repeats)));
}

}  // namespace

void add_counted_tallies(CountedTable& table) {
  table.add({"bincount.default"}, import_bincount);
  table.add({"repeat_interleave.self_Tensor"}, import_repeat_interleave);
  table.add({"repeat_interleave.Tensor"}, import_repeats);
}

}  // namespace ferryman::frontend
