// Convolution, pooling, resampling. Operands arrive as NHWC, weights as OHWI (depthwise: 1HWO).
#include <algorithm>
#include <optional>

#include "ops/attrs.h"
#include "support/check.h"
#include "target/tflite/forms.h"
#include "target/tflite/lower_families.h"
#include "target/tflite/same_padding.h"

namespace ferryman::tflite {

namespace {

using Window = SpatialWindow;

Ints spatial_sizes(const ferryman::TensorType& type) {
  const Ints sizes = static_sizes(type.dims);
  return {sizes.begin() + 2, sizes.end()};
}

bool is_zero(const Ints& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](int64_t n) { return n == 0; });
}

// [before, after] per NHWC axis.
TensorIndex paddings(LowerOp& op, const Window& window) {
  Shape pairs = {0, 0};
  for (size_t i = 0; i < window.before.size(); ++i) {
    pairs.push_back(static_cast<int32_t>(window.before[i]));
    pairs.push_back(static_cast<int32_t>(window.after[i]));
  }
  pairs.insert(pairs.end(), {0, 0});
  return op.matrix(pairs, {static_cast<int32_t>(pairs.size() / 2), 2});
}

struct PaddedInput {
  TensorIndex tensor;
  Padding padding;
};

// The input as the kernel takes it: SAME where that means the same, otherwise a PAD of its own
// (XNNPACK fuses it into its only reader) and VALID.
PaddedInput pad_with_zeros(LowerOp& op, const Window& window) {
  const TensorIndex x = op.operand(0);
  if (is_zero(window.before) && is_zero(window.after)) return {x, Padding::kValid};
  if (is_same_padding(window, spatial_sizes(op.type(0)), spatial_sizes(op.result_type()))) {
    return {x, Padding::kSame};
  }
  Shape shape = op.shape(x);
  for (size_t i = 0; i < window.before.size(); ++i) {
    shape[i + 1] += static_cast<int32_t>(window.before[i] + window.after[i]);
  }
  const TensorIndex padded = op.emit(Op::kPad, {x, paddings(op, window)}, op.type(0).dtype, shape);
  return {padded, Padding::kValid};
}

int32_t at(const Ints& numbers, size_t index) {
  return static_cast<int32_t>(numbers[index]);
}

Window conv_window(const LowerOp& op) {
  return {spatial_sizes(op.type(1)), op.attr(attr::kStride), op.attr(attr::kDilation),
          op.attr(attr::kPaddingBefore), op.attr(attr::kPaddingAfter)};
}

TensorIndex bias_or_zeros(LowerOp& op, int64_t channels) {
  if (op.has(2)) return op.vector_operand(2);
  return op.filled(op.type(0).dtype, {static_cast<int32_t>(channels)}, 0);
}

Window pool_window(const LowerOp& op) {
  return {op.attr(attr::kKernel), op.attr(attr::kStride), Ints(op.attr(attr::kKernel).size(), 1),
          op.attr(attr::kPaddingBefore), op.attr(attr::kPaddingAfter)};
}

Pool2DOptions pool_options(const Window& window, Padding padding) {
  return {.padding = padding,
          .stride_w = at(window.stride, 1),
          .stride_h = at(window.stride, 0),
          .filter_width = at(window.kernel, 1),
          .filter_height = at(window.kernel, 0)};
}

void lower_conv3d(LowerOp& op, const Window& window) {
  const PaddedInput input = pad_with_zeros(op, window);
  const Conv3DOptions options{.padding = input.padding,
                              .stride_d = at(window.stride, 0),
                              .stride_w = at(window.stride, 2),
                              .stride_h = at(window.stride, 1),
                              .dilation_d_factor = at(window.dilation, 0),
                              .dilation_w_factor = at(window.dilation, 2),
                              .dilation_h_factor = at(window.dilation, 1)};
  const TensorIndex bias = bias_or_zeros(op, op.type(1).dims[0].size());
  op.finish(Op::kConv3d, {input.tensor, op.operand(1), bias}, options);
}

}  // namespace

