#include "ops/spatial/pool_indices.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/index/index_arrays.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// The flat places of all windows, row by row, filled up to one width with the first of each window,
// which changes no maximum and wins no tie.
struct TapTable {
  Ints places;
  int64_t windows = 0;
  int64_t width = 0;
};

TapTable tabulate(const Ints& out_sizes, const TapsAt& taps_at) {
  std::vector<std::vector<Tap>> all;
  size_t width = 0;
  for_each_index(out_sizes, [&](const Ints& out) {
    all.push_back(taps_at(out));
    width = std::max(width, all.back().size());
  });
  TapTable table{.places = {},
                 .windows = static_cast<int64_t>(all.size()),
                 .width = static_cast<int64_t>(width)};
  for (const std::vector<Tap>& taps : all) {
    for (size_t i = 0; i < width; ++i) table.places.push_back(taps[i < taps.size() ? i : 0].input);
  }
  return table;
}

// Splits the axes into planes and their positions.
ValueId as_planes(CoreWriter write, ValueId x, size_t spatial_rank) {
  const Dims sizes = write.dims(x);
  const auto spatial = sizes.end() - static_cast<int64_t>(spatial_rank);
  SymbolTable& symbols = write.symbols();
  const Dim area = symbols.product(Dims(spatial, sizes.end()));
  const Dim planes = area == Dim(0) ? Dim(0) : symbols.product(Dims(sizes.begin(), spatial));
  return write.reshape(x, Dims{planes, area});
}

}  // namespace

ValueId emit_pool_indices(CoreWriter write, ValueId x, const Ints& out_sizes,
                          const TapsAt& taps_at) {
  const TapTable table = tabulate(out_sizes, taps_at);
  Dims shape = write.dims(x);
  std::copy(out_sizes.begin(), out_sizes.end(),
            shape.end() - static_cast<int64_t>(out_sizes.size()));
  const int64_t count = table.windows * table.width;
  const ValueId places = write.indices({count}, table.places);
  const ValueId planes = as_planes(write, x, out_sizes.size());
  ValueId taps = write.gather(planes, 1, places);
  taps = write.reshape(taps, {-1, table.windows, table.width});
  ValueId tap = write.op(ops::kArgmax, {taps}, {{attr::kAxis, Axis{2}}});
  tap = write.reshape(tap, {-1, table.windows});
  Ints firsts;
  for (int64_t i = 0; i < table.windows; ++i) firsts.push_back(i * table.width);
  tap = write.add(tap, write.indices({table.windows}, firsts));
  const ValueId indices = write.gather(places, 0, tap);
  return write.reshape(indices, shape);
}

// ---- windows of free sizes ----

namespace {

ValueId whole_number(CoreWriter write, Dim size) {
  return write.size_value(size, DType::kI32);
}

// [windows, 1]
ValueId window_numbers(CoreWriter write, Dim count) {
  return write.numbers_along(count, 2, 0, "windows");
}

}  // namespace

// Taps are numbered by k: their first is the first at 0 or behind it, their last the last before
// the end.
AxisWindows moved_windows(CoreWriter write, Dim size, Dim count, const Window& window,
                          size_t axis) {
  const auto dilation = static_cast<double>(window.dilation[axis]);
  const Dim width = window.kernel[axis];
  ValueId start = write.mul(window_numbers(write, count), static_cast<double>(window.stride[axis]));
  start = write.sub(start, static_cast<double>(window.padding_before[axis]));
  ValueId first = write.sub(write.scalar(start, dilation - 1), start);
  first = write.binary(ops::kMaximum, write.binary(ops::kFloorDivide, first, dilation), 0);
  const ValueId room = write.sub(whole_number(write, write.symbols().shift(size, -1)), start);
  const ValueId last = write.binary(ops::kFloorDivide, room, dilation);
  ValueId k = write.numbers(width, "taps");
  k = write.binary(ops::kMinimum, write.binary(ops::kMaximum, k, first), last);
  return {write.add(start, write.mul(k, dilation)), count, width, {}};
}

// [i * size // count, ceil((i + 1) * size / count)), the widest of which may have one element more
// than the quotient rounded up.
AxisWindows adaptive_windows(CoreWriter write, Dim size, Dim count) {
  SymbolTable& symbols = write.symbols();
  const ValueId in = whole_number(write, size);
  const ValueId out = whole_number(write, count);
  const ValueId number = window_numbers(write, count);
  const ValueId begin = write.binary(ops::kFloorDivide, write.mul(number, in), out);
  ValueId last = write.mul(write.add(number, 1), in);
  last = write.binary(ops::kFloorDivide, write.sub(last, 1), out);
  const SizeExpr rounded_up =
      symbols.quotient(symbols.of(size) + symbols.of(count) - 1, symbols.of(count));
  const Dim width = symbols.dim(rounded_up + 1);
  const ValueId position = write.add(begin, write.numbers(width, "taps"));
  return {write.binary(ops::kMinimum, position, last), count, width,
          write.binary(ops::kLe, position, last)};
}

