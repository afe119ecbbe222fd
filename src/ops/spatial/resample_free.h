// Resizing along an axis whose sizes are free: where each element comes from, and how much of it,
// is computed with the sizes of the run. resample.h has the same for numbers.
//
//   const FreeResize axis = {.in_size = height, .out_size = twice};
//   x = resample_along(write, x, 2, axis, Resampling::kCubic);
//   x = write.gather(x, 3, nearest_sources(write, axis, NearestRule::kFloor));
#pragma once

#include <array>

#include "ops/expression.h"
#include "ops/spatial/resample.h"

namespace ferryman {

struct FreeResize {
  Dim in_size = 1;
  Dim out_size = 1;
  double scale = 0;  // torch's scale factor; 0: out_size / in_size
  bool align_corners = false;

  bool is_static() const { return in_size.is_static() && out_size.is_static(); }
  ResizeAxis as_numbers() const { return {in_size.size(), out_size.size(), scale, align_corners}; }
};

// Keys' cubic with A = -0.75, for the taps at distances 1 + t, t, 1 - t and 2 - t.
std::array<Expression, 4> cubic_weights(const Expression& t);

// int32, [out_size].
ValueId nearest_sources(CoreWriter write, const FreeResize& axis, NearestRule rule);

// x, which is floating point, with that axis resized.
ValueId resample_along(CoreWriter write, ValueId x, size_t axis, const FreeResize& resize,
                       Resampling kind);

}  // namespace ferryman
