#include "ops/pool_indices.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

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
Result<ValueId> as_planes(ImportContext& call, ValueId x, size_t spatial_rank) {
  const Ints sizes = sizes_of(call, x);
  const Ints spatial(sizes.end() - static_cast<int64_t>(spatial_rank), sizes.end());
  const int64_t area = product(spatial);
  return emit_reshape(call, x, {product(sizes) / std::max<int64_t>(area, 1), area});
}

}  // namespace

Result<ValueId> emit_pool_indices(ImportContext& call, ValueId x, const Ints& out_sizes,
                                  const TapsAt& taps_at) {
  const TapTable table = tabulate(out_sizes, taps_at);
  Ints shape = sizes_of(call, x);
  std::copy(out_sizes.begin(), out_sizes.end(),
            shape.end() - static_cast<int64_t>(out_sizes.size()));
  const int64_t count = table.windows * table.width;
  const ValueId places = int_constant(call, {count}, table.places);
  FERRYMAN_TRY(const ValueId planes, as_planes(call, x, out_sizes.size()));
  FERRYMAN_TRY(ValueId taps, emit_gather(call, planes, places, 1));
  FERRYMAN_TRY(taps, emit_reshape(call, taps, {-1, table.windows, table.width}));
  FERRYMAN_TRY(ValueId tap, call.emit(ops::kArgmax, {taps}, {{attr::kAxis, Axis{2}}}));
  FERRYMAN_TRY(tap, emit_reshape(call, tap, {-1, table.windows}));
  Ints firsts;
  for (int64_t i = 0; i < table.windows; ++i) firsts.push_back(i * table.width);
  FERRYMAN_TRY(tap, call.emit(ops::kAdd, {tap, int_constant(call, {table.windows}, firsts)}));
  FERRYMAN_TRY(const ValueId indices, emit_gather(call, places, tap, 0));
  return emit_reshape(call, indices, shape);
}

Result<ValueId> emit_pooled_elements(ImportContext& call, ValueId x, ValueId indices,
                                     size_t spatial_rank) {
  FERRYMAN_TRY(const ValueId planes, as_planes(call, x, spatial_rank));
  FERRYMAN_TRY(const ValueId flat, as_planes(call, indices, spatial_rank));
  FERRYMAN_TRY(const ValueId elements, gather_elements(call, planes, flat, 1));
  return emit_reshape(call, elements, sizes_of(call, indices));
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
  FERRYMAN_TRY(ValueId index, as_planes(call, indices, spatial_rank));
  FERRYMAN_TRY(const ValueId planes, as_planes(call, x, spatial_rank));
  FERRYMAN_TRY(index, flat_positions(call, planes, index, 1));
  FERRYMAN_TRY(index, emit_reshape(call, index, {-1}));
  FERRYMAN_TRY(const ValueId updates, emit_reshape(call, gradient, {-1}));
  const int64_t count = product(sizes_of(call, x));
  FERRYMAN_TRY(const ValueId sums, emit_segments(call, updates, index, count, "sum"));
  return one_result(emit_reshape(call, sums, sizes_of(call, x)));
}

// ---- fractional pooling ----

struct FractionalAxis {
  int64_t size, window, out;
};

// [N, C, out]: where the windows along one axis begin, from one random number u for each plane:
// trunc((i + u) * a) - trunc(u * a) with a = (size - window) / (out - 1); the last lies at the end.
Result<ValueId> fractional_starts(ImportContext& call, ValueId u, const FractionalAxis& axis) {
  const int64_t room = axis.size - axis.window;
  Ints shape = sizes_of(call, u);
  shape.push_back(1);
  const ValueId end = scalar_like(call, int_constant(call, {}, {0}), static_cast<double>(room));
  if (axis.out == 1) return emit_expand(call, end, shape);
  FERRYMAN_TRY(const ValueId column, emit_reshape(call, u, shape));
  const float step = static_cast<float>(room) / static_cast<float>(axis.out - 1);
  const ValueId factor = scalar_like(call, u, static_cast<double>(step));
  Ints numbers(static_cast<size_t>(axis.out - 1));
  std::iota(numbers.begin(), numbers.end(), 0);
  FERRYMAN_TRY(const ValueId number,
               as_dtype(call, int_constant(call, {axis.out - 1}, numbers), dtype_of(call, u)));
  FERRYMAN_TRY(const ValueId place, call.emit(ops::kAdd, {number, column}));
  FERRYMAN_TRY(const ValueId scaled, call.emit(ops::kMul, {place, factor}));
  FERRYMAN_TRY(const ValueId whole, as_dtype(call, scaled, DType::kI64));
  FERRYMAN_TRY(const ValueId first, call.emit(ops::kMul, {column, factor}));
  FERRYMAN_TRY(const ValueId first_whole, as_dtype(call, first, DType::kI64));
  FERRYMAN_TRY(const ValueId starts, call.emit(ops::kSub, {whole, first_whole}));
  FERRYMAN_TRY(const ValueId last, emit_expand(call, end, shape));
  return emit_concat(call, std::array{starts, last}, static_cast<int64_t>(shape.size()) - 1);
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
  Ints sizes = sizes_of(call, pool.x);
  if (sizes.size() != rank + 1 && sizes.size() != rank + 2)
    return call.unsupported("an input of another rank");
  pool.is_batched = sizes.size() == rank + 2;
  if (!pool.is_batched) sizes.insert(sizes.begin(), 1);
  FERRYMAN_TRY(pool.x, emit_reshape(call, pool.x, sizes));
  if (rank_of(call, pool.samples) != 3 || sizes_of(call, pool.samples)[0] < sizes[0])
    return call.unsupported("random samples for fewer planes than there are");
  // torch takes samples for more batches than there are, and reads the first.
  FERRYMAN_TRY(pool.samples, emit_slice(call, pool.samples, 0, 0, sizes[0]));
  return pool;
}

