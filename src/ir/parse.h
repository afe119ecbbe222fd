// The inverse of print.h. In hand-written graphs a constant may also be `= random 7`: elements
// drawn from that seed, floats in [-1, 1), integers in [0, 8).
#pragma once

#include <string_view>

#include "ir/graph.h"

namespace ferryman {

// The text is taken as hostile: every count is bounded, and an error names line and column.
Result<Graph> parse_graph(std::string_view text, const OpSet& ops);

}  // namespace ferryman
