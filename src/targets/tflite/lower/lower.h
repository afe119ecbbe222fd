// Core graph + layout plan -> target model, in one walk over the ops.
//
//   Lowered lowered = lower_to_tflite(graph, plan);
//
// Invariant: the copies in the model move exactly plan.bytes_copied bytes (asserted).
#pragma once

#include <string>
#include <vector>

#include "layout/plan.h"
#include "targets/artifact.h"
#include "targets/tflite/tensors/memory.h"

namespace ferryman::tflite {

// Where the values of one graph lie in its subgraph.
struct Placements {
  std::vector<NamedPlacement> nodes;  // values with names, in execution order
  std::vector<Placement> inputs;      // parallel to Graph::inputs()
  std::vector<Placement> outputs;     // parallel to Graph::outputs()
};

struct Lowered {
  Model model;
  Placements placements;                          // in the main graph
  std::vector<Dims> input_shapes, output_shapes;  // parallel to the graph's
};

// The graph must pass check_target (legalise.h).
Lowered lower_to_tflite(const Graph& graph, const layout::LayoutPlan& plan);

}  // namespace ferryman::tflite
