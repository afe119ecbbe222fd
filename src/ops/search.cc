// Finding numbers among others: searchsorted, bucketize, isin, histc.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman {

namespace {

// ---- places in a sorted sequence ----

enum class Side : uint8_t { kLeft, kRight };

Result<Side> read_side(ImportContext& call) {
  FERRYMAN_TRY(const bool right, call.flag("right", false));
  FERRYMAN_TRY(const std::string side, call.text("side", ""));
  return right || side == "right" ? Side::kRight : Side::kLeft;
}

// As many as stand before: each value [..., n, 1] beside all of the sequence [..., 1, m]. What does
// not compare (NaN among the values) has all before it.
Result<ValueId> count_before(ImportContext& call, ValueId sequence, ValueId values, Side side) {
  Ints column = sizes_of(call, values);
  column.push_back(1);
  Ints row = sizes_of(call, sequence);
  row.insert(row.end() - 1, 1);
  FERRYMAN_TRY(const ValueId value, emit_reshape(call, values, column));
  FERRYMAN_TRY(const ValueId bounds, emit_reshape(call, sequence, row));
  const OpName stands_after = side == Side::kLeft ? ops::kGe : ops::kGt;
  FERRYMAN_TRY(const ValueId is_after, call.emit(stands_after, {bounds, value}));
  FERRYMAN_TRY(const ValueId is_before, call.emit(ops::kLogicalNot, {is_after}));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_before, DType::kI32));
  const auto last = static_cast<int64_t>(rank_of(call, ones)) - 1;
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{last}}}, {attr::kKeepDim, false}});
}

// In the dtype in which both compare.
Result<std::array<ValueId, 2>> read_both(ImportContext& call, std::string_view sequence,
                                         std::string_view values) {
  FERRYMAN_TRY(DType dtype, common_dtype(call, {sequence, values}, Promotion::kCommon));
  if (dtype == DType::kBool) dtype = DType::kI32;
  std::array<ValueId, 2> both;
  FERRYMAN_TRY(both[0], tensor_as(call, sequence, dtype));
  FERRYMAN_TRY(both[1], tensor_as(call, values, dtype));
  return both;
}

Imported finish_search(ImportContext& call, ValueId sequence, ValueId values) {
  FERRYMAN_TRY(const Side side, read_side(call));
  FERRYMAN_TRY(const bool out_int32, call.flag("out_int32", false));
  const Ints shape = sizes_of(call, values);
  // A sequence of one axis serves values of any shape.
  const bool is_shared = rank_of(call, sequence) == 1;
  if (is_shared) {
    FERRYMAN_TRY(values, emit_reshape(call, values, {-1}));
  }
  if (product(sizes_of(call, sequence)) == 0) return call.unsupported("an empty sequence");
  FERRYMAN_TRY(const ValueId counts, count_before(call, sequence, values, side));
  FERRYMAN_TRY(const ValueId result,
               as_dtype(call, counts, out_int32 ? DType::kI32 : DType::kI64));
  return one_result(emit_reshape(call, result, shape));
}

Imported import_searchsorted(ImportContext& call) {
  FERRYMAN_TRY(auto both, read_both(call, "sorted_sequence", "self"));
  FERRYMAN_TRY(const ValueId sorter, call.optional_tensor("sorter"));
  if (sorter.valid()) {
    const auto last = static_cast<int64_t>(rank_of(call, both[0])) - 1;
    FERRYMAN_TRY(both[0], gather_elements(call, both[0], sorter, last));
  }
  return finish_search(call, both[0], both[1]);
}

Imported import_bucketize(ImportContext& call) {
  FERRYMAN_TRY(const auto both, read_both(call, "boundaries", "self"));
  return finish_search(call, both[0], both[1]);
}

// ---- isin ----

