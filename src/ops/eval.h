// The reference evaluator's building blocks. Values are computed in double (int64 for integers) and
// rounded once to the result's dtype: slow, plain, and never less precise than torch.
//
//   .eval(eval_unary([](double x) { return std::sqrt(x); }))
//   .eval(eval_binary([](double a, double b) { return a + b; },
//                     [](int64_t a, int64_t b) { return a + b; }))
#pragma once

#include <functional>

#include "ir/op_def.h"

namespace ferryman {

using EvalResult = Result<std::vector<TensorData>>;

// Integers and bools, whose values are computed in int64.
bool computes_in_integers(DType dtype);
double sigmoid(double x);

// What the evaluator of an op with one result returns.
EvalResult one(TensorData data);

// Row-major elements as doubles or integers, to be filled and stored with the result's dtype.
TensorData store_doubles(const TensorType& type, const std::vector<double>& values);
TensorData store_ints(const TensorType& type, const std::vector<int64_t>& values);

EvalFn eval_unary(double (*real)(double));
// Integers and bools go through `integer`, everything else through `real`.
EvalFn eval_unary(double (*real)(double), int64_t (*integer)(int64_t));
EvalFn eval_unary_with_attrs(std::function<double(double, const AttrsView&)> real);
EvalFn eval_binary(double (*real)(double, double), int64_t (*integer)(int64_t, int64_t));
// The operation is chosen by the operands' dtype, and the result stored as bool.
EvalFn eval_compare(bool (*real)(double, double), bool (*integer)(int64_t, int64_t));

// Visits every multi-index of `shape` in row-major order.
void for_each_index(const Ints& shape, const std::function<void(const Ints&)>& visit);
// Position of a multi-index in a row-major tensor of that shape.
int64_t flat_index(const Ints& shape, const Ints& index);

}  // namespace ferryman
