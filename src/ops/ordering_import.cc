// sort, topk and what is found by putting elements into order.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/ordering.h"
#include "ops/promote.h"
#include "ops/scan.h"

namespace ferryman {

namespace {

struct Lines {
  ValueId x;  // has an axis
  int64_t axis = 0;
  bool is_scalar = false;  // of a tensor without axes

  int64_t size(ImportContext& call) const { return sizes_of(call, x)[static_cast<size_t>(axis)]; }
};

Result<Lines> read_lines(ImportContext& call) {
  Lines lines;
  FERRYMAN_TRY(lines.x, call.tensor("self"));
  FERRYMAN_TRY(lines.axis, call.axis("dim", rank_of(call, lines.x), -1));
  lines.is_scalar = rank_of(call, lines.x) == 0;
  if (lines.is_scalar) {
    FERRYMAN_TRY(lines.x, emit_reshape(call, lines.x, {1}));
  }
  return lines;
}

// All elements as one line.
Result<Lines> read_all(ImportContext& call) {
  Lines lines;
  FERRYMAN_TRY(lines.x, call.tensor("self"));
  FERRYMAN_TRY(lines.x, emit_reshape(call, lines.x, {-1}));
  lines.is_scalar = true;
  return lines;
}

// Values and int64 positions of the call.
Imported finish_lines(ImportContext& call, const Lines& lines, const Ordered& ordered) {
  std::vector<ValueId> results = {ordered.values, ordered.positions};
  FERRYMAN_TRY(results[1], as_dtype(call, results[1], DType::kI64));
  for (ValueId& result : results) {
    if (!lines.is_scalar) continue;
    FERRYMAN_TRY(result, emit_reshape(call, result, {}));
  }
  return results;
}

Imported import_sort(ImportContext& call) {
  call.ignore("stable");  // it always is
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const bool descending, call.flag("descending", false));
  FERRYMAN_TRY(
      const Ordered sorted,
      emit_sort(call, lines.x, lines.axis, descending ? Order::kDescending : Order::kAscending));
  return finish_lines(call, lines, sorted);
}

// The values alone, along the first axis.
Imported import_msort(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  if (rank_of(call, x) == 0) return std::vector{x};
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, x, 0, Order::kAscending));
  return std::vector{sorted.values};
}

// The positions alone.
Imported import_argsort(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> sorted, import_sort(call));
  return std::vector{sorted[1]};
}

Imported import_topk(ImportContext& call) {
  call.ignore("sorted");  // any order will do without
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const int64_t count, call.integer("k"));
  FERRYMAN_TRY(const bool largest, call.flag("largest", true));
  FERRYMAN_TRY(const Ordered top, emit_topk(call, lines.x, lines.axis, count,
                                            largest ? Order::kDescending : Order::kAscending));
  return finish_lines(call, lines, top);
}

// ---- one element of each line ----

// The axis has the size 1 now, and goes unless keepdim is given.
Imported finish_picked(ImportContext& call, const Lines& lines, Ordered picked) {
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  Ints shape = sizes_of(call, picked.values);
  if (!keepdim || lines.is_scalar) shape.erase(shape.begin() + lines.axis);
  FERRYMAN_TRY(picked.values, emit_reshape(call, picked.values, shape));
  FERRYMAN_TRY(picked.positions, emit_reshape(call, picked.positions, shape));
  return finish_lines(call, {lines.x, lines.axis, false}, picked);
}

Result<Ordered> slice_ordered(ImportContext& call, const Ordered& ordered, int64_t axis,
                              int64_t index) {
  Ordered one;
  FERRYMAN_TRY(one.values, emit_slice(call, ordered.values, axis, index, index + 1));
  FERRYMAN_TRY(one.positions, emit_slice(call, ordered.positions, axis, index, index + 1));
  return one;
}

Result<Ordered> emit_kth_smallest(ImportContext& call, const Lines& lines, int64_t rank) {
  if (rank < 0 || rank >= lines.size(call)) return call.unsupported("k outside the axis");
  FERRYMAN_TRY(const Ordered low,
               emit_topk(call, lines.x, lines.axis, rank + 1, Order::kAscending));
  return slice_ordered(call, low, lines.axis, rank);
}

Imported import_kthvalue(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const int64_t k, call.integer("k"));
  FERRYMAN_TRY(const Ordered picked, emit_kth_smallest(call, lines, k - 1));
  return finish_picked(call, lines, picked);
}

