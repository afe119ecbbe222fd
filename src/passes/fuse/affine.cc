#include "passes/fuse/affine.h"

#include <algorithm>
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/fold/constants.h"
#include "passes/match.h"

namespace ferryman {

namespace {

using Doubles = std::vector<double>;

Doubles filled(size_t count, double value) {
  return Doubles(count, value);
}

// An operand of a normalisation as one number for each channel.
std::optional<Doubles> channel_values(const Graph& graph, const Op& op, size_t operand,
                                      size_t channels, double absent) {
  if (!op.has_operand(operand)) return filled(channels, absent);
  const ValueId value = op.operands[operand];
  if (!is_known_constant(graph, value)) return std::nullopt;
  return graph.constant(value).to_doubles();
}

// Operand positions of batch_norm.
enum BatchNormOperand : size_t { kMean = 1, kVariance = 2, kWeight = 3, kBias = 4 };

struct Channelwise {
  ValueId x;
  Doubles values;
};

// op(x, constant) with a constant that varies along `axis` only.
std::optional<Channelwise> channelwise(const Graph& graph, const Op& op, size_t axis) {
  const ValueId x = op.operands[0];
  if (!same_type(graph, x, op.result()) || !is_floating(graph, x)) return std::nullopt;
  std::optional<Doubles> values = values_along(graph, op.operands[1], graph.type(x).dims, axis);
  if (!values.has_value()) return std::nullopt;
  return Channelwise{x, *std::move(values)};
}

}  // namespace

bool Affine::is_uniform() const {
  const auto all_equal = [](const Doubles& list) {
    return std::all_of(list.begin(), list.end(),
                       [&](double value) { return value == list.front(); });
  };
  return all_equal(scale) && all_equal(shift);
}

bool Affine::has_shift() const {
  return std::any_of(shift.begin(), shift.end(), [](double value) { return value != 0.0; });
}

bool Affine::has_scale() const {
  return std::any_of(scale.begin(), scale.end(), [](double value) { return value != 1.0; });
}

std::optional<Affine> affine_of_batch_norm(const Graph& graph, const Op& op) {
  const Dim dim = graph.type(op.operands[0]).dims[1];
  if (!dim.is_static()) return std::nullopt;
  const auto channels = static_cast<size_t>(dim.size());
  const auto mean = channel_values(graph, op, kMean, channels, 0.0);
  const auto variance = channel_values(graph, op, kVariance, channels, 1.0);
  const auto weight = channel_values(graph, op, kWeight, channels, 1.0);
  const auto bias = channel_values(graph, op, kBias, channels, 0.0);
  if (!mean.has_value() || !variance.has_value() || !weight.has_value() || !bias.has_value())
    return std::nullopt;
  Affine affine{op.operands[0], filled(channels, 1.0), filled(channels, 0.0)};
  for (size_t c = 0; c < channels; ++c) {
    affine.scale[c] = (*weight)[c] / std::sqrt((*variance)[c] + op.attr(attr::kEps));
    affine.shift[c] = (*bias)[c] - (*mean)[c] * affine.scale[c];
  }
  return affine;
}

std::optional<Affine> affine_of(const Graph& graph, const Op& op, size_t axis) {
  if (op.is(ops::kBatchNorm)) {
    return axis == 1 ? affine_of_batch_norm(graph, op) : std::nullopt;
  }
  const Dims& dims = graph.type(op.result()).dims;
  if (axis >= dims.size() || !dims[axis].is_static()) return std::nullopt;
  const auto channels = static_cast<size_t>(dims[axis].size());
  if (op.is(ops::kNeg))
    return Affine{op.operands[0], filled(channels, -1.0), filled(channels, 0.0)};
  if (!op.is(ops::kAdd) && !op.is(ops::kMul) && !op.is(ops::kDiv)) return std::nullopt;
  std::optional<Channelwise> constant = channelwise(graph, op, axis);
  if (!constant.has_value()) return std::nullopt;
  if (op.is(ops::kAdd))
    return Affine{constant->x, filled(channels, 1.0), std::move(constant->values)};
  if (op.is(ops::kDiv)) {
    for (double& value : constant->values) value = 1.0 / value;
  }
  return Affine{constant->x, std::move(constant->values), filled(channels, 0.0)};
}

bool is_weighted(const Graph& graph, const Op& op) {
  if (!op.is(ops::kConv) && !op.is(ops::kConvTranspose) && !op.is(ops::kLinear)) return false;
  const ValueId weight = op.operands[1];
  const bool known_bias = !op.has_operand(2) || is_known_constant(graph, op.operands[2]);
  return graph.is_constant(weight) && graph.type(weight).dtype == DType::kF32 && known_bias;
}

size_t result_channel_axis(const Graph& graph, const Op& weighted) {
  return weighted.is(ops::kLinear) ? graph.type(weighted.result()).rank() - 1 : 1;
}

namespace {

int64_t groups_of(const Op& op) {
  return op.is(ops::kLinear) ? 1 : op.attr(attr::kGroups);
}

// A weight [G * A, B, …] whose element (g, a, b) is multiplied by factors[g * B + b].
TensorData scaled_within_groups(const TensorData& weight, int64_t groups,
                                const std::vector<float>& factors) {
  const Ints& shape = weight.shape();
  if (groups == 1) return weight.scaled(1, factors);
  const int64_t a = shape[0] / groups;
  if (shape[1] == 1) {  // depthwise: one factor for all that a group makes or reads
    std::vector<float> repeated;
    for (const float factor : factors)
      repeated.insert(repeated.end(), static_cast<size_t>(a), factor);
    return weight.scaled(0, repeated);
  }
  const int64_t rest = product(Ints(shape.begin() + 2, shape.end()));
  return weight.reshaped({groups, a, shape[1], rest})
      .permuted({0, 2, 1, 3})
      .reshaped({groups * shape[1], a * rest})
      .scaled(0, factors)
      .reshaped({groups, shape[1], a, rest})
      .permuted({0, 2, 1, 3})
      .reshaped(shape);
}

Absorbed same_op(const Graph& graph, const Op& op) {
  Absorbed made{
      OpName{op.def->name}, op.operands[0], graph.constant(op.operands[1]), {}, {}, {}, {}};
  made.weight_name = graph.value(op.operands[1]).name;
  made.bias_name = made.weight_name;
  if (const size_t dot = made.bias_name.rfind(".weight"); dot != std::string::npos)
    made.bias_name.resize(dot);
  made.bias_name += ".bias";
  if (op.has_operand(2)) {
    made.bias = graph.constant(op.operands[2]);
    made.bias_name = graph.value(op.operands[2]).name;
  }
  for (size_t i = 0; i < op.attrs.size(); ++i)
    made.attrs.emplace_back(op.def->attrs[i].name, op.attrs[i]);
  return made;
}

void set_bias(Absorbed& made, const Doubles& bias) {
  const bool zero =
      std::all_of(bias.begin(), bias.end(), [](double value) { return value == 0.0; });
  if (zero && !made.bias.has_value()) return;
  made.bias = vector_constant(DType::kF32, bias);
}

// For each channel of the result, the sum of its weights times the shift of the channel they read.
Doubles shifted_sums(const TensorData& weight, int64_t groups, const Doubles& shift) {
  const Ints& shape = weight.shape();
  const int64_t rest = product(Ints(shape.begin() + 2, shape.end()));
  const Doubles values = weight.to_doubles();
  Doubles sums(static_cast<size_t>(shape[0]), 0.0);
  size_t next = 0;
  for (int64_t o = 0; o < shape[0]; ++o) {
    const int64_t first_in = o / (shape[0] / groups) * shape[1];
    for (int64_t i = 0; i < shape[1]; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < rest; ++k) sum += values[next++];
      sums[static_cast<size_t>(o)] += sum * shift[static_cast<size_t>(first_in + i)];
    }
  }
  return sums;
}

}  // namespace

