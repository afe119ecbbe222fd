// Convolutions, pools and resizes: layers, channels last.
#include <algorithm>
#include <limits>
#include <string>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/spatial/spatial.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

std::string with_rank(std::string_view stem, const LowerOp& op, std::string_view end = "D") {
  return std::string(stem) + std::to_string(op.rank(0) - 2) + std::string(end);
}

bool all_are(const Ints& numbers, int64_t value) {
  return std::all_of(numbers.begin(), numbers.end(), [&](int64_t n) { return n == value; });
}

// What "same" pads, where it pads the same for every size: with strides of 1, the smaller half
// first.
bool pads_same(const Window& window) {
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t total = window.extent(axis) - 1;
    if (window.stride[axis] != 1 || window.padding_before[axis] != total / 2 ||
        window.padding_after[axis] != total - total / 2)
      return false;
  }
  return true;
}

// The padding of an image as a layer, or with another value as an operation.
TensorIndex padded(LowerOp& op, TensorIndex x, const Window& window, double value) {
  ModelBuilder& builder = op.builder();
  Dims shape = builder.shape(x);
  JsonArray widths;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t before = window.padding_before[axis];
    const int64_t after = window.padding_after[axis];
    widths.push_back(JsonArray{before, after});
    shape[axis + 1] = builder.symbols().add(shape[axis + 1], before + after);
  }
  const TensorSpec result = {builder.dtype(x), shape};
  if (value == 0) {
    const std::string path = op.graph().location(op.id()).module_path;
    return builder.layer({with_rank("ZeroPadding", op),
                          {{"padding", widths.size() == 1 ? widths[0] : Json(widths)}},
                          {},
                          path.empty() ? "" : path + "_pad"},
                         {TensorRef{x}}, result);
  }
  widths.insert(widths.begin(), JsonArray{0, 0});
  widths.push_back(JsonArray{0, 0});
  return builder.operation(kNumpy, "Pad", {TensorRef{x}, value},
                           {{"pad_width", widths}, {"mode", "constant"}}, result);
}

// Spatial axes of the kernel first, then its channels.
Ints kernel_perm(size_t rank, int64_t in, int64_t out) {
  Ints perm;
  for (size_t axis = 2; axis < rank; ++axis) perm.push_back(static_cast<int64_t>(axis));
  perm.push_back(in);
  perm.push_back(out);
  return perm;
}

Ints kernel_shape(const Stored& weight, int64_t in, int64_t out) {
  Ints shape;
  for (const int64_t axis : kernel_perm(weight.shape.size(), in, out))
    shape.push_back(weight.shape[static_cast<size_t>(axis)]);
  return shape;
}

bool is_depthwise_layer(const LowerOp& op) {
  return op.rank(0) <= 4 && conv_kind(op.graph(), op.op()) == ConvKind::kDepthwise;
}

// Of torch [channels * multiplier, 1, kernel…], of Keras [kernel…, channels, multiplier].
Variable depthwise_kernel(const LowerOp& op, const Stored& weight) {
  const int64_t multiplier = depth_multiplier(op.graph(), op.op());
  const int64_t channels = weight.shape[0] / multiplier;
  Ints shape(weight.shape.begin() + 2, weight.shape.end());
  shape.push_back(channels);
  shape.push_back(multiplier);
  if (multiplier == 1)
    return LowerOp::variable("kernel", weight, kernel_perm(weight.shape.size(), 0, 1), shape);
  Ints split = {channels, multiplier};
  split.insert(split.end(), weight.shape.begin() + 2, weight.shape.end());
  return {.place = "",
          .name = "kernel",
          .data = weight.data.reshaped(split).permuted(kernel_perm(split.size(), 0, 1)),
          .shape = shape,
          .source = weight.source};
}

constexpr int64_t kMaxComputedGroups = 64;

// The part of an axis that starts at `index` times its size.
TensorIndex part_of(ModelBuilder& builder, TensorIndex x, size_t axis, int64_t index,
                    int64_t size) {
  JsonArray key;
  Dims shape = builder.shape(x);
  for (size_t i = 0; i < shape.size(); ++i)
    key.push_back(i == axis ? slice_json(index * size, (index + 1) * size, 1)
                            : slice_json({}, {}, 1));
  shape[axis] = size;
  return builder.operation(kNumpy, "GetItem", {TensorRef{x}, key}, {}, {builder.dtype(x), shape});
}

