// The core-to-core passes that every target runs, in order.
//
//   FERRYMAN_TRY(const PassReport report, run_passes(graph, simplify_passes(), {}, diagnostics));
#pragma once

#include <vector>

#include "passes/pass.h"

namespace ferryman {

std::vector<Pass> simplify_passes();

}  // namespace ferryman
