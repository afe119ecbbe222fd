// Weights that lie in the same memory: tied parameters, buffers that are views of another.
//
//   for (const SharedStorage& shared : find_shared_storage(program)) …
#pragma once

#include <cstddef>
#include <vector>

#include "frontend/program/program.h"

namespace ferryman::frontend {

struct SharedStorage {
  size_t first = 0;  // indices of inputs, first < second
  size_t second = 0;
  bool same_tensor = false;  // the same elements in the same order
};

// Pairs of inputs that share at least one element. Of inputs that are the same tensor, each is
// paired with the first only.
std::vector<SharedStorage> find_shared_storage(const Program& program);

}  // namespace ferryman::frontend
