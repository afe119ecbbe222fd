#include "frontend/functionalise/shared_storage.h"

#include <algorithm>
#include <unordered_map>

namespace ferryman::frontend {

namespace {

struct Weight {
  size_t input;
  const TensorMeta* tensor;
  const TensorStorage* data;
};

bool is_same_tensor(const Weight& a, const Weight& b) {
  return a.tensor->dtype == b.tensor->dtype && a.tensor->sizes == b.tensor->sizes &&
         a.data->offset == b.data->offset && a.data->strides == b.data->strides;
}

// Bytes [first, end) from the lowest to the highest element. Sizes come from files: in doubles
// nothing overflows, and exactness does not matter for telling neighbours apart.
struct Range {
  double first;
  double end;
};
Range byte_range(const Weight& weight) {
  double last = static_cast<double>(weight.data->offset);
  for (size_t i = 0; i < weight.tensor->sizes.size() && i < weight.data->strides.size(); ++i) {
    const double size = static_cast<double>(weight.tensor->sizes[i].value);
    if (size == 0) return {0, 0};
    last += (size - 1) * static_cast<double>(weight.data->strides[i]);
  }
  const auto width = static_cast<double>(byte_size(weight.tensor->dtype));
  return {static_cast<double>(weight.data->offset) * width, (last + 1) * width};
}

bool overlap(const Weight& a, const Weight& b) {
  const Range x = byte_range(a);
  const Range y = byte_range(b);
  return x.first < y.end && y.first < x.end;
}

}  // namespace

std::vector<SharedStorage> find_shared_storage(const Program& program) {
  std::vector<SharedStorage> shared;
  // Per storage, the different tensors in it.
  std::unordered_map<int64_t, std::vector<Weight>> tensors;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const Input& input = program.inputs[i];
    if (input.storage_id < 0 || !input.data || input.value == kNoValue) continue;
    const std::optional<TensorMeta>& meta = program.values[input.value].tensor;
    if (!meta) continue;
    const Weight weight{i, &*meta, &*input.data};
    std::vector<Weight>& others = tensors[input.storage_id];
    const auto twin = std::find_if(others.begin(), others.end(), [&](const Weight& other) {
      return is_same_tensor(other, weight);
    });
    if (twin != others.end()) {
      shared.push_back({twin->input, i, true});
      continue;
    }
    for (const Weight& other : others) {
      if (overlap(other, weight)) shared.push_back({other.input, i, false});
    }
    others.push_back(weight);
  }
  return shared;
}

}  // namespace ferryman::frontend
