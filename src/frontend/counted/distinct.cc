// unique and unique_consecutive: an entry begins a group if it differs from the one before. What is
// to be unique as a whole is sorted first.
#include <array>

#include "frontend/counted/counted_table.h"
#include "ops/attrs.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/product/product.h"
#include "ops/promote.h"
#include "ops/reduce/ordering.h"

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
  Dims inverse_shape;
  int64_t axis = 0;
  Ints perm_back;  // from [n, …] to the result; empty: as it is
};

ValueId differs_from_before(CoreWriter write, ValueId rows) {
  const Dim size = write.dim(rows, 0);
  const Dim rest = write.symbols().shift(size, -1);
  const ValueId later = write.slice_axis(rows, 0, 1, size);
  ValueId differs = write.binary(ops::kNe, later, write.slice_axis(rows, 0, 0, rest));
  if (write.rank(differs) == 1) return differs;
  differs = write.reshape_to(differs, {rest, std::nullopt});
  return write.reduce(ops::kAny, differs, {1}, /*keepdim=*/false);
}

ValueId begins_group(CoreWriter write, const Rows& rows) {
  const ValueId first = write.constant(TensorData::filled(DType::kBool, {1}, 1), "first");
  ValueId begins = first;
  if (write.dim(rows.values, 0) != Dim(1)) {
    const ValueId differs = differs_from_before(write, rows.values);
    begins = write.concat(std::array{first, differs}, 0);
  }
  if (!rows.exists.valid()) return begins;
  return write.binary(ops::kLogicalAnd, begins, rows.exists);
}

// For each entry, as it was given, the number of its group.
ValueId inverse_of(CoreWriter write, const Rows& rows, ValueId numbers, const Request& request) {
  ValueId inverse = numbers;
  if (rows.order.valid()) {
    inverse = emit_segments(write, numbers, rows.order, write.dim(numbers, 0), "sum");
  }
  inverse = write.cast(inverse, DType::kI64);
  return write.reshape(inverse, request.inverse_shape);
}

ValueId sizes_of_groups(CoreWriter write, const Rows& rows, ValueId numbers, Dim most) {
  const Dim size = write.dim(numbers, 0);
  ValueId ones = write.filled(DType::kI32, {size}, 1, "ones");
  if (rows.exists.valid()) ones = write.cast(rows.exists, DType::kI32);
  ValueId counts = emit_segments(write, ones, numbers, size, "sum");
  counts = write.slice_axis(counts, 0, 0, most);
  return write.cast(counts, DType::kI64);
}

ValueId nothing(CoreWriter write) {
  return write.constant(TensorData::filled(DType::kI64, {0}, 0), "nothing");
}

Imported groups_of(CountedCall& counted, const Rows& rows, const Request& request) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const bool with_inverse, call.flag("return_inverse", false));
  FERRYMAN_TRY(const bool with_counts, call.flag("return_counts", false));
  const CoreWriter write = counted.writer();
  const Dim size = write.dim(rows.values, 0);
  const ValueId begins = begins_group(write, rows);
  const Places places = places_of(write, begins);
  FERRYMAN_TRY(const Dim most, counted.set_count(0, request.axis, places.count, size));
  if (!write.symbols().is_at_least(size, most))
    return call.unsupported("more groups than there are entries");
  ValueId values = write.gather(rows.values, 0, write.slice_axis(places.positions, 0, 0, most));
  if (!request.perm_back.empty()) values = write.permute(values, request.perm_back);
  values = write.cast(values, call.result_type(0).dtype);
  std::vector<ValueId> results = {values, nothing(write), nothing(write)};
  if (!with_inverse && !with_counts) return results;
  const ValueId steps = write.cast(begins, DType::kI32);
  ValueId numbers = write.op(ops::kCumsum, {steps}, {{attr::kAxis, Axis{0}}});
  numbers = write.sub(numbers, 1);
  if (with_counts) {
    FERRYMAN_TRY(const Dim counts, counted.set_count(2, 0, places.count, size));
    const ValueId group = write.binary(ops::kMaximum, numbers, 0);
    results[2] = sizes_of_groups(write, rows, group, counts);
  }
  if (with_inverse) results[1] = inverse_of(write, rows, numbers, request);
  return results;
}

// ---- what the entries are ----