Imported import_isin(ImportContext& call) {
  call.ignore("assume_unique");
  const std::string_view element = call.find("element") != nullptr ? "element" : "elements";
  const std::string_view test = call.find("test_element") != nullptr ? "test_element"
                                                                      : "test_elements";
  FERRYMAN_TRY(const auto both, read_both(call, element, test));
  FERRYMAN_TRY(const bool invert, call.flag("invert", false));
  const Ints shape = sizes_of(call, both[0]);
  Ints column = shape;
  column.push_back(1);
  FERRYMAN_TRY(const ValueId values, emit_reshape(call, both[0], column));
  FERRYMAN_TRY(const ValueId row, emit_reshape(call, both[1], {-1}));
  if (product(sizes_of(call, row)) == 0) {
    return std::vector{call.builder().constant(
        TensorData::filled(DType::kBool, shape, invert ? 1 : 0), "isin")};
  }
  FERRYMAN_TRY(const ValueId equal, call.emit(ops::kEq, {values, row}));
  const auto last = static_cast<int64_t>(shape.size());
  FERRYMAN_TRY(ValueId found, call.emit(ops::kAny, {equal}, {{attr::kAxes, Axes{{last}}},
                                                              {attr::kKeepDim, false}}));
  if (invert) {
    FERRYMAN_TRY(found, call.emit(ops::kLogicalNot, {found}));
  }
  return std::vector{found};
}

// ---- histc ----

// The bounds of a histogram: given, or where both are equal, those of the elements; one more on each
// side where these are equal as well.
struct Bounds {
  ValueId low, high;
};

Result<Bounds> read_bounds(ImportContext& call, ValueId x) {
  FERRYMAN_TRY(const double low, call.number("min", 0));
  FERRYMAN_TRY(const double high, call.number("max", 0));
  if (low != high) return Bounds{scalar_like(call, x, low), scalar_like(call, x, high)};
  const NamedAttr axes(attr::kAxes, Axes{{0}});
  const NamedAttr keep(attr::kKeepDim, false);
  Bounds bounds;
  if (low != 0) {
    bounds = {scalar_like(call, x, low), scalar_like(call, x, high)};
  } else {
    FERRYMAN_TRY(bounds.low, call.emit(ops::kAmin, {x}, {axes, keep}));
    FERRYMAN_TRY(bounds.high, call.emit(ops::kAmax, {x}, {axes, keep}));
  }
  FERRYMAN_TRY(const ValueId is_point, call.emit(ops::kEq, {bounds.low, bounds.high}));
  FERRYMAN_TRY(const ValueId margin, as_dtype(call, is_point, dtype_of(call, x)));
  FERRYMAN_TRY(bounds.low, call.emit(ops::kSub, {bounds.low, margin}));
  FERRYMAN_TRY(bounds.high, call.emit(ops::kAdd, {bounds.high, margin}));
  return bounds;
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
  FERRYMAN_TRY(const Bounds bounds, read_bounds(call, x));
  FERRYMAN_TRY(const ValueId from_low, call.emit(ops::kSub, {x, bounds.low}));
  FERRYMAN_TRY(const ValueId width, call.emit(ops::kSub, {bounds.high, bounds.low}));
  FERRYMAN_TRY(ValueId place,
               call.emit(ops::kMul, {from_low, scalar_like(call, x, static_cast<double>(bins))}));
  FERRYMAN_TRY(place, call.emit(ops::kDiv, {place, width}));
  FERRYMAN_TRY(place, call.emit(ops::kFloor, {place}));
  const ValueId last = scalar_like(call, place, static_cast<double>(bins - 1));
  FERRYMAN_TRY(place, call.emit(ops::kMinimum, {place, last}));
  // What lies outside, and NaN, counts in no bin: it is sent to one more, which is cut off.
  FERRYMAN_TRY(const ValueId above, call.emit(ops::kGe, {x, bounds.low}));
  FERRYMAN_TRY(const ValueId below, call.emit(ops::kLe, {x, bounds.high}));
  FERRYMAN_TRY(const ValueId inside, call.emit(ops::kLogicalAnd, {above, below}));
  const ValueId outside = scalar_like(call, place, static_cast<double>(bins));
  FERRYMAN_TRY(place, call.emit(ops::kWhere, {inside, place, outside}));
  const ValueId ones =
      call.builder().constant(TensorData::filled(dtype, sizes_of(call, x), 1), "ones");
  FERRYMAN_TRY(const ValueId counts, emit_segments(call, ones, place, bins + 1, "sum"));
  return one_result(emit_slice(call, counts, 0, 0, bins));
}

}  // namespace

void add_search_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add({"searchsorted.Tensor", "searchsorted.Scalar"}, import_searchsorted);
  imports.add({"bucketize.Tensor", "bucketize.Scalar"}, import_bucketize);
  imports.add({"isin.Tensor_Tensor", "isin.Tensor_Scalar", "isin.Scalar_Tensor"}, import_isin);
  imports.add("histc.default", import_histc);
}

}  // namespace ferryman