// The kernel is computed, or another layer's: an operation takes it, one for each group.
void lower_computed_conv(LowerOp& op, TensorIndex x, const Window& window,
                         std::string_view padding) {
  ModelBuilder& builder = op.builder();
  const TensorIndex kernel = builder.transpose(op.operand(1), kernel_perm(op.rank(1), 1, 0));
  const int64_t groups = op.attr(attr::kGroups);
  const size_t last = op.rank(1) - 1;
  const int64_t in = builder.shape(kernel)[last - 1].size();
  const int64_t out = builder.shape(kernel)[last].size() / groups;
  TensorSpec part = op.result_spec();
  part.shape.back() = out;
  JsonArray parts;
  for (int64_t group = 0; group < groups; ++group) {
    const TensorIndex of_x = groups == 1 ? x : part_of(builder, x, last, group, in);
    const TensorIndex of_kernel = groups == 1 ? kernel : part_of(builder, kernel, last, group, out);
    parts.emplace_back(
        TensorRef{builder.operation(kNn, "Conv", {TensorRef{of_x}, TensorRef{of_kernel}},
                                    {{"strides", window.stride},
                                     {"padding", padding},
                                     {"data_format", "channels_last"},
                                     {"dilation_rate", window.dilation}},
                                    part)});
  }
  TensorIndex result = parts.front().as<TensorRef>()->tensor;
  if (groups > 1) {
    result = builder.operation(kNumpy, "Concatenate", list_argument(std::move(parts)),
                               {{"axis", -1}}, op.result_spec());
  }
  if (op.has(2)) {
    result = builder.operation(kNumpy, "Add", {TensorRef{result}, TensorRef{op.operand(2)}}, {},
                               op.result_spec());
  }
  op.finish(result);
}

}  // namespace

void lower_conv(LowerOp& op) {
  const Window window = window_of(op.graph(), op.op());
  TensorIndex x = op.operand(0);
  const std::string_view padding = has_padding(window) && pads_same(window) ? "same" : "valid";
  if (has_padding(window) && padding == "valid") x = padded(op, x, window, 0);
  if (!op.can_hold(1) || !op.can_hold(2)) return lower_computed_conv(op, x, window, padding);
  const Stored weight = op.stored(1);
  const bool is_depthwise = is_depthwise_layer(op);
  LayerSpec spec = {
      with_rank(is_depthwise ? "DepthwiseConv" : "Conv", op), {}, {}, op.module_of(1)};
  if (!is_depthwise) spec.config = {{"filters", weight.shape[0]}};
  spec.config.emplace_back("kernel_size", window.kernel);
  spec.config.emplace_back("strides", window.stride);
  spec.config.emplace_back("padding", padding);
  spec.config.emplace_back("data_format", "channels_last");
  spec.config.emplace_back("dilation_rate", window.dilation);
  if (!is_depthwise) spec.config.emplace_back("groups", op.attr(attr::kGroups));
  if (is_depthwise)
    spec.config.emplace_back("depth_multiplier", depth_multiplier(op.graph(), op.op()));
  spec.config.emplace_back("use_bias", op.has(2));
  spec.variables.push_back(is_depthwise ? depthwise_kernel(op, weight)
                                        : LowerOp::variable("kernel", weight,
                                                            kernel_perm(weight.shape.size(), 1, 0),
                                                            kernel_shape(weight, 1, 0)));
  if (op.has(2)) spec.variables.push_back(op.vector("bias", 2));
  op.finish_layer(std::move(spec), {TensorRef{x}});
}

std::optional<Limit> conv_limit(const Graph& graph, const Op& op) {
  const size_t rank = graph.type(op.operands[0]).rank();
  const Window window = window_of(graph, op);
  if (rank > 5) return Limit{"a convolution over more than 3 axes", "", ""};
  if (!graph.is_stored(op.operands[1]) && op.attr(attr::kGroups) > kMaxComputedGroups)
    return Limit{"a convolution of many groups with a kernel that is computed", "", ""};
  const bool is_depthwise = rank == 4 && conv_kind(graph, op) == ConvKind::kDepthwise;
  if (!all_are(window.stride, 1) && !all_are(window.dilation, 1) && !is_depthwise) {
    return Limit{"a convolution with stride and dilation", "Keras takes one of them at a time",
                 "write the stride as a slice of the result"};
  }
  const bool has_strides =
      !std::equal(window.stride.begin(), window.stride.end() - 1, window.stride.begin() + 1);
  if (is_depthwise && has_strides) {
    return Limit{"a depthwise convolution with different strides along its axes",
                 "Keras takes one number for both", ""};
  }
  return std::nullopt;
}

