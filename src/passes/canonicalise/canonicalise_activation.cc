// Cutting to an interval: relu and relu6 by name, clamp for every other interval, one op for
// chains.
#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/bounds.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// clamp(x, 0, inf) -> relu(x)         clamp(x, 0, 6) -> relu6(x)
Match<OneOp> match_clamp_with_name(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_floating(graph, op.result())) return std::nullopt;
  const std::optional<Bounds> bounds = bounds_of(op);
  if (bounds == kReluBounds) return OneOp{op.result(), ops::kRelu, {op.operands[0]}};
  if (bounds == kRelu6Bounds) return OneOp{op.result(), ops::kRelu6, {op.operands[0]}};
  return std::nullopt;
}

// clamp(x, -inf, inf) -> x            relu(x) -> x where x cannot be negative
Match<Forward> match_clamp_without_effect(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<Bounds> bounds = bounds_of(op);
  if (!bounds.has_value() || bounds->max != kNoBound) return std::nullopt;
  const ValueId x = op.operands[0];
  const bool holds = bounds->min == -kNoBound || (bounds->min <= 0 && is_non_negative(graph, x));
  if (!holds) return std::nullopt;
  return Forward{op.result(), x};
}

// maximum(x, 0.5) -> clamp(x, 0.5, inf)
Match<OneOp> match_limit(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId x = op.operands[0];
  const std::optional<double> limit = uniform_value(graph, op.operands[1]);
  if (!limit.has_value() || *limit != *limit) return std::nullopt;
  if (!is_floating(graph, x) || !same_type(graph, x, op.result())) return std::nullopt;
  const Bounds bounds = op.is(ops::kMaximum) ? Bounds{*limit, kNoBound} : Bounds{-kNoBound, *limit};
  return OneOp{op.result(), ops::kClamp, {x}, {{attr::kMin, bounds.min}, {attr::kMax, bounds.max}}};
}

struct Chain {
  ValueId x, inner_result, result;
  Bounds inner, all;
};

std::optional<Chain> chain_at(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId inner = graph.producer(op.operands[0]);
  if (!inner.valid() || !is_floating(graph, op.result())) return std::nullopt;
  const std::optional<Bounds> outer_bounds = bounds_of(op);
  const std::optional<Bounds> inner_bounds = bounds_of(graph.op(inner));
  if (!outer_bounds.has_value() || !inner_bounds.has_value()) return std::nullopt;
  return Chain{graph.op(inner).operands[0], op.operands[0], op.result(), *inner_bounds,
               combined(*inner_bounds, *outer_bounds)};
}

// clamp(clamp(x, a, b), c, d) -> clamp(x, a', b')         the inner one is not needed elsewhere,
// since an activation that two ops share is computed by the op before it for nothing.
Match<OneOp> match_clamp_of_clamp(const Graph& graph, OpId root) {
  const std::optional<Chain> chain = chain_at(graph, root);
  if (!chain.has_value() || !has_one_reader(graph, chain->inner_result)) return std::nullopt;
  return OneOp{chain->result,
               ops::kClamp,
               {chain->x},
               {{attr::kMin, chain->all.min}, {attr::kMax, chain->all.max}}};
}

// relu(relu6(x)) -> relu6(x)          the outer one changes nothing
Match<Forward> match_clamp_implied(const Graph& graph, OpId root) {
  const std::optional<Chain> chain = chain_at(graph, root);
  if (!chain.has_value() || chain->all != chain->inner) return std::nullopt;
  return Forward{chain->result, chain->inner_result};
}

// leaky_relu(x, 0) -> relu(x)
Match<OneOp> match_leaky_relu_without_slope(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.attr(attr::kNegativeSlope) != 0.0) return std::nullopt;
  return OneOp{op.result(), ops::kRelu, {op.operands[0]}};
}

}  // namespace

std::vector<Rule> canonical_activation_rules() {
  return {
      make_rule("clamp_with_name", {ops::kClamp}, match_clamp_with_name),
      make_rule("clamp_without_effect", {ops::kClamp, ops::kRelu}, match_clamp_without_effect),
      make_rule("limit", {ops::kMaximum, ops::kMinimum}, match_limit),
      make_rule("clamp_implied", {ops::kClamp, ops::kRelu, ops::kRelu6}, match_clamp_implied),
      make_rule("clamp_of_clamp", {ops::kClamp, ops::kRelu, ops::kRelu6}, match_clamp_of_clamp),
      make_rule("leaky_relu_without_slope", {ops::kLeakyRelu}, match_leaky_relu_without_slope),
  };
}

}  // namespace ferryman