// [N, C, out0 * window0, out1 * window1, …] flat places in the planes.
Result<ValueId> fractional_places(ImportContext& call, const Fractional& pool) {
  const Ints sizes = sizes_of(call, pool.x);
  const size_t rank = pool.rank();
  ValueId places;
  for (size_t i = 0; i < rank; ++i) {
    const FractionalAxis axis{sizes[2 + i], pool.window[i], pool.out[i]};
    if (axis.window < 1 || axis.out < 1 || axis.window > axis.size)
      return call.unsupported("a window larger than the input");
    // The samples of images stand in the order width, height.
    const auto column = static_cast<int64_t>(rank == 2 ? 1 - i : i);
    FERRYMAN_TRY(const ValueId u, emit_select(call, pool.samples, 2, column));
    FERRYMAN_TRY(ValueId starts, fractional_starts(call, u, axis));
    FERRYMAN_TRY(starts, emit_reshape(call, starts, {sizes[0], sizes[1], axis.out, 1}));
    Ints steps(static_cast<size_t>(axis.window));
    std::iota(steps.begin(), steps.end(), 0);
    FERRYMAN_TRY(ValueId rows,
                 call.emit(ops::kAdd, {starts, int_constant(call, {axis.window}, steps)}));
    Ints shape(2 + rank, 1);
    shape[0] = sizes[0];
    shape[1] = sizes[1];
    shape[2 + i] = axis.out * axis.window;
    const int64_t stride = product(Ints(sizes.begin() + 3 + static_cast<int64_t>(i), sizes.end()));
    FERRYMAN_TRY(rows, emit_reshape(call, rows, shape));
    FERRYMAN_TRY(rows, call.emit(ops::kMul, {rows, int_constant(call, {}, {stride})}));
    if (!places.valid()) {
      places = rows;
      continue;
    }
    FERRYMAN_TRY(places, call.emit(ops::kAdd, {places, rows}));
  }
  return places;
}

// [planes, out0 * window0, out1 * window1, …] -> [planes, windows, elements of a window]
Result<ValueId> windows_last(ImportContext& call, ValueId places, const Fractional& pool) {
  Ints split = {-1};
  Ints perm = {0};
  for (size_t i = 0; i < pool.rank(); ++i) {
    split.insert(split.end(), {pool.out[i], pool.window[i]});
    perm.push_back(static_cast<int64_t>(1 + 2 * i));
  }
  for (size_t i = 0; i < pool.rank(); ++i) perm.push_back(static_cast<int64_t>(2 + 2 * i));
  FERRYMAN_TRY(ValueId result, emit_reshape(call, places, split));
  FERRYMAN_TRY(result, emit_permute(call, result, perm));
  return emit_reshape(call, result, {-1, product(pool.out), product(pool.window)});
}

Imported import_fractional_max_pool(ImportContext& call) {
  FERRYMAN_TRY(const Fractional pool, read_fractional(call));
  FERRYMAN_TRY(ValueId places, fractional_places(call, pool));
  FERRYMAN_TRY(places, windows_last(call, places, pool));
  const Ints shape = sizes_of(call, places);
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, places, {shape[0], -1}));
  FERRYMAN_TRY(const ValueId planes, as_planes(call, pool.x, pool.rank()));
  FERRYMAN_TRY(ValueId taps, gather_elements(call, planes, flat, 1));
  FERRYMAN_TRY(taps, emit_reshape(call, taps, shape));
  FERRYMAN_TRY(const ValueId tap, call.emit(ops::kArgmax, {taps}, {{attr::kAxis, Axis{2}}}));
  std::vector<ValueId> results(2);
  FERRYMAN_TRY(results[0], gather_elements(call, taps, tap, 2));
  FERRYMAN_TRY(results[1], gather_elements(call, places, tap, 2));
  Ints out = sizes_of(call, pool.x);
  std::copy(pool.out.begin(), pool.out.end(), out.begin() + 2);
  if (!pool.is_batched) out.erase(out.begin());
  for (ValueId& result : results) {
    FERRYMAN_TRY(result, emit_reshape(call, result, out));
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
