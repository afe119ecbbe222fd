// Pools, written in pools that are asked for less: of two axes, without padding, dilation or a
// divisor of their own.
#include <algorithm>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"
#include "ops/spatial/pool_sizes.h"
#include "ops/spatial/spatial.h"
#include "passes/decompose/decompositions.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// Whether the spatial sizes are numbers.
bool is_static(const Graph& graph, const Op& pool) {
  return std::ranges::all_of(spatial_dims(graph.type(pool.operands[0])),
                             [](Dim dim) { return dim.is_static(); });
}

std::vector<NamedAttr> pool_attrs(OpName name, const Window& window) {
  std::vector<NamedAttr> attrs = {{attr::kKernel, window.kernel},
                                  {attr::kStride, window.stride},
                                  {attr::kPaddingBefore, window.padding_before},
                                  {attr::kPaddingAfter, window.padding_after}};
  if (name == ops::kMaxPool) attrs.push_back({attr::kDilation, window.dilation});
  if (name == ops::kAvgPool) attrs.push_back({attr::kCountIncludePad, false});
  return attrs;
}

// ---- max_pool_of_padded ----
// max_pool(x) {padding}   ->   max_pool(pad(x, lowest))
// Lowest, not -inf: kernels may turn infinities into the largest finite numbers anyway.

double lowest(DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return std::numeric_limits<int8_t>::lowest();
    case DType::kI16:
      return std::numeric_limits<int16_t>::lowest();
    case DType::kI32:
      return std::numeric_limits<int32_t>::lowest();
    default:
      return static_cast<double>(std::numeric_limits<float>::lowest());
  }
}

bool pads(const Graph& graph, const Op& pool) {
  return has_padding(window_of(graph, pool));
}

ValueId max_pool_of_padded(CoreWriter write, const Op& pool) {
  const Window window = window_of(write.graph(), pool);
  const ValueId padded =
      write.pad(pool.operands[0], prefixed(window.padding_before, 0, 2),
                prefixed(window.padding_after, 0, 2), lowest(write.type(pool.operands[0]).dtype));
  return write.op(ops::kMaxPool, std::vector{padded},
                  pool_attrs(ops::kMaxPool, without_padding(window)));
}

// ---- dilated_max_pool_to_maximum ----
// One axis after the other: the maximum of slices that start a dilation apart.

bool only_dilates(const Graph& graph, const Op& pool) {
  const Window window = window_of(graph, pool);
  return is_dilated(window) && !has_padding(window);
}

ValueId dilated_max_pool_to_maximum(CoreWriter write, const Op& pool) {
  const Window window = window_of(write.graph(), pool);
  SymbolTable& symbols = write.symbols();
  ValueId x = pool.operands[0];
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const Dim last = symbols.mul(symbols.shift(write.dims(pool.result())[axis + 2], -1),
                                 window.stride[axis]);  // where the last window begins
    ValueId largest;
    for (int64_t k = 0; k < window.kernel[axis]; ++k) {
      const int64_t begin = k * window.dilation[axis];
      const Dim end = symbols.shift(last, begin + 1);
      const ValueId part = write.slice_axis(x, axis + 2, begin, end, window.stride[axis]);
      largest = largest.valid() ? write.binary(ops::kMaximum, largest, part) : part;
    }
    x = largest;
  }
  return x;
}

// ---- avg_pool_to_valid ----
// avg_pool(x)   ->   avg_pool(pad(x, 0)) * (elements under the window / divisor)
// The unpadded pool divides by all elements under the window; the constant makes that the divisor
// of each position. Left out where it is 1.

// With ceil_mode the last window reaches past the padding.
Window full_window(const Graph& graph, const Op& pool) {
  Window window = window_of(graph, pool);
  if (!pool.attr(attr::kCeilMode)) return window;
  const Ints sizes = spatial_sizes(graph.type(pool.operands[0]));
  for (size_t axis = 0; axis < window.rank(); ++axis)
    window.padding_after[axis] = ceil_mode_padding(window, axis, sizes[axis]);
  return window;
}

bool divides_unevenly(const Graph& graph, const Op& pool) {
  if (pool.attr(attr::kCeilMode)) return is_static(graph, pool);
  return has_padding(window_of(graph, pool)) || pool.attr(attr::kDivisorOverride) != 0;
}

// The same of free sizes: what a pool makes of ones says how many of them lie under each window.
ValueId correction_of_free_sizes(CoreWriter write, const Op& pool, const Window& window) {
  const auto elements = static_cast<double>(product(window.kernel));
  const int64_t override = pool.attr(attr::kDivisorOverride);
  const DType dtype = write.dtype(pool.result());
  if (override != 0) return write.scalar(dtype, elements / static_cast<double>(override));
  if (pool.attr(attr::kCountIncludePad)) return ValueId();
  Dims plane = write.dims(pool.operands[0]);
  plane[0] = plane[1] = Dim(1);
  const ValueId ones =
      write.pad(write.filled(dtype, plane, 1, "ones"), prefixed(window.padding_before, 0, 2),
                prefixed(window.padding_after, 0, 2), 0.0);
  const ValueId share = write.op(ops::kAvgPool, std::vector{ones},
                                 pool_attrs(ops::kAvgPool, without_padding(window)));
  return write.unary(ops::kReciprocal, share);
}