// torch cuts `padding` from both sides of all that the windows write to, and appends
// output_padding.
void lower_conv_transpose(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const Window window = window_of(op.graph(), op.op());
  const Ints& appended = op.attr(attr::kOutputPadding);
  const TensorIndex x = op.operand(0);
  const Stored weight = op.stored(1);
  Dims whole = op.result_shape();
  Ints output_padding;
  JsonArray cropping;
  bool crops = false;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t cut = window.padding_after[axis] - appended[axis];
    output_padding.push_back(std::max<int64_t>(-cut, 0));
    const int64_t before = window.padding_before[axis];
    const int64_t after = std::max<int64_t>(cut, 0);
    cropping.push_back(JsonArray{before, after});
    crops = crops || before > 0 || after > 0;
    whole[axis + 1] = builder.symbols().add(whole[axis + 1], before + after);
  }
  LayerSpec spec = {with_rank("Conv", op, "DTranspose"),
                    {{"filters", weight.shape[1]},
                     {"kernel_size", window.kernel},
                     {"strides", window.stride},
                     {"padding", "valid"},
                     {"output_padding", output_padding},
                     {"data_format", "channels_last"},
                     {"dilation_rate", window.dilation},
                     {"use_bias", op.has(2)}},
                    {LowerOp::variable("kernel", weight, kernel_perm(weight.shape.size(), 1, 0),
                                       kernel_shape(weight, 1, 0))},
                    op.module_of(1)};
  if (op.has(2)) spec.variables.push_back(op.vector("bias", 2));
  const TensorIndex full =
      builder.layer(std::move(spec), {TensorRef{x}}, {op.result_type().dtype, whole});
  if (!crops) return op.finish(full);
  op.finish_layer({with_rank("Cropping", op),
                   {{"cropping", cropping.size() == 1 ? cropping[0] : Json(cropping)}}},
                  {TensorRef{full}});
}

std::optional<Limit> conv_transpose_limit(const Graph& graph, const Op& op) {
  const Window window = window_of(graph, op);
  const bool is_stored = graph.is_stored(op.operands[1]) &&
                         graph.value(op.operands[1]).uses.size() == 1 &&
                         (!op.has_operand(2) || graph.is_stored(op.operands[2]));
  if (op.attr(attr::kGroups) != 1 || window.rank() > 3 || !is_stored ||
      (!all_are(window.stride, 1) && !all_are(window.dilation, 1))) {
    return Limit{
        "a transposed convolution with groups, with stride and dilation, or with a kernel "
        "that is computed",
        "Keras' Conv2DTranspose has none of these", ""};
  }
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t more = op.attr(attr::kOutputPadding)[axis] - window.padding_after[axis];
    if (more >= window.stride[axis] || window.extent(axis) < window.stride[axis])
      return Limit{"a transposed convolution whose windows leave gaps", "", ""};
  }
  return std::nullopt;
}

namespace {

constexpr int kMaxSteps = 8;

// Whether no element is below 0, so that padding a maximum with 0 changes nothing.
bool is_non_negative(const Graph& graph, ValueId value) {
  for (int step = 0; step < kMaxSteps && graph.producer(value).valid(); ++step) {
    const Op& op = graph.op(graph.producer(value));
    for (const OpName name : {ops::kRelu, ops::kRelu6, ops::kSigmoid, ops::kSoftmax, ops::kSquare,
                              ops::kAbs, ops::kExp})
      if (op.is(name)) return true;
    const bool keeps_sign = op.is(ops::kMaxPool) || op.is(ops::kAvgPool) ||
                            op.is(ops::kResizeNearest) || op.is(ops::kReshape) ||
                            op.is(ops::kPermute) || op.is(ops::kSlice);
    if (!keeps_sign) return false;
    value = op.operands[0];
  }
  return false;
}

void finish_pool(LowerOp& op, std::string_view stem, TensorIndex x, const Window& window,
                 std::string_view padding) {
  const std::string name = std::string(stem) + "Pooling" + std::to_string(op.rank(0) - 2) + "D";
  op.finish_layer({name,
                   {{"pool_size", window.kernel},
                    {"strides", window.stride},
                    {"padding", padding},
                    {"data_format", "channels_last"}}},
                  {TensorRef{x}});
}

}  // namespace

void lower_max_pool(LowerOp& op) {
  const Window window = window_of(op.graph(), op.op());
  TensorIndex x = op.operand(0);
  if (!has_padding(window)) return finish_pool(op, "Max", x, window, "valid");
  if (pads_same(window)) return finish_pool(op, "Max", x, window, "same");
  const bool is_positive = is_non_negative(op.graph(), op.op().operands[0]);
  x = padded(op, x, window, is_positive ? 0 : -std::numeric_limits<double>::infinity());
  finish_pool(op, "Max", x, window, "valid");
}