// All elements in one line.
Result<Rows> elements(CountedCall& counted, ValueId x, bool is_sorted) {
  ImportContext& call = counted.context();
  const CoreWriter write = counted.writer();
  const Dim size = write.num_elements(x);
  if (size == Dim(0)) return call.unsupported("of no elements");
  Rows rows;
  rows.values = x;
  if (const CountedAxis* axis = counted.find(x); axis != nullptr) {
    if (axis->axis != 0) return call.unsupported("of entries counted along another axis");
    const Dims& dims = write.dims(x);
    const Dim width = write.symbols().product(Dims(dims.begin() + 1, dims.end()));
    const ValueId count = write.mul(axis->count, write.size_value(width, write.dtype(axis->count)));
    rows.exists = counted.below(count, size);
    if (is_sorted) {
      rows.values = counted.filled(x, Extreme::kLast);
    }
  }
  rows.values = write.reshape(rows.values, {-1});
  if (write.dtype(x) == DType::kBool) rows.values = write.cast(rows.values, DType::kI32);
  if (!is_sorted) return rows;
  const Ordered sorted = emit_sort(write, rows.values, 0, Order::kAscending);
  rows.values = sorted.values;
  rows.order = sorted.positions;
  return rows;
}

// Lines across an axis, which comes first.
Result<Rows> lines(CountedCall& counted, ValueId x, int64_t axis, Request& request) {
  ImportContext& call = counted.context();
  const CoreWriter write = counted.writer();
  const Dims sizes = write.dims(x);
  if (write.num_elements(x) == Dim(0)) return call.unsupported("of no elements");
  Rows rows;
  if (const CountedAxis* of_x = counted.find(x); of_x != nullptr) {
    if (of_x->axis != axis) return call.unsupported("of entries counted along another axis");
    rows.exists = counted.below(of_x->count, sizes[static_cast<size_t>(axis)]);
  }
  Ints perm = iota_axes(sizes.size());
  request.perm_back = perm;
  std::rotate(perm.begin(), perm.begin() + axis, perm.begin() + axis + 1);
  std::rotate(request.perm_back.begin(), request.perm_back.begin() + 1,
              request.perm_back.begin() + axis + 1);
  request.axis = axis;
  request.inverse_shape = {sizes[static_cast<size_t>(axis)]};
  rows.values = write.permute(x, perm);
  if (write.dtype(x) == DType::kBool) rows.values = write.cast(rows.values, DType::kI32);
  return rows;
}

// By the order so far, so that equals stay as they are.
ValueId sorted_further(CoreWriter write, ValueId order, ValueId keys) {
  const ValueId current = write.gather(keys, 0, order);
  const Ordered sorted = emit_sort(write, current, 0, Order::kAscending);
  return write.gather(order, 0, sorted.positions);
}

Status sort_lines(ImportContext& call, Rows& rows) {
  const CoreWriter write = call.writer();
  const Dims sizes = write.dims(rows.values);
  const int64_t columns = write.symbols().product(Dims(sizes.begin() + 1, sizes.end())).size();
  if (columns > kMaxColumns) return call.unsupported("a sort of lines that are this long");
  const ValueId flat = write.reshape(rows.values, Dims{sizes[0], columns});
  ValueId order = write.numbers(sizes[0], "places");
  for (int64_t column = columns; column-- > 0;) {
    order = sorted_further(write, order, write.select(flat, 1, column));
  }
  if (rows.exists.valid()) {  // what does not exist comes last
    ValueId is_beyond = write.unary(ops::kLogicalNot, rows.exists);
    is_beyond = write.cast(is_beyond, DType::kI32);
    order = sorted_further(write, order, is_beyond);
  }
  rows.values = write.gather(rows.values, 0, order);
  rows.order = order;
  return {};
}

Imported import_unique(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("sorted");  // torch sorts either way
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const Rows rows, elements(counted, x, true));
  return groups_of(counted, rows,
                   {.inverse_shape = counted.writer().dims(x), .axis = 0, .perm_back = {}});
}

Imported import_unique_dim(CountedCall& counted) {
  ImportContext& call = counted.context();
  call.ignore("sorted");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", counted.writer().rank(x)));
  Request request;
  FERRYMAN_TRY(Rows rows, lines(counted, x, axis, request));
  FERRYMAN_TRY_STATUS(sort_lines(call, rows));
  return groups_of(counted, rows, request);
}

Imported import_unique_consecutive(CountedCall& counted) {
  ImportContext& call = counted.context();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = counted.writer();
  if (!call.given("dim")) {
    FERRYMAN_TRY(const Rows rows, elements(counted, x, false));
    return groups_of(counted, rows, {.inverse_shape = write.dims(x), .axis = 0, .perm_back = {}});
  }
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
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