ValueId emit_free_pool_indices(CoreWriter write, ValueId x, const std::vector<AxisWindows>& axes) {
  const size_t rank = axes.size();
  SymbolTable& symbols = write.symbols();
  Dims shape = write.dims(x);
  ValueId places;
  Dim windows = 1;
  Dim width = 1;
  for (size_t i = 0; i < rank; ++i) {  // [windows of each axis…, taps of each axis…]
    Dims apart(2 * rank, 1);
    apart[i] = axes[i].count;
    apart[rank + i] = axes[i].width;
    const ValueId positions = write.reshape(axes[i].positions, apart);
    if (places.valid()) {
      const Dim size = shape[shape.size() - rank + i];
      places = write.add(write.mul(places, whole_number(write, size)), positions);
    } else {
      places = positions;
    }
    windows = symbols.mul(windows, axes[i].count);
    width = symbols.mul(width, axes[i].width);
  }
  const Dim count = symbols.mul(windows, width);
  places = write.reshape(places, Dims{count});
  const ValueId planes = as_planes(write, x, rank);
  const Dim num_planes = write.dim(planes, 0);
  const ValueId taps =
      write.reshape(write.gather(planes, 1, places), Dims{num_planes, windows, width});
  ValueId tap = write.op(ops::kArgmax, {taps}, {{attr::kAxis, Axis{2}}});
  tap = write.reshape(tap, Dims{num_planes, windows});
  const ValueId first = write.mul(write.numbers(windows, "windows"), whole_number(write, width));
  tap = write.add(tap, write.cast(first, write.dtype(tap)));
  for (size_t i = 0; i < rank; ++i) shape[shape.size() - rank + i] = axes[i].count;
  const ValueId indices = write.cast(write.gather(places, 0, tap), DType::kI64);
  return write.reshape(indices, shape);
}

ValueId emit_pooled_elements(CoreWriter write, ValueId x, ValueId indices, size_t spatial_rank) {
  const ValueId planes = as_planes(write, x, spatial_rank);
  const ValueId flat = as_planes(write, indices, spatial_rank);
  const ValueId elements = gather_elements(write, planes, flat, 1);
  return write.reshape(elements, write.dims(indices));
}

namespace {

// The gradient of each window goes to where its largest element stands.
Imported import_max_pool_backward(ImportContext& call) {
  for (const std::string_view name : {"kernel_size", "stride", "padding", "dilation", "ceil_mode"})
    call.ignore(name);  // the indices say it all
  FERRYMAN_TRY(const ValueId gradient, call.tensor("grad_output"));
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId indices, call.tensor("indices"));
  const size_t spatial_rank = call.target().find("pool3d") != std::string_view::npos ? 3 : 2;
  const CoreWriter write = call.writer();
  ValueId index = as_planes(write, indices, spatial_rank);
  const ValueId planes = as_planes(write, x, spatial_rank);
  index = flat_positions(write, planes, index, 1);
  index = write.reshape(index, {-1});
  const ValueId updates = write.reshape(gradient, {-1});
  const ValueId sums = emit_segments(write, updates, index, write.num_elements(x), "sum");
  return one_result(write.reshape(sums, write.dims(x)));
}

// ---- fractional pooling ----

struct FractionalAxis {
  int64_t size, window, out;
};

// [N, C, out]: where the windows along one axis begin, from one random number u for each plane:
// trunc((i + u) * a) - trunc(u * a) with a = (size - window) / (out - 1); the last lies at the end.
ValueId fractional_starts(CoreWriter write, ValueId u, const FractionalAxis& axis) {
  const int64_t room = axis.size - axis.window;
  Ints shape = write.sizes(u);
  shape.push_back(1);
  const ValueId end = write.scalar(write.indices({}, {0}), static_cast<double>(room));
  if (axis.out == 1) return write.expand(end, shape);
  const ValueId column = write.reshape(u, shape);
  const float step = static_cast<float>(room) / static_cast<float>(axis.out - 1);
  const ValueId factor = write.scalar(u, static_cast<double>(step));
  Ints numbers = iota_axes(axis.out - 1);
  const ValueId number = write.cast(write.indices({axis.out - 1}, numbers), write.dtype(u));
  const ValueId whole = write.cast(write.mul(write.add(number, column), factor), DType::kI64);
  const ValueId starts = write.sub(whole, write.cast(write.mul(column, factor), DType::kI64));
  const ValueId last = write.expand(end, shape);
  return write.concat(std::array{starts, last}, static_cast<int64_t>(shape.size()) - 1);
}

struct Fractional {
  ValueId x;        // [N, C, spatial…]
  ValueId samples;  // [N, C, spatial rank]
  Ints window, out;
  bool is_batched = true;

  size_t rank() const { return window.size(); }
};

