// A finished model as a part of another: its main graph's operators and constants, and the graphs
// that they call.
//
//   FERRYMAN_TRY(Model part, read_part("part.tflite"));
//   const std::vector<TensorIndex> results = splice(part, inputs, {main, add_graph, location});
//
// Results stand for the part's outputs, in their order, and are tensors of operators of the part.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/result.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// A model that may become a part: sound, one that the runtime takes, with ports of plain types.
Result<Model> read_part(const std::string& path);

struct SpliceInto {
  Subgraph& graph;
  std::function<int32_t(Subgraph)> add_graph;  // to the model; gives its number
  int32_t location = -1;                       // of the operators
};

// `inputs`: tensors of `into.graph`, one for each input of the part.
std::vector<TensorIndex> splice(const Model& part, const std::vector<TensorIndex>& inputs,
                                const SpliceInto& into);

}  // namespace ferryman::tflite
