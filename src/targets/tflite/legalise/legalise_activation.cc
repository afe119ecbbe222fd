// Bounds as the activations that fuse into the operator before.
#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// clamp(x, -inf, inf) -> x
Match<Forward> match_clamp_without_bounds(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.attr(attr::kMin) != -kInfinity || op.attr(attr::kMax) != kInfinity) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

// clamp(x, 0, inf) -> relu(x), clamp(x, 0, 6) -> relu6(x): they fuse into the operator before.
Match<OneOp> match_clamp_to_relu(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (graph.type(op.result()).dtype != DType::kF32 || op.attr(attr::kMin) != 0) return std::nullopt;
  if (op.attr(attr::kMax) == kInfinity) return OneOp{op.result(), ops::kRelu, op.operands};
  if (op.attr(attr::kMax) == 6) return OneOp{op.result(), ops::kRelu6, op.operands};
  return std::nullopt;
}

// XNNPACK does not take LEAKY_RELU with slope 0.
Match<OneOp> match_leaky_relu_to_relu(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.attr(attr::kNegativeSlope) != 0) return std::nullopt;
  return OneOp{op.result(), ops::kRelu, op.operands};
}

}  // namespace

std::vector<Rule> legal_activation_rules() {
  return {make_rule("clamp_without_bounds", {ops::kClamp}, match_clamp_without_bounds),
          make_rule("clamp_to_relu", {ops::kClamp}, match_clamp_to_relu),
          make_rule("leaky_relu_to_relu", {ops::kLeakyRelu}, match_leaky_relu_to_relu)};
}

}  // namespace ferryman::tflite
