#include "passes/fold/constants.h"

#include <algorithm>

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

TensorData reordered(const TensorData& constant, size_t axis, const Ints& order) {
  if (std::is_sorted(order.begin(), order.end()) || constant.is_broadcast_along(axis))
    return constant;
  Ints to_front = {static_cast<int64_t>(axis)};
  for (size_t i = 0; i < constant.rank(); ++i) {
    if (i != axis) to_front.push_back(static_cast<int64_t>(i));
  }
  Ints back(constant.rank());
  for (size_t i = 0; i < back.size(); ++i)
    back[static_cast<size_t>(to_front[i])] = static_cast<int64_t>(i);
  const TensorData front = constant.permuted(to_front);
  const int64_t row_elems = constant.num_elems() / constant.shape()[axis];
  const auto row_bytes = static_cast<size_t>(row_elems * byte_size(constant.dtype()));
  std::vector<std::byte> bytes(row_bytes * order.size());
  for (size_t i = 0; i < order.size(); ++i)
    front.read(order[i] * row_elems, std::span(bytes).subspan(i * row_bytes, row_bytes));
  return TensorData::contiguous(owned_blob(std::move(bytes)), constant.dtype(), front.shape())
      .permuted(back);
}

std::vector<float> to_floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace ferryman
