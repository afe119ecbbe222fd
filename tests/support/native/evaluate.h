// The reference evaluator for tests: a live program computed op by op in the core.
#pragma once

#include <nanobind/nanobind.h>

namespace ferryman::python {

// Inputs as contiguous borrowed tensors; outputs as (dtype, shape, row-major bytes).
nanobind::list evaluate_live(nanobind::bytes buffer, const nanobind::list& tensors,
                             const nanobind::list& inputs);

}  // namespace ferryman::python
