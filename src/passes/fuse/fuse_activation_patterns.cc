#include "passes/fuse/fuse_activation_patterns.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/bounds.h"
#include "passes/fuse/polynomial.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

constexpr double kSqrtHalf = 0.70710678118654752;
constexpr double kSqrtTwoOverPi = 0.79788456080286536;
constexpr double kGeluCubic = 0.044715;  // of the tanh approximation

// The function inside a formula.
enum class Inner : uint8_t { kErf, kTanh, kSigmoid, kRelu6, kUnitClamp, kHardsigmoid };

std::optional<Inner> inner_of(const Op& op) {
  if (op.is(ops::kErf)) return Inner::kErf;
  if (op.is(ops::kTanh)) return Inner::kTanh;
  if (op.is(ops::kSigmoid)) return Inner::kSigmoid;
  if (op.is(ops::kHardsigmoid)) return Inner::kHardsigmoid;
  const std::optional<Bounds> bounds = bounds_of(op);
  if (bounds == kRelu6Bounds) return Inner::kRelu6;
  if (bounds == Bounds{0, 1}) return Inner::kUnitClamp;
  return std::nullopt;
}

// outer(x, u) with u = inner(argument(x)).
struct Formula {
  OpName result;
  Inner inner;
  Polynomial argument;
  Polynomial outer;
  std::vector<NamedAttr> attrs = {};
};

// Powers as (of x, of u).
std::vector<Formula> formulas() {
  const Polynomial x = {{{1, 0}, 1.0}};
  const Polynomial u = {{{0, 1}, 1.0}};
  const Polynomial x_times_u = {{{1, 1}, 1.0}};
  const Polynomial x_plus_3 = {{{1, 0}, 1.0}, {{0, 0}, 3.0}};
  const Polynomial half_x_times_1_plus_u = {{{1, 0}, 0.5}, {{1, 1}, 0.5}};
  const Polynomial tanh_argument = {{{1, 0}, kSqrtTwoOverPi},
                                    {{3, 0}, kSqrtTwoOverPi * kGeluCubic}};
  const auto approximate = [](std::string_view how) {
    return std::vector<NamedAttr>{{attr::kApproximate, std::string(how)}};
  };
  return {
      {ops::kHardsigmoid, Inner::kRelu6, x_plus_3, {{{0, 1}, 1.0 / 6}}},
      {ops::kHardsigmoid, Inner::kUnitClamp, {{{1, 0}, 1.0 / 6}, {{0, 0}, 0.5}}, u},
      {ops::kHardswish, Inner::kRelu6, x_plus_3, {{{1, 1}, 1.0 / 6}}},
      {ops::kHardswish, Inner::kHardsigmoid, x, x_times_u},
      {ops::kSilu, Inner::kSigmoid, x, x_times_u},
      {ops::kGelu, Inner::kErf, {{{1, 0}, kSqrtHalf}}, half_x_times_1_plus_u, approximate("none")},
      {ops::kGelu, Inner::kTanh, tanh_argument, half_x_times_1_plus_u, approximate("tanh")},
  };
}

Match<OneOp> match_formula_about(const Graph& graph, ValueId result, ValueId u) {
  const Op& inner = graph.op(graph.producer(u));
  const std::optional<Inner> kind = inner_of(inner);
  for (const ValueId x : arithmetic_leaves(graph, inner.operands[0])) {
    const std::optional<Polynomial> argument =
        polynomial_in(graph, inner.operands[0], {x, ValueId()});
    const std::optional<Polynomial> outer = polynomial_in(graph, result, {x, u});
    if (!argument.has_value() || !outer.has_value() || !same_type(graph, x, result)) continue;
    for (const Formula& formula : formulas()) {
      if (formula.inner != kind) continue;
      if (!is_close(*argument, formula.argument) || !is_close(*outer, formula.outer)) continue;
      return OneOp{result, formula.result, {x}, formula.attrs};
    }
  }
  return std::nullopt;
}

// Any spelling of one of the formulas, root last.
Match<OneOp> match_formula(const Graph& graph, OpId root) {
  const ValueId result = graph.op(root).result();
  if (!is_floating(graph, result)) return std::nullopt;
  for (const ValueId u : arithmetic_leaves(graph, result)) {
    const OpId inner = graph.producer(u);
    if (!inner.valid() || !inner_of(graph.op(inner)).has_value()) continue;
    if (Match<OneOp> found = match_formula_about(graph, result, u)) return found;
  }
  return std::nullopt;
}

