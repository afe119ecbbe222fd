// What TFLite makes of each core op: one row per op, and nothing about an op elsewhere in the
// target but in the functions that its row names and in the rules that legalise it.
//
//   const LoweringRow* row = find_lowering(*op.def);   // null: the target cannot express the op
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layout/contract.h"
#include "targets/tflite/format/op_table.h"
#include "targets/tflite/lower/lower_op.h"

namespace ferryman::tflite {

// What a kernel does not take, in words for the user.
struct Limit {
  std::string what;
  std::string why;
  std::string hint;
};

struct LoweringRow {
  OpName op;
  // The operator whose measured types say what the op computes on; none: legalise leaves no type
  // that lowering does not take.
  std::optional<Op> kernel = {};
  // null: the kernel itself, pointwise.
  void (*lower)(LowerOp&) = nullptr;
  // The orders of axes that the kernel takes; null: any that the op's axis rule allows.
  std::vector<layout::Form> (*forms)(const Graph&, OpId) = nullptr;
  // null: none but types.
  std::optional<Limit> (*limit)(const Graph&, const ferryman::Op&) = nullptr;
  // The operand that has the type.
  size_t data_operand = 0;
};

const LoweringRow* find_lowering(const OpDef& def);

}  // namespace ferryman::tflite
