// Convolution, pooling, resampling.
#include <algorithm>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

// A window along one axis.
struct AxisWindow {
  int64_t kernel;
  int64_t stride;
  int64_t dilation = 1;
};

constexpr std::string_view kImageAndKernel = "needs an image and a kernel";
constexpr std::string_view kOtherChannels = "has a kernel for another number of channels";

// How often the window fits; nothing if it has no size.
std::optional<int64_t> windows_along(int64_t extent, AxisWindow window, Padding padding) {
  if (window.kernel < 1 || window.stride < 1 || window.dilation < 1) return std::nullopt;
  if (padding == Padding::kSame) return (extent + window.stride - 1) / window.stride;
  const int64_t reach = (window.kernel - 1) * window.dilation + 1;
  if (extent < reach) return std::nullopt;
  return (extent - reach) / window.stride + 1;
}

// [batch, windows along each spatial axis .., channels]
void give_windows(OutputInference& op, const std::vector<AxisWindow>& windows, Padding padding,
                  int64_t channels) {
  const Ints x = op.shape(0);
  Ints shape = {x[0]};
  for (size_t i = 0; i < windows.size(); ++i) {
    const std::optional<int64_t> count = windows_along(x[i + 1], windows[i], padding);
    if (!op.demand(count.has_value(), "has windows that do not fit into its input")) return;
    shape.push_back(*count);
  }
  shape.push_back(channels);
  const bool is_float = op.type(0) == ElementType(TensorType::kFloat32);
  op.give(is_float ? std::optional(op.type(0)) : std::nullopt, std::move(shape));
}

void check_bias(OutputInference& op, size_t operand, int64_t channels) {
  if (op.has(operand))
    op.demand(product(op.shape(operand)) == channels, "has a bias of another size than its output");
}

}  // namespace

// kernel [out, rows, columns, in per group]
void infer_conv_2d(OutputInference& op) {
  const auto options = op.options<Conv2DOptions>();
  const Ints x = op.shape(0);
  const Ints kernel = op.shape(1);
  if (!op.demand(x.size() == 4 && kernel.size() == 4, kImageAndKernel)) return;
  const bool fits =
      kernel[3] > 0 && x[3] % kernel[3] == 0 && (x[3] == 0 || kernel[0] % (x[3] / kernel[3]) == 0);
  op.demand(fits, kOtherChannels);
  check_bias(op, 2, kernel[0]);
  give_windows(op,
               {{kernel[1], options.stride_h, options.dilation_h_factor},
                {kernel[2], options.stride_w, options.dilation_w_factor}},
               options.padding, kernel[0]);
}

// kernel [1, rows, columns, in * multiplier]
void infer_depthwise_conv_2d(OutputInference& op) {
  const auto options = op.options<DepthwiseConv2DOptions>();
  const Ints x = op.shape(0);
  const Ints kernel = op.shape(1);
  if (!op.demand(x.size() == 4 && kernel.size() == 4, kImageAndKernel)) return;
  op.demand(kernel[0] == 1 && kernel[3] == x[3] * options.depth_multiplier, kOtherChannels);
  check_bias(op, 2, kernel[3]);
  give_windows(op,
               {{kernel[1], options.stride_h, options.dilation_h_factor},
                {kernel[2], options.stride_w, options.dilation_w_factor}},
               options.padding, kernel[3]);
}

// kernel [depth, rows, columns, in per group, out]
void infer_conv_3d(OutputInference& op) {
  const auto options = op.options<Conv3DOptions>();
  const Ints x = op.shape(0);
  const Ints kernel = op.shape(1);
  if (!op.demand(x.size() == 5 && kernel.size() == 5, kImageAndKernel)) return;
  op.demand(kernel[3] > 0 && x[4] % kernel[3] == 0, kOtherChannels);
  check_bias(op, 2, kernel[4]);
  give_windows(op,
               {{kernel[0], options.stride_d, options.dilation_d_factor},
                {kernel[1], options.stride_h, options.dilation_h_factor},
                {kernel[2], options.stride_w, options.dilation_w_factor}},
               options.padding, kernel[4]);
}

namespace {

// The sizes are an operand; the kernel has its channels at the given places.
void give_transposed(OutputInference& op, size_t rank, size_t out_axis, size_t in_axis) {
  const Ints kernel = op.shape(1);
  const Ints x = op.shape(2);
  if (!op.demand(x.size() == rank && kernel.size() == rank, kImageAndKernel)) return;
  op.demand(kernel[in_axis] == x.back(), kOtherChannels);
  check_bias(op, 3, kernel[out_axis]);
  const bool is_float = op.type(2) == ElementType(TensorType::kFloat32);
  const std::optional<ElementType> type = is_float ? std::optional(op.type(2)) : std::nullopt;
  const std::optional<Ints> shape = op.numbers(0);
  if (!shape.has_value()) return op.give(type, Ints(rank, kAnyExtent));
  const bool fits =
      shape->size() == rank && shape->front() == x.front() && shape->back() == kernel[out_axis];
  op.demand(fits, "is told another batch or other channels than it makes");
  op.give(type, shape);
}

}  // namespace

// kernel [out, rows, columns, in]
void infer_transpose_conv(OutputInference& op) {
  give_transposed(op, 4, 0, 3);
}

// kernel [depth, rows, columns, out, in]
void infer_conv_3d_transpose(OutputInference& op) {
  give_transposed(op, 5, 3, 4);
}

void infer_pool_2d(OutputInference& op) {
  const auto options = op.options<Pool2DOptions>();
  const Ints x = op.shape(0);
  if (!op.demand(x.size() == 4, "needs an image")) return;
  give_windows(
      op, {{options.filter_height, options.stride_h}, {options.filter_width, options.stride_w}},
      options.padding, x[3]);
}

void infer_resize(OutputInference& op) {
  const Ints x = op.shape(0);
  if (!op.demand(x.size() == 4, "needs an image")) return;
  const Ints size = op.numbers(1).value_or(Ints{kAnyExtent, kAnyExtent});
  if (!op.demand(size.size() == 2, "needs two sizes")) return;
  op.give(op.type(0), Ints{x[0], size[0], size[1], x[3]});
}

}  // namespace ferryman::tflite
