// Convolution, pooling, resampling. Operands arrive as NHWC, weights as OHWI (depthwise: 1HWO).
#include <algorithm>
#include <optional>

#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/forms.h"
#include "targets/tflite/lower/lower_families.h"
#include "targets/tflite/lower/same_padding.h"

namespace ferryman::tflite {

namespace {

// [before, after] per NHWC axis.
TensorIndex paddings(LowerOp& op, const Window& window) {
  std::vector<int32_t> pairs = {0, 0};
  for (size_t i = 0; i < window.padding_before.size(); ++i) {
    pairs.push_back(static_cast<int32_t>(window.padding_before[i]));
    pairs.push_back(static_cast<int32_t>(window.padding_after[i]));
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
  if (!has_padding(window)) return {x, Padding::kValid};
  if (is_same_padding(op.symbols(), window, op.type(0), op.result_type())) {
    return {x, Padding::kSame};
  }
  Shape shape = op.shape(x);
  for (size_t i = 0; i < window.padding_before.size(); ++i) {
    shape[i + 1] =
        op.symbols().shift(shape[i + 1], window.padding_before[i] + window.padding_after[i]);
  }
  const TensorIndex padded = op.emit(Op::kPad, {x, paddings(op, window)}, op.type(0).dtype, shape);
  return {padded, Padding::kValid};
}

int32_t at(const Ints& numbers, size_t index) {
  return static_cast<int32_t>(numbers[index]);
}

TensorIndex bias_or_zeros(LowerOp& op, int64_t channels) {
  if (op.has(2)) return op.vector_operand(2);
  return op.filled(op.type(0).dtype, {channels}, 0);
}

// A pool that is kept with padding is one that pads like SAME (keeps.h).
Pool2DOptions pool_options(const Window& window) {
  return {.padding = has_padding(window) ? Padding::kSame : Padding::kValid,
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
  const Window window = window_of(op.graph(), op.op());
  if (window.kernel.size() == 3) return lower_conv3d(op, window);
  check(window.kernel.size() == 2, "a convolution with other than two or three spatial axes");
  const PaddedInput input = pad_with_zeros(op, window);
  const int64_t channels_out = op.type(1).dims[0].size();
  const std::vector<TensorIndex> inputs = {input.tensor, op.operand(1),
                                           bias_or_zeros(op, channels_out)};
  if (conv_kind(op.graph(), op.op()) == ConvKind::kDepthwise) {
    const int64_t multiplier = depth_multiplier(op.graph(), op.op());
    return op.finish(Op::kDepthwiseConv2d, inputs,
                     DepthwiseConv2DOptions{.padding = input.padding,
                                            .stride_w = at(window.stride, 1),
                                            .stride_h = at(window.stride, 0),
                                            .depth_multiplier = static_cast<int32_t>(multiplier),
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
  check(op.attr(attr::kPaddingBefore) == Ints(stride.size(), 0) && op.attr(attr::kGroups) == 1,
        "a transposed convolution that legalise should have taken apart");
  const Shape shape = op.result_shape();
  std::vector<TensorIndex> inputs = {op.sizes(shape), op.operand(1), op.operand(0)};
  if (op.has(2)) inputs.push_back(op.vector_operand(2));
  op.finish(Op::kTransposeConv, inputs,
            TransposeConvOptions{
                .padding = Padding::kValid, .stride_w = at(stride, 1), .stride_h = at(stride, 0)});
}

void lower_max_pool(LowerOp& op) {
  op.finish(Op::kMaxPool2d, {op.operand(0)}, pool_options(window_of(op.graph(), op.op())));
}

void lower_avg_pool(LowerOp& op) {
  op.finish(Op::kAveragePool2d, {op.operand(0)}, pool_options(window_of(op.graph(), op.op())));
}

namespace {

TensorIndex output_size(LowerOp& op) {
  const Dims& dims = op.result_type().dims;
  return op.sizes({dims[2], dims[3]});
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