ValueId correction(CoreWriter write, const Graph& graph, const Op& pool, const Window& window) {
  if (!is_static(graph, pool)) return correction_of_free_sizes(write, pool, window);
  const Ints in = spatial_sizes(graph.type(pool.operands[0]));
  const Ints out = spatial_sizes(graph.type(pool.result()));
  const PoolDivisor divisor = {pool.attr(attr::kPaddingAfter), pool.attr(attr::kCountIncludePad),
                               pool.attr(attr::kDivisorOverride)};
  const auto elements = static_cast<double>(product(window.kernel));
  std::vector<double> factors;
  for_each_index(out, [&](const Ints& index) {
    factors.push_back(elements / static_cast<double>(divisor.at(window, in, index)));
  });
  const DType dtype = graph.type(pool.result()).dtype;
  const bool uniform = std::all_of(factors.begin(), factors.end(),
                                   [&](double factor) { return factor == factors.front(); });
  if (uniform && factors.front() == 1) return ValueId();
  if (uniform) return write.constant(dtype, {}, {factors.front()}, "pool_factor");
  return write.constant(dtype, prefixed(out, 1, 2), factors, "pool_factors");
}

ValueId avg_pool_to_valid(CoreWriter write, const Op& pool) {
  const Window window = full_window(write.graph(), pool);
  const ValueId padded = write.pad(pool.operands[0], prefixed(window.padding_before, 0, 2),
                                   prefixed(window.padding_after, 0, 2), 0.0);
  ValueId result = write.op(ops::kAvgPool, std::vector{padded},
                            pool_attrs(ops::kAvgPool, without_padding(window)));
  const ValueId factors = correction(write, write.graph(), pool, window);
  if (factors.valid()) result = write.mul(result, factors);
  return result;
}

// ---- pool3d_to_pool2d ----
// Windows are boxes, so depth can be pooled by itself:
//   [N, C, D, H, W] -> pool H, W of [N * D, C, H, W] -> pool D of [N, C, D, H * W]
// The divisor of a box is the product of those of its axes; an override is written out before.

bool pools_volumes(const Graph& graph, const Op& pool) {
  if (graph.type(pool.operands[0]).rank() != 5) return false;
  return pool.is(ops::kMaxPool) || pool.attr(attr::kDivisorOverride) == 0;
}

// The attributes of a pool over some of the axes, the others being left alone.
std::vector<NamedAttr> attrs_of_axes(const Op& pool, const std::vector<int>& axes) {
  constexpr int kNone = -1;
  std::vector<NamedAttr> attrs = attrs_of(pool);
  for (NamedAttr& named : attrs) {
    auto* numbers = std::get_if<Ints>(&named.attr);
    if (numbers == nullptr) continue;
    const bool is_padding =
        named.name == attr::kPaddingBefore.name || named.name == attr::kPaddingAfter.name;
    Ints picked;
    for (const int axis : axes)
      picked.push_back(axis == kNone ? (is_padding ? 0 : 1)
                                     : (*numbers)[static_cast<size_t>(axis)]);
    *numbers = picked;
  }
  return attrs;
}

ValueId pool3d_to_pool2d(CoreWriter write, const Op& pool) {
  const OpName name{pool.def->name};
  SymbolTable& symbols = write.symbols();
  const Dims in = write.dims(pool.operands[0]);
  const Dims out = write.dims(pool.result());
  const ValueId by_depth = write.permute(pool.operands[0], {0, 2, 1, 3, 4});
  const ValueId images =
      write.reshape(by_depth, Dims{symbols.mul(in[0], in[2]), in[1], in[3], in[4]});
  const ValueId flat = write.op(name, std::vector{images}, attrs_of_axes(pool, {1, 2}));
  const ValueId volume = write.permute(
      write.reshape(flat, Dims{in[0], in[2], in[1], out[3], out[4]}), {0, 2, 1, 3, 4});
  const ValueId rows =
      write.reshape(volume, Dims{in[0], in[1], in[2], symbols.mul(out[3], out[4])});
  const ValueId deep = write.op(name, std::vector{rows}, attrs_of_axes(pool, {0, -1}));
  return write.reshape(deep, out);
}

// ---- adaptive pools ----

// The plain window that has the same spans, if there is one.
std::optional<Window> regular_window(const Ints& in, const Ints& out) {
  Window window = {{}, {}, Ints(in.size(), 1), Ints(in.size(), 0), Ints(in.size(), 0)};
  for (size_t axis = 0; axis < in.size(); ++axis) {
    const Span first = adaptive_span(in[axis], out[axis], 0);
    const int64_t stride =
        out[axis] == 1 ? first.size() : adaptive_span(in[axis], out[axis], 1).begin;
    if (stride < 1) return std::nullopt;
    for (int64_t i = 0; i < out[axis]; ++i) {
      const Span span = adaptive_span(in[axis], out[axis], i);
      if (span.size() != first.size() || span.begin != i * stride) return std::nullopt;
    }
    window.kernel.push_back(first.size());
    window.stride.push_back(stride);
  }
  return window;
}

