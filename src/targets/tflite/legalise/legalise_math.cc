// Elementary functions whose operators differ from torch's, or are slower than what says the same.
#include <cmath>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

// rsqrt(x) -> 1 / sqrt(x) where x may be 0: a delegate's RSQRT gives NaN there. What is summed with
// an epsilon, as in norms, stays.
Match<RootOp> match_rsqrt_of_zero(const Graph& graph, OpId root) {
  const ValueId x = graph.op(root).operands[0];
  if (!is_floating(graph, x)) return std::nullopt;
  const OpId sum = graph.producer_if(x, ops::kAdd);
  if (!sum.valid()) return RootOp{root};
  const auto lifts = [&](size_t constant, size_t rest) {
    const auto& operands = graph.op(sum).operands;
    const std::optional<double> epsilon = uniform_value(graph, operands[constant]);
    return epsilon.has_value() && *epsilon > 0 && is_non_negative(graph, operands[rest]);
  };
  if (lifts(0, 1) || lifts(1, 0)) return std::nullopt;
  return RootOp{root};
}

void rsqrt_to_reciprocal(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId root = write.unary(ops::kSqrt, op.operands[0]);
  rewriter.replace_value(op.result(), write.unary(ops::kReciprocal, root));
}

// ATAN2 reads past the end of operands that it would have to broadcast; STABLEHLO_AND refuses them.
Match<RootOp> match_broadcasting(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& dims = graph.type(op.result()).dims;
  const bool equal =
      graph.type(op.operands[0]).dims == dims && graph.type(op.operands[1]).dims == dims;
  if (equal) return std::nullopt;
  return RootOp{root};
}

void expand_operands(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const Dims dims = write.dims(op.result());
  rewriter.replace_value(op.result(),
                         write.binary(OpName{op.def->name}, write.expand(op.operands[0], dims),
                                      write.expand(op.operands[1], dims)));
}

// pow(x, n) for the exponents that are cheaper, or that delegates take, spelled out.
struct PowConstant {
  OpId op;
  double exponent;
};

Match<PowConstant> match_pow_constant(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<double> exponent = uniform_value(graph, op.operands[1]);
  const bool same_shape = graph.type(op.operands[0]) == graph.type(op.result());
  if (!exponent.has_value() || !same_shape) return std::nullopt;
  const bool is_float = is_floating(graph, op.operands[0]);
  for (const double known : {-2.0, -1.0, -0.5, 0.5, 1.5}) {
    if (*exponent == known && is_float) return PowConstant{root, known};
  }
  constexpr double kMostFactors = 8;
  if (*exponent < 1 || *exponent > kMostFactors || *exponent != std::floor(*exponent))
    return std::nullopt;
  return PowConstant{root, *exponent};
}

// By squaring: x^6 = (x^2) * (x^4).
ValueId write_power(CoreWriter& write, ValueId x, int exponent) {
  ValueId result;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = result.valid() ? write.mul(result, x) : x;
    if (exponent > 1) x = write.mul(x, x);
  }
  return result;
}

void pow_constant_to_products(Rewriter& rewriter, const PowConstant& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  ValueId result;
  if (found.exponent == -2.0) {
    result = write.unary(ops::kReciprocal, write.unary(ops::kSquare, x));
  } else if (found.exponent == -1.0) {
    result = write.unary(ops::kReciprocal, x);
  } else if (found.exponent == -0.5) {
    result = write.unary(ops::kRsqrt, x);
  } else if (found.exponent == 0.5) {
    result = write.unary(ops::kSqrt, x);
  } else if (found.exponent == 1.5) {
    result = write.mul(x, write.unary(ops::kSqrt, x));
  } else {
    result = write_power(write, x, static_cast<int>(found.exponent));
  }
  rewriter.replace_value(op.result(), result);
}

}  // namespace

std::vector<Rule> legal_math_rules() {
  return {make_rule("rsqrt_to_reciprocal", {ops::kRsqrt}, match_rsqrt_of_zero, rsqrt_to_reciprocal),
          make_rule("expand_operands", {ops::kAtan2, ops::kBitwiseAnd}, match_broadcasting,
                    expand_operands),
          make_rule("pow_constant_to_products", {ops::kPow}, match_pow_constant,
                    pow_constant_to_products)};
}

}  // namespace ferryman::tflite
