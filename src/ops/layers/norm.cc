// Normalisations of inference. They stay whole: fusions fold them, and targets have their own
// forms.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/layers/norm.h"
#include "ops/names.h"
#include "ops/op_axes.h"

namespace ferryman {

namespace {

// torch's default.
constexpr double kUsualMomentum = 0.1;

// Operands from `first` on are absent or have these dims.
Status check_parameters(const InferArgs& args, size_t first, const Dims& dims) {
  for (size_t i = first; i < args.operands.size(); ++i) {
    if (!args.has(i) || args.operand(i).dims == dims) continue;
    return shape_error(fmt::format("a parameter {} where {} is expected",
                                   print_dims(args.operand(i).dims, args.symbols),
                                   print_dims(dims, args.symbols)));
  }
  return {};
}

InferResult infer_channel_norm(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  if (x.rank() < 2) return shape_error("an input without a channel axis");
  FERRYMAN_TRY_STATUS(check_parameters(args, 1, Dims{x.dims[1]}));
  return std::vector{x};
}

InferResult infer_group_norm(const InferArgs& args) {
  FERRYMAN_TRY(std::vector<TensorType> types, infer_channel_norm(args));
  const Dim channels = types.front().dims[1];
  const int64_t groups = args.attrs[attr::kGroups];
  if (!channels.is_static() || groups < 1 || channels.size() % groups != 0) {
    return shape_error(
        fmt::format("{} channels in {} groups", args.symbols.print(channels), groups));
  }
  return types;
}

// The axes are the last ones, and the parameters have their dims.
InferResult infer_trailing_norm(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Ints& axes = args.attrs[attr::kAxes].values;
  const size_t first = x.rank() - std::min(axes.size(), x.rank());
  bool trailing = !axes.empty() && axes.size() <= x.rank();
  for (size_t i = 0; trailing && i < axes.size(); ++i)
    trailing = axes[i] == static_cast<int64_t>(first + i);
  if (!trailing) return shape_error("the normalised axes are not the last ones");
  const Dims normalised(x.dims.begin() + static_cast<std::ptrdiff_t>(first), x.dims.end());
  FERRYMAN_TRY_STATUS(check_parameters(args, 1, normalised));
  return std::vector{x};
}

// A parameter of operand `index`, or `count` times what it means to be absent.
std::vector<double> parameter(const EvalArgs& args, size_t index, size_t count, double absent) {
  if (args.has(index)) return args.operand(index).to_doubles();
  return std::vector<double>(count, absent);
}

std::vector<TensorData> one_result(const EvalArgs& args, const std::vector<double>& values) {
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double mean_square(std::span<const double> values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

EvalResult eval_batch_norm(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  const auto channels = static_cast<size_t>(shape[1]);
  const auto inner = static_cast<size_t>(product(Ints(shape.begin() + 2, shape.end())));
  const std::vector<double> weight = parameter(args, 3, channels, 1.0);
  const std::vector<double> bias = parameter(args, 4, channels, 0.0);
  const std::vector<double> mean = args.operand(1).to_doubles();
  const std::vector<double> variance = args.operand(2).to_doubles();
  std::vector<double> values = args.operand(0).to_doubles();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / inner % channels;
    const double scale = weight[c] / std::sqrt(variance[c] + args.attrs[attr::kEps]);
    values[i] = (values[i] - mean[c]) * scale + bias[c];
  }
  return one_result(args, values);
}

EvalResult eval_group_norm(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  const auto channels = static_cast<size_t>(shape[1]);
  const auto inner = static_cast<size_t>(product(Ints(shape.begin() + 2, shape.end())));
  const auto groups = static_cast<size_t>(args.attrs[attr::kGroups]);
  const size_t group_elems = channels / groups * inner;
  const std::vector<double> weight = parameter(args, 1, channels, 1.0);
  const std::vector<double> bias = parameter(args, 2, channels, 0.0);
  std::vector<double> values = args.operand(0).to_doubles();
  for (size_t begin = 0; begin < values.size(); begin += group_elems) {
    const std::span<double> group = std::span(values).subspan(begin, group_elems);
    const double mean = mean_of(group);
    const double scale = 1.0 / std::sqrt(mean_square(group, mean) + args.attrs[attr::kEps]);
    for (size_t i = 0; i < group_elems; ++i) {
      const size_t c = (begin + i) / inner % channels;
      group[i] = (group[i] - mean) * scale * weight[c] + bias[c];
    }
  }
  return one_result(args, values);
}

enum class Centre : uint8_t { kMean, kZero };

EvalFn eval_trailing_norm(Centre centre) {
  return [centre](const EvalArgs& args) -> EvalResult {
    size_t row = 1;
    for (const int64_t axis : args.attrs[attr::kAxes].values)
      row *= static_cast<size_t>(args.operand(0).shape()[static_cast<size_t>(axis)]);
    const std::vector<double> weight = parameter(args, 1, row, 1.0);
    const std::vector<double> bias = parameter(args, 2, row, 0.0);
    std::vector<double> values = args.operand(0).to_doubles();
    for (size_t begin = 0; begin < values.size(); begin += row) {
      const std::span<double> elems = std::span(values).subspan(begin, row);
      const double mean = centre == Centre::kMean ? mean_of(elems) : 0.0;
      const double scale = 1.0 / std::sqrt(mean_square(elems, mean) + args.attrs[attr::kEps]);
      for (size_t i = 0; i < row; ++i) elems[i] = (elems[i] - mean) * scale * weight[i] + bias[i];
    }
    return one_result(args, values);
  };
}

// Results that no inference graph reads (saved statistics) stay invalid.
Imported only_first(ImportContext& call, ValueId value) {
  std::vector<ValueId> results(call.num_results());
  results.front() = value;
  return results;
}

// Puts both into results 1 and 2, in the shape that torch gives them.
Imported with_statistics(ImportContext& call, ValueId result, const NormStatistics& statistics) {
  std::vector<ValueId> results(call.num_results());
  results.front() = result;
  const std::array<ValueId, 2> values = {statistics.mean, statistics.scale};
  for (size_t i = 0; i < values.size() && i + 1 < results.size(); ++i) {
    if (!call.is_result_read(i + 1)) continue;
    results[i + 1] = call.writer().reshape(values[i], call.result_type(i + 1).dims);
  }
  return results;
}

bool reads_statistics(ImportContext& call) {
  for (size_t i = 1; i < std::min<size_t>(call.num_results(), 3); ++i) {
    if (call.is_result_read(i)) return true;
  }
  return false;
}

// The statistics that normalisations of inference give beside their result are empty.
Imported with_empty_statistics(ImportContext& call, ValueId result) {
  std::vector<ValueId> results(call.num_results());
  results.front() = result;
  for (size_t i = 1; i < std::min<size_t>(results.size(), 3); ++i) {
    if (!call.is_result_read(i)) continue;
    const TensorType type = call.result_type(i);
    const Ints shape = static_sizes(type.dims);
    if (product(shape) != 0) return call.unsupported("saved statistics in evaluation mode");
    results[i] = call.writer().constant(TensorData::filled(type.dtype, shape, 0), "statistics");
  }
  return results;
}

// x * weight + bias, which are there or not, along axis 1.
ValueId scaled_by_channel(CoreWriter write, ValueId x, ValueId weight, ValueId bias) {
  Dims channels(write.rank(x), Dim(1));
  channels[1] = write.dim(x, 1);
  if (weight.valid()) x = write.mul(x, write.reshape(weight, channels));
  if (bias.valid()) x = write.add(x, write.reshape(bias, channels));
  return x;
}

// Statistics of the batch itself, as torch computes without running statistics:
// (x - mean) * rsqrt(mean((x - mean)^2) + eps) * weight + bias, over all axes but the channels and,
// for an instance by itself, the batch.
enum class Pooled : uint8_t { kBatch, kInstance };

Result<std::vector<ValueId>> normalise_by_own(ImportContext& call, Pooled pooled) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.optional_tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  FERRYMAN_TRY(const double eps, call.number("eps"));
  const CoreWriter write = call.writer();
  const Dims dims = write.dims(x);
  if (dims.size() < 2) return call.unsupported("an input without channels");
  Ints axes = iota_axes(dims.size());
  axes.erase(axes.begin() + 1);
  if (pooled == Pooled::kInstance) axes.erase(axes.begin());
  const NormStatistics statistics = write_statistics(write, x, axes, eps);
  const ValueId normed = write.mul(statistics.centred, statistics.scale);
  return with_statistics(call, scaled_by_channel(write, normed, weight, bias), statistics);
}

// Whether a call in training mode leaves the running statistics as they are, or nobody reads them.
Result<bool> keeps_running_statistics(ImportContext& call) {
  FERRYMAN_TRY(const double momentum, call.number("momentum", kUsualMomentum));
  if (call.target() != "_native_batch_norm_legit_functional.default") return momentum == 0;
  return !call.is_result_read(3) && !call.is_result_read(4);
}

Imported import_batch_norm(ImportContext& call) {
  call.ignore("cudnn_enabled");
  FERRYMAN_TRY(const bool keeps, keeps_running_statistics(call));
  FERRYMAN_TRY(const bool training, call.flag("training", false));
  FERRYMAN_TRY(const ValueId mean, call.optional_tensor("running_mean"));
  FERRYMAN_TRY(const ValueId variance, call.optional_tensor("running_var"));
  if (training && mean.valid() && !keeps) {
    return call.unsupported("batch norm in training mode").hint("call model.eval() before export");
  }
  if (training || !mean.valid() || !variance.valid()) return normalise_by_own(call, Pooled::kBatch);
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.optional_tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  FERRYMAN_TRY(const double eps, call.number("eps"));
  FERRYMAN_TRY(const double momentum, call.number("momentum", kUsualMomentum));
  const CoreWriter write = call.writer();
  if (write.dims(x) == Dims{0}) return with_empty_statistics(call, x);
  return with_empty_statistics(call, write.op(ops::kBatchNorm, {x, mean, variance, weight, bias},
                                              {{attr::kEps, eps}, {attr::kMomentum, momentum}}));
}

Result<std::vector<ValueId>> make_group_norm(ImportContext& call, int64_t groups) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.optional_tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-5));
  const CoreWriter write = call.writer();
  if (write.rank(x) < 2) return call.unsupported("an input without channels");
  if (!write.type(x).dims[1].is_static()) {
    const ValueId grouped = write.reshape_to(x, {write.dim(x, 0), Dim(groups), {}});
    const NormStatistics own = write_statistics(write, grouped, {2}, eps);
    const ValueId normed = write.reshape(write.mul(own.centred, own.scale), write.dims(x));
    return with_statistics(call, scaled_by_channel(write, normed, weight, bias), own);
  }
  const ValueId result =
      write.op(ops::kGroupNorm, {x, weight, bias}, {{attr::kGroups, groups}, {attr::kEps, eps}});
  if (!reads_statistics(call)) return only_first(call, result);
  const ValueId grouped = write.reshape_to(x, {write.dim(x, 0), Dim(groups), {}});
  return with_statistics(call, result, write_statistics(write, grouped, {2}, eps));
}

