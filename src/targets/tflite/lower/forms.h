// The orders of axes that LiteRT's kernels take, op by op; lower_table.cc says which are whose.
#pragma once

#include <vector>

#include "layout/contract.h"

namespace ferryman::tflite {

// Form ids of matmul: which BATCH_MATMUL operands are transposed.
inline constexpr int kAdjointX = 1;
inline constexpr int kAdjointY = 2;

// Form ids of linear: FULLY_CONNECTED on the last axis, or BATCH_MATMUL with the weight as its left
// operand, where the channels lie before one dim of rows or before all of them.
inline constexpr int kFromLeft = 1;
inline constexpr int kFromLeftOfAll = 2;

std::vector<layout::Form> conv_forms(const Graph& graph, OpId op);
std::vector<layout::Form> conv_transpose_forms(const Graph& graph, OpId op);
// Pools, resizes, moves of blocks: channels last.
std::vector<layout::Form> image_forms(const Graph& graph, OpId op);
std::vector<layout::Form> linear_forms(const Graph& graph, OpId op);
std::vector<layout::Form> matmul_forms(const Graph& graph, OpId op);
// Softmax: the axis innermost in both.
std::vector<layout::Form> last_axis_forms(const Graph& graph, OpId op);
std::vector<layout::Form> arg_forms(const Graph& graph, OpId op);
std::vector<layout::Form> topk_forms(const Graph& graph, OpId op);
// How what goes into bodies and comes out of them lies.
std::vector<layout::Form> body_forms(const Graph& graph, OpId op);

}  // namespace ferryman::tflite
