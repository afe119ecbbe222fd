#include "passes/fuse/fuse_norm_patterns.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"
#include "passes/fold/constants.h"
#include "passes/fuse/norm_operands.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// [rank - n, …, rank - 1], ascending.
bool are_trailing(const Ints& axes, size_t rank) {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<int64_t>(rank - axes.size() + i)) return false;
  }
  return !axes.empty();
}

// A reduction that keeps its axes.
struct Kept {
  ValueId x;
  Axes axes;
};
std::optional<Kept> kept_reduction(const Graph& graph, ValueId value, OpName name) {
  const OpId id = graph.producer_if(value, name);
  if (!id.valid() || !graph.op(id).attr(attr::kKeepDim)) return std::nullopt;
  return Kept{graph.op(id).operands[0], graph.op(id).attr(attr::kAxes)};
}

// d / sqrt(v + eps), d * rsqrt(v + eps)
struct Normalised {
  ValueId dividend;
  ValueId variance;
  double eps = 0;
};

std::optional<Normalised> with_eps(const Graph& graph, ValueId dividend, ValueId sum) {
  const OpId add = graph.producer_if(sum, ops::kAdd);
  if (!add.valid()) return std::nullopt;
  const std::optional<double> eps = uniform_value(graph, graph.op(add).operands[1]);
  if (!eps.has_value()) return std::nullopt;
  return Normalised{dividend, graph.op(add).operands[0], *eps};
}

std::optional<Normalised> normalised(const Graph& graph, const Op& op) {
  if (op.is(ops::kDiv)) {
    const OpId root = graph.producer_if(op.operands[1], ops::kSqrt);
    if (!root.valid()) return std::nullopt;
    return with_eps(graph, op.operands[0], graph.op(root).operands[0]);
  }
  for (const size_t side : {0, 1}) {
    const OpId root = graph.producer_if(op.operands[side], ops::kRsqrt);
    if (!root.valid()) continue;
    return with_eps(graph, op.operands[1 - side], graph.op(root).operands[0]);
  }
  return std::nullopt;
}

// The axes of mean(d * d), if `value` is that.
std::optional<Axes> mean_square_axes(const Graph& graph, ValueId value, ValueId d) {
  const std::optional<Kept> mean = kept_reduction(graph, value, ops::kMean);
  if (!mean.has_value()) return std::nullopt;
  const OpId square = graph.producer_if(mean->x, ops::kSquare);
  if (!square.valid() || graph.op(square).operands[0] != d) return std::nullopt;
  if (!are_trailing(mean->axes.values, graph.type(d).rank())) return std::nullopt;
  return mean->axes;
}

// The x of d = x - mean(x), over the same axes.
ValueId centred(const Graph& graph, ValueId d, const Axes& axes) {
  const OpId sub = graph.producer_if(d, ops::kSub);
  if (!sub.valid()) return ValueId();
  const std::optional<Kept> mean = kept_reduction(graph, graph.op(sub).operands[1], ops::kMean);
  const ValueId x = graph.op(sub).operands[0];
  return mean.has_value() && mean->x == x && mean->axes == axes ? x : ValueId();
}

Match<OneOp> match_norm(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<Normalised> found = normalised(graph, op);
  if (!found.has_value() || !same_type(graph, found->dividend, op.result())) return std::nullopt;
  const ValueId d = found->dividend;
  const std::optional<Axes> axes = mean_square_axes(graph, found->variance, d);
  if (!axes.has_value()) return std::nullopt;
  const std::vector<NamedAttr> attrs = {{attr::kAxes, *axes}, {attr::kEps, found->eps}};
  if (const ValueId x = centred(graph, d, *axes); x.valid())
    return OneOp{op.result(), ops::kLayerNorm, {x, ValueId(), ValueId()}, attrs};
  return OneOp{op.result(), ops::kRmsNorm, {d, ValueId()}, attrs};
}

