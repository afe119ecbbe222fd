// Activations, written in exponentials and bounds.
#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

// silu(x) -> x * sigmoid(x)
ValueId silu(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  return write.mul(x, write.unary(ops::kSigmoid, x));
}

// hardsigmoid(x) -> relu6(x + 3) * (1 / 6)
ValueId hardsigmoid(CoreWriter write, const Op& op) {
  const ValueId cut = write.unary(ops::kRelu6, write.add(op.operands[0], 3.0));
  return write.mul(cut, 1.0 / 6);
}

// mish(x) = x * tanh(log(1 + e)), e = exp(x)   ->   x * n / (n + 2), n = e * (e + 2)
// Beyond 20 the quotient is 1 in f32, and e * e would soon overflow.
ValueId mish(CoreWriter write, const Op& op) {
  constexpr double kSaturated = 20;
  const ValueId x = op.operands[0];
  const ValueId e = write.unary(ops::kExp, write.binary(ops::kMinimum, x, kSaturated));
  const ValueId n = write.mul(e, write.add(e, 2.0));
  return write.mul(x, write.div(n, write.add(n, 2.0)));
}

// softplus(x) -> (relu(z) + log(1 + exp(-|z|))) / beta, z = beta * x
// torch returns x itself above the threshold; with the usual one that is the same in f32.
ValueId softplus(CoreWriter write, const Op& op) {
  constexpr double kSameInF32 = 17;  // log1p(exp(-17)) < 5e-8
  const ValueId x = op.operands[0];
  const double beta = op.attr(attr::kBeta);
  const double threshold = op.attr(attr::kThreshold);
  const ValueId z = write.mul(x, beta);
  const ValueId decay = write.unary(ops::kExp, write.unary(ops::kNeg, write.unary(ops::kAbs, z)));
  const ValueId soft =
      write.add(write.unary(ops::kRelu, z), write.unary(ops::kLog, write.add(decay, 1.0)));
  ValueId result = write.mul(soft, 1.0 / beta);
  if (threshold < kSameInF32) result = write.where(write.binary(ops::kGt, z, threshold), x, result);
  return result;
}

bool has_factors(const Graph&, const Op& elu) {
  return elu.attr(attr::kAlpha) != 1 || elu.attr(attr::kScale) != 1 ||
         elu.attr(attr::kInputScale) != 1;
}

// elu with other factors than 1 -> scale * relu(x) + scale * alpha * elu(input_scale * min(x, 0))
// A negative input_scale (celu with a negative alpha) leaves elu its straight half: exp(..) - 1.
ValueId scaled_elu(CoreWriter write, const Op& op) {
  const ValueId x = op.operands[0];
  const double scale = op.attr(attr::kScale);
  const ValueId positive = write.mul(write.unary(ops::kRelu, x), scale);
  const double input_scale = op.attr(attr::kInputScale);
  const ValueId inner = write.mul(write.binary(ops::kMinimum, x, 0.0), input_scale);
  const ValueId curve =
      input_scale < 0 ? write.sub(write.exp(inner), 1.0) : write.unary(ops::kElu, inner);
  return write.add(positive, write.mul(curve, scale * op.attr(attr::kAlpha)));
}

}  // namespace

std::vector<Rule> activation_decompositions() {
  return {decomposition("silu_to_product", {ops::kSilu}, silu),
          decomposition("hardsigmoid_to_relu6", {ops::kHardsigmoid}, hardsigmoid),
          decomposition("mish_to_quotient", {ops::kMish}, mish),
          decomposition("softplus_to_log", {ops::kSoftplus}, softplus),
          only_where(has_factors, decomposition("scaled_elu_to_parts", {ops::kElu}, scaled_elu))};
}

}  // namespace ferryman
