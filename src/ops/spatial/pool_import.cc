// Import of torch's pooling calls: one function for 1-d, 2-d and 3-d.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "ops/attrs.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/spatial/pool_indices.h"
#include "ops/spatial/pool_sizes.h"
#include "ops/spatial/whole_windows.h"

namespace ferryman {

namespace {

// The number in "max_pool2d_with_indices.default".
Result<size_t> spatial_rank(ImportContext& call) {
  const std::string_view target = call.target();
  const size_t digit = target.find_first_of("123");
  if (digit == std::string_view::npos) return call.unsupported("no number of spatial axes");
  return static_cast<size_t>(target[digit] - '0');
}

bool any_positive(const Ints& values) {
  return std::any_of(values.begin(), values.end(), [](int64_t value) { return value > 0; });
}

Result<Window> read_pool_window(ImportContext& call, size_t rank) {
  Window window;
  FERRYMAN_TRY(window.kernel, call.integers_for("kernel_size", rank, {}));
  FERRYMAN_TRY(const Ints stride, call.integers("stride", {}));
  window.stride = window.kernel;
  if (!stride.empty()) {
    FERRYMAN_TRY(window.stride, call.integers_for("stride", rank, {}));
  }
  FERRYMAN_TRY(window.dilation, call.integers_for("dilation", rank, Ints(rank, 1)));
  FERRYMAN_TRY(window.padding_before, call.integers_for("padding", rank, Ints(rank, 0)));
  window.padding_after = window.padding_before;
  FERRYMAN_TRY_STATUS(check_window(window, rank));
  return window;
}

// The padding that makes rounding down give the windows of ceil_mode; along an axis of free size it
// may give one more (cut_to_recorded).
Ints resolved_padding_after(const Window& window, const TensorType& x) {
  Ints padding_after = window.padding_after;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    if (window.stride[axis] == 1) continue;  // nothing is ever left over
    const Dim size = x.dims[x.rank() - window.rank() + axis];
    padding_after[axis] = size.is_static() ? ceil_mode_padding(window, axis, size.size())
                                           : padding_after[axis] + window.stride[axis] - 1;
  }
  return padding_after;
}

// The windows that the program says there are.
ValueId cut_to_recorded(ImportContext& call, ValueId pooled, size_t rank) {
  const CoreWriter write = call.writer();
  const Dims& recorded = call.result_type(0).dims;
  const size_t first = write.rank(pooled) - rank;
  for (size_t i = 0; i < rank; ++i) {
    const Dim size = recorded[recorded.size() - rank + i];
    if (write.dims(pooled)[first + i] != size && !size.is_static())
      pooled = write.slice_axis(pooled, first + i, 0, size);
  }
  return pooled;
}

// With ceil_mode, a window that is larger than an axis without padding sees all of it, once.
Window fitted(Window window, const TensorType& x) {
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const Dim size = x.dims[x.rank() - window.rank() + axis];
    const bool is_padded = window.padding_before[axis] > 0 || window.padding_after[axis] > 0;
    if (!size.is_static() || is_padded || window.dilation[axis] != 1) continue;
    const int64_t missing = window.kernel[axis] - size.size();
    if (missing > 0 && missing < window.stride[axis]) window.kernel[axis] = size.size();
  }
  return window;
}

Result<ValueId> make_pool(CoreWriter write, OpName name, ValueId x, size_t rank,
                          const std::vector<NamedAttr>& attrs) {
  return with_batch(write, x, rank,
                    [&](ValueId batched) { return write.op(name, std::array{batched}, attrs); });
}

// Which elements lie under the windows along all axes.
struct Windows {
  TapsAt taps_at;  // where their sizes are numbers
  std::function<AxisWindows(Dim size, Dim count, size_t axis)> along;
};

bool has_free_axis(CoreWriter write, ValueId x, size_t rank) {
  const Dims& dims = write.dims(x);
  return !all_static(Dims(dims.end() - static_cast<int64_t>(rank), dims.end()));
}

ValueId emit_indices(CoreWriter write, ValueId x, ValueId pooled, size_t rank,
                     const Windows& windows) {
  const auto first = static_cast<int64_t>(write.rank(x) - rank);
  if (!has_free_axis(write, x, rank)) {
    const Dims out = write.dims(pooled);
    return emit_pool_indices(write, x, static_sizes(Dims(out.begin() + first, out.end())),
                             windows.taps_at);
  }
  std::vector<AxisWindows> axes;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t axis = first + static_cast<int64_t>(i);
    axes.push_back(windows.along(write.dim(x, axis), write.dim(pooled, axis), i));
  }
  return emit_free_pool_indices(write, x, axes);
}

