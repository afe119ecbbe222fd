// The reference evaluator of recurrent layers (recurrent.h).
#pragma once

#include "ops/eval.h"
#include "ops/layers/recurrent.h"

namespace ferryman {

EvalResult eval_recurrent_layer(Cell cell, const EvalArgs& args);

}  // namespace ferryman
