// unique and unique_consecutive: an entry begins a group if it differs from the one before. What is
// to be unique as a whole is sorted first.
#include <array>
#include <numeric>

#include "frontend/counted/counted_table.h"
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/ordering.h"
#include "ops/product.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman::frontend {

namespace {

// Sorts of whole rows are sorts by one column after the other.
constexpr int64_t kMaxColumns = 64;

// [n, …] in the order in which equal rows stand together.
struct Rows {
  ValueId values;
  ValueId exists;  // bool for each; an invalid id: all do
  ValueId order;   // where each row was before; an invalid id: in the same place
};

// What the call returns of the rows, and along which axis.
struct Request {
  Ints inverse_shape;
  int64_t axis = 0;
  Ints perm_back;  // from [n, …] to the result; empty: as it is
};

Result<ValueId> differs_from_before(ImportContext& call, ValueId rows) {
  const int64_t size = sizes_of(call, rows)[0];
  FERRYMAN_TRY(const ValueId later, emit_slice(call, rows, 0, 1, size));
  FERRYMAN_TRY(const ValueId earlier, emit_slice(call, rows, 0, 0, size - 1));
  FERRYMAN_TRY(ValueId differs, call.emit(ops::kNe, {later, earlier}));
  if (rank_of(call, differs) == 1) return differs;
  FERRYMAN_TRY(differs, emit_reshape(call, differs, {size - 1, -1}));
  return call.emit(ops::kAny, {differs}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, false}});
}

Result<ValueId> begins_group(ImportContext& call, const Rows& rows) {
  const ValueId first = call.builder().constant(TensorData::filled(DType::kBool, {1}, 1), "first");
  ValueId begins = first;
  if (sizes_of(call, rows.values)[0] > 1) {
    FERRYMAN_TRY(const ValueId differs, differs_from_before(call, rows.values));
    FERRYMAN_TRY(begins, emit_concat(call, std::array{first, differs}, 0));
  }
  if (!rows.exists.valid()) return begins;
  return call.emit(ops::kLogicalAnd, {begins, rows.exists});
}

// For each entry, as it was given, the number of its group.
Result<ValueId> inverse_of(ImportContext& call, const Rows& rows, ValueId numbers,
                           const Request& request) {
  ValueId inverse = numbers;
  if (rows.order.valid()) {
    FERRYMAN_TRY(inverse,
                 emit_segments(call, numbers, rows.order, sizes_of(call, numbers)[0], "sum"));
  }
  FERRYMAN_TRY(inverse, as_dtype(call, inverse, DType::kI64));
  return emit_reshape(call, inverse, request.inverse_shape);
}

Result<ValueId> sizes_of_groups(ImportContext& call, const Rows& rows, ValueId numbers,
                                int64_t most) {
  const int64_t size = sizes_of(call, numbers)[0];
  ValueId ones = call.builder().constant(TensorData::filled(DType::kI32, {size}, 1), "ones");
  if (rows.exists.valid()) {
    FERRYMAN_TRY(ones, as_dtype(call, rows.exists, DType::kI32));
  }
  FERRYMAN_TRY(ValueId counts, emit_segments(call, ones, numbers, size, "sum"));
  FERRYMAN_TRY(counts, emit_slice(call, counts, 0, 0, most));
  return as_dtype(call, counts, DType::kI64);
}

ValueId nothing(ImportContext& call) {
  return call.builder().constant(TensorData::filled(DType::kI64, {0}, 0), "nothing");
}

Imported groups_of(CountedCall& counted, const Rows& rows, const Request& request) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const bool with_inverse, call.flag("return_inverse", false));
  FERRYMAN_TRY(const bool with_counts, call.flag("return_counts", false));
  const int64_t size = sizes_of(call, rows.values)[0];
  FERRYMAN_TRY(const ValueId begins, begins_group(call, rows));
  FERRYMAN_TRY(const Places places, places_of(call, begins));
  FERRYMAN_TRY(const int64_t most, counted.set_count(0, request.axis, places.count, size));
  if (most > size) return call.unsupported("more groups than there are entries");
  FERRYMAN_TRY(const ValueId firsts, emit_slice(call, places.positions, 0, 0, most));
  FERRYMAN_TRY(ValueId values, emit_gather(call, rows.values, firsts, 0));
  if (!request.perm_back.empty()) {
    FERRYMAN_TRY(values, emit_permute(call, values, request.perm_back));
  }
  FERRYMAN_TRY(values, as_dtype(call, values, call.result_type(0).dtype));
  std::vector<ValueId> results = {values, nothing(call), nothing(call)};
  if (!with_inverse && !with_counts) return results;
  FERRYMAN_TRY(const ValueId steps, as_dtype(call, begins, DType::kI32));
  FERRYMAN_TRY(ValueId numbers, call.emit(ops::kCumsum, {steps}, {{attr::kAxis, Axis{0}}}));
  FERRYMAN_TRY(numbers, call.emit(ops::kSub, {numbers, scalar_like(call, numbers, 1)}));
  if (with_counts) {
    FERRYMAN_TRY(const int64_t counts, counted.set_count(2, 0, places.count, size));
    FERRYMAN_TRY(const ValueId group,
                 call.emit(ops::kMaximum, {numbers, scalar_like(call, numbers, 0)}));
    FERRYMAN_TRY(results[2], sizes_of_groups(call, rows, group, counts));
  }
  if (with_inverse) {
    FERRYMAN_TRY(results[1], inverse_of(call, rows, numbers, request));
  }
  return results;
}

// ---- what the entries are ----

