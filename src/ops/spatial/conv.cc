// Convolutions over any number of spatial axes, on [N, C, spatial...] and weights as torch keeps
// them. Padding is explicit on each side, so that 'same' needs no mode.
#include <fmt/format.h>

#include <optional>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/op_axes.h"
#include "ops/spatial/spatial.h"
#include "ops/spatial/whole_windows.h"
#include "ops/spatial/window.h"

namespace ferryman {

namespace {

Window conv_window(const AttrsView& attrs, Ints kernel) {
  return {std::move(kernel), attrs[attr::kStride], attrs[attr::kDilation],
          attrs[attr::kPaddingBefore], attrs[attr::kPaddingAfter]};
}

Result<Ints> kernel_of(const TensorType& weight) {
  const Dims spatial(weight.dims.begin() + 2, weight.dims.end());
  if (!all_static(spatial)) return shape_error("a kernel of symbolic size");
  return static_sizes(spatial);
}

// What both directions demand; `weight_in_axis` is the weight's axis of input channels, with the
// number of groups that it is divided by.
Status check_conv(const InferArgs& args, size_t weight_in_axis, int64_t in_divisor) {
  const TensorType& x = args.operand(0);
  const TensorType& weight = args.operand(1);
  if (x.rank() < 3 || weight.rank() != x.rank()) {
    return shape_error(fmt::format("input {} and weight {}", print_dims(x.dims, args.symbols),
                                   print_dims(weight.dims, args.symbols)));
  }
  if (!(x.dtype == weight.dtype)) return shape_error("input and weight of different types");
  const int64_t groups = args.attrs[attr::kGroups];
  const Dim channels = x.dims[1];
  if (!channels.is_static() || !weight.dims[0].is_static() || !weight.dims[1].is_static())
    return shape_error("a symbolic number of channels");
  const bool fits = groups >= 1 && channels.size() % groups == 0 &&
                    weight.dims[0].size() % groups == 0 &&
                    weight.dims[weight_in_axis].size() * in_divisor == channels.size();
  if (!fits) {
    return shape_error(fmt::format("{} input channels in {} groups with weight {}", channels.size(),
                                   groups, print_dims(weight.dims, args.symbols)));
  }
  return {};
}

Status check_bias(const InferArgs& args, int64_t out_channels) {
  if (!args.has(2)) return {};
  const TensorType& bias = args.operand(2);
  if (bias.dtype == args.operand(0).dtype && bias.dims == Dims{Dim(out_channels)}) return {};
  return shape_error(fmt::format("bias {} for {} output channels",
                                 print_dims(bias.dims, args.symbols), out_channels));
}

InferResult infer_conv(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_conv(args, 1, args.attrs[attr::kGroups]));
  const TensorType& x = args.operand(0);
  const TensorType& weight = args.operand(1);
  FERRYMAN_TRY_STATUS(check_bias(args, weight.dims[0].size()));
  FERRYMAN_TRY(Ints kernel, kernel_of(weight));
  const Window window = conv_window(args.attrs, std::move(kernel));
  FERRYMAN_TRY_STATUS(check_window(window, x.rank() - 2));
  FERRYMAN_TRY(const Dims spatial, window_dims(args.symbols, spatial_dims(x), window));
  Dims dims = {x.dims[0], weight.dims[0]};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

// (size - 1) * stride + extent + output_padding - paddings
Result<Dim> transposed_size(SymbolTable& symbols, Dim size, int64_t stride, int64_t added) {
  if (size.is_static()) {
    const int64_t result = (size.size() - 1) * stride + added;
    if (size.size() < 1 || result < 1) return shape_error("a result without elements");
    return Dim(result);
  }
  return symbols.shift(symbols.mul(size, stride), added - stride);
}

// The spatial dims of the result.
Result<Dims> transposed_dims(SymbolTable& symbols, const TensorType& x, const Window& window,
                             const Ints& output_padding) {
  if (output_padding.size() != window.rank()) return shape_error("output_padding is incomplete");
  Dims dims;
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t added = window.extent(axis) + output_padding[axis] - window.padding_before[axis] -
                          window.padding_after[axis];
    FERRYMAN_TRY(const Dim dim,
                 transposed_size(symbols, x.dims[axis + 2], window.stride[axis], added));
    dims.push_back(dim);
  }
  return dims;
}

InferResult infer_conv_transpose(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_conv(args, 0, 1));
  const TensorType& x = args.operand(0);
  const TensorType& weight = args.operand(1);
  const int64_t out_channels = weight.dims[1].size() * args.attrs[attr::kGroups];
  FERRYMAN_TRY_STATUS(check_bias(args, out_channels));
  FERRYMAN_TRY(Ints kernel, kernel_of(weight));
  const Window window = conv_window(args.attrs, std::move(kernel));
  FERRYMAN_TRY_STATUS(check_window(window, x.rank() - 2));
  FERRYMAN_TRY(const Dims spatial,
               transposed_dims(args.symbols, x, window, args.attrs[attr::kOutputPadding]));
  Dims dims = {x.dims[0], Dim(out_channels)};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

// The operands as doubles, with the sizes that the loops below need.
struct ConvProblem {
  std::vector<double> x, weight, bias;
  int64_t batch, in_channels, out_channels, groups;
  Ints in_spatial, out_spatial;
  int64_t kernel_elems;

