// The ops of a body in the graph that runs it.
//
//   const std::vector<ValueId> results = inline_body(rewriter, graph.body(id), operands);
#pragma once

#include <span>
#include <vector>

#include "ir/builder.h"

namespace ferryman {

// At the place where the rewriter inserts. The body stays; those inside of it are copied.
std::vector<ValueId> inline_body(Rewriter& rewriter, const Graph& body,
                                 std::span<const ValueId> inputs);

}  // namespace ferryman