Result<ValueId> reduce_line(ImportContext& call, OpName op, ValueId x, int64_t axis) {
  return call.emit(op, {x}, {{attr::kAxes, Axes{{axis}}}, {attr::kKeepDim, true}});
}

// The lower of the two in the middle; of a line with NaN its first NaN.
Result<Ordered> emit_median(ImportContext& call, const Lines& lines) {
  if (lines.size(call) == 0) return call.unsupported("the median of no elements");
  FERRYMAN_TRY(Ordered median, emit_kth_smallest(call, lines, (lines.size(call) - 1) / 2));
  if (!is_floating(dtype_of(call, lines.x))) return median;
  FERRYMAN_TRY(const ValueId is_nan, emit_nan_guard(call, lines.x));
  FERRYMAN_TRY(const ValueId any_nan, reduce_line(call, ops::kAny, is_nan, lines.axis));
  const ValueId nan = scalar_like(call, lines.x, std::numeric_limits<double>::quiet_NaN());
  FERRYMAN_TRY(median.values, call.emit(ops::kWhere, {any_nan, nan, median.values}));
  FERRYMAN_TRY(const ValueId numbers, as_dtype(call, is_nan, DType::kI32));
  FERRYMAN_TRY(ValueId first,
               call.emit(ops::kArgmax, {numbers}, {{attr::kAxis, Axis{lines.axis}}}));
  FERRYMAN_TRY(first, as_dtype(call, first, DType::kI32));
  FERRYMAN_TRY(median.positions, call.emit(ops::kWhere, {any_nan, first, median.positions}));
  return median;
}

// The same among what is not NaN: the place of the middle depends on how many those are, and is
// read from a table.
Result<Ordered> emit_nanmedian(ImportContext& call, const Lines& lines) {
  if (!is_floating(dtype_of(call, lines.x))) return emit_median(call, lines);
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, lines.x, lines.axis, Order::kAscending));
  FERRYMAN_TRY(const ValueId is_nan, call.emit(ops::kIsNan, {lines.x}));
  FERRYMAN_TRY(const ValueId numbers, as_dtype(call, is_nan, DType::kI32));
  FERRYMAN_TRY(const ValueId count, reduce_line(call, ops::kSum, numbers, lines.axis));
  const int64_t size = lines.size(call);
  Ints middles;
  for (int64_t nans = 0; nans <= size; ++nans)
    middles.push_back(std::max<int64_t>(size - nans - 1, 0) / 2);
  FERRYMAN_TRY(const ValueId middle,
               emit_gather(call, int_constant(call, {size + 1}, middles), count, 0));
  Ordered median;
  FERRYMAN_TRY(median.values, gather_elements(call, sorted.values, middle, lines.axis));
  FERRYMAN_TRY(median.positions, gather_elements(call, sorted.positions, middle, lines.axis));
  return median;
}

template <Result<Ordered> (*kEmit)(ImportContext&, const Lines&)>
Imported import_median_along(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const Ordered median, kEmit(call, lines));
  return finish_picked(call, lines, median);
}

template <Result<Ordered> (*kEmit)(ImportContext&, const Lines&)>
Imported import_median_of_all(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_all(call));
  FERRYMAN_TRY(const Ordered median, kEmit(call, lines));
  return one_result(emit_reshape(call, median.values, {}));
}

