// Activations that have no operator of their own. GELU, HARD_SWISH, ELU, LEAKY_RELU stay: written
// out they are two to five times slower.
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "target/tflite/legalise.h"
#include "target/tflite/legalise_match.h"

namespace ferryman::tflite {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// clamp(x, -inf, inf) -> x
Match<Forward> match_clamp_without_bounds(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.attr(attr::kMin) != -kInfinity || op.attr(attr::kMax) != kInfinity) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

// silu(x) -> x * sigmoid(x)
void silu_to_product(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  rewriter.replace_value(op.result(), write.mul(x, write.unary(ops::kSigmoid, x)));
}

// hardsigmoid(x) -> relu6(x + 3) * (1 / 6)
void hardsigmoid_to_relu6(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId cut = write.unary(ops::kRelu6, write.add(op.operands[0], 3.0));
  rewriter.replace_value(op.result(), write.mul(cut, 1.0 / 6));
}

// mish(x) = x * tanh(log(1 + e)), e = exp(x)   ->   x * n / (n + 2), n = e * (e + 2)
// Beyond 20 the quotient is 1 in f32, and e * e would soon overflow.
void mish_to_quotient(Rewriter& rewriter, const RootOp& found) {
  constexpr double kSaturated = 20;
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const ValueId e = write.unary(ops::kExp, write.binary(ops::kMinimum, x, kSaturated));
  const ValueId n = write.mul(e, write.add(e, 2.0));
  rewriter.replace_value(op.result(), write.mul(x, write.div(n, write.add(n, 2.0))));
}

// softplus(x) -> (relu(z) + log(1 + exp(-|z|))) / beta, z = beta * x
// torch returns x itself above the threshold; with the usual one that is the same in f32.
void softplus_to_log(Rewriter& rewriter, const RootOp& found) {
  constexpr double kSameInF32 = 17;  // log1p(exp(-17)) < 5e-8
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const double beta = op.attr(attr::kBeta);
  const double threshold = op.attr(attr::kThreshold);
  const ValueId z = write.mul(x, beta);
  const ValueId decay = write.unary(ops::kExp, write.unary(ops::kNeg, write.unary(ops::kAbs, z)));
  const ValueId soft =
      write.add(write.unary(ops::kRelu, z), write.unary(ops::kLog, write.add(decay, 1.0)));
  ValueId result = write.mul(soft, 1.0 / beta);
  if (threshold < kSameInF32) result = write.where(write.binary(ops::kGt, z, threshold), x, result);
  rewriter.replace_value(op.result(), result);
}

// elu with other factors than 1 -> scale * relu(x) + scale * alpha * elu(input_scale * min(x, 0))
Match<RootOp> match_scaled_elu(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool plain =
      op.attr(attr::kAlpha) == 1 && op.attr(attr::kScale) == 1 && op.attr(attr::kInputScale) == 1;
  if (plain) return std::nullopt;
  return RootOp{root};
}

void scaled_elu_to_parts(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const double scale = op.attr(attr::kScale);
  const ValueId positive = write.mul(write.unary(ops::kRelu, x), scale);
  const ValueId negative =
      write.mul(write.binary(ops::kMinimum, x, 0.0), op.attr(attr::kInputScale));
  const ValueId curve = write.mul(write.unary(ops::kElu, negative), scale * op.attr(attr::kAlpha));
  rewriter.replace_value(op.result(), write.add(positive, curve));
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
  std::vector<Rule> rules;
  rules.push_back(make_rule("silu_to_product", {ops::kSilu}, match_any, silu_to_product));
  rules.push_back(
      make_rule("hardsigmoid_to_relu6", {ops::kHardsigmoid}, match_any, hardsigmoid_to_relu6));
  rules.push_back(make_rule("mish_to_quotient", {ops::kMish}, match_any, mish_to_quotient));
  rules.push_back(make_rule("softplus_to_log", {ops::kSoftplus}, match_any, softplus_to_log));
  rules.push_back(
      make_rule("scaled_elu_to_parts", {ops::kElu}, match_scaled_elu, scaled_elu_to_parts));
  rules.push_back(make_rule("clamp_without_bounds", {ops::kClamp}, match_clamp_without_bounds));
  rules.push_back(make_rule("clamp_to_relu", {ops::kClamp}, match_clamp_to_relu));
  rules.push_back(make_rule("leaky_relu_to_relu", {ops::kLeakyRelu}, match_leaky_relu_to_relu));
  return rules;
}

}  // namespace ferryman::tflite
