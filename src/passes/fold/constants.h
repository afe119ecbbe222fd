// New constants made of known ones, for rewrites.
#pragma once

#include <vector>

#include "ir/tensor_data.h"

namespace ferryman {

// Each element through `function`, in double; repeated elements are computed once.
TensorData map_elements(const TensorData& constant, double (*function)(double));
// A 1-d constant of `dtype`.
TensorData vector_constant(DType dtype, const std::vector<double>& values);
// Index i of `axis` is index order[i] of the old constant. Copies, unless the order is ascending.
TensorData reordered(const TensorData& constant, size_t axis, const Ints& order);
std::vector<float> to_floats(const std::vector<double>& values);

}  // namespace ferryman
