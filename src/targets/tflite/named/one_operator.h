// A model of one operator: what it gives for operands of some types, and a file that runs it.
//
//   FERRYMAN_TRY(Model model, one_operator(call, {{.type = DType::kF32, .shape = {1, 8}}}));
//   model.subgraphs[0].outputs                  // what the runtime makes of these operands
//
// Operands that are no constants are the inputs of the model, in their order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "targets/tflite/named/operator_call.h"

namespace ferryman::tflite {

// Nothing: an absent operand.
using OperandTensor = std::optional<Tensor>;

// Options that follow from the operands, where the call leaves them open: how many tensors PACK
// takes, how many UNPACK gives, what CAST reads.
void complete_options(OperatorCall& call, const std::vector<OperandTensor>& operands);

// The inputs of the operator in their order: operands, and what the call itself holds.
std::vector<OperandTensor> with_constants(const OperatorCall& call,
                                          std::vector<OperandTensor> operands);

// An error if the operands are too few or too many, do not fit together or are of types that the
// runtime does not take, and if only a run tells the shape of a result. Of a custom operator,
// `declared` is what it gives.
Result<Model> one_operator(OperatorCall call, std::vector<OperandTensor> operands,
                           const std::vector<Tensor>& declared = {});

}  // namespace ferryman::tflite
