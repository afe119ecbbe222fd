// Pointwise ops whose options are not a copy of their attributes.
#include <cmath>

#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

void lower_bitcast(LowerOp& op) {
  op.finish(Op::kBitcast, {op.operand(0)});
}

void lower_cast(LowerOp& op) {
  op.finish_elementwise(Op::kCast, CastOptions{.in_data_type = op.type(0).dtype,
                                               .out_data_type = op.result_type().dtype});
}

// MINIMUM and MAXIMUM return their right operand if either is NaN: x goes there, since
// torch.clamp keeps NaN.
void lower_clamp(LowerOp& op) {
  TensorIndex x = op.operand(0);
  const double low = op.attr(attr::kMin);
  const double high = op.attr(attr::kMax);
  const DType dtype = op.type(0).dtype;
  const bool has_low = low != -INFINITY;
  const bool has_high = high != INFINITY;
  check(has_low || has_high, "a clamp without bounds, which legalise_ops drops");
  if (has_low && has_high) {
    x = op.emit(Op::kMaximum, {op.filled(dtype, {}, low), x}, dtype, op.shape(x));
    return op.finish(Op::kMinimum, {op.filled(dtype, {}, high), x});
  }
  if (has_low) return op.finish(Op::kMaximum, {op.filled(dtype, {}, low), x});
  op.finish(Op::kMinimum, {op.filled(dtype, {}, high), x});
}

void lower_leaky_relu(LowerOp& op) {
  const auto alpha = static_cast<float>(op.attr(attr::kNegativeSlope));
  op.finish_elementwise(Op::kLeakyRelu, LeakyReluOptions{.alpha = alpha});
}

void lower_gelu(LowerOp& op) {
  op.finish_elementwise(Op::kGelu,
                        GeluOptions{.approximate = op.attr(attr::kApproximate) == "tanh"});
}

void lower_where(LowerOp& op) {
  op.finish_elementwise(Op::kSelectV2);
}

void lower_reciprocal(LowerOp& op) {
  op.finish(Op::kDiv, {op.filled(op.type(0).dtype, {}, 1.0), op.operand(0)}, DivOptions{});
}

}  // namespace ferryman::tflite