std::optional<Limit> max_pool_limit(const Graph& graph, const Op& op) {
  const Window window = window_of(graph, op);
  if (window.rank() <= 3 && !is_dilated(window) && is_floating(graph.type(op.operands[0]).dtype))
    return std::nullopt;
  return Limit{"max_pool with dilation, or of integers", "Keras' MaxPooling has none", ""};
}

void lower_avg_pool(LowerOp& op) {
  const Window window = window_of(op.graph(), op.op());
  TensorIndex x = op.operand(0);
  if (!has_padding(window)) return finish_pool(op, "Average", x, window, "valid");
  if (!op.attr(attr::kCountIncludePad)) return finish_pool(op, "Average", x, window, "same");
  finish_pool(op, "Average", padded(op, x, window, 0), window, "valid");
}

// "same" leaves what it pads out of the mean.
std::optional<Limit> avg_pool_limit(const Graph& graph, const Op& op) {
  const Window window = window_of(graph, op);
  const bool counts = !has_padding(window) || op.attr(attr::kCountIncludePad) || pads_same(window);
  if (window.rank() <= 3 && counts && !op.attr(attr::kCeilMode) &&
      op.attr(attr::kDivisorOverride) == 0 && is_floating(graph.type(op.operands[0]).dtype))
    return std::nullopt;
  return Limit{"avg_pool with ceil_mode, a divisor, or padding that is not counted",
               "Keras' AveragePooling has none of these", ""};
}

namespace {

// The whole number by which each spatial axis grows; empty if there is none.
Ints factors_of(const Graph& graph, const Op& op) {
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  Ints factors;
  for (size_t axis = 2; axis < from.size(); ++axis) {
    const std::optional<Dim> factor = graph.symbols().exact_quotient(to[axis], from[axis]);
    if (!factor.has_value() || !factor->is_static() || factor->size() < 1) return {};
    factors.push_back(factor->size());
  }
  const Floats& scales = op.attr(attr::kScales);
  for (size_t i = 0; i < scales.size(); ++i)
    if (scales[i] != static_cast<double>(factors[i])) return {};
  return factors;
}

void lower_up_sampling(LowerOp& op, std::string_view interpolation) {
  const Ints factors = factors_of(op.graph(), op.op());
  const std::string name = with_rank("UpSampling", op);
  JsonObject config = {{"size", factors.size() == 1 ? Json(factors[0]) : Json(factors)}};
  if (factors.size() > 1) config.emplace_back("data_format", "channels_last");
  if (factors.size() == 2) config.emplace_back("interpolation", interpolation);
  op.finish_layer({name, std::move(config)}, {TensorRef{op.operand(0)}});
}

}  // namespace

void lower_resize_nearest(LowerOp& op) {
  lower_up_sampling(op, "nearest");
}

std::optional<Limit> resize_nearest_limit(const Graph& graph, const Op& op) {
  if (graph.type(op.operands[0]).rank() <= 5 && is_floating(graph.type(op.operands[0]).dtype) &&
      !factors_of(graph, op).empty())
    return std::nullopt;
  return Limit{"a resize to what is no multiple", "Keras rounds positions otherwise", ""};
}

void lower_resize_bilinear(LowerOp& op) {
  if (!factors_of(op.graph(), op.op()).empty()) return lower_up_sampling(op, "bilinear");
  Ints size;
  const Dims to = op.result_shape();
  for (size_t axis = 1; axis + 1 < to.size(); ++axis) size.push_back(to[axis].size());
  op.finish_operation(kImage, "Resize", {TensorRef{op.operand(0)}},
                      {{"size", size},
                       {"interpolation", "bilinear"},
                       {"antialias", false},
                       {"data_format", "channels_last"}});
}

std::optional<Limit> resize_bilinear_limit(const Graph& graph, const Op& op) {
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  const Floats& scales = op.attr(attr::kScales);
  bool fits = from.size() == 4 && !op.attr(attr::kAlignCorners);
  if (fits && !factors_of(graph, op).empty()) return std::nullopt;
  for (size_t axis = 2; fits && axis < to.size(); ++axis) {
    fits = from[axis].is_static() && to[axis].is_static();
    if (fits && !scales.empty()) {
      const auto scaled = static_cast<double>(from[axis].size()) * scales[axis - 2];
      fits = scaled == static_cast<double>(to[axis].size());
    }
  }
  if (fits) return std::nullopt;
  return Limit{"a bilinear resize from corner to corner, or with a scale of its own",
               "Keras' Resize has neither", ""};
}

}  // namespace ferryman::keras