// The x of 1 + exp(x) or exp(x) + 1.
ValueId one_plus_exp_of(const Graph& graph, ValueId value) {
  for (const ValueId u : arithmetic_leaves(graph, value)) {
    const OpId exp = graph.producer_if(u, ops::kExp);
    if (!exp.valid()) continue;
    const std::optional<Polynomial> sum = polynomial_in(graph, value, {u, ValueId()});
    if (sum == Polynomial{{{0, 0}, 1.0}, {{1, 0}, 1.0}}) return graph.op(exp).operands[0];
  }
  return ValueId();
}

// reciprocal(1 + exp(-x)) -> sigmoid(x)
Match<OneOp> match_sigmoid(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId neg = graph.producer_if(one_plus_exp_of(graph, op.operands[0]), ops::kNeg);
  if (!neg.valid()) return std::nullopt;
  return OneOp{op.result(), ops::kSigmoid, {graph.op(neg).operands[0]}};
}

// x / (1 + exp(-x)) -> silu(x)
Match<OneOp> match_silu_by_division(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId neg = graph.producer_if(one_plus_exp_of(graph, op.operands[1]), ops::kNeg);
  if (!neg.valid() || graph.op(neg).operands[0] != op.operands[0]) return std::nullopt;
  return OneOp{op.result(), ops::kSilu, {op.operands[0]}};
}

// log(1 + exp(x)) -> softplus(x)
Match<OneOp> match_softplus(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId x = one_plus_exp_of(graph, op.operands[0]);
  if (!x.valid()) return std::nullopt;
  return OneOp{op.result(), ops::kSoftplus, {x}};
}

bool is_plain_softplus(const Op& op) {
  return op.attr(attr::kBeta) == 1.0;
}

// x * tanh(softplus(x)) -> mish(x)
Match<OneOp> match_mish(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  for (const size_t side : {0, 1}) {
    const OpId tanh = graph.producer_if(op.operands[side], ops::kTanh);
    if (!tanh.valid()) continue;
    const OpId softplus = graph.producer_if(graph.op(tanh).operands[0], ops::kSoftplus);
    if (!softplus.valid() || !is_plain_softplus(graph.op(softplus))) continue;
    const ValueId x = op.operands[1 - side];
    if (graph.op(softplus).operands[0] != x) continue;
    return OneOp{op.result(), ops::kMish, {x}};
  }
  return std::nullopt;
}

// maximum(x, 0.1 * x) -> leaky_relu(x, 0.1)             for slopes up to 1
Match<OneOp> match_leaky_relu(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_floating(graph, op.result())) return std::nullopt;
  for (const size_t side : {0, 1}) {
    const ValueId x = op.operands[side];
    const OpId mul = graph.producer_if(op.operands[1 - side], ops::kMul);
    if (!mul.valid() || graph.op(mul).operands[0] != x) continue;
    const std::optional<double> slope = uniform_value(graph, graph.op(mul).operands[1]);
    if (!slope.has_value() || *slope < 0 || *slope > 1) continue;
    if (!same_type(graph, x, op.result())) continue;
    return OneOp{op.result(), ops::kLeakyRelu, {x}, {{attr::kNegativeSlope, *slope}}};
  }
  return std::nullopt;
}

}  // namespace

Pass fuse_activation_patterns() {
  return rewrite_pass(
      "fuse_activation_patterns", "activations spelled out in arithmetic",
      {make_rule("formula", {ops::kMul, ops::kDiv, ops::kAdd, ops::kClamp}, match_formula,
                 "an activation spelled out became one op"),
       make_rule("sigmoid", {ops::kReciprocal}, match_sigmoid, "sigmoid spelled out"),
       make_rule("silu_by_division", {ops::kDiv}, match_silu_by_division, "silu spelled out"),
       make_rule("softplus", {ops::kLog}, match_softplus, "softplus spelled out"),
       make_rule("mish", {ops::kMul}, match_mish, "mish spelled out"),
       make_rule("leaky_relu", {ops::kMaximum}, match_leaky_relu, "leaky_relu spelled out")});
}

}  // namespace ferryman