Match<OneOp> match_adaptive_to_plain_pool(const Graph& graph, OpId root) {
  const Op& pool = graph.op(root);
  if (!is_static(graph, pool)) return std::nullopt;
  const std::optional<Window> window =
      regular_window(spatial_sizes(graph.type(pool.operands[0])), pool.attr(attr::kOutputSize));
  if (!window.has_value()) return std::nullopt;
  const OpName name = pool.is(ops::kAdaptiveAvgPool) ? ops::kAvgPool : ops::kMaxPool;
  return OneOp{pool.result(), name, pool.operands, pool_attrs(name, *window)};
}

// One result of each span [i * in // out, ceil((i + 1) * in / out)) of an axis whose size is free.
ValueId reduce_slices(CoreWriter write, OpName name, ValueId x, size_t axis, int64_t out) {
  SymbolTable& symbols = write.symbols();
  const Dim in = write.dims(x)[axis];
  std::vector<ValueId> parts;
  for (int64_t i = 0; i < out; ++i) {
    const Dim begin = symbols.floordiv(symbols.mul(in, i), out);
    const Dim end = symbols.floordiv(symbols.shift(symbols.mul(in, i + 1), out - 1), out);
    const ValueId part = write.slice_axis(x, axis, begin, end);
    parts.push_back(write.reduce(name, part, {static_cast<int64_t>(axis)}, /*keepdim=*/true));
  }
  return write.concat(parts, axis);
}

// A matrix of means for each axis.
ValueId adaptive_avg_pool_to_matrices(CoreWriter write, const Op& pool) {
  ValueId x = pool.operands[0];
  const Ints out = pool.attr(attr::kOutputSize);
  for (size_t axis = out.size(); axis-- > 0;) {
    if (!write.dims(x)[axis + 2].is_static()) {
      x = reduce_slices(write, ops::kMean, x, axis + 2, out[axis]);
      continue;
    }
    const int64_t in = write.dims(x)[axis + 2].size();
    if (in == out[axis]) continue;
    std::vector<double> means(static_cast<size_t>(out[axis] * in), 0.0);
    for (int64_t i = 0; i < out[axis]; ++i) {
      const Span span = adaptive_span(in, out[axis], i);
      for (int64_t j = span.begin; j < span.end; ++j)
        means[static_cast<size_t>(i * in + j)] = 1.0 / static_cast<double>(span.size());
    }
    const TensorType matrix = {write.type(x).dtype, to_dims({out[axis], in})};
    x = write.apply_matrix(x, axis + 2, store_doubles(matrix, means));
  }
  return x;
}

// The maximum of a slice for each position of each axis.
ValueId adaptive_max_pool_to_slices(CoreWriter write, const Op& pool) {
  ValueId x = pool.operands[0];
  const Ints out = pool.attr(attr::kOutputSize);
  for (size_t axis = 0; axis < out.size(); ++axis) {
    if (!write.dims(x)[axis + 2].is_static()) {
      x = reduce_slices(write, ops::kAmax, x, axis + 2, out[axis]);
      continue;
    }
    const int64_t in = write.dims(x)[axis + 2].size();
    if (in == out[axis]) continue;
    std::vector<ValueId> parts;
    for (int64_t i = 0; i < out[axis]; ++i) {
      const Span span = adaptive_span(in, out[axis], i);
      const ValueId part = write.slice_axis(x, axis + 2, span.begin, span.end);
      parts.push_back(
          write.reduce(ops::kAmax, part, {static_cast<int64_t>(axis + 2)}, /*keepdim=*/true));
    }
    x = write.concat(parts, axis + 2);
  }
  return x;
}

}  // namespace

std::vector<Rule> pool_decompositions() {
  return {
      make_rule("adaptive_to_plain_pool", {ops::kAdaptiveAvgPool, ops::kAdaptiveMaxPool},
                match_adaptive_to_plain_pool),
      decomposition("adaptive_avg_pool_to_matrices", {ops::kAdaptiveAvgPool},
                    adaptive_avg_pool_to_matrices),
      decomposition("adaptive_max_pool_to_slices", {ops::kAdaptiveMaxPool},
                    adaptive_max_pool_to_slices),
      only_where(pools_volumes, decomposition("pool3d_to_pool2d", {ops::kMaxPool, ops::kAvgPool},
                                              pool3d_to_pool2d)),
      only_where(pads, decomposition("max_pool_of_padded", {ops::kMaxPool}, max_pool_of_padded)),
      only_where(only_dilates, decomposition("dilated_max_pool_to_maximum", {ops::kMaxPool},
                                             dilated_max_pool_to_maximum)),
      only_where(divides_unevenly,
                 decomposition("avg_pool_to_valid", {ops::kAvgPool}, avg_pool_to_valid))};
}

}  // namespace ferryman
