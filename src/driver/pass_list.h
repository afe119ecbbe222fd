// Every pass that can be named: by ferryman-opt, by golden tests, by --disable-pass and
// --print-after.
//
//   FERRYMAN_TRY(const std::vector<Pass> passes, passes_named("canonicalise,fuse_conv_bn"));
#pragma once

#include <string_view>
#include <vector>

#include "passes/pass.h"

namespace ferryman {

// Each pass once, whichever stage runs it, in the order in which they first run.
std::vector<Pass> known_passes();

// Refuses names that no stage knows, and disabled passes that are needed.
Status check_pass_names(const PassOptions& options);

// Names separated by commas; `simplify`, and `legalise_` before a target's name, stand for whole
// stages.
Result<std::vector<Pass>> passes_named(std::string_view names);

}  // namespace ferryman
