// Pooling over any number of spatial axes, on [N, C, spatial...]. Torch's ceil_mode is resolved
// into padding at import wherever padding can say the same.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/spatial/pool_sizes.h"
#include "ops/spatial/window.h"

namespace ferryman {

namespace {

Dims with_spatial(const TensorType& x, const Dims& spatial) {
  Dims dims = {x.dims[0], x.dims[1]};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  return dims;
}

Window max_pool_window(const AttrsView& attrs) {
  return {attrs[attr::kKernel], attrs[attr::kStride], attrs[attr::kDilation],
          attrs[attr::kPaddingBefore], attrs[attr::kPaddingAfter]};
}

Window stated_avg_pool_window(const AttrsView& attrs) {
  const Ints& kernel = attrs[attr::kKernel];
  return {kernel, attrs[attr::kStride], Ints(kernel.size(), 1), attrs[attr::kPaddingBefore],
          attrs[attr::kPaddingAfter]};
}

// With ceil_mode the window may reach past the padding by less than a stride.
Window avg_pool_window(const AttrsView& attrs, const Ints& spatial) {
  Window window = stated_avg_pool_window(attrs);
  if (!attrs[attr::kCeilMode]) return window;
  for (size_t axis = 0; axis < spatial.size(); ++axis)
    window.padding_after[axis] = ceil_mode_padding(window, axis, spatial[axis]);
  return window;
}

Status check_pool_input(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  if (x.rank() >= 3) return {};
  return shape_error(fmt::format("input {}, where [N, C, spatial...] is expected",
                                 print_dims(x.dims, args.symbols)));
}

InferResult infer_max_pool(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_pool_input(args));
  const TensorType& x = args.operand(0);
  const Window window = max_pool_window(args.attrs);
  FERRYMAN_TRY_STATUS(check_window(window, x.rank() - 2));
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    if (window.padding_before[axis] >= window.extent(axis))
      return shape_error("a window that holds nothing but padding");
  }
  FERRYMAN_TRY(const Dims spatial, window_dims(args.symbols, spatial_dims(x), window));
  return std::vector{TensorType{x.dtype, with_spatial(x, spatial)}};
}

InferResult infer_avg_pool(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_pool_input(args));
  const TensorType& x = args.operand(0);
  const Dims in_spatial(x.dims.begin() + 2, x.dims.end());
  const bool ceil_mode = args.attrs[attr::kCeilMode];
  if (ceil_mode && !all_static(in_spatial)) return shape_error("ceil_mode on a symbolic size");
  FERRYMAN_TRY_STATUS(check_window(stated_avg_pool_window(args.attrs), in_spatial.size()));
  const Window window = avg_pool_window(args.attrs, ceil_mode ? static_sizes(in_spatial) : Ints());
  FERRYMAN_TRY(const Dims spatial, window_dims(args.symbols, in_spatial, window));
  return std::vector{TensorType{x.dtype, with_spatial(x, spatial)}};
}

InferResult infer_adaptive_pool(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_pool_input(args));
  const TensorType& x = args.operand(0);
  const Ints& size = args.attrs[attr::kOutputSize];
  const bool positive = std::all_of(size.begin(), size.end(), [](int64_t n) { return n >= 1; });
  if (size.size() != x.rank() - 2 || !positive) return shape_error("output_size does not fit");
  for (const Dim dim : spatial_dims(x)) {
    if (dim == Dim(0)) return shape_error("adaptive pooling of no elements");
  }
  return std::vector{TensorType{x.dtype, with_spatial(x, to_dims(size))}};
}

// `reduce` turns the elements under one window into one; called for each plane [n, c] and position.
using Plane = std::span<const double>;
using ReduceAt = std::function<std::function<double(Plane)>(const Ints& out_index)>;

