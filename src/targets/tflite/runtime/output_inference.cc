#include "targets/tflite/runtime/output_inference.h"

#include <algorithm>
#include <limits>
#include <span>

namespace ferryman::tflite {

namespace {

constexpr int64_t kMaxConstantBytes = 4096;  // shapes, axes and paddings are far smaller
// Of the format. Numbers beyond it ("to the end") mean the same as this one.
constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max();

template <typename Number>
Ints read_numbers(const ConstantSource& constant) {
  std::vector<Number> values(static_cast<size_t>(constant.num_bytes()) / sizeof(Number));
  constant.read(0, std::as_writable_bytes(std::span(values)));
  Ints numbers;
  for (const Number value : values)
    numbers.push_back(std::clamp<int64_t>(value, -kMaxExtent, kMaxExtent));
  return numbers;
}

}  // namespace

Ints OutputInference::shape(size_t input) const {
  const std::vector<int32_t>& extents = use_.input(input)->shape;
  return {extents.begin(), extents.end()};
}

int64_t OutputInference::rank(size_t input) const {
  return static_cast<int64_t>(use_.input(input)->shape.size());
}

Ints OutputInference::declared_shape(size_t output) const {
  const std::vector<int32_t>& extents = use_.output(output)->shape;
  return {extents.begin(), extents.end()};
}

std::optional<Ints> OutputInference::numbers(size_t input) const {
  const Tensor* tensor = use_.input(input);
  if (tensor == nullptr || tensor->constant == nullptr) return std::nullopt;
  if (tensor->constant->num_bytes() > kMaxConstantBytes) return std::nullopt;
  if (tensor->type == ElementType(TensorType::kInt32))
    return read_numbers<int32_t>(*tensor->constant);
  if (tensor->type == ElementType(TensorType::kInt64))
    return read_numbers<int64_t>(*tensor->constant);
  return std::nullopt;
}

bool OutputInference::demand(bool holds, std::string_view complaint) {
  if (!holds && complaint_.empty()) complaint_ = complaint;
  return holds;
}

int64_t product(const Ints& extents) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  int64_t total = 1;
  for (const int64_t extent : extents)
    total = extent != 0 && total > kMost / extent ? kMost : total * extent;
  return total;
}

std::optional<Ints> broadcast(const Ints& a, const Ints& b) {
  const Ints& longer = a.size() >= b.size() ? a : b;
  const Ints& shorter = a.size() >= b.size() ? b : a;
  Ints result = longer;
  const size_t missing = longer.size() - shorter.size();
  for (size_t axis = 0; axis < shorter.size(); ++axis) {
    int64_t& extent = result[missing + axis];
    if (extent == 1) extent = shorter[axis];
    if (shorter[axis] != 1 && shorter[axis] != extent) return std::nullopt;
  }
  return result;
}

std::optional<size_t> axis_from_front(int64_t axis, int64_t rank) {
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return std::nullopt;
  return static_cast<size_t>(axis);
}

}  // namespace ferryman::tflite
