// A copy between two orders is one TRANSPOSE, unless that would have more axes than kernels take:
// then it is two, or very rarely more, each of which moves runs of axes that stay together
// meanwhile.
//
//   for (const CopyStep& step : copy_steps(rearrangement.input_shape, rearrangement.perm))
//     tensor = transpose(reshape(tensor, step.input_shape), step.perm);
#pragma once

#include "ir/attr.h"
#include "ir/dim.h"

namespace ferryman::layout {

constexpr size_t kMaxCopyAxes = 8;  // of TRANSPOSE and RESHAPE in LiteRT

// At least.
constexpr int min_copy_steps(size_t axes) {
  return axes > kMaxCopyAxes ? 2 : 1;
}

struct CopyStep {
  Dims input_shape;
  Ints perm;  // new to old
};

// Neighbours that stay together are one axis of `input_shape` already.
std::vector<CopyStep> copy_steps(const Dims& input_shape, const Ints& perm);

}  // namespace ferryman::layout
