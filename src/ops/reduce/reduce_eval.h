// Evaluating reductions: each result element from the row of elements that it stands for.
//
//   .eval(eval_reduce([](std::span<const double> row) { … }, [](std::span<const int64_t> row) { …
//   }))
#pragma once

#include <functional>
#include <span>

#include "ops/eval.h"

namespace ferryman {

using RealFold = double (*)(std::span<const double>);
using IntegerFold = int64_t (*)(std::span<const int64_t>);

// Over the attribute kAxes.
EvalFn eval_reduce(RealFold real, IntegerFold integer);
// Over the attribute kAxis; the fold gives a position in the row.
EvalFn eval_arg(int64_t (*real)(std::span<const double>), IntegerFold integer);

}  // namespace ferryman
