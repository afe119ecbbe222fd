// Finding numbers among others: searchsorted, bucketize.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/reduce/histogram.h"

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
ValueId count_before(CoreWriter write, ValueId sequence, ValueId values, InsertionSide side) {
  Dims column = write.dims(values);
  column.push_back(1);
  Dims row = write.dims(sequence);
  row.insert(row.end() - 1, 1);
  const ValueId value = write.reshape(values, column);
  const ValueId bounds = write.reshape(sequence, row);
  const OpName stands_after = side == InsertionSide::kLeft ? ops::kGe : ops::kGt;
  const ValueId is_after = write.binary(stands_after, bounds, value);
  const ValueId ones = write.cast(write.unary(ops::kLogicalNot, is_after), DType::kI32);
  const auto last = static_cast<int64_t>(write.rank(ones)) - 1;
  return write.reduce(ops::kSum, ones, {last}, /*keepdim=*/false);
}

constexpr int64_t kLongestSequence = int64_t{1} << 30;

// The same by halving, for long sequences: `found` are known to stand before, and each step asks
// whether `reach` more do. A sequence of free size is taken to be of the largest.
ValueId search_before(CoreWriter write, ValueId sequence, ValueId values, InsertionSide side) {
  const Dim length = write.dims(sequence).back();
  const int64_t size = std::min(write.symbols().range(length).max, kLongestSequence);
  const auto last = static_cast<int64_t>(write.rank(sequence)) - 1;
  const OpName stands_after = side == InsertionSide::kLeft ? ops::kGe : ops::kGt;
  int64_t reach = 1;
  while (reach * 2 <= size) reach *= 2;
  ValueId found = write.filled(DType::kI32, write.dims(values), 0, "found");
  for (; reach > 0; reach /= 2) {
    const auto number = [&](int64_t n) { return write.scalar(found, static_cast<double>(n)); };
    const ValueId further = write.add(found, number(reach));
    const ValueId exists = write.binary(ops::kLe, further, write.size_value(length, DType::kI32));
    ValueId place = write.sub(further, number(1));
    place = write.binary(ops::kMinimum, place,
                         write.size_value(write.symbols().shift(length, -1), DType::kI32));
    const ValueId bound = gather_elements(write, sequence, place, last);
    const ValueId is_after = write.binary(stands_after, bound, values);
    const ValueId is_before = write.unary(ops::kLogicalNot, is_after);
    found = write.where(write.binary(ops::kLogicalAnd, exists, is_before), further, found);
  }
  return found;
}

// Comparisons of all with all, above which halving is used.
constexpr int64_t kMaxComparisons = int64_t{1} << 20;

// Where sizes are free, the length of a sequence above which it is.
constexpr int64_t kMaxComparedSequence = 256;

bool is_large(CoreWriter write, ValueId sequence, ValueId values) {
  const Dim length = write.dims(sequence).back();
  const Dim count = write.num_elements(values);
  if (length.is_static() && count.is_static())
    return count.size() * length.size() > kMaxComparisons;
  return !length.is_static() || length.size() > kMaxComparedSequence;
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
  FERRYMAN_TRY(const InsertionSide side, read_side(call));
  FERRYMAN_TRY(const bool out_int32, call.flag("out_int32", false));
  const CoreWriter write = call.writer();
  const Dims shape = write.dims(values);
  if (write.num_elements(sequence) == Dim(0) || write.num_elements(values) == Dim(0)) {
    const DType dtype = out_int32 ? DType::kI32 : DType::kI64;
    return std::vector{write.filled(dtype, shape, 0, "none")};
  }
  // A sequence of one axis serves values of any shape.
  const bool is_shared = write.rank(sequence) == 1;
  if (is_shared) values = write.reshape(values, {-1});
  const ValueId counts = is_large(write, sequence, values)
                             ? search_before(write, sequence, values, side)
                             : count_before(write, sequence, values, side);
  const ValueId result = write.cast(counts, out_int32 ? DType::kI32 : DType::kI64);
  return one_result(write.reshape(result, shape));
}

Imported import_searchsorted(ImportContext& call) {
  FERRYMAN_TRY(auto both, read_both(call, "sorted_sequence", "self"));
  FERRYMAN_TRY(const ValueId sorter, call.optional_tensor("sorter"));
  const CoreWriter write = call.writer();
  if (sorter.valid()) {
    const auto last = static_cast<int64_t>(write.rank(both[0])) - 1;
    both[0] = gather_elements(write, both[0], sorter, last);
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