// The results that the caller sees: the pooled values, and where they stand if that is read (an
// invalid id stands for indices that are not). No kernel pools whole numbers: they are picked.
Imported with_indices(ImportContext& call, ValueId x, ValueId pooled, size_t rank,
                      const Windows& windows) {
  std::vector<ValueId> results(call.num_results());
  results.front() = pooled;
  const bool reads_indices = results.size() > 1 && call.is_result_read(1);
  const CoreWriter write = call.writer();
  const bool is_whole = is_integer(write.dtype(x));
  if (!reads_indices && !is_whole) return results;
  const ValueId indices = emit_indices(write, x, pooled, rank, windows);
  if (is_whole) results.front() = emit_pooled_elements(write, x, indices, rank);
  if (reads_indices) results[1] = indices;
  return results;
}

Ints spatial_sizes_of(CoreWriter write, ValueId x, size_t rank) {
  if (has_free_axis(write, x, rank)) return {};
  const Dims& dims = write.dims(x);
  return static_sizes(Dims(dims.end() - static_cast<int64_t>(rank), dims.end()));
}

Status check_pool_rank(ImportContext& call, ValueId x, size_t rank) {
  const size_t found = call.writer().rank(x);
  if (found == rank + 1 || found == rank + 2) return {};
  return call.unsupported(fmt::format("an input with {} axes", found));
}

Imported import_max_pool(ImportContext& call) {
  FERRYMAN_TRY(const size_t rank, spatial_rank(call));
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY_STATUS(check_pool_rank(call, x, rank));
  FERRYMAN_TRY(Window window, read_pool_window(call, rank));
  FERRYMAN_TRY(const bool ceil_mode, call.flag("ceil_mode", false));
  const CoreWriter write = call.writer();
  if (ceil_mode) {
    window = fitted(std::move(window), write.type(x));
    window.padding_after = resolved_padding_after(window, write.type(x));
  }
  FERRYMAN_TRY(ValueId pooled, make_pool(write, ops::kMaxPool, x, rank,
                                         {{attr::kKernel, window.kernel},
                                          {attr::kStride, window.stride},
                                          {attr::kPaddingBefore, window.padding_before},
                                          {attr::kPaddingAfter, window.padding_after},
                                          {attr::kDilation, window.dilation}}));
  if (ceil_mode) pooled = cut_to_recorded(call, pooled, rank);
  const Ints in_sizes = spatial_sizes_of(write, x, rank);
  return with_indices(call, x, pooled, rank,
                      {[&](const Ints& out) { return window.taps_at(in_sizes, out); },
                       [&](Dim size, Dim count, size_t axis) {
                         return moved_windows(write, size, count, window, axis);
                       }});
}

// A mean over the padding, too, along an axis of free size: of ones within it, the same mean says
// how much of each window counts.
Result<ValueId> make_padded_mean(ImportContext& call, ValueId x, const Window& window,
                                 const Ints& padding_after) {
  const CoreWriter write = call.writer();
  const size_t rank = window.rank();
  const std::vector<NamedAttr> attrs = {{attr::kKernel, window.kernel},
                                        {attr::kStride, window.stride},
                                        {attr::kPaddingBefore, Ints(rank, 0)},
                                        {attr::kPaddingAfter, Ints(rank, 0)},
                                        {attr::kCountIncludePad, false}};
  const auto mean = [&](ValueId padded) {
    return cut_to_recorded(call, write.op(ops::kAvgPool, std::array{padded}, attrs), rank);
  };
  const Ints before = prefixed(window.padding_before, 0, 2);
  const Ints nothing(before.size(), 0);
  const Ints after = prefixed(window.padding_after, 0, 2);
  Ints beyond = prefixed(padding_after, 0, 2);
  return with_batch(write, x, rank, [&](ValueId batched) -> Result<ValueId> {
    Dims plane = write.dims(batched);
    plane[0] = plane[1] = Dim(1);
    ValueId ones = write.filled(write.dtype(x), plane, 1, "ones");
    ones = write.pad(ones, before, after, 1);
    const ValueId sums = mean(write.pad(batched, before, beyond, 0));
    for (size_t i = 0; i < beyond.size(); ++i) beyond[i] -= after[i];
    return write.div(sums, mean(write.pad(ones, nothing, beyond, 0)));
  });
}

Result<ValueId> make_whole_avg_pool(ImportContext& call, ValueId x, Window window, bool ceil_mode,
                                    const PoolDivisor& divisor) {
  const CoreWriter write = call.writer();
  if (ceil_mode) {
    window.padding_after = resolved_padding_after(window, write.type(x));
  }
  return with_batch(write, x, window.rank(), [&](ValueId batched) -> Result<ValueId> {
    FERRYMAN_TRY(const Dims out,
                 window_dims(call.builder().symbols(), spatial_dims(write.type(batched)), window));
    return emit_whole_avg_pool(write, batched, window, divisor, static_sizes(out));
  });
}

