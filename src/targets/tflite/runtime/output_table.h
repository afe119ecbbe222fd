// Which rule tells an operator's outputs, for every operator that the CPU runtime registers.
//
//   if (const OutputRow* row = output_row(Op::kPad)) …     // two inputs, one output, infer_pad
//
// An operator without a row is refused when a model is written, unless it is a custom one.
#pragma once

#include <cstddef>
#include <span>

#include "targets/tflite/format/op_table.h"
#include "targets/tflite/runtime/output_inference.h"

namespace ferryman::tflite {

inline constexpr size_t kAnyNumber = 0xffff;

struct OutputRow {
  Op op;
  size_t min_inputs;  // that many are never absent; none of any number is
  size_t max_inputs;
  size_t num_outputs;
  void (*infer)(OutputInference&);
};

// Null if the operator has no row.
const OutputRow* output_row(Op op);

// Registered operators without a row: Ferryman emits none of them.
std::span<const Op> ops_without_output_row();

}  // namespace ferryman::tflite
