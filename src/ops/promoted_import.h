// Imports that are one core op, on operands that torch promotes first.
//
//   imports.add("tanh.default", import_float<ops::kTanh>);
//   imports.add("fmod.Tensor", import_binary<ops::kFmod, Promotion::kCommon>);
#pragma once

#include "ops/promote.h"

namespace ferryman {

template <const OpName& kOp>
Imported import_float(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self"}, Promotion::kCommonFloat));
  return one_result(call.writer().unary(kOp, x.front()));
}

template <const OpName& kOp, Promotion kPromotion>
Imported import_binary(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}, kPromotion));
  return one_result(call.writer().binary(kOp, x[0], x[1]));
}

}  // namespace ferryman
