// Products that several import functions write.
#pragma once

#include "ops/import.h"

namespace ferryman {

// torch.matmul: operands of any rank from 1 on.
ValueId multiply_any_rank(CoreWriter write, ValueId a, ValueId b);

}  // namespace ferryman