  int64_t in_per_group() const { return in_channels / groups; }
  int64_t out_per_group() const { return out_channels / groups; }
};

ConvProblem conv_problem(const EvalArgs& args) {
  const Ints& x = args.operand(0).shape();
  const Ints& weight = args.operand(1).shape();
  const Ints result = static_sizes(args.results[0].dims);
  ConvProblem problem;
  problem.x = args.operand(0).to_doubles();
  problem.weight = args.operand(1).to_doubles();
  problem.batch = x[0];
  problem.in_channels = x[1];
  problem.out_channels = result[1];
  problem.groups = args.attrs[attr::kGroups];
  problem.in_spatial = Ints(x.begin() + 2, x.end());
  problem.out_spatial = Ints(result.begin() + 2, result.end());
  problem.kernel_elems = product(Ints(weight.begin() + 2, weight.end()));
  problem.bias.assign(static_cast<size_t>(result[1]), 0.0);
  if (args.has(2)) problem.bias = args.operand(2).to_doubles();
  return problem;
}

// Position of (out channel, in channel of the group) in the weight, in kernels.
using WeightIndex = int64_t (*)(const ConvProblem&, int64_t out_channel, int64_t in_in_group);

EvalResult evaluate_conv(const EvalArgs& args, const ConvProblem& problem, const TapsAt& taps_at,
                         WeightIndex weight_index) {
  const int64_t in_area = product(problem.in_spatial);
  const int64_t out_area = product(problem.out_spatial);
  std::vector<double> values(static_cast<size_t>(problem.batch * problem.out_channels * out_area));
  int64_t position = 0;
  for_each_index(problem.out_spatial, [&](const Ints& out_index) {
    const std::vector<Tap> taps = taps_at(out_index);
    for (int64_t n = 0; n < problem.batch; ++n) {
      for (int64_t o = 0; o < problem.out_channels; ++o) {
        double sum = problem.bias[static_cast<size_t>(o)];
        const int64_t first_in = o / problem.out_per_group() * problem.in_per_group();
        for (int64_t c = 0; c < problem.in_per_group(); ++c) {
          const double* x = &problem.x[0] + (n * problem.in_channels + first_in + c) * in_area;
          const double* w = &problem.weight[0] + weight_index(problem, o, c) * problem.kernel_elems;
          for (const Tap& tap : taps) sum += x[tap.input] * w[tap.kernel];
        }
        values[static_cast<size_t>((n * problem.out_channels + o) * out_area + position)] = sum;
      }
    }
    ++position;
  });
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

Ints kernel_sizes(const TensorData& weight) {
  return Ints(weight.shape().begin() + 2, weight.shape().end());
}

EvalResult eval_conv(const EvalArgs& args) {
  const ConvProblem problem = conv_problem(args);
  const Window window = conv_window(args.attrs, kernel_sizes(args.operand(1)));
  return evaluate_conv(
      args, problem,
      [&](const Ints& out_index) { return window.taps_at(problem.in_spatial, out_index); },
      [](const ConvProblem& p, int64_t o, int64_t c) { return o * p.in_per_group() + c; });
}

// The taps of the transposed window: input i reaches output i * stride - padding + k * dilation.
std::vector<Tap> transposed_taps(const Window& window, const Ints& input_sizes,
                                 const Ints& output_index) {
  std::vector<Tap> taps = {{0, 0}};
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    std::vector<Tap> extended;
    for (const Tap& tap : taps) {
      for (int64_t k = 0; k < window.kernel[axis]; ++k) {
        const int64_t scaled =
            output_index[axis] + window.padding_before[axis] - k * window.dilation[axis];
        if (scaled < 0 || scaled % window.stride[axis] != 0) continue;
        const int64_t position = scaled / window.stride[axis];
        if (position >= input_sizes[axis]) continue;
        extended.push_back(
            {tap.input * input_sizes[axis] + position, tap.kernel * window.kernel[axis] + k});
      }
    }
    taps = std::move(extended);
  }
  return taps;
}

EvalResult eval_conv_transpose(const EvalArgs& args) {
  const ConvProblem problem = conv_problem(args);
  const Window window = conv_window(args.attrs, kernel_sizes(args.operand(1)));
  return evaluate_conv(
      args, problem,
      [&](const Ints& out_index) { return transposed_taps(window, problem.in_spatial, out_index); },
      [](const ConvProblem& p, int64_t o, int64_t c) {
        const int64_t in_channel = o / p.out_per_group() * p.in_per_group() + c;
        return in_channel * p.out_per_group() + o % p.out_per_group();
      });
}

// The attributes of an ATen convolution, one entry for each spatial axis.
struct ConvAttrs {
  Ints stride, padding_before, padding_after, dilation, output_padding;
  int64_t groups = 1;
};

Result<Window> read_same_padding(ImportContext& call, Window window) {
  FERRYMAN_TRY(const std::string mode, call.text("padding", "valid"));
  if (mode == "valid") return window;
  if (mode != "same") return call.unsupported(fmt::format("padding '{}'", mode));
  // The odd element of an even window lies behind, as in torch.
  for (size_t axis = 0; axis < window.rank(); ++axis) {
    const int64_t total = window.extent(axis) - 1;
    window.padding_before[axis] = total / 2;
    window.padding_after[axis] = total - total / 2;
  }
  return window;
}

Result<Window> read_conv_window(ImportContext& call, const TensorType& weight) {
  if (weight.rank() < 3) return call.unsupported("a weight without spatial axes");
  const size_t rank = weight.rank() - 2;
  Window window;
  FERRYMAN_TRY(window.kernel, kernel_of(weight));
  FERRYMAN_TRY(window.stride, call.integers_for("stride", rank, Ints(rank, 1)));
  FERRYMAN_TRY(window.dilation, call.integers_for("dilation", rank, Ints(rank, 1)));
  window.padding_before = Ints(rank, 0);
  window.padding_after = Ints(rank, 0);
  const ImportArg* padding = call.find("padding");
  if (padding != nullptr && std::holds_alternative<std::string>(padding->value))
    return read_same_padding(call, std::move(window));
  FERRYMAN_TRY(window.padding_before, call.integers_for("padding", rank, Ints(rank, 0)));
  window.padding_after = window.padding_before;
  return window;
}

struct ConvOperands {
  ValueId x, weight, bias;
  int64_t groups = 1;
};

Result<ConvOperands> read_conv_operands(ImportContext& call) {
  ConvOperands operands;
  FERRYMAN_TRY(operands.x, call.tensor("input"));
  FERRYMAN_TRY(operands.weight, call.tensor("weight"));
  FERRYMAN_TRY(operands.bias, call.optional_tensor("bias"));
  FERRYMAN_TRY(operands.groups, call.integer("groups", 1));
  return operands;
}

// Whole numbers; `output_padding` of a transposed convolution.
Result<ValueId> make_whole_conv(ImportContext& call, const Window& window,
                                const std::optional<Ints>& output_padding) {
  FERRYMAN_TRY(const ConvOperands given, read_conv_operands(call));
  const CoreWriter write = call.writer();
  return with_batch(write, given.x, window.rank(), [&](ValueId x) -> Result<ValueId> {
    WholeConv conv = {x, given.weight, given.bias, given.groups};
    const TensorType type = write.type(x);
    const Ints in_sizes = static_sizes(Dims(type.dims.begin() + 2, type.dims.end()));
    SymbolTable& symbols = call.builder().symbols();
    if (!output_padding.has_value()) {
      FERRYMAN_TRY(const Dims out, window_dims(symbols, spatial_dims(type), window));
      return emit_whole_conv(write, conv, static_sizes(out),
                             [&](const Ints& at) { return window.taps_at(in_sizes, at); });
    }
    conv.order = WholeConv::Weight::kInOut;
    FERRYMAN_TRY(const Dims out, transposed_dims(symbols, type, window, *output_padding));
    return emit_whole_conv(write, conv, static_sizes(out),
                           [&](const Ints& at) { return transposed_taps(window, in_sizes, at); });
  });
}

Result<ValueId> make_conv(ImportContext& call, OpName name, const Window& window,
                          std::vector<NamedAttr> extra) {
  FERRYMAN_TRY(const ConvOperands given, read_conv_operands(call));
  std::vector<NamedAttr> attrs = {{attr::kStride, window.stride},
                                  {attr::kDilation, window.dilation},
                                  {attr::kPaddingBefore, window.padding_before},
                                  {attr::kPaddingAfter, window.padding_after},
                                  {attr::kGroups, given.groups}};
  attrs.insert(attrs.end(), extra.begin(), extra.end());
  const CoreWriter write = call.writer();
  return with_batch(write, given.x, window.rank(), [&](ValueId batched) {
    return write.op(name, std::vector{batched, given.weight, given.bias}, attrs);
  });
}

Imported import_conv(ImportContext& call) {
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Window window, read_conv_window(call, write.type(weight)));
  if (is_integer(write.dtype(weight)))
    return one_result(make_whole_conv(call, window, std::nullopt));
  return one_result(make_conv(call, ops::kConv, window, {}));
}

