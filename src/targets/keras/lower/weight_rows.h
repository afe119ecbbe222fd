// The weights of an attention layer: whole parameters, or rows of one that queries, keys and values
// share.
//
//   const std::optional<WeightRows> rows = weight_rows(graph, weight);   // of
//   slice(in_proj_weight)
#pragma once

#include <compare>
#include <optional>
#include <set>

#include "ir/graph.h"

namespace ferryman::keras {

// The indices [begin, begin + size) along one axis of a weight that the file holds.
struct WeightRows {
  ValueId source;
  size_t axis = 0;
  int64_t begin = 0, size = 0;

  auto operator<=>(const WeightRows&) const = default;
};

// Of axis 0 of `value`, which views a weight: slices of that axis, and permutations.
std::optional<WeightRows> weight_rows(const Graph& graph, ValueId value);

// The ops that read a weight, behind such views.
std::set<OpId> readers_of_weight(const Graph& graph, ValueId source);

}  // namespace ferryman::keras
