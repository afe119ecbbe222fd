// Names of the tensors of a file, by which people and tools find them: the quantizer of LiteRT
// chooses operators by the names of their outputs, and takes no file that has a name twice.
//
//   name_tensors(model, graph, {"layer1.0.conv1.weight", "fc.weight", "fc.bias"});
//
//   image                         inputs and outputs, as in the signature
//   layer1.0.conv1                what the one node of a module computes
//   layer1.0/add_3                one of several nodes of a module
//   norm/layer_norm/mean          an operator on the way to what the node computes
//   layer1.0.conv1.weight         parameters and buffers
//   image/transpose, …/perm       a copy of another tensor; a constant that an operator reads
//   lstm/body_2/next              in a graph that an operator calls
//
// Invariants: no tensor is without a name, and no name stands twice in a model: the second gets a
// number appended. A tensor that has a name already holds the value of that node of the graph.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// `parameters`: the constants that the user knows by name. `graph` is the one that was lowered.
void name_tensors(Model& model, const Graph& graph, const std::vector<std::string>& parameters);

}  // namespace ferryman::tflite