std::optional<Absorbed> scale_results(const Graph& graph, const Op& op, const Affine& affine) {
  if (!is_weighted(graph, op)) return std::nullopt;
  Absorbed made = same_op(graph, op);
  const std::vector<float> factors = to_floats(affine.scale);
  Doubles bias = made.bias.has_value() ? made.bias->to_doubles() : filled(affine.scale.size(), 0.0);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = bias[i] * affine.scale[i] + affine.shift[i];
  const bool transposed = op.is(ops::kConvTranspose);
  made.weight = transposed ? scaled_within_groups(made.weight, groups_of(op), factors)
                           : made.weight.scaled(0, factors);
  set_bias(made, bias);
  return made;
}

std::optional<Absorbed> scale_operand(const Graph& graph, const Op& op, const Affine& affine) {
  if (!is_weighted(graph, op) || !is_known_constant(graph, op.operands[1])) return std::nullopt;
  if (op.is(ops::kConvTranspose) && affine.has_shift()) return std::nullopt;
  Absorbed made = same_op(graph, op);
  made.x = affine.x;
  const std::vector<float> factors = to_floats(affine.scale);
  if (affine.has_shift()) {
    Doubles bias = shifted_sums(made.weight, groups_of(op), affine.shift);
    const Doubles old = made.bias.has_value() ? made.bias->to_doubles() : filled(bias.size(), 0.0);
    for (size_t i = 0; i < bias.size(); ++i) bias[i] += old[i];
    set_bias(made, bias);
  }
  const bool transposed = op.is(ops::kConvTranspose);
  made.weight = transposed ? made.weight.scaled(0, factors)
                           : scaled_within_groups(made.weight, groups_of(op), factors);
  return made;
}

ValueId create_absorbed(Rewriter& rewriter, const Absorbed& absorbed) {
  std::vector<ValueId> operands = {absorbed.x,
                                   rewriter.constant(absorbed.weight, absorbed.weight_name)};
  operands.push_back(absorbed.bias.has_value()
                         ? rewriter.constant(*absorbed.bias, absorbed.bias_name)
                         : ValueId());
  return rewriter.create(absorbed.op, operands, absorbed.attrs);
}

}  // namespace ferryman
