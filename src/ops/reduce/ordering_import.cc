// sort, topk and what is found by putting elements into order.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/nan_guard.h"
#include "ops/promote.h"
#include "ops/reduce/ordering.h"
#include "ops/reduce/scan.h"

namespace ferryman {

namespace {

struct Lines {
  ValueId x;  // has an axis
  int64_t axis = 0;
  bool is_scalar = false;  // of a tensor without axes

  Dim size(CoreWriter write) const { return write.dim(x, axis); }
};

Result<Lines> read_lines(ImportContext& call) {
  Lines lines;
  FERRYMAN_TRY(lines.x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(lines.axis, call.axis("dim", write.rank(lines.x), -1));
  lines.is_scalar = write.rank(lines.x) == 0;
  if (lines.is_scalar) lines.x = write.reshape(lines.x, {1});
  return lines;
}

// All elements as one line.
Result<Lines> read_all(ImportContext& call) {
  Lines lines;
  FERRYMAN_TRY(lines.x, call.tensor("self"));
  lines.x = call.writer().reshape(lines.x, {-1});
  lines.is_scalar = true;
  return lines;
}

// Values and int64 positions of the call.
Imported finish_lines(ImportContext& call, const Lines& lines, const Ordered& ordered) {
  std::vector<ValueId> results = {ordered.values, ordered.positions};
  const CoreWriter write = call.writer();
  results[1] = write.cast(results[1], DType::kI64);
  for (ValueId& result : results) {
    if (!lines.is_scalar) continue;
    result = write.reshape(result, {});
  }
  return results;
}

Imported import_sort(ImportContext& call) {
  call.ignore("stable");  // it always is
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const bool descending, call.flag("descending", false));
  const Ordered sorted = emit_sort(call.writer(), lines.x, lines.axis,
                                   descending ? Order::kDescending : Order::kAscending);
  return finish_lines(call, lines, sorted);
}

// The values alone, along the first axis.
Imported import_msort(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (write.rank(x) == 0) return std::vector{x};
  const Ordered sorted = emit_sort(write, x, 0, Order::kAscending);
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
  FERRYMAN_TRY(const Dim count, call.size("k"));
  FERRYMAN_TRY(const bool largest, call.flag("largest", true));
  const Ordered top = emit_topk(call.writer(), lines.x, lines.axis, count,
                                largest ? Order::kDescending : Order::kAscending);
  return finish_lines(call, lines, top);
}

// ---- one element of each line ----

// The axis has the size 1 now, and goes unless keepdim is given.
Imported finish_picked(ImportContext& call, const Lines& lines, Ordered picked) {
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  const CoreWriter write = call.writer();
  Dims shape = write.dims(picked.values);
  if (!keepdim || lines.is_scalar) shape.erase(shape.begin() + lines.axis);
  picked.values = write.reshape(picked.values, shape);
  picked.positions = write.reshape(picked.positions, shape);
  return finish_lines(call, {lines.x, lines.axis, false}, picked);
}

Ordered slice_ordered(CoreWriter write, const Ordered& ordered, int64_t axis, Dim index) {
  Ordered one;
  const Dim end = write.symbols().shift(index, 1);
  one.values = write.slice_axis(ordered.values, axis, index, end);
  one.positions = write.slice_axis(ordered.positions, axis, index, end);
  return one;
}

Result<Ordered> emit_kth_smallest(ImportContext& call, const Lines& lines, Dim rank) {
  const CoreWriter write = call.writer();
  const Dim size = lines.size(write);
  if (rank.is_static() && size.is_static() && rank.size() >= size.size())
    return call.unsupported("k outside the axis");
  const Dim count = write.symbols().shift(rank, 1);
  const Ordered low = emit_topk(write, lines.x, lines.axis, count, Order::kAscending);
  return slice_ordered(write, low, lines.axis, rank);
}

Imported import_kthvalue(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  FERRYMAN_TRY(const int64_t k, call.integer("k"));
  if (k < 1) return call.unsupported("k outside the axis");
  FERRYMAN_TRY(const Ordered picked, emit_kth_smallest(call, lines, k - 1));
  return finish_picked(call, lines, picked);
}

ValueId reduce_line(CoreWriter write, OpName op, ValueId x, int64_t axis) {
  return write.reduce(op, x, {axis}, /*keepdim=*/true);
}

// The lower of the two in the middle; of a line with NaN its first NaN.
Result<Ordered> emit_median(ImportContext& call, const Lines& lines) {
  const CoreWriter write = call.writer();
  const Dim size = lines.size(write);
  if (size == Dim(0)) return call.unsupported("the median of no elements");
  SymbolTable& symbols = write.symbols();
  const Dim middle = symbols.floordiv(symbols.shift(size, -1), 2);
  FERRYMAN_TRY(Ordered median, emit_kth_smallest(call, lines, middle));
  if (!is_floating(write.dtype(lines.x))) return median;
  const ValueId is_nan = emit_nan_guard(write, lines.x);
  const ValueId any_nan = reduce_line(write, ops::kAny, is_nan, lines.axis);
  const ValueId nan = write.scalar(lines.x, std::numeric_limits<double>::quiet_NaN());
  median.values = write.where(any_nan, nan, median.values);
  const ValueId numbers = write.cast(is_nan, DType::kI32);
  ValueId first = write.op(ops::kArgmax, {numbers}, {{attr::kAxis, Axis{lines.axis}}});
  first = write.cast(first, DType::kI32);
  median.positions = write.where(any_nan, first, median.positions);
  return median;
}

// Of that many elements but `nans`, which are in a tensor of int32.
ValueId middle_of_rest(CoreWriter write, Dim size, ValueId nans) {
  if (!size.is_static()) {
    const ValueId last = write.size_value(write.symbols().shift(size, -1), DType::kI32);
    const ValueId rest = write.binary(ops::kMaximum, write.sub(last, nans), 0);
    return write.binary(ops::kFloorDivide, rest, 2);
  }
  Ints middles;
  for (int64_t count = 0; count <= size.size(); ++count)
    middles.push_back(std::max<int64_t>(size.size() - count - 1, 0) / 2);
  return write.gather(write.indices({size.size() + 1}, middles), 0, nans);
}

// The same among what is not NaN: the place of the middle depends on how many those are, and is
// read from a table.
Result<Ordered> emit_nanmedian(ImportContext& call, const Lines& lines) {
  const CoreWriter write = call.writer();
  if (!is_floating(write.dtype(lines.x))) return emit_median(call, lines);
  const Ordered sorted = emit_sort(write, lines.x, lines.axis, Order::kAscending);
  const ValueId numbers = write.cast(write.unary(ops::kIsNan, lines.x), DType::kI32);
  const ValueId count = reduce_line(write, ops::kSum, numbers, lines.axis);
  const ValueId middle = middle_of_rest(write, lines.size(write), count);
  Ordered median;
  median.values = gather_elements(write, sorted.values, middle, lines.axis);
  median.positions = gather_elements(write, sorted.positions, middle, lines.axis);
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
  return one_result(call.writer().reshape(median.values, {}));
}

// 1, 2, … along one axis, as int32.
ValueId places_from_1(CoreWriter write, Dim count, size_t rank, int64_t axis) {
  const auto along = static_cast<size_t>(axis);
  if (!count.is_static()) return write.add(write.numbers_along(count, rank, along, "places"), 1);
  Ints shape(rank, 1);
  shape[along] = count.size();
  Ints numbers(static_cast<size_t>(count.size()));
  std::iota(numbers.begin(), numbers.end(), 1);
  return write.cast(write.indices(shape, numbers), DType::kI32);
}

// The value that stands most often, the smallest of several, and the last place where it stands. In
// sorted order each run of equal values counts up from 1; the first of the largest counts ends its
// run. A run starts where the value differs from the one before.
Ordered emit_mode(CoreWriter write, const Lines& lines) {
  const Ordered sorted = emit_sort(write, lines.x, lines.axis, Order::kAscending);
  const Dim size = lines.size(write);
  if (size == Dim(1)) return sorted;
  const Dim rest = write.symbols().shift(size, -1);
  const ValueId later = write.slice_axis(sorted.values, lines.axis, 1, size);
  const ValueId earlier = write.slice_axis(sorted.values, lines.axis, 0, rest);
  const ValueId starts_run = write.binary(ops::kNe, later, earlier);
  const ValueId places = places_from_1(write, rest, write.rank(later), lines.axis);
  const ValueId start = emit_running_maximum(write, write.where(starts_run, places, 0), lines.axis);
  const ValueId length = write.sub(places, start);  // from 0
  const ValueId first = write.slice_axis(length, lines.axis, 0, 1);
  const ValueId lengths = write.concat(std::array{write.sub(first, first), length}, lines.axis);
  const ValueId end = write.op(ops::kArgmax, {lengths}, {{attr::kAxis, Axis{lines.axis}}});
  Ordered mode;
  mode.values = gather_elements(write, sorted.values, end, lines.axis);
  mode.positions = gather_elements(write, sorted.positions, end, lines.axis);
  return mode;
}

Imported import_mode(ImportContext& call) {
  FERRYMAN_TRY(const Lines lines, read_lines(call));
  const CoreWriter write = call.writer();
  if (lines.size(write) == Dim(0)) return call.unsupported("the mode of no elements");
  const Ordered mode = emit_mode(write, lines);
  return finish_picked(call, lines, mode);
}

// ---- nonzero_static ----

// Row n holds the place of the n-th element that is not 0, or fill_value.
Imported import_nonzero_static(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t size, call.integer("size"));
  FERRYMAN_TRY(const int64_t fill, call.integer("fill_value", -1));
  const CoreWriter write = call.writer();
  const Ints shape = write.sizes(x);
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t count = std::min(size, product(shape));
  const ValueId filling = write.constant(
      TensorData::filled(DType::kI64, {size, rank}, static_cast<double>(fill)), "fill");
  if (count == 0 || rank == 0) return std::vector{filling};
  ValueId mask = write.cast(x, DType::kBool);
  mask = write.cast(mask, DType::kI32);
  mask = write.reshape(mask, {-1});
  const Ordered found = emit_topk(write, mask, 0, count, Order::kDescending);
  Ints places;
  for_each_index(shape, [&](const Ints& at) { places.insert(places.end(), at.begin(), at.end()); });
  ValueId rows = write.gather(write.indices({product(shape), rank}, places), 0, found.positions);
  ValueId is_found = write.binary(ops::kGt, found.values, 0);
  is_found = write.reshape(is_found, {count, 1});
  rows = write.where(is_found, rows, write.slice_axis(filling, 0, 0, count));
  if (count == size) return std::vector{rows};
  return one_result(write.concat(std::array{rows, write.slice_axis(filling, 0, count, size)}, 0));
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
