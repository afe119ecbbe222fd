// Core graph + layout plan -> target model, in one walk over the ops.
//
//   FERRYMAN_TRY(Lowered lowered, lower_to_tflite(graph, plan));
//
// Invariant: the copies in the model move exactly plan.bytes_copied bytes (asserted).
#pragma once

#include <string>
#include <vector>

#include "layout/plan.h"
#include "target/tflite/memory.h"

namespace ferryman::tflite {

// Where a value that the user knows by name lies in the model.
struct NamedPlacement {
  std::string node;
  MemoryTable::Placement placement;
};

struct Lowered {
  Model model;
  std::vector<NamedPlacement> nodes;            // values with names, in execution order
  std::vector<MemoryTable::Placement> inputs;   // parallel to Graph::inputs()
  std::vector<MemoryTable::Placement> outputs;  // parallel to Graph::outputs()
};

// The graph must pass check_target (legalise.h) and have static shapes.
Lowered lower_to_tflite(const Graph& graph, const layout::LayoutPlan& plan);

}  // namespace ferryman::tflite
