// Ops replaced by guarded ones: once each, since a guard holds an op like the one that it guards.
#pragma once

#include "ops/core_writer.h"
#include "passes/pass.h"

namespace ferryman::tflite {

// Writes what stands for the op's result.
using Guard = ValueId (*)(Rewriter&, CoreWriter&, const Op&);

// Replaces each op for which `find` gives a guard.
Changed guard_ops(Graph& graph, Guard (*find)(const Graph&, const Op&));

}  // namespace ferryman::tflite
