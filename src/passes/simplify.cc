#include "passes/simplify.h"

#include "passes/fold.h"

namespace ferryman {

std::vector<Pass> simplify_passes() {
  std::vector<Pass> passes;
  passes.push_back(remove_dead_code());
  passes.push_back(fold_constants());
  return passes;
}

}  // namespace ferryman
