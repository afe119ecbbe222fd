// Which core ops stay as they stand: the target has a row for them (lower_table.h) that takes them,
// and nothing that they could be written in is better.
#pragma once

#include "ir/graph.h"

namespace ferryman::tflite {

bool keeps(const Graph& graph, const ferryman::Op& op);

}  // namespace ferryman::tflite
