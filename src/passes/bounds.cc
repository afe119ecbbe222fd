#include "passes/bounds.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

std::optional<Bounds> bounds_of(const Op& op) {
  if (op.is(ops::kRelu)) return kReluBounds;
  if (op.is(ops::kRelu6)) return kRelu6Bounds;
  if (!op.is(ops::kClamp)) return std::nullopt;
  const Bounds bounds = {op.attr(attr::kMin), op.attr(attr::kMax)};
  if (!(bounds.min <= bounds.max)) return std::nullopt;
  return bounds;
}

Bounds combined(const Bounds& inner, const Bounds& outer) {
  return {std::clamp(inner.min, outer.min, outer.max), std::clamp(inner.max, outer.min, outer.max)};
}

}  // namespace ferryman