void lower_conv(LowerOp& op) {
  const Window window = conv_window(op);
  if (window.kernel.size() == 3) return lower_conv3d(op, window);
  check(window.kernel.size() == 2, "a convolution with other than two or three spatial axes");
  const PaddedInput input = pad_with_zeros(op, window);
  const int64_t channels_in = op.type(0).dims[1].size();
  const int64_t channels_out = op.type(1).dims[0].size();
  const std::vector<TensorIndex> inputs = {input.tensor, op.operand(1),
                                           bias_or_zeros(op, channels_out)};
  if (op.attr(attr::kGroups) == channels_in && channels_in != 1) {
    return op.finish(
        Op::kDepthwiseConv2d, inputs,
        DepthwiseConv2DOptions{.padding = input.padding,
                               .stride_w = at(window.stride, 1),
                               .stride_h = at(window.stride, 0),
                               .depth_multiplier = static_cast<int32_t>(channels_out / channels_in),
                               .dilation_w_factor = at(window.dilation, 1),
                               .dilation_h_factor = at(window.dilation, 0)});
  }
  op.finish(Op::kConv2d, inputs,
            Conv2DOptions{.padding = input.padding,
                          .stride_w = at(window.stride, 1),
                          .stride_h = at(window.stride, 0),
                          .dilation_w_factor = at(window.dilation, 1),
                          .dilation_h_factor = at(window.dilation, 0)});
}

// Legalise leaves dense kernels with padding that TRANSPOSE_CONV's VALID can crop to.
void lower_conv_transpose(LowerOp& op) {
  const Ints& stride = op.attr(attr::kStride);
  check(is_zero(op.attr(attr::kPaddingBefore)) && op.attr(attr::kGroups) == 1,
        "a transposed convolution that legalise should have taken apart");
  const Shape shape = op.result_shape();
  std::vector<TensorIndex> inputs = {op.ints(shape), op.operand(1), op.operand(0)};
  if (op.has(2)) inputs.push_back(op.vector_operand(2));
  op.finish(Op::kTransposeConv, inputs,
            TransposeConvOptions{
                .padding = Padding::kValid, .stride_w = at(stride, 1), .stride_h = at(stride, 0)});
}

void lower_max_pool(LowerOp& op) {
  const Window window = pool_window(op);
  const bool pads = !is_zero(window.before) || !is_zero(window.after);
  const bool same =
      is_same_padding(window, spatial_sizes(op.type(0)), spatial_sizes(op.result_type()));
  check(!pads || same, "padding that legalise should have written out");
  op.finish(Op::kMaxPool2d, {op.operand(0)},
            pool_options(window, pads ? Padding::kSame : Padding::kValid));
}

// AVERAGE_POOL_2D divides by the number of cells inside: count_include_pad = false.
void lower_avg_pool(LowerOp& op) {
  const Window window = pool_window(op);
  const bool pads = !is_zero(window.before) || !is_zero(window.after);
  const bool same =
      is_same_padding(window, spatial_sizes(op.type(0)), spatial_sizes(op.result_type()));
  check(!pads || (same && !op.attr(attr::kCountIncludePad)),
        "padding that legalise should have written out");
  check(op.attr(attr::kDivisorOverride) == 0, "a divisor that legalise should have written out");
  op.finish(Op::kAveragePool2d, {op.operand(0)},
            pool_options(window, pads ? Padding::kSame : Padding::kValid));
}

namespace {

TensorIndex output_size(LowerOp& op) {
  const Ints sizes = spatial_sizes(op.result_type());
  return op.ints({at(sizes, 0), at(sizes, 1)});
}

}  // namespace

// nearest: floor(i * in / out); nearest-exact: floor((i + 0.5) * in / out) = half_pixel_centers.
void lower_resize_nearest(LowerOp& op) {
  op.finish(Op::kResizeNearestNeighbor, {op.operand(0), output_size(op)},
            ResizeNearestNeighborOptions{.half_pixel_centers = op.attr(attr::kExact)});
}

void lower_resize_bilinear(LowerOp& op) {
  const bool align_corners = op.attr(attr::kAlignCorners);
  op.finish(
      Op::kResizeBilinear, {op.operand(0), output_size(op)},
      ResizeBilinearOptions{.align_corners = align_corners, .half_pixel_centers = !align_corners});
}

void lower_depth_to_space(LowerOp& op) {
  const auto block = static_cast<int32_t>(op.attr(attr::kFactor));
  op.finish(Op::kDepthToSpace, {op.operand(0)}, DepthToSpaceOptions{.block_size = block});
}

void lower_space_to_depth(LowerOp& op) {
  const auto block = static_cast<int32_t>(op.attr(attr::kFactor));
  op.finish(Op::kSpaceToDepth, {op.operand(0)}, SpaceToDepthOptions{.block_size = block});
}

}  // namespace ferryman::tflite