Imported import_conv_transpose(ImportContext& call) {
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Window window, read_conv_window(call, write.type(weight)));
  FERRYMAN_TRY(const Ints output_padding,
               call.integers_for("output_padding", window.rank(), Ints(window.rank(), 0)));
  if (is_integer(write.dtype(weight)))
    return one_result(make_whole_conv(call, window, output_padding));
  return one_result(
      make_conv(call, ops::kConvTranspose, window, {{attr::kOutputPadding, output_padding}}));
}

// The general form that torch's decompositions leave.
Imported import_convolution(ImportContext& call) {
  for (const std::string_view flag : {"benchmark", "deterministic", "cudnn_enabled", "allow_tf32"})
    call.ignore(flag);
  FERRYMAN_TRY(const bool transposed, call.flag("transposed", false));
  if (transposed) return import_conv_transpose(call);
  call.ignore("output_padding");  // torch reads it for transposed convolutions only
  return import_conv(call);
}

// The dims of a weight that have the channels of the input and those of the result.
struct WeightDims {
  size_t in, out;
};

// Axes: batch, input channels, output channels, spatial, kernel.
OpAxes convolution_axes(const Graph& graph, const Op& op, WeightDims dims) {
  AxesOfOp of(graph, op);
  OpAxes& axes = of.axes();
  const size_t num_spatial = of.rank(op.result()) - 2;
  const int64_t groups = op.attr(attr::kGroups);
  const bool depthwise =
      conv_kind(graph, op) == ConvKind::kDepthwise && depth_multiplier(graph, op) == 1;
  const bool mixed = groups > 1 && !depthwise;  // which channels meet depends on their positions
  const int batch = of.add_axis({});
  const int in = of.add_axis({.positional = mixed});
  const int out = depthwise ? in : of.add_axis({.positional = mixed});
  AxisList& x = axes.operands[0] = {batch, in};
  AxisList& weight = axes.operands[1] = {-1, -1};
  AxisList& result = axes.results[0] = {batch, out};
  const int per_group = groups > 1 ? of.add_axis({.positional = true}) : -1;
  // With groups, one of the weight's two channel dims counts inside a group.
  const size_t grouped_dim = 1;
  weight[dims.in] = groups > 1 && dims.in == grouped_dim ? per_group : in;
  weight[dims.out] = groups > 1 && dims.out == grouped_dim ? per_group : out;
  for (size_t i = 0; i < num_spatial; ++i) {
    const int spatial = of.add_axis({.positional = true});
    x.push_back(spatial);
    result.push_back(spatial);
    weight.push_back(of.add_axis({.positional = true}));
  }
  if (op.has_operand(2)) axes.operands[2] = {out};
  return of.finish();
}