// Where no padding is counted, ceil_mode says no more than padding_after does. That holds without
// padding, without count_include_pad, and with a fixed divisor.
Imported import_avg_pool(ImportContext& call) {
  FERRYMAN_TRY(const size_t rank, spatial_rank(call));
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY_STATUS(check_pool_rank(call, x, rank));
  FERRYMAN_TRY(Window window, read_pool_window(call, rank));
  FERRYMAN_TRY(bool ceil_mode, call.flag("ceil_mode", false));
  FERRYMAN_TRY(bool count_include_pad, call.flag("count_include_pad", true));
  FERRYMAN_TRY(const int64_t divisor_override, call.integer("divisor_override", 0));
  const CoreWriter write = call.writer();
  if (ceil_mode) window = fitted(std::move(window), write.type(x));
  if (is_integer(write.dtype(x)))
    return one_result(make_whole_avg_pool(
        call, x, window, ceil_mode, {window.padding_after, count_include_pad, divisor_override}));
  if (!any_positive(window.padding_before)) count_include_pad = false;
  if (ceil_mode) {
    Ints padding_after = resolved_padding_after(window, write.type(x));
    if (padding_after == window.padding_after) ceil_mode = false;
    if (!count_include_pad || divisor_override != 0) {
      window.padding_after = std::move(padding_after);
      ceil_mode = false;
    } else if (ceil_mode && has_free_axis(write, x, rank)) {
      return one_result(make_padded_mean(call, x, window, padding_after));
    }
  }
  FERRYMAN_TRY(const ValueId pooled, make_pool(write, ops::kAvgPool, x, rank,
                                               {{attr::kKernel, window.kernel},
                                                {attr::kStride, window.stride},
                                                {attr::kPaddingBefore, window.padding_before},
                                                {attr::kPaddingAfter, window.padding_after},
                                                {attr::kCeilMode, ceil_mode},
                                                {attr::kCountIncludePad, count_include_pad},
                                                {attr::kDivisorOverride, divisor_override}}));
  return one_result(cut_to_recorded(call, pooled, rank));
}

// output_size, where None keeps the size of the axis.
Result<Dims> read_output_size(ImportContext& call, const TensorType& x, size_t rank) {
  const ImportArg* arg = call.find("output_size");
  const ImportArgs* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr || list->size() != rank) {
    FERRYMAN_TRY(const Ints numbers, call.integers_for("output_size", rank, {}));
    return to_dims(numbers);
  }
  Dims sizes;
  for (size_t axis = 0; axis < rank; ++axis) {
    const ImportArg& item = (*list)[axis];
    const Dim kept = x.dims[x.rank() - rank + axis];
    const auto* number = std::get_if<int64_t>(&item.value);
    const auto* free = std::get_if<Dim>(&item.value);
    if (number == nullptr && free == nullptr && !item.is_none())
      return call.unsupported("an output_size that is not a size");
    if (free != nullptr) sizes.push_back(*free);
    if (free == nullptr) sizes.push_back(number == nullptr ? kept : Dim(*number));
  }
  return sizes;
}

// Plain pooling windows, if every window of the adaptive pool has the same size.
std::optional<Ints> even_windows(const TensorType& x, const Ints& output_size) {
  Ints kernel;
  for (size_t axis = 0; axis < output_size.size(); ++axis) {
    const Dim size = x.dims[x.rank() - output_size.size() + axis];
    if (!size.is_static() || output_size[axis] < 1 || size.size() < output_size[axis] ||
        size.size() % output_size[axis] != 0)
      return std::nullopt;
    kernel.push_back(size.size() / output_size[axis]);
  }
  return kernel;
}

std::vector<NamedAttr> even_attrs(bool averages, const Ints& kernel) {
  const Ints zeros(kernel.size(), 0);
  std::vector<NamedAttr> attrs = {{attr::kKernel, kernel},
                                  {attr::kStride, kernel},
                                  {attr::kPaddingBefore, zeros},
                                  {attr::kPaddingAfter, zeros}};
  if (averages) attrs.push_back({attr::kCountIncludePad, false});
  if (!averages) attrs.push_back({attr::kDilation, Ints(kernel.size(), 1)});
  return attrs;
}

