#include "ops/scan.h"

#include <array>
#include <cmath>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/promote.h"

namespace ferryman {

Result<Parts> emit_scan(ImportContext& call, Parts parts, int64_t axis,
                        const CombineParts& combine) {
  const int64_t size = sizes_of(call, parts.front())[static_cast<size_t>(axis)];
  for (int64_t reach = 1; reach < size; reach *= 2) {
    Parts earlier, later;
    for (const ValueId part : parts) {
      FERRYMAN_TRY(earlier.emplace_back(), emit_slice(call, part, axis, 0, size - reach));
      FERRYMAN_TRY(later.emplace_back(), emit_slice(call, part, axis, reach, size));
    }
    FERRYMAN_TRY(const Parts combined, combine(call, earlier, later));
    for (size_t i = 0; i < parts.size(); ++i) {
      FERRYMAN_TRY(const ValueId first, emit_slice(call, parts[i], axis, 0, reach));
      FERRYMAN_TRY(parts[i], emit_concat(call, std::array{first, combined[i]}, axis));
    }
  }
  return parts;
}

namespace {

template <const OpName& kOp>
Result<Parts> combine_by(ImportContext& call, const Parts& earlier, const Parts& later) {
  FERRYMAN_TRY(const ValueId both, call.emit(kOp, {earlier[0], later[0]}));
  return Parts{both};
}

struct Scanned {
  ValueId x;
  int64_t axis = 0;
  Ints shape;  // of the call's results
};

// A tensor without axes is taken as one element along one axis.
Result<Scanned> read_scanned(ImportContext& call) {
  Scanned scanned;
  FERRYMAN_TRY(scanned.x, call.tensor("self"));
  scanned.shape = sizes_of(call, scanned.x);
  FERRYMAN_TRY(scanned.axis, call.axis("dim", scanned.shape.size()));
  if (scanned.shape.empty()) {
    FERRYMAN_TRY(scanned.x, emit_reshape(call, scanned.x, {1}));
  }
  return scanned;
}

// Whole numbers are multiplied as int64 unless a dtype is given.
Imported import_cumprod(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  const DType own = dtype_of(call, scanned.x);
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", is_floating(own) ? own : DType::kI64));
  FERRYMAN_TRY(const ValueId x, as_dtype(call, scanned.x, dtype));
  const auto combine = dtype == DType::kBool ? combine_by<ops::kLogicalAnd> : combine_by<ops::kMul>;
  FERRYMAN_TRY(const Parts products, emit_scan(call, {x}, scanned.axis, combine));
  return one_result(emit_reshape(call, products[0], scanned.shape));
}

// Values with their positions: the later of equal ones, and NaN from where it first stands on.
template <const OpName& kBeats>
Result<Parts> combine_extremes(ImportContext& call, const Parts& earlier, const Parts& later) {
  FERRYMAN_TRY(ValueId takes_later, call.emit(kBeats, {later[0], earlier[0]}));
  if (is_floating(dtype_of(call, later[0]))) {
    FERRYMAN_TRY(const ValueId is_nan, emit_nan_guard(call, later[0]));
    FERRYMAN_TRY(takes_later, call.emit(ops::kLogicalOr, {takes_later, is_nan}));
  }
  Parts chosen(2);
  for (size_t i = 0; i < chosen.size(); ++i) {
    FERRYMAN_TRY(chosen[i], call.emit(ops::kWhere, {takes_later, later[i], earlier[i]}));
  }
  return chosen;
}

template <const OpName& kBeats>
Imported import_running_extreme(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  const DType own = dtype_of(call, scanned.x);
  FERRYMAN_TRY(const ValueId x, as_dtype(call, scanned.x, own == DType::kBool ? DType::kI32 : own));
  const Ints shape = sizes_of(call, x);
  Ints along(shape.size(), 1);
  along[static_cast<size_t>(scanned.axis)] = shape[static_cast<size_t>(scanned.axis)];
  Ints numbers(static_cast<size_t>(product(along)));
  std::iota(numbers.begin(), numbers.end(), 0);
  FERRYMAN_TRY(const ValueId small,
               as_dtype(call, int_constant(call, along, numbers), DType::kI32));
  FERRYMAN_TRY(const ValueId positions, emit_expand(call, small, shape));
  FERRYMAN_TRY(Parts parts,
               emit_scan(call, {x, positions}, scanned.axis, combine_extremes<kBeats>));
  FERRYMAN_TRY(parts[0], as_dtype(call, parts[0], own));
  FERRYMAN_TRY(parts[1], as_dtype(call, parts[1], DType::kI64));
  for (ValueId& part : parts) {
    FERRYMAN_TRY(part, emit_reshape(call, part, scanned.shape));
  }
  return parts;
}

// ---- log of sums of exponentials ----

// The largest m, and the sum of exp(x - m). Where m is infinite, nothing is taken off.
Result<Parts> combine_exponentials(ImportContext& call, const Parts& earlier, const Parts& later) {
  FERRYMAN_TRY(const ValueId largest, call.emit(ops::kMaximum, {earlier[0], later[0]}));
  FERRYMAN_TRY(const ValueId magnitude, call.emit(ops::kAbs, {largest}));
  FERRYMAN_TRY(const ValueId is_infinite,
               call.emit(ops::kEq, {magnitude, scalar_like(call, largest, INFINITY)}));
  FERRYMAN_TRY(const ValueId shift,
               call.emit(ops::kWhere, {is_infinite, scalar_like(call, largest, 0), largest}));
  std::array<ValueId, 2> sums;
  for (size_t i = 0; i < sums.size(); ++i) {
    const Parts& parts = i == 0 ? earlier : later;
    FERRYMAN_TRY(const ValueId distance, call.emit(ops::kSub, {parts[0], shift}));
    FERRYMAN_TRY(const ValueId factor, call.emit(ops::kExp, {distance}));
    FERRYMAN_TRY(sums[i], call.emit(ops::kMul, {parts[1], factor}));
  }
  FERRYMAN_TRY(const ValueId sum, call.emit(ops::kAdd, {sums[0], sums[1]}));
  return Parts{largest, sum};
}

Imported import_logcumsumexp(ImportContext& call) {
  FERRYMAN_TRY(const Scanned scanned, read_scanned(call));
  if (!is_floating(dtype_of(call, scanned.x))) return call.unsupported("of whole numbers");
  const ValueId ones = call.builder().constant(
      TensorData::filled(dtype_of(call, scanned.x), sizes_of(call, scanned.x), 1), "ones");
  FERRYMAN_TRY(const Parts parts,
               emit_scan(call, {scanned.x, ones}, scanned.axis, combine_exponentials));
  FERRYMAN_TRY(const ValueId log, call.emit(ops::kLog, {parts[1]}));
  FERRYMAN_TRY(const ValueId sum, call.emit(ops::kAdd, {parts[0], log}));
  return one_result(emit_reshape(call, sum, scanned.shape));
}

}  // namespace

Result<ValueId> emit_running_maximum(ImportContext& call, ValueId x, int64_t axis) {
  FERRYMAN_TRY(const Parts parts, emit_scan(call, {x}, axis, combine_by<ops::kMaximum>));
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
