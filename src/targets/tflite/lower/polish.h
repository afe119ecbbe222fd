// Local clean-up of a lowered model: activations into the operators that have a slot for them.
#pragma once

#include "targets/tflite/lower/lower.h"

namespace ferryman::tflite {

// RELU, RELU6 and RELU_N1_TO_1 move into the operator that produces their operand, also across
// operators that only move elements (they commute with it):
//   CONV_2D -> DEPTH_TO_SPACE -> RELU    becomes    CONV_2D(RELU) -> DEPTH_TO_SPACE
// Placements of values that no longer exist in the model are dropped.
void fuse_activations(Lowered& lowered);

// Names of the signature, in order; an empty list keeps those of the model.
void rename_ports(Model& model, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs);

}  // namespace ferryman::tflite
