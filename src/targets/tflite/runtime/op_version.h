// The lowest version of each operator that expresses what a use of it needs. Files carry the lowest
// version, so that old runtimes load what they can.
//
//   int32_t version = op_version(op, subgraph);   // 2 for an int8 LOGISTIC
#pragma once

#include <cstdint>

#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// Tensor indices of the operator must be valid.
int32_t op_version(const Operator& op, const Subgraph& subgraph);

}  // namespace ferryman::tflite
