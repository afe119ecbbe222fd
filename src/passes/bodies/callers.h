// The ops of a graph that run bodies. Several may run the same ones, which then change for all.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace ferryman {

struct Callers {
  std::vector<OpId> ops;  // that run the same bodies
  std::vector<BodyId> bodies;
};

std::vector<Callers> find_callers(const Graph& graph);

}  // namespace ferryman