// Mean or maximum over all spatial axes, which also holds for symbolic sizes.
ValueId reduce_spatial(CoreWriter write, OpName name, ValueId x, size_t rank) {
  const auto axes = static_cast<int64_t>(write.rank(x));
  Axes spatial;
  for (int64_t axis = axes - static_cast<int64_t>(rank); axis < axes; ++axis)
    spatial.values.push_back(axis);
  return write.op(name, {x}, {{attr::kAxes, spatial}, {attr::kKeepDim, true}});
}

struct AdaptiveNames {
  OpName reduction, plain, adaptive;
};

// To a size that is free: what lies under each window, axis by axis. One that keeps its size stays.
ValueId pool_to_free_size(CoreWriter write, const AdaptiveNames& names, ValueId x,
                          const Dims& output_size) {
  const size_t first = write.rank(x) - output_size.size();
  for (size_t i = 0; i < output_size.size(); ++i) {
    const size_t axis = first + i;
    if (write.dims(x)[axis] == output_size[i]) continue;
    const AxisWindows windows = adaptive_windows(write, write.dims(x)[axis], output_size[i]);
    ValueId taps = write.gather(x, axis, windows.positions);
    const Ints width = {static_cast<int64_t>(axis) + 1};
    if (names.plain == ops::kMaxPool) {
      x = write.reduce(ops::kAmax, taps, width, /*keepdim=*/false);
      continue;
    }
    const ValueId counted = write.cast(windows.is_inside, write.dtype(x));
    const ValueId share = write.div(counted, write.reduce(ops::kSum, counted, {1}, true));
    Dims beside(write.rank(taps), 1);
    beside[axis] = windows.count;
    beside[axis + 1] = windows.width;
    taps = write.mul(taps, write.reshape(share, beside));
    x = write.reduce(ops::kSum, taps, width, /*keepdim=*/false);
  }
  return x;
}

Imported import_adaptive_pool(ImportContext& call, const AdaptiveNames& names) {
  FERRYMAN_TRY(const size_t rank, spatial_rank(call));
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY_STATUS(check_pool_rank(call, x, rank));
  const CoreWriter write = call.writer();
  const TensorType type = write.type(x);
  FERRYMAN_TRY(const Dims out_dims, read_output_size(call, type, rank));
  const bool is_free = !all_static(out_dims);
  const Ints output_size = is_free ? Ints() : static_sizes(out_dims);
  const Ints in_sizes = spatial_sizes_of(write, x, rank);
  const Windows windows = {
      [&](const Ints& out) { return adaptive_taps(in_sizes, output_size, out); },
      [&](Dim size, Dim count, size_t) { return adaptive_windows(write, size, count); }};
  if (output_size == Ints(rank, 1)) {
    return with_indices(call, x, reduce_spatial(write, names.reduction, x, rank), rank, windows);
  }
  if (is_free)
    return with_indices(call, x, pool_to_free_size(write, names, x, out_dims), rank, windows);
  const bool averages = names.plain == ops::kAvgPool;
  const std::optional<Ints> kernel = even_windows(type, output_size);
  const OpName name = kernel.has_value() ? names.plain : names.adaptive;
  const std::vector<NamedAttr> attrs =
      kernel.has_value() ? even_attrs(averages, *kernel)
                         : std::vector<NamedAttr>{{attr::kOutputSize, output_size}};
  FERRYMAN_TRY(const ValueId pooled, make_pool(write, name, x, rank, attrs));
  return with_indices(call, x, pooled, rank, windows);
}

Imported import_adaptive_avg_pool(ImportContext& call) {
  return import_adaptive_pool(call, {ops::kMean, ops::kAvgPool, ops::kAdaptiveAvgPool});
}

Imported import_adaptive_max_pool(ImportContext& call) {
  return import_adaptive_pool(call, {ops::kAmax, ops::kMaxPool, ops::kAdaptiveMaxPool});
}

}  // namespace

void add_pool_imports(ImportTable& imports) {
  add_pool_index_imports(imports);
  imports.add({"max_pool1d.default", "max_pool2d.default", "max_pool3d.default",
               "max_pool1d_with_indices.default", "max_pool2d_with_indices.default",
               "max_pool3d_with_indices.default"},
              import_max_pool);
  imports.add({"avg_pool1d.default", "avg_pool2d.default", "avg_pool3d.default"}, import_avg_pool);
  imports.add(
      {"adaptive_avg_pool1d.default", "adaptive_avg_pool2d.default", "adaptive_avg_pool3d.default",
       "_adaptive_avg_pool2d.default", "_adaptive_avg_pool3d.default"},
      import_adaptive_avg_pool);
  imports.add(
      {"adaptive_max_pool1d.default", "adaptive_max_pool2d.default", "adaptive_max_pool3d.default"},
      import_adaptive_max_pool);
}

}  // namespace ferryman