Result<Fractional> read_fractional(ImportContext& call) {
  Fractional pool;
  FERRYMAN_TRY(pool.x, call.tensor("self"));
  FERRYMAN_TRY(pool.samples, call.tensor("random_samples"));
  const size_t rank = call.target().find("3d") != std::string_view::npos ? 3 : 2;
  FERRYMAN_TRY(pool.window, call.integers_for("kernel_size", rank, {}));
  FERRYMAN_TRY(pool.out, call.integers_for("output_size", rank, {}));
  const CoreWriter write = call.writer();
  Ints sizes = write.sizes(pool.x);
  if (sizes.size() != rank + 1 && sizes.size() != rank + 2)
    return call.unsupported("an input of another rank");
  pool.is_batched = sizes.size() == rank + 2;
  if (!pool.is_batched) sizes.insert(sizes.begin(), 1);
  pool.x = write.reshape(pool.x, sizes);
  if (write.rank(pool.samples) != 3 || write.size(pool.samples, 0) < sizes[0])
    return call.unsupported("random samples for fewer planes than there are");
  // torch takes samples for more batches than there are, and reads the first.
  pool.samples = write.slice_axis(pool.samples, 0, 0, sizes[0]);
  return pool;
}

// [N, C, out0 * window0, out1 * window1, …] flat places in the planes.
ValueId fractional_places(CoreWriter write, const Fractional& pool) {
  const Ints sizes = write.sizes(pool.x);
  const size_t rank = pool.rank();
  ValueId places;
  for (size_t i = 0; i < rank; ++i) {
    const FractionalAxis axis{sizes[2 + i], pool.window[i], pool.out[i]};
    if (axis.window < 1 || axis.out < 1 || axis.window > axis.size)
      return write.refuse("a window larger than the input");
    // The samples of images stand in the order width, height.
    const auto column = static_cast<int64_t>(rank == 2 ? 1 - i : i);
    ValueId starts = fractional_starts(write, write.select(pool.samples, 2, column), axis);
    starts = write.reshape(starts, {sizes[0], sizes[1], axis.out, 1});
    Ints steps = iota_axes(axis.window);
    ValueId rows = write.add(starts, write.indices({axis.window}, steps));
    Ints shape(2 + rank, 1);
    shape[0] = sizes[0];
    shape[1] = sizes[1];
    shape[2 + i] = axis.out * axis.window;
    const int64_t stride = product(Ints(sizes.begin() + 3 + static_cast<int64_t>(i), sizes.end()));
    rows = write.reshape(rows, shape);
    rows = write.mul(rows, write.indices({}, {stride}));
    if (!places.valid()) {
      places = rows;
      continue;
    }
    places = write.add(places, rows);
  }
  return places;
}

// [planes, out0 * window0, out1 * window1, …] -> [planes, windows, elements of a window]
ValueId windows_last(CoreWriter write, ValueId places, const Fractional& pool) {
  Ints split = {-1};
  Ints perm = {0};
  for (size_t i = 0; i < pool.rank(); ++i) {
    split.insert(split.end(), {pool.out[i], pool.window[i]});
    perm.push_back(static_cast<int64_t>(1 + 2 * i));
  }
  for (size_t i = 0; i < pool.rank(); ++i) perm.push_back(static_cast<int64_t>(2 + 2 * i));
  ValueId result = write.reshape(places, split);
  result = write.permute(result, perm);
  return write.reshape(result, {-1, product(pool.out), product(pool.window)});
}

Imported import_fractional_max_pool(ImportContext& call) {
  FERRYMAN_TRY(const Fractional pool, read_fractional(call));
  const CoreWriter write = call.writer();
  ValueId places = fractional_places(write, pool);
  places = windows_last(write, places, pool);
  const Ints shape = write.sizes(places);
  const ValueId flat = write.reshape(places, {shape[0], -1});
  const ValueId planes = as_planes(write, pool.x, pool.rank());
  ValueId taps = gather_elements(write, planes, flat, 1);
  taps = write.reshape(taps, shape);
  const ValueId tap = write.op(ops::kArgmax, {taps}, {{attr::kAxis, Axis{2}}});
  std::vector<ValueId> results(2);
  results[0] = gather_elements(write, taps, tap, 2);
  results[1] = gather_elements(write, places, tap, 2);
  Ints out = write.sizes(pool.x);
  std::copy(pool.out.begin(), pool.out.end(), out.begin() + 2);
  if (!pool.is_batched) out.erase(out.begin());
  for (ValueId& result : results) {
    result = write.reshape(result, out);
  }
  return results;
}

}  // namespace

void add_pool_index_imports(ImportTable& imports) {
  imports.add(
      {"max_pool2d_with_indices_backward.default", "max_pool3d_with_indices_backward.default"},
      import_max_pool_backward);
  imports.add({"fractional_max_pool2d.default", "fractional_max_pool3d.default"},
              import_fractional_max_pool);
}

}  // namespace ferryman
