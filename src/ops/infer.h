// Shape inference that many rows share. Errors say what does not fit; the caller adds op and place.
#pragma once

#include "ir/op_def.h"

namespace ferryman {

using InferResult = Result<std::vector<TensorType>>;

Diag shape_error(std::string what);
// "[1, 3, s0]"
std::string print_dims(const Dims& dims, const SymbolTable& symbols);

// numpy broadcasting, aligned at the right.
Result<Dims> broadcast_dims(const Dims& a, const Dims& b, const SymbolTable& symbols);
// The shape after reducing `axes`.
Result<Dims> reduced_dims(const Dims& dims, const Ints& axes, bool keepdim);
Status check_axis(int64_t axis, size_t rank);

InferResult same_as_first(const InferArgs& args);
InferResult same_shape_bool(const InferArgs& args);
InferResult broadcast(const InferArgs& args);       // dtype of the first operand; all equal
InferResult broadcast_bool(const InferArgs& args);  // comparisons
InferResult reduce_axes(const InferArgs& args);     // attributes kAxes, kKeepDim

}  // namespace ferryman
