#include "targets/tflite/lower/keeps.h"

#include <algorithm>

#include "ops/names.h"
#include "targets/tflite/lower/lower_table.h"

namespace ferryman::tflite {

namespace {

bool is_convolution(const ferryman::Op& op) {
  return op.is(ops::kConv) || op.is(ops::kConvTranspose);
}

// Whether `value` comes from a convolution, through pointwise ops at most: then it lies channels
// last, and may have its channels in any order for free.
bool comes_from_conv(const Graph& graph, ValueId value) {
  constexpr int kMaxPointwiseSteps = 8;
  for (int step = 0; step < kMaxPointwiseSteps; ++step) {
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return false;
    const ferryman::Op& op = graph.op(producer);
    if (is_convolution(op)) return true;
    if (op.def->axes != AxisRule::kElementwise) return false;
    value = op.operands[0];
  }
  return false;
}

bool goes_into_conv(const Graph& graph, ValueId value) {
  const Uses& uses = graph.value(value).uses;
  return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
    return is_convolution(graph.op(use.op)) && use.operand == 0;
  });
}

// TRANSPOSE_CONV runs at a third of CONV_2D's speed. Shuffles are relabelled, unless convolutions
// absorb the order of the block operators in their weights.
bool is_better_in_parts(const Graph& graph, const ferryman::Op& op) {
  if (op.is(ops::kConvTranspose)) return true;
  if (op.is(ops::kPixelShuffle)) return comes_from_conv(graph, op.operands[0]);
  return op.is(ops::kPixelUnshuffle) && comes_from_conv(graph, op.operands[0]) &&
         goes_into_conv(graph, op.result());
}

}  // namespace

bool keeps(const Graph& graph, const ferryman::Op& op) {
  const LoweringRow* row = find_lowering(*op.def);
  if (row == nullptr || is_better_in_parts(graph, op)) return false;
  return row->limit == nullptr || !row->limit(graph, op).has_value();
}

}  // namespace ferryman::tflite
