// Whether elements are NaN, asked so that an order or an extreme comes out as in PyTorch, and not
// by the model. A target that is to leave NaN alone takes the answer for "no".
//
//   FERRYMAN_TRY(const ValueId is_nan, emit_nan_guard(call, x));
#pragma once

#include "ops/import.h"

namespace ferryman {

namespace attr {
inline constexpr AttrKey<bool> kGuard{"guard"};
}  // namespace attr

// isnan(x) {guard=true}
Result<ValueId> emit_nan_guard(ImportContext& call, ValueId x);

}  // namespace ferryman
