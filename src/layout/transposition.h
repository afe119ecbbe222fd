// Where axes of size 1 stand around a TRANSPOSE, so that no RESHAPE, which is a copy, is needed
// before or after it.
//
//   transposition({17, 4, 8}, {1, 0, 2}, {1, 17, 32}, {1, 4, 17, 8})
//   // RESHAPE to [1, 17, 4, 8], TRANSPOSE by (0, 2, 1, 3): the result lies in the wanted shape
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/attr.h"

namespace ferryman::layout {

struct Transposition {
  Dims input_shape;
  Ints perm;
};

// The transposition of `input_shape` by `perm`, up to axes of size 1. `lying` is the shape that the
// input has now, `wanted` the one that its reader asks for; the result has the wanted shape where
// that shape neither merges nor splits axes.
// A shape of more than `max_rank` axes is not kept for its units: operators on it would be slow.
Transposition transposition(const Dims& input_shape, const Ints& perm, const Dims& lying,
                            const Dims& wanted, size_t max_rank = SIZE_MAX);

Dims without_units(const Dims& shape);

}  // namespace ferryman::layout
