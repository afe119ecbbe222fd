// Every pass that can be named: by ferryman-opt, by golden tests, by --disable-pass.
//
//   FERRYMAN_TRY(const std::vector<Pass> passes, passes_named("canonicalise,fuse_conv_bn"));
#pragma once

#include <string_view>
#include <vector>

#include "passes/pass.h"

namespace ferryman {

// Each pass once, whichever stage runs it.
std::vector<Pass> known_passes();

// Names separated by commas; `simplify` and `legalise_tflite` stand for whole stages.
Result<std::vector<Pass>> passes_named(std::string_view names);

}  // namespace ferryman
