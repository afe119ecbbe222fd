#include "frontend/functionalise/strides.h"

#include <algorithm>
#include <numeric>

namespace ferryman::frontend {

namespace {

// Sizes come from files: products wrap instead of overflowing. A wrapped product only makes a
// comparison of strides meaningless for a tensor that could not exist.
int64_t times(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

bool is_empty(const std::vector<int64_t>& sizes) {
  return std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
}

// From the innermost axis of memory to the outermost.
std::vector<size_t> memory_axes(size_t rank, MemoryOrder order) {
  std::vector<size_t> axes;
  if (order == MemoryOrder::kChannelsLast) axes.push_back(1);
  for (size_t axis = rank; axis-- > 0;) {
    if (order == MemoryOrder::kRowMajor || axis != 1) axes.push_back(axis);
  }
  return axes;
}

// Neighbouring axes that walk memory as one: the number of elements of each such run, innermost
// first.
std::vector<int64_t> merged_runs(const std::vector<int64_t>& sizes,
                                 const std::vector<int64_t>& strides) {
  std::vector<int64_t> runs;
  int64_t next_stride = 0;
  for (size_t axis = sizes.size(); axis-- > 0;) {
    if (sizes[axis] == 1) continue;
    if (!runs.empty() && strides[axis] == next_stride) {
      runs.back() = times(runs.back(), sizes[axis]);
    } else {
      runs.push_back(sizes[axis]);
    }
    next_stride = times(strides[axis], sizes[axis]);
  }
  return runs;
}

}  // namespace

std::vector<int64_t> concrete(const std::vector<SymSize>& sizes) {
  std::vector<int64_t> numbers;
  numbers.reserve(sizes.size());
  for (const SymSize& size : sizes) numbers.push_back(size.value);
  return numbers;
}

bool is_static(const std::vector<SymSize>& sizes) {
  return std::all_of(sizes.begin(), sizes.end(), [](const SymSize& s) { return s.is_static(); });
}

bool is_dense(const TensorMeta& tensor, MemoryOrder order) {
  const size_t rank = tensor.sizes.size();
  if (tensor.strides.size() != rank) return false;
  if (order == MemoryOrder::kChannelsLast && rank != 4 && rank != 5) return false;
  if (is_empty(concrete(tensor.sizes))) return true;
  int64_t expected = 1;
  for (const size_t axis : memory_axes(rank, order)) {
    const int64_t size = tensor.sizes[axis].value;
    if (size == 1) continue;
    if (tensor.strides[axis].value != expected) return false;
    expected = times(expected, size);
  }
  return true;
}

bool fills_memory(const TensorMeta& tensor) {
  const std::vector<int64_t> sizes = concrete(tensor.sizes);
  const std::vector<int64_t> strides = concrete(tensor.strides);
  if (may_overlap_itself(sizes, strides)) return false;
  if (is_empty(sizes)) return true;
  int64_t last = 0;
  int64_t num_elems = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    last += times(sizes[axis] - 1, strides[axis]);
    num_elems = times(num_elems, sizes[axis]);
  }
  return last + 1 == num_elems;
}

bool suggests_channels_last(const TensorMeta& tensor) {
  const size_t rank = tensor.sizes.size();
  if ((rank != 4 && rank != 5) || tensor.strides.size() != rank) return false;
  if (tensor.strides[1].value == 0) return false;
  int64_t least = 0;
  for (const size_t axis : memory_axes(rank, MemoryOrder::kChannelsLast)) {
    const int64_t size = tensor.sizes[axis].value;
    const int64_t stride = tensor.strides[axis].value;
    if (size == 0 || stride < least) return false;
    // [n, 1, 1, 1] and its like fit both orders; torch calls them row-major.
    if (axis == 0 && least == tensor.strides[1].value) return false;
    least = size > 1 ? times(stride, size) : stride;
  }
  return true;
}

bool can_view_as(const TensorMeta& tensor, const std::vector<SymSize>& sizes) {
  if (tensor.strides.size() != tensor.sizes.size()) return false;
  const std::vector<int64_t> old_sizes = concrete(tensor.sizes);
  if (is_empty(old_sizes)) return true;
  std::vector<int64_t> runs = merged_runs(old_sizes, concrete(tensor.strides));
  // Each new axis must lie inside one run.
  size_t run = 0;
  int64_t left = runs.empty() ? 1 : runs[0];
  for (size_t axis = sizes.size(); axis-- > 0;) {
    const int64_t size = sizes[axis].value;
    if (size == 1) continue;
    if (size <= 0 || left % size != 0) return false;
    left /= size;
    if (left == 1 && run + 1 < runs.size()) left = runs[++run];
  }
  return left == 1;
}

bool may_overlap_itself(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  if (sizes.size() != strides.size()) return true;
  if (is_empty(sizes)) return false;
  std::vector<size_t> axes(sizes.size());
  std::iota(axes.begin(), axes.end(), size_t{0});
  std::sort(axes.begin(), axes.end(), [&](size_t a, size_t b) { return strides[a] < strides[b]; });
  int64_t reach = 0;  // the farthest element that the axes so far address
  for (const size_t axis : axes) {
    if (sizes[axis] == 1) continue;
    if (strides[axis] <= reach) return true;
    int64_t extent = 0;
    if (__builtin_mul_overflow(strides[axis], sizes[axis] - 1, &extent)) return true;
    if (__builtin_add_overflow(reach, extent, &reach)) return true;
  }
  return false;
}

}  // namespace ferryman::frontend