Imported import_group_norm(ImportContext& call) {
  for (const std::string_view unused : {"cudnn_enabled", "N", "C", "HxW"}) call.ignore(unused);
  const bool native = call.target().starts_with("native");
  FERRYMAN_TRY(const int64_t groups, call.integer(native ? "group" : "num_groups"));
  return make_group_norm(call, groups);
}

// With the statistics of the input, every channel is a group of its own.
Imported import_instance_norm(ImportContext& call) {
  FERRYMAN_TRY(const bool use_input_stats, call.flag("use_input_stats", true));
  if (!use_input_stats) return import_batch_norm(call);
  call.ignore("cudnn_enabled");
  FERRYMAN_TRY(const double momentum, call.number("momentum", 0.1));
  const bool has_mean = call.given("running_mean");
  const bool has_variance = call.given("running_var");
  if ((has_mean || has_variance) && momentum != 0) {
    return call.unsupported("instance norm that updates running statistics")
        .hint("call model.eval() before export");
  }
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  const Dims dims = call.writer().dims(x);
  if (dims.size() < 2) return call.unsupported("an input without channels");
  if (!dims[1].is_static()) return normalise_by_own(call, Pooled::kInstance);
  return make_group_norm(call, dims[1].size());
}

Result<Axes> read_normalised_axes(ImportContext& call, const TensorType& x) {
  const ImportArg* arg = call.find("normalized_shape");
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr || list->size() > x.rank())
    return call.unsupported("a normalized_shape that does not fit the input");
  Axes axes;
  for (size_t axis = x.rank() - list->size(); axis < x.rank(); ++axis)
    axes.values.push_back(static_cast<int64_t>(axis));
  return axes;
}

