// What of a program has an influence on its outputs.
//
//   const Liveness live = find_live(program);
//   if (live.values[node.results[0]]) …
#pragma once

#include <vector>

#include "frontend/program/program.h"

namespace ferryman::frontend {

struct Liveness {
  std::vector<bool> values;  // by ValueIndex
};

// Expects a functional program: a node matters only through its results.
Liveness find_live(const Program& program);

}  // namespace ferryman::frontend
