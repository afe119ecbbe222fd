// Products that several import functions write.
#pragma once

#include "ops/import.h"

namespace ferryman {

// torch.matmul: operands of any rank from 1 on.
Result<ValueId> multiply_any_rank(ImportContext& call, ValueId a, ValueId b);
// x * factor; x itself for 1.
ValueId scale_by(Builder& builder, ValueId x, double factor);

}  // namespace ferryman
