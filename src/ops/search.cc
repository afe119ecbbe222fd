// Finding numbers among others: searchsorted, bucketize.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/histogram.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// ---- places in a sorted sequence ----

enum class InsertionSide : uint8_t { kLeft, kRight };

Result<InsertionSide> read_side(ImportContext& call) {
  FERRYMAN_TRY(const bool right, call.flag("right", false));
  FERRYMAN_TRY(const std::string side, call.text("side", ""));
  return right || side == "right" ? InsertionSide::kRight : InsertionSide::kLeft;
}

// As many as stand before: each value [..., n, 1] beside all of the sequence [..., 1, m]. What does
// not compare (NaN among the values) has all before it.
Result<ValueId> count_before(ImportContext& call, ValueId sequence, ValueId values,
                             InsertionSide side) {
  Ints column = sizes_of(call, values);
  column.push_back(1);
  Ints row = sizes_of(call, sequence);
  row.insert(row.end() - 1, 1);
  FERRYMAN_TRY(const ValueId value, emit_reshape(call, values, column));
  FERRYMAN_TRY(const ValueId bounds, emit_reshape(call, sequence, row));
  const OpName stands_after = side == InsertionSide::kLeft ? ops::kGe : ops::kGt;
  FERRYMAN_TRY(const ValueId is_after, call.emit(stands_after, {bounds, value}));
  FERRYMAN_TRY(const ValueId is_before, call.emit(ops::kLogicalNot, {is_after}));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_before, DType::kI32));
  const auto last = static_cast<int64_t>(rank_of(call, ones)) - 1;
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{last}}}, {attr::kKeepDim, false}});
}

// The same by halving, for long sequences: `found` are known to stand before, and each step asks
// whether `reach` more do.
Result<ValueId> search_before(ImportContext& call, ValueId sequence, ValueId values,
                              InsertionSide side) {
  const int64_t size = sizes_of(call, sequence).back();
  const auto last = static_cast<int64_t>(rank_of(call, sequence)) - 1;
  const OpName stands_after = side == InsertionSide::kLeft ? ops::kGe : ops::kGt;
  int64_t reach = 1;
  while (reach * 2 <= size) reach *= 2;
  ValueId found =
      call.builder().constant(TensorData::filled(DType::kI32, sizes_of(call, values), 0), "found");
  for (; reach > 0; reach /= 2) {
    const auto number = [&](int64_t n) { return scalar_like(call, found, static_cast<double>(n)); };
    FERRYMAN_TRY(const ValueId further, call.emit(ops::kAdd, {found, number(reach)}));
    FERRYMAN_TRY(const ValueId exists, call.emit(ops::kLe, {further, number(size)}));
    FERRYMAN_TRY(ValueId place, call.emit(ops::kSub, {further, number(1)}));
    FERRYMAN_TRY(place, call.emit(ops::kMinimum, {place, number(size - 1)}));
    FERRYMAN_TRY(const ValueId bound, gather_elements(call, sequence, place, last));
    FERRYMAN_TRY(const ValueId is_after, call.emit(stands_after, {bound, values}));
    FERRYMAN_TRY(const ValueId is_before, call.emit(ops::kLogicalNot, {is_after}));
    FERRYMAN_TRY(const ValueId moves, call.emit(ops::kLogicalAnd, {exists, is_before}));
    FERRYMAN_TRY(found, call.emit(ops::kWhere, {moves, further, found}));
  }
  return found;
}

// Comparisons of all with all, above which halving is used.
constexpr int64_t kMaxComparisons = int64_t{1} << 20;

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
  FERRYMAN_TRY(const InsertionSide side, read_side(call));
  FERRYMAN_TRY(const bool out_int32, call.flag("out_int32", false));
  const Ints shape = sizes_of(call, values);
  if (product(sizes_of(call, sequence)) == 0 || product(shape) == 0) {
    const DType dtype = out_int32 ? DType::kI32 : DType::kI64;
    return std::vector{call.builder().constant(TensorData::filled(dtype, shape, 0), "none")};
  }
  // A sequence of one axis serves values of any shape.
  const bool is_shared = rank_of(call, sequence) == 1;
  if (is_shared) {
    FERRYMAN_TRY(values, emit_reshape(call, values, {-1}));
  }
  const bool is_large =
      product(sizes_of(call, values)) * sizes_of(call, sequence).back() > kMaxComparisons;
  FERRYMAN_TRY(const ValueId counts, is_large ? search_before(call, sequence, values, side)
                                              : count_before(call, sequence, values, side));
  FERRYMAN_TRY(const ValueId result, as_dtype(call, counts, out_int32 ? DType::kI32 : DType::kI64));
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

}  // namespace

void add_search_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add({"searchsorted.Tensor", "searchsorted.Scalar"}, import_searchsorted);
  imports.add({"bucketize.Tensor", "bucketize.Scalar"}, import_bucketize);
  add_histogram_imports(imports);
}

}  // namespace ferryman
