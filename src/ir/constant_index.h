// Finds the constants of a graph that may have equal elements, without a look at all of them.
//
//   for (const ValueId other : graph.constants_like(weight)) …    // compare their elements
//
// Constants are alike where type, number of elements and a sample of these agree, in the order in
// which they lie in memory: a weight and its transposed view are.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// The axes in the order in which they lie in memory, so that a transposed view is the same again.
TensorData as_it_lies(const TensorData& data);

// In bytes; of smaller constants, nothing is worth a search.
inline constexpr int64_t kLeastIndexedBytes = 1024;

class ConstantIndex {
 public:
  // Itself among them; it alone if it is small, or stands for data that is not at hand.
  std::vector<ValueId> alike(const Graph& graph, ValueId constant);

 private:
  void add_new(const Graph& graph);

  size_t num_seen_ = 0;  // values; ids are never used again
  std::unordered_map<uint64_t, std::vector<ValueId>> by_sample_;
};

}  // namespace ferryman
