// What the weights of a model of Keras are made of: which parameters, in which order of elements.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "targets/artifact.h"
#include "targets/keras/format/model.h"

namespace ferryman::keras {

// Of parameters with these names, which users know.
std::vector<StoredWeight> stored_weights(const Graph& graph, const Model& model,
                                         const std::set<std::string>& parameters);

}  // namespace ferryman::keras
