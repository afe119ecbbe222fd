// Whether elements are NaN, asked so that an order or an extreme comes out as in PyTorch, and not
// by the model. A target that is to leave NaN alone takes the answer for "no".
//
//   const ValueId is_nan = emit_nan_guard(write, x);
#pragma once

#include "ops/import.h"

namespace ferryman {

namespace attr {
inline constexpr AttrKey<bool> kGuard{"guard"};
}  // namespace attr

// isnan(x) {guard=true}
ValueId emit_nan_guard(CoreWriter write, ValueId x);

}  // namespace ferryman
