// The orders of axes that LiteRT's kernels take.
#pragma once

#include "layout/contract.h"

namespace ferryman::tflite {

// Form ids of matmul: which BATCH_MATMUL operands are transposed.
inline constexpr int kAdjointX = 1;
inline constexpr int kAdjointY = 2;

// Form ids of linear: FULLY_CONNECTED on the last axis, or BATCH_MATMUL with the weight as its left
// operand, where the channels lie before one dim of rows or before all of them.
inline constexpr int kFromLeft = 1;
inline constexpr int kFromLeftOfAll = 2;

// A convolution with one group per input channel: DEPTHWISE_CONV_2D.
bool is_depthwise(const Graph& graph, OpId conv);

class TfliteContract : public layout::TargetContract {
 public:
  std::vector<layout::Form> forms(const Graph& graph, OpId op) const override;
  int max_rank() const override { return 5; }  // PAD and BATCH_MATMUL stop there
};

}  // namespace ferryman::tflite
