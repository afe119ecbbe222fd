#include "targets/keras/lower/memory.h"

#include <algorithm>
#include <numeric>

namespace ferryman::keras {

namespace {

// How `view` looks at a tensor that lies row-major: its axes by falling strides are the factors,
// and `perm` brings them into its order.
struct ViewOfTensor {
  Ints factors;
  Ints perm;
};

ViewOfTensor view_of(const TensorData& view) {
  Ints axes(view.rank());
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(), [&](int64_t a, int64_t b) {
    return view.strides()[static_cast<size_t>(a)] > view.strides()[static_cast<size_t>(b)];
  });
  ViewOfTensor found;
  found.perm.resize(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    found.factors.push_back(view.shape()[static_cast<size_t>(axes[i])]);
    found.perm[static_cast<size_t>(axes[i])] = static_cast<int64_t>(i);
  }
  return found;
}

}  // namespace

// A parameter is one weight of the model, in whatever orders it is read: what moves its elements is
// part of the model.
TensorIndex Memory::constant(ValueId value, const TensorData& data, const Shape& shape) {
  const ValueId root = plan_.views[value].root;
  if (graph().is_constant(root)) {
    return builder_.constant(data.reshaped(static_sizes(shape)), graph().value(root).name);
  }
  TensorIndex tensor = builder_.parameter(root);
  const ViewOfTensor view = view_of(data);
  if (!std::is_sorted(view.perm.begin(), view.perm.end())) {
    tensor = builder_.reshape(tensor, to_dims(view.factors));
    tensor = builder_.transpose(tensor, view.perm);
  }
  return builder_.reshape(tensor, shape);
}

}  // namespace ferryman::keras
