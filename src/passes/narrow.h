// What of its operands an op reads to compute a part of its result.
//
//   std::optional<Narrowed> part = narrow(graph, op, ranges);
//   // matmul(a[.., 8, 4], b[.., 4, 6]), rows 2 to 4: a's rows 2 to 4, all of b
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"
#include "passes/slice_range.h"

namespace ferryman {

// The op that computes the part: of `op`'s kind, with these attributes, on parts of its operands.
struct Narrowed {
  std::vector<SliceRanges> operands;  // empty for an operand that is absent
  std::vector<NamedAttr> attrs;
};

// nullopt: the part cannot be computed by the same op on parts of its operands.
std::optional<Narrowed> narrow(const Graph& graph, const Op& op, const SliceRanges& ranges);

// Products, which are worth being made smaller.
bool is_product(const Op& op);

}  // namespace ferryman