Imported import_layer_norm(ImportContext& call) {
  call.ignore("cudnn_enable");
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Axes axes, read_normalised_axes(call, write.type(x)));
  FERRYMAN_TRY(const ValueId weight, call.optional_tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  FERRYMAN_TRY(const double eps, call.number("eps", 1e-5));
  const ValueId result =
      write.op(ops::kLayerNorm, {x, weight, bias}, {{attr::kAxes, axes}, {attr::kEps, eps}});
  if (!reads_statistics(call)) return only_first(call, result);
  return with_statistics(call, result, write_statistics(write, x, axes.values, eps));
}

// torch.finfo(dtype).eps of the type that torch computes in.
double machine_epsilon(DType dtype) {
  if (dtype == DType::kF64) return std::numeric_limits<double>::epsilon();
  return static_cast<double>(std::numeric_limits<float>::epsilon());
}

Imported import_rms_norm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Axes axes, read_normalised_axes(call, write.type(x)));
  FERRYMAN_TRY(const ValueId weight, call.optional_tensor("weight"));
  FERRYMAN_TRY(const double eps, call.number("eps", machine_epsilon(write.dtype(x))));
  return only_first(call,
                    write.op(ops::kRmsNorm, {x, weight}, {{attr::kAxes, axes}, {attr::kEps, eps}}));
}

