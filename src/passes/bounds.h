// The interval that an op cuts its operand to: relu, relu6 and clamp are one thing to patterns.
//
//   if (const std::optional<Bounds> bounds = bounds_of(graph.op(producer)); bounds == kRelu6Bounds)
#pragma once

#include <limits>
#include <optional>

#include "ir/graph.h"

namespace ferryman {

inline constexpr double kNoBound = std::numeric_limits<double>::infinity();

struct Bounds {
  double min = -kNoBound;
  double max = kNoBound;
  bool operator==(const Bounds&) const = default;
};

inline constexpr Bounds kReluBounds{0, kNoBound};
inline constexpr Bounds kRelu6Bounds{0, 6};

std::optional<Bounds> bounds_of(const Op& op);
// First cut to `inner`, then to `outer`; both not empty.
Bounds combined(const Bounds& inner, const Bounds& outer);

}  // namespace ferryman
