// Axes as factors. A reshape splits and merges dims; the factors of a value are the pieces that
// reshapes leave whole, so that a layout is a permutation of factors and a reshape moves nothing.
//
//   const Factors factors = find_factors(graph, axes);
//   factors.of[value].extents;                  // [n, 8, 4, h, w] for [n, 32, h, w] read as groups
//   factors.views[result_of_reshape].root;      // the value whose memory it is
//
// Invariants: extents are in logical order, sizes of 1 have no factor; dims along which an op ties
// its tensors together have the same factors; a view has as many factors as its root.
// Limits: a reshape becomes opaque (the result is memory of its own, in logical order on both
// sides) if the two sides have no common refinement, if a value would get more than kMaxFactors, or
// if it splits a symbolic dim into parts that it does not name.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "layout/plan.h"
#include "ops/op_axes.h"

namespace ferryman::layout {

constexpr size_t kMaxFactors = 16;

struct ValueFactors {
  Dims extents;
  SmallVector<int, 7> first;  // per dim its first factor, then their number

  size_t size() const { return extents.size(); }
  int dim_of(size_t factor) const;
};

struct Factors {
  ValueMap<ValueFactors> of;
  ValueMap<LayoutPlan::View> views;
  OpMap<uint8_t> opaque;  // 1: a relabelling op that ended up opaque
};

Factors find_factors(const Graph& graph, const OpMap<OpAxes>& axes);

}  // namespace ferryman::layout