// The constant with the dims of the normalised axes, if it has no others.
std::optional<TensorData> norm_parameter(const Graph& graph, ValueId value, const Op& norm) {
  if (!is_known_constant(graph, value)) return std::nullopt;
  const TensorData& data = graph.constant(value);
  const Dims& dims = graph.type(norm.result()).dims;
  const size_t num_axes = norm.attr(attr::kAxes).values.size();
  const Dims normalised_dims(dims.end() - static_cast<std::ptrdiff_t>(num_axes), dims.end());
  if (!all_static(normalised_dims) || data.dtype() != graph.type(norm.result()).dtype)
    return std::nullopt;
  const Ints shape = static_sizes(normalised_dims);
  Ints trimmed = data.shape();
  while (trimmed.size() > shape.size() && trimmed.front() == 1) trimmed.erase(trimmed.begin());
  if (trimmed.size() > shape.size()) return std::nullopt;
  for (size_t i = 0; i < trimmed.size(); ++i) {
    const int64_t size = trimmed[trimmed.size() - 1 - i];
    if (size != 1 && size != shape[shape.size() - 1 - i]) return std::nullopt;
  }
  return data.reshaped(trimmed).broadcast_to(shape);
}

// The weight that the norm has, if it is known, times another one.
std::optional<TensorData> times_weight(const Graph& graph, const Op& norm, TensorData parameter) {
  if (!norm.has_operand(kNormWeight)) return parameter;
  if (!is_known_constant(graph, norm.operands[kNormWeight])) return std::nullopt;
  const TensorData& weight = graph.constant(norm.operands[kNormWeight]);
  std::vector<double> values = parameter.to_doubles();
  const std::vector<double> factors = weight.to_doubles();
  for (size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
  return store_doubles({weight.dtype(), to_dims(weight.shape())}, values);
}

// layer_norm(x) * weight -> layer_norm(x, weight)       and + bias, once the weight is there
// rms_norm(x, weight) * c -> rms_norm(x, weight * c)
Match<OneOp> match_norm_parameter(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId producer = graph.producer(op.operands[0]);
  if (!producer.valid()) return std::nullopt;
  const Op& norm = graph.op(producer);
  const bool layer = norm.is(ops::kLayerNorm);
  if ((!layer && !norm.is(ops::kRmsNorm)) || !has_one_reader(graph, op.operands[0]))
    return std::nullopt;
  if (norm.has_operand(kNormBias) || !same_type(graph, op.operands[0], op.result()))
    return std::nullopt;
  std::optional<TensorData> parameter = norm_parameter(graph, op.operands[1], norm);
  if (!parameter.has_value()) return std::nullopt;
  std::vector<ValueId> operands = {norm.operands[0]};
  if (op.is(ops::kMul)) {
    parameter = times_weight(graph, norm, *std::move(parameter));
    if (!parameter.has_value()) return std::nullopt;
    return OneOp{op.result(), OpName{norm.def->name},          operands, attrs_of(norm),
                 parameter,   graph.value(op.operands[1]).name};
  }
  if (!layer) return std::nullopt;
  operands.push_back(norm.has_operand(kNormWeight) ? norm.operands[kNormWeight] : ValueId());
  return OneOp{op.result(), OpName{norm.def->name},          operands, attrs_of(norm),
               parameter,   graph.value(op.operands[1]).name};
}

// exp(x - amax(x)) / sum(exp(x - amax(x))) -> softmax(x)       with or without the amax
Match<OneOp> match_softmax(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId exp = graph.producer_if(op.operands[0], ops::kExp);
  const std::optional<Kept> sum = kept_reduction(graph, op.operands[1], ops::kSum);
  if (!exp.valid() || !sum.has_value() || sum->x != op.operands[0]) return std::nullopt;
  if (sum->axes.values.size() != 1) return std::nullopt;
  ValueId x = graph.op(exp).operands[0];
  if (const OpId sub = graph.producer_if(x, ops::kSub); sub.valid()) {
    const std::optional<Kept> max = kept_reduction(graph, graph.op(sub).operands[1], ops::kAmax);
    if (max.has_value() && max->x == graph.op(sub).operands[0] && max->axes == sum->axes)
      x = max->x;
  }
  return OneOp{op.result(), ops::kSoftmax, {x}, {{attr::kAxis, Axis{sum->axes.values[0]}}}};
}

}  // namespace

Pass fuse_norm_patterns() {
  return rewrite_pass(
      "fuse_norm_patterns", "normalisations and softmax spelled out in arithmetic",
      {make_rule("norm", {ops::kDiv, ops::kMul}, match_norm, "a norm spelled out became one op"),
       make_rule("norm_parameter", {ops::kMul, ops::kAdd}, match_norm_parameter),
       make_rule("softmax", {ops::kDiv}, match_softmax, "a softmax spelled out became one op")});
}

}  // namespace ferryman
