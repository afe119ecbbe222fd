// Division of int64 where nothing is left over, in multiplications: no runtime need divide.
//
//   const ValueId q = exact_quotient(write, a, b);        // b divides a, b is not 0
#pragma once

#include "ops/core_writer.h"

namespace ferryman {

ValueId exact_quotient(CoreWriter write, ValueId a, ValueId b);

}  // namespace ferryman