OpRow define_norm(Ops& ops, OpName name, std::string_view doc) {
  OpRow row = ops.set.define(name);
  const AxesFn by_channel = [](const Graph& graph, const Op& op) {
    return AxesOfOp(graph, op).elementwise_by_channel();
  };
  const AxesFn by_element = [](const Graph& graph, const Op& op) {
    return AxesOfOp(graph, op).elementwise();
  };
  row.doc(doc)
      .axes(AxisRule::kAnchored, name == ops::kBatchNorm ? by_channel : by_element)
      .operand("x", DTypeSet::kFloating);
  if (name == ops::kBatchNorm)
    row.operand("mean", DTypeSet::kFloating).operand("variance", DTypeSet::kFloating);
  row.optional_operand("weight", DTypeSet::kFloating);
  if (name != ops::kRmsNorm) row.optional_operand("bias", DTypeSet::kFloating);
  return row;
}

}  // namespace

NormStatistics write_statistics(CoreWriter write, ValueId x, const Ints& axes, double eps) {
  const ValueId mean = write.reduce(ops::kMean, x, axes, /*keepdim=*/true);
  const ValueId centred = write.sub(x, mean);
  const ValueId variance = write.reduce(ops::kMean, write.square(centred), axes, /*keepdim=*/true);
  return {centred, mean, write.unary(ops::kRsqrt, write.add(variance, eps))};
}

void add_norm_ops(Ops& ops) {
  define_norm(ops, ops::kBatchNorm,
              "(x - mean) / sqrt(variance + eps) * weight + bias along axis 1, with fixed "
              "statistics, which training moves by `momentum` to those of a batch")
      .attr(attr::kEps)
      .attr(attr::kMomentum, kUsualMomentum)
      .result(infer_channel_norm)
      .eval(eval_batch_norm);

  define_norm(ops, ops::kLayerNorm,
              "(x - mean) / sqrt(variance + eps) * weight + bias, with the statistics of the last "
              "axes of each row")
      .attr(attr::kAxes)
      .attr(attr::kEps)
      .result(infer_trailing_norm)
      .eval(eval_trailing_norm(Centre::kMean));

  define_norm(ops, ops::kRmsNorm, "x / sqrt(mean(x^2) + eps) * weight over the last axes")
      .attr(attr::kAxes)
      .attr(attr::kEps)
      .result(infer_trailing_norm)
      .eval(eval_trailing_norm(Centre::kZero));

  define_norm(ops, ops::kGroupNorm,
              "Normalises each group of channels of each batch element, then scales and shifts by "
              "channel; as many groups as channels is instance norm")
      .attr(attr::kGroups)
      .attr(attr::kEps)
      .axes(AxisRule::kAnchored,
            [](const Graph& graph, const Op& op) { return AxesOfOp(graph, op).opaque(); })
      .result(infer_group_norm)
      .eval(eval_group_norm);

  ops.imports.add(
      {"batch_norm.default", "native_batch_norm.default", "_native_batch_norm_legit.default",
       "_native_batch_norm_legit_no_training.default", "_native_batch_norm_legit.no_stats",
       "_batch_norm_no_update.default", "_native_batch_norm_legit_functional.default"},
      import_batch_norm);
  ops.imports.add({"group_norm.default", "native_group_norm.default"}, import_group_norm);
  ops.imports.add("instance_norm.default", import_instance_norm);
  ops.imports.add({"layer_norm.default", "native_layer_norm.default"}, import_layer_norm);
  ops.imports.add({"rms_norm.default", "_fused_rms_norm.default"}, import_rms_norm);
}

}  // namespace ferryman
