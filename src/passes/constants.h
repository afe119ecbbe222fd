// New constants made of known ones, for rewrites.
#pragma once

#include <vector>

#include "ir/tensor_data.h"

namespace ferryman {

// Each element through `function`, in double; repeated elements are computed once.
TensorData map_elements(const TensorData& constant, double (*function)(double));
// A 1-d constant of `dtype`.
TensorData vector_constant(DType dtype, const std::vector<double>& values);
std::vector<float> to_floats(const std::vector<double>& values);

}  // namespace ferryman