OpAxes conv_axes(const Graph& graph, const Op& op) {
  return convolution_axes(graph, op, {.in = 1, .out = 0});
}

OpAxes conv_transpose_axes(const Graph& graph, const Op& op) {
  return convolution_axes(graph, op, {.in = 0, .out = 1});
}

// What the two ops have in common; the rest stands in their rows.
OpRow define_windowed(Ops& ops, OpName name, std::string_view doc) {
  OpRow row = ops.set.define(name);
  row.doc(doc)
      .operand("x", DTypeSet::kFloating)
      .operand("weight", DTypeSet::kFloating)
      .optional_operand("bias", DTypeSet::kFloating)
      .attr(attr::kStride)
      .attr(attr::kPaddingBefore)
      .attr(attr::kPaddingAfter)
      .attr(attr::kDilation)
      .attr(attr::kGroups, 1);
  return row;
}

}  // namespace

void add_conv_ops(Ops& ops) {
  define_windowed(ops, ops::kConv,
                  "Convolution of x [N, C, spatial...] with weight [O, C / groups, kernel...]; "
                  "zero padding")
      .axes(AxisRule::kAnchored, conv_axes)
      .result(infer_conv)
      .eval(eval_conv);

  define_windowed(ops, ops::kConvTranspose,
                  "Gradient of conv as an op: x [N, C, spatial...], weight [C, O / groups, "
                  "kernel...]; output_padding appends elements after the last window")
      .attr(attr::kOutputPadding)
      .axes(AxisRule::kAnchored, conv_transpose_axes)
      .result(infer_conv_transpose)
      .eval(eval_conv_transpose);

  ops.imports.add({"conv1d.default", "conv2d.default", "conv3d.default", "conv1d.padding",
                   "conv2d.padding", "conv3d.padding"},
                  import_conv);
  ops.imports.add({"conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input"},
                  import_conv_transpose);
  ops.imports.add({"convolution.default", "_convolution.default", "_convolution.deprecated"},
                  import_convolution);
}

}  // namespace ferryman
