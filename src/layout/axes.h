// The planner's view of how the axes of an op hang together: ops/op_axes.h.
#pragma once

#include "ops/op_axes.h"

namespace ferryman::layout {

using ferryman::op_axes;
using ferryman::OpAxes;
using ferryman::OpAxis;
using ferryman::Relabelling;

}  // namespace ferryman::layout
