#include "passes/constants.h"

#include "ops/eval.h"

namespace ferryman {

TensorData map_elements(const TensorData& constant, double (*function)(double)) {
  Ints sizes = constant.shape();
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] > 0 && constant.is_broadcast_along(axis)) sizes[axis] = 1;
  }
  const Ints zeros(sizes.size(), 0);
  std::vector<double> values = constant.sliced(zeros, sizes, Ints(sizes.size(), 1)).to_doubles();
  for (double& value : values) value = function(value);
  return store_doubles({constant.dtype(), to_dims(sizes)}, values).broadcast_to(constant.shape());
}

TensorData vector_constant(DType dtype, const std::vector<double>& values) {
  return store_doubles({dtype, {Dim(static_cast<int64_t>(values.size()))}}, values);
}

std::vector<float> to_floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace ferryman