EvalResult evaluate_pool(const EvalArgs& args, const ReduceAt& reduce_at) {
  const Ints& in_shape = args.operand(0).shape();
  const Ints out_shape = static_sizes(args.results[0].dims);
  const Ints out_spatial(out_shape.begin() + 2, out_shape.end());
  const auto in_area = static_cast<size_t>(product(Ints(in_shape.begin() + 2, in_shape.end())));
  const auto out_area = static_cast<size_t>(product(out_spatial));
  const auto planes = static_cast<size_t>(in_shape[0] * in_shape[1]);
  const std::vector<double> x = args.operand(0).to_doubles();
  std::vector<double> values(planes * out_area);
  size_t position = 0;
  for_each_index(out_spatial, [&](const Ints& out_index) {
    const std::function<double(Plane)> reduce = reduce_at(out_index);
    for (size_t plane = 0; plane < planes; ++plane) {
      values[plane * out_area + position] = reduce(Plane(x).subspan(plane * in_area, in_area));
    }
    ++position;
  });
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

Ints spatial_sizes(const TensorData& x) {
  return Ints(x.shape().begin() + 2, x.shape().end());
}

double largest(const std::vector<Tap>& taps, Plane plane) {
  double result = -std::numeric_limits<double>::infinity();
  for (const Tap& tap : taps) {
    const double value = plane[static_cast<size_t>(tap.input)];
    if (value > result || std::isnan(value)) result = value;
    if (std::isnan(result)) return result;
  }
  return result;
}

double total(const std::vector<Tap>& taps, Plane plane) {
  double sum = 0;
  for (const Tap& tap : taps) sum += plane[static_cast<size_t>(tap.input)];
  return sum;
}

EvalResult eval_max_pool(const EvalArgs& args) {
  const Window window = max_pool_window(args.attrs);
  const Ints sizes = spatial_sizes(args.operand(0));
  return evaluate_pool(args, [&](const Ints& out_index) {
    return [taps = window.taps_at(sizes, out_index)](Plane plane) { return largest(taps, plane); };
  });
}

EvalResult eval_avg_pool(const EvalArgs& args) {
  const Ints sizes = spatial_sizes(args.operand(0));
  const Window window = avg_pool_window(args.attrs, sizes);
  const PoolDivisor divisor = {args.attrs[attr::kPaddingAfter], args.attrs[attr::kCountIncludePad],
                               args.attrs[attr::kDivisorOverride]};
  return evaluate_pool(args, [&](const Ints& out_index) {
    const auto count = static_cast<double>(divisor.at(window, sizes, out_index));
    return [count, taps = window.taps_at(sizes, out_index)](Plane plane) {
      return total(taps, plane) / count;
    };
  });
}

EvalResult eval_adaptive_max_pool(const EvalArgs& args) {
  const Ints sizes = spatial_sizes(args.operand(0));
  return evaluate_pool(args, [&](const Ints& out_index) {
    return [taps = adaptive_taps(sizes, args.attrs[attr::kOutputSize], out_index)](Plane plane) {
      return largest(taps, plane);
    };
  });
}

EvalResult eval_adaptive_avg_pool(const EvalArgs& args) {
  const Ints sizes = spatial_sizes(args.operand(0));
  return evaluate_pool(args, [&](const Ints& out_index) {
    return [taps = adaptive_taps(sizes, args.attrs[attr::kOutputSize], out_index)](Plane plane) {
      return total(taps, plane) / static_cast<double>(taps.size());
    };
  });
}

}  // namespace

void add_pool_ops(Ops& ops) {
  ops.set.define(ops::kMaxPool)
      .doc("Largest element under each window; padding never wins")
      .operand("x", DTypeSet::kReal)
      .attr(attr::kKernel)
      .attr(attr::kStride)
      .attr(attr::kPaddingBefore)
      .attr(attr::kPaddingAfter)
      .attr(attr::kDilation)
      .result(infer_max_pool)
      .axes(AxisRule::kAnchored)
      .eval(eval_max_pool);

  ops.set.define(ops::kAvgPool)
      .doc(
          "Mean under each window. Divides by divisor_override; else by the elements under the "
          "window, padding counted with count_include_pad. ceil_mode adds a last window that "
          "starts inside; what it reaches past the padding is never counted")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kKernel)
      .attr(attr::kStride)
      .attr(attr::kPaddingBefore)
      .attr(attr::kPaddingAfter)
      .attr(attr::kCeilMode, false)
      .attr(attr::kCountIncludePad, true)
      .attr(attr::kDivisorOverride, 0)
      .result(infer_avg_pool)
      .axes(AxisRule::kAnchored)
      .eval(eval_avg_pool);

  ops.set.define(ops::kAdaptiveAvgPool)
      .doc("Mean of the elements [i * in // out, ceil((i + 1) * in / out)) of each spatial axis")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kOutputSize)
      .result(infer_adaptive_pool)
      .axes(AxisRule::kAnchored)
      .eval(eval_adaptive_avg_pool);

  ops.set.define(ops::kAdaptiveMaxPool)
      .doc("Largest of the elements [i * in // out, ceil((i + 1) * in / out)) of each spatial axis")
      .operand("x", DTypeSet::kReal)
      .attr(attr::kOutputSize)
      .result(infer_adaptive_pool)
      .axes(AxisRule::kAnchored)
      .eval(eval_adaptive_max_pool);

  add_pool_imports(ops.imports);
}

}  // namespace ferryman
