// Division of int64 where nothing is left over, in multiplications: no runtime need divide.
//
//   const ValueId q = exact_quotient(builder, a, b);        // b divides a, b is not 0
#pragma once

#include "ir/builder.h"

namespace ferryman {

ValueId exact_quotient(Builder& builder, ValueId a, ValueId b);

}  // namespace ferryman
