#include "passes/fuse/stored_twice.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ir/constant_index.h"

namespace ferryman {

namespace {

static_assert(kLeastIndexedBytes <= kSmallCopyBytes);

constexpr size_t kLayerWeight = 1;  // the operand of a layer
constexpr int64_t kChunkBytes = int64_t{1} << 16;

bool is_equal_at(const TensorData& a, const TensorData& b, int64_t begin, int64_t elems) {
  const int64_t width = byte_size(a.dtype());
  std::vector<std::byte> left(static_cast<size_t>(elems * width));
  std::vector<std::byte> right(left.size());
  a.read(begin, left);
  b.read(begin, right);
  return left == right;
}

bool is_equal_throughout(const TensorData& a, const TensorData& b, int64_t chunk) {
  for (int64_t begin = 0; begin < a.num_elems(); begin += chunk) {
    if (!is_equal_at(a, b, begin, std::min(chunk, a.num_elems() - begin))) return false;
  }
  return true;
}

bool same_elements(const TensorData& one, const TensorData& other) {
  if (one.dtype() != other.dtype() || one.num_elems() != other.num_elems()) return false;
  return is_equal_throughout(as_it_lies(one), as_it_lies(other),
                             kChunkBytes / byte_size(one.dtype()));
}

bool is_kept_by_other(const Graph& graph, ValueId weight, OpId layer,
                      const std::function<bool(OpId)>& is_alike) {
  if (graph.is_output(weight)) return true;
  const Uses& uses = graph.value(weight).uses;
  return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
    const bool is_changed = use.operand == kLayerWeight && (use.op == layer || is_alike(use.op));
    return !is_changed;
  });
}

}  // namespace

int64_t moved_bytes(const Graph& graph, ValueId result) {
  const TensorType& type = graph.type(result);
  return 2 * num_elements(type.dims) * byte_size(type.dtype);
}

std::optional<std::string> why_not_twice(const Graph& graph, OpId layer, int64_t moved,
                                         const std::function<bool(OpId)>& is_alike) {
  const ValueId own = graph.op(layer).operands[kLayerWeight];
  const TensorData& weight = graph.constant(own);
  const int64_t copy = weight.num_bytes();
  if (copy <= kSmallCopyBytes || copy * kMovedPerStoredByte <= moved) return std::nullopt;
  for (const ValueId value : graph.constants_like(own)) {
    const bool is_read = !graph.value(value).uses.empty() || graph.is_output(value);
    if (!is_read || (value != own && !same_elements(graph.constant(value), weight))) continue;
    if (!is_kept_by_other(graph, value, layer, is_alike)) continue;
    return fmt::format(
        "the weight '{}' has another reader, and a copy has {} bytes, for {} that are not moved in "
        "a run",
        graph.value(own).name, copy, moved);
  }
  return std::nullopt;
}

}  // namespace ferryman