// The value that stands most often, the smallest of several, and the last place where it stands. In
// sorted order each run of equal values counts up from 1; the first of the largest counts ends its
// run. A run starts where the value differs from the one before.
Result<Ordered> emit_mode(ImportContext& call, const Lines& lines) {
  FERRYMAN_TRY(const Ordered sorted, emit_sort(call, lines.x, lines.axis, Order::kAscending));
  const int64_t size = lines.size(call);
  if (size == 1) return sorted;
  FERRYMAN_TRY(const ValueId later, emit_slice(call, sorted.values, lines.axis, 1, size));
  FERRYMAN_TRY(const ValueId earlier, emit_slice(call, sorted.values, lines.axis, 0, size - 1));
  FERRYMAN_TRY(const ValueId starts_run, call.emit(ops::kNe, {later, earlier}));
  const Ints shape = sizes_of(call, later);
  Ints along(shape.size(), 1);
  along[static_cast<size_t>(lines.axis)] = size - 1;
  Ints numbers(static_cast<size_t>(size - 1));
  std::iota(numbers.begin(), numbers.end(), 1);
  FERRYMAN_TRY(const ValueId places,
               as_dtype(call, int_constant(call, along, numbers), DType::kI32));
  FERRYMAN_TRY(const ValueId starts,
               call.emit(ops::kWhere, {starts_run, places, scalar_like(call, places, 0)}));
  FERRYMAN_TRY(const ValueId start, emit_running_maximum(call, starts, lines.axis));
  FERRYMAN_TRY(const ValueId length, call.emit(ops::kSub, {places, start}));  // from 0
  FERRYMAN_TRY(const ValueId first, emit_slice(call, length, lines.axis, 0, 1));
  FERRYMAN_TRY(const ValueId zero, call.emit(ops::kSub, {first, first}));
  FERRYMAN_TRY(const ValueId lengths, emit_concat(call, std::array{zero, length}, lines.axis));
  FERRYMAN_TRY(const ValueId end,
               call.emit(ops::kArgmax, {lengths}, {{attr::kAxis, Axis{lines.axis}}}));
  Ordered mode;
  FERRYMAN_TRY(mode.values, gather_elements(call, sorted.values, end, lines.axis));
  FERRYMAN_TRY(mode.positions, gather_elements(call, sorted.positions, end, lines.axis));
  return mode;
}

Imported import_mode(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  if (lines.size(call) == 0) return call.unsupported("the mode of no elements");
  FERRYMAN_TRY(const Ordered mode, emit_mode(call, lines));
  return finish_picked(call, lines, mode);
}

// ---- nonzero_static ----

// Row n holds the place of the n-th element that is not 0, or fill_value.
Imported import_nonzero_static(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t size, call.integer("size"));
  FERRYMAN_TRY(const int64_t fill, call.integer("fill_value", -1));
  const Ints shape = sizes_of(call, x);
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t count = std::min(size, product(shape));
  const ValueId filling = call.builder().constant(
      TensorData::filled(DType::kI64, {size, rank}, static_cast<double>(fill)), "fill");
  if (count == 0 || rank == 0) return std::vector{filling};
  FERRYMAN_TRY(ValueId mask, as_dtype(call, x, DType::kBool));
  FERRYMAN_TRY(mask, as_dtype(call, mask, DType::kI32));
  FERRYMAN_TRY(mask, emit_reshape(call, mask, {-1}));
  FERRYMAN_TRY(const Ordered found, emit_topk(call, mask, 0, count, Order::kDescending));
  Ints places;
  for_each_index(shape, [&](const Ints& at) { places.insert(places.end(), at.begin(), at.end()); });
  const ValueId table = int_constant(call, {product(shape), rank}, places);
  FERRYMAN_TRY(ValueId rows, emit_gather(call, table, found.positions, 0));
  FERRYMAN_TRY(ValueId is_found,
               call.emit(ops::kGt, {found.values, scalar_like(call, found.values, 0)}));
  FERRYMAN_TRY(is_found, emit_reshape(call, is_found, {count, 1}));
  FERRYMAN_TRY(const ValueId part, emit_slice(call, filling, 0, 0, count));
  FERRYMAN_TRY(rows, call.emit(ops::kWhere, {is_found, rows, part}));
  if (count == size) return std::vector{rows};
  FERRYMAN_TRY(const ValueId rest, emit_slice(call, filling, 0, count, size));
  return one_result(emit_concat(call, std::array{rows, rest}, 0));
}

}  // namespace

void add_ordering_imports(ImportTable& imports) {
  imports.add({"sort.default", "sort.stable"}, import_sort);
  imports.add("msort.default", import_msort);
  imports.add({"argsort.default", "argsort.stable"}, import_argsort);
  imports.add("topk.default", import_topk);
  imports.add("kthvalue.default", import_kthvalue);
  imports.add("median.dim", import_median_along<emit_median>);
  imports.add("median.default", import_median_of_all<emit_median>);
  imports.add("nanmedian.dim", import_median_along<emit_nanmedian>);
  imports.add("nanmedian.default", import_median_of_all<emit_nanmedian>);
  imports.add("mode.default", import_mode);
  imports.add("nonzero_static.default", import_nonzero_static);
}

}  // namespace ferryman
