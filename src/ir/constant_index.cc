#include "ir/constant_index.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace ferryman {

namespace {

constexpr int64_t kSampleBytes = 64;

// Most constants of one size differ in their first elements or in the middle.
uint64_t sample_hash(const TensorData& data) {
  const TensorData lying = as_it_lies(data);
  const int64_t width = byte_size(data.dtype());
  const int64_t count = std::min(kSampleBytes / width, data.num_elems());
  std::vector<std::byte> sample(static_cast<size_t>(2 * count * width));
  const auto half = static_cast<size_t>(count * width);
  lying.read(0, std::span(sample).first(half));
  lying.read((data.num_elems() - count) / 2, std::span(sample).last(half));
  const std::string_view bytes(reinterpret_cast<const char*>(sample.data()), sample.size());
  const uint64_t size = static_cast<uint64_t>(data.num_elems()) * 31;
  return std::hash<std::string_view>()(bytes) ^ (size + static_cast<uint64_t>(data.dtype()));
}

bool is_indexed(const TensorData& data) {
  return !data.is_elided() && data.num_bytes() > kLeastIndexedBytes;
}

}  // namespace

TensorData as_it_lies(const TensorData& data) {
  Ints perm(data.rank());
  std::iota(perm.begin(), perm.end(), 0);
  const Ints& strides = data.strides();
  std::stable_sort(perm.begin(), perm.end(), [&](int64_t a, int64_t b) {
    return strides[static_cast<size_t>(a)] > strides[static_cast<size_t>(b)];
  });
  return data.permuted(perm);
}

void ConstantIndex::add_new(const Graph& graph) {
  for (; num_seen_ < graph.num_value_ids(); ++num_seen_) {
    const ValueId value(num_seen_);
    if (!graph.is_constant(value) || !is_indexed(graph.constant(value))) continue;
    by_sample_[sample_hash(graph.constant(value))].push_back(value);
  }
}

std::vector<ValueId> ConstantIndex::alike(const Graph& graph, ValueId constant) {
  const TensorData& data = graph.constant(constant);
  if (!is_indexed(data)) return {constant};
  add_new(graph);
  return by_sample_[sample_hash(data)];
}

}  // namespace ferryman