// All elements in one line.
Result<Rows> elements(CountedCall& counted, ValueId x, bool is_sorted) {
  ImportContext& call = counted.context();
  const int64_t size = product(sizes_of(call, x));
  if (size == 0) return call.unsupported("of no elements");
  Rows rows;
  rows.values = x;
  if (const CountedAxis* axis = counted.find(x); axis != nullptr) {
    if (axis->axis != 0) return call.unsupported("of entries counted along another axis");
    const auto width = static_cast<double>(size / sizes_of(call, x)[0]);
    const ValueId factor = scalar_like(call, axis->count, width);
    FERRYMAN_TRY(const ValueId count, call.emit(ops::kMul, {axis->count, factor}));
    FERRYMAN_TRY(rows.exists, counted.below(count, size));
    if (is_sorted) {
      FERRYMAN_TRY(rows.values, counted.filled(x, Extreme::kLast));
    }
  }
  FERRYMAN_TRY(rows.values, emit_reshape(call, rows.values, {-1}));
  if (dtype_of(call, x) == DType::kBool) {
    FERRYMAN_TRY(rows.values, as_dtype(call, rows.values, DType::kI32));
  }
  if (!is_sorted) return rows;
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, rows.values, 0, Order::kAscending));
  rows.values = sorted.values;
  rows.order = sorted.positions;
  return rows;
}

// Lines across an axis, which comes first.
Result<Rows> lines(CountedCall& counted, ValueId x, int64_t axis, Request& request) {
  ImportContext& call = counted.context();
  const Ints sizes = sizes_of(call, x);
  if (product(sizes) == 0) return call.unsupported("of no elements");
  Rows rows;
  if (const CountedAxis* of_x = counted.find(x); of_x != nullptr) {
    if (of_x->axis != axis) return call.unsupported("of entries counted along another axis");
    FERRYMAN_TRY(rows.exists, counted.below(of_x->count, sizes[static_cast<size_t>(axis)]));
  }
  Ints perm(sizes.size());
  std::iota(perm.begin(), perm.end(), 0);
  request.perm_back = perm;
  std::rotate(perm.begin(), perm.begin() + axis, perm.begin() + axis + 1);
  std::rotate(request.perm_back.begin(), request.perm_back.begin() + 1,
              request.perm_back.begin() + axis + 1);
  request.axis = axis;
  request.inverse_shape = {sizes[static_cast<size_t>(axis)]};
  FERRYMAN_TRY(rows.values, emit_permute(call, x, perm));
  if (dtype_of(call, x) == DType::kBool) {
    FERRYMAN_TRY(rows.values, as_dtype(call, rows.values, DType::kI32));
  }
  return rows;
}

// By the order so far, so that equals stay as they are.
Result<ValueId> sorted_further(ImportContext& call, ValueId order, ValueId keys) {
  FERRYMAN_TRY(const ValueId current, emit_gather(call, keys, order, 0));
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, current, 0, Order::kAscending));
  return emit_gather(call, order, sorted.positions, 0);
}

Status sort_lines(ImportContext& call, Rows& rows) {
  const Ints sizes = sizes_of(call, rows.values);
  const int64_t columns = product(sizes) / sizes[0];
  if (columns > kMaxColumns) return call.unsupported("a sort of lines that are this long");
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, rows.values, {sizes[0], columns}));
  std::vector<int32_t> places(static_cast<size_t>(sizes[0]));
  std::iota(places.begin(), places.end(), 0);
  ValueId order = call.builder().constant(TensorData::of<int32_t>({sizes[0]}, places), "places");
  for (int64_t column = columns; column-- > 0;) {
    FERRYMAN_TRY(const ValueId keys, emit_select(call, flat, 1, column));
    FERRYMAN_TRY(order, sorted_further(call, order, keys));
  }
  if (rows.exists.valid()) {  // what does not exist comes last
    FERRYMAN_TRY(ValueId is_beyond, call.emit(ops::kLogicalNot, {rows.exists}));
    FERRYMAN_TRY(is_beyond, as_dtype(call, is_beyond, DType::kI32));
    FERRYMAN_TRY(order, sorted_further(call, order, is_beyond));
  }
  FERRYMAN_TRY(rows.values, emit_gather(call, rows.values, order, 0));
  rows.order = order;
  return {};
}

Imported import_unique(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("sorted");  // torch sorts either way
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const Rows rows, elements(counted, x, true));
  return groups_of(counted, rows, {.inverse_shape = sizes_of(call, x), .axis = 0, .perm_back = {}});
}

Imported import_unique_dim(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("sorted");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", rank_of(call, x)));
  Request request;
  FERRYMAN_TRY(Rows rows, lines(counted, x, axis, request));
  FERRYMAN_TRY_STATUS(sort_lines(call, rows));
  return groups_of(counted, rows, request);
}

Imported import_unique_consecutive(CountedCall& counted) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  if (!call.given("dim")) {
    FERRYMAN_TRY(const Rows rows, elements(counted, x, false));
    return groups_of(counted, rows,
                     {.inverse_shape = sizes_of(call, x), .axis = 0, .perm_back = {}});
  }
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", rank_of(call, x)));
  Request request;
  FERRYMAN_TRY(const Rows rows, lines(counted, x, axis, request));
  return groups_of(counted, rows, request);
}

}  // namespace

void add_counted_distinct(CountedTable& table) {
  table.add({"_unique2.default", "_unique.default"}, import_unique);
  table.add({"unique_dim.default"}, import_unique_dim);
  table.add({"unique_consecutive.default", "unique_dim_consecutive.default"},
            import_unique_consecutive);
}

}  // namespace ferryman::frontend
