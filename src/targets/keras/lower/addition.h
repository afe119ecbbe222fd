// How to write a sum of two tensors of different shapes, so that it is one on every backend.
//
// Where the second tensor has one axis of more than one element, as many as axis 1 or the last one
// of the first, Keras takes it for a bias on TensorFlow: keras.ops.add(x, y) is bias_add along the
// last axis of x, otherwise along axis 1, wherever the elements of y lie.
//
//   x[N, 4, 4] + y[4, 1]      ->  add(y, x)
//   x[N, 4, 1] + y[N, 1, 4]   ->  subtract(x, negative(y)), which is exact: there, N may be 1
#pragma once

#include "ir/dim.h"

namespace ferryman::keras {

enum class Addition { kAsIs, kSwapped, kSubtracted };

Addition addition_of(const Dims& x, const Dims& y);

}  // namespace ferryman::keras
