// Evaluating ops that only move elements: whichever dtype, bit by bit unchanged.
#pragma once

#include <functional>

#include "ops/eval.h"

namespace ferryman {

// Result element i is element source(index of i) of x, both counted row-major; -1 leaves zero
// bytes.
TensorData move_elems(const TensorData& x, const TensorType& type,
                      const std::function<int64_t(const Ints&)>& source);

}  // namespace ferryman
