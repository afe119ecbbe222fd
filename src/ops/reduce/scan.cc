#include "ops/reduce/scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// Steps that reach all of an axis; where its size is free, of the largest that it may have.
constexpr int64_t kLongestAxis = std::numeric_limits<int32_t>::max();

// The same along an axis of free size: each entry reads the one before it, or itself where there is
// none, and stays what it is then.
Parts scan_freely(CoreWriter write, Parts parts, int64_t axis, const CombineParts& combine) {
  const Dim size = write.dim(parts.front(), axis);
  const auto along = static_cast<size_t>(axis);
  const int64_t longest = std::min(write.symbols().range(size).max, kLongestAxis);
  const ValueId places = write.numbers(size, "places");
  for (int64_t reach = 1; reach < longest; reach *= 2) {
    const ValueId before = write.sub(places, static_cast<double>(reach));
    const ValueId source = write.binary(ops::kMaximum, before, 0);
    Dims line(write.rank(parts.front()), 1);
    line[along] = size;
    const ValueId exists = write.reshape(write.binary(ops::kGe, before, 0), line);
    Parts earlier;
    for (const ValueId part : parts) earlier.push_back(write.gather(part, along, source));
    const Parts combined = combine(write, earlier, parts);
    for (size_t i = 0; i < parts.size(); ++i) parts[i] = write.where(exists, combined[i], parts[i]);
  }
  return parts;
}

}  // namespace

Parts emit_scan(CoreWriter write, Parts parts, int64_t axis, const CombineParts& combine) {
  if (!write.dim(parts.front(), axis).is_static())
    return scan_freely(write, std::move(parts), axis, combine);
  const int64_t size = write.size(parts.front(), axis);
  for (int64_t reach = 1; reach < size; reach *= 2) {
    Parts earlier, later;
    for (const ValueId part : parts) {
      earlier.push_back(write.slice_axis(part, axis, 0, size - reach));
      later.push_back(write.slice_axis(part, axis, reach, size));
    }
    const Parts combined = combine(write, earlier, later);
    for (size_t i = 0; i < parts.size(); ++i) {
      const ValueId first = write.slice_axis(parts[i], axis, 0, reach);
      parts[i] = write.concat(std::array{first, combined[i]}, axis);
    }
  }
  return parts;
}

namespace {

template <const OpName& kOp>
Parts combine_by(CoreWriter write, const Parts& earlier, const Parts& later) {
  return Parts{write.binary(kOp, earlier[0], later[0])};
}

struct Scanned {
  ValueId x;
  int64_t axis = 0;
  Dims shape;  // of the call's results
};

// A tensor without axes is taken as one element along one axis.
Result<Scanned> read_scanned(ImportContext& call) {
  Scanned scanned;
  FERRYMAN_TRY(scanned.x, call.tensor("self"));
  const CoreWriter write = call.writer();
  scanned.shape = write.dims(scanned.x);
  FERRYMAN_TRY(scanned.axis, call.axis("dim", scanned.shape.size()));
  if (scanned.shape.empty()) scanned.x = write.reshape(scanned.x, {1});
  return scanned;
}

// Whole numbers are multiplied as int64 unless a dtype is given.
Imported import_cumprod(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(scanned.x);
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", is_floating(own) ? own : DType::kI64));
  const ValueId x = write.cast(scanned.x, dtype);
  const auto combine = dtype == DType::kBool ? combine_by<ops::kLogicalAnd> : combine_by<ops::kMul>;
  const Parts products = emit_scan(write, {x}, scanned.axis, combine);
  return one_result(write.reshape(products[0], scanned.shape));
}

// Values with their positions: the later of equal ones, and NaN from where it first stands on.
template <const OpName& kBeats>
Parts combine_extremes(CoreWriter write, const Parts& earlier, const Parts& later) {
  ValueId takes_later = write.binary(kBeats, later[0], earlier[0]);
  if (is_floating(write.dtype(later[0]))) {
    const ValueId is_nan = emit_nan_guard(write, later[0]);
    takes_later = write.binary(ops::kLogicalOr, takes_later, is_nan);
  }
  Parts chosen(2);
  for (size_t i = 0; i < chosen.size(); ++i) {
    chosen[i] = write.where(takes_later, later[i], earlier[i]);
  }
  return chosen;
}

template <const OpName& kBeats>
Imported import_running_extreme(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(scanned.x);
  const ValueId x = write.cast(scanned.x, own == DType::kBool ? DType::kI32 : own);
  const Dims shape = write.dims(x);
  Dims along(shape.size(), 1);
  along[static_cast<size_t>(scanned.axis)] = shape[static_cast<size_t>(scanned.axis)];
  const ValueId small =
      write.reshape(write.numbers(write.dim(x, scanned.axis), "positions"), along);
  const ValueId positions = write.expand(small, shape);
  Parts parts = emit_scan(write, {x, positions}, scanned.axis, combine_extremes<kBeats>);
  parts[0] = write.cast(parts[0], own);
  parts[1] = write.cast(parts[1], DType::kI64);
  for (ValueId& part : parts) {
    part = write.reshape(part, scanned.shape);
  }
  return parts;
}

// ---- log of sums of exponentials ----

// The largest m, and the sum of exp(x - m). Where m is infinite, nothing is taken off.
Parts combine_exponentials(CoreWriter write, const Parts& earlier, const Parts& later) {
  const ValueId largest = write.binary(ops::kMaximum, earlier[0], later[0]);
  const ValueId magnitude = write.abs(largest);
  const ValueId is_infinite = write.binary(ops::kEq, magnitude, write.scalar(largest, INFINITY));
  const ValueId shift = write.where(is_infinite, 0, largest);
  std::array<ValueId, 2> sums;
  for (size_t i = 0; i < sums.size(); ++i) {
    const Parts& parts = i == 0 ? earlier : later;
    const ValueId factor = write.exp(write.sub(parts[0], shift));
    sums[i] = write.mul(parts[1], factor);
  }
  return Parts{largest, write.add(sums[0], sums[1])};
}

Imported import_logcumsumexp(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  const CoreWriter write = call.writer();
  if (!is_floating(write.dtype(scanned.x))) return call.unsupported("of whole numbers");
  const ValueId ones = write.filled(write.dtype(scanned.x), write.dims(scanned.x), 1, "ones");
  const Parts parts = emit_scan(write, {scanned.x, ones}, scanned.axis, combine_exponentials);
  const ValueId log = write.log(parts[1]);
  return one_result(write.reshape(write.add(parts[0], log), scanned.shape));
}

}  // namespace

ValueId emit_running_maximum(CoreWriter write, ValueId x, int64_t axis) {
  const Parts parts = emit_scan(write, {x}, axis, combine_by<ops::kMaximum>);
  return parts[0];
}

void add_scan_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add("cumprod.default", import_cumprod);
  imports.add("cummax.default", import_running_extreme<ops::kGe>);
  imports.add("cummin.default", import_running_extreme<ops::kLe>);
  imports.add("logcumsumexp.default", import_logcumsumexp);
}

}  // namespace ferryman
