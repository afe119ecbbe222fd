#include "ops/reduce/reduce_eval.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/infer.h"

namespace ferryman {

namespace {

// The operand with the reduced axes innermost, so that each row is contiguous.
struct ReducedRows {
  TensorData elems;
  size_t row_length;
};

ReducedRows rows_over(const TensorData& x, const Ints& axes) {
  Ints perm;
  for (size_t axis = 0; axis < x.rank(); ++axis) {
    const auto number = static_cast<int64_t>(axis);
    if (std::find(axes.begin(), axes.end(), number) == axes.end()) perm.push_back(number);
  }
  size_t row_length = 1;
  for (const int64_t axis : axes) {
    perm.push_back(axis);
    row_length *= static_cast<size_t>(x.shape()[static_cast<size_t>(axis)]);
  }
  return {x.permuted(perm), row_length};
}

template <typename T, typename To>
std::vector<To> fold_rows(const std::vector<T>& elems, size_t row_length, size_t num_rows,
                          To (*fold)(std::span<const T>)) {
  std::vector<To> results(num_rows);
  for (size_t i = 0; i < num_rows; ++i)
    results[i] = fold(std::span(elems).subspan(i * row_length, row_length));
  return results;
}

}  // namespace

EvalFn eval_reduce(RealFold real, IntegerFold integer) {
  return [=](const EvalArgs& args) -> EvalResult {
    const TensorType& type = args.results[0];
    const ReducedRows rows = rows_over(args.operand(0), args.attrs[attr::kAxes].values);
    const auto count = static_cast<size_t>(num_elements(type.dims));
    if (computes_in_integers(args.operand(0).dtype()))
      return one(
          store_ints(type, fold_rows(rows.elems.to_ints(), rows.row_length, count, integer)));
    return one(
        store_doubles(type, fold_rows(rows.elems.to_doubles(), rows.row_length, count, real)));
  };
}

EvalFn eval_arg(int64_t (*real)(std::span<const double>), IntegerFold integer) {
  return [=](const EvalArgs& args) -> EvalResult {
    const TensorType& type = args.results[0];
    const ReducedRows rows = rows_over(args.operand(0), {args.attrs[attr::kAxis].value});
    const auto count = static_cast<size_t>(num_elements(type.dims));
    if (rows.row_length == 0) return shape_error("the extreme of no elements");
    if (computes_in_integers(args.operand(0).dtype()))
      return one(
          store_ints(type, fold_rows(rows.elems.to_ints(), rows.row_length, count, integer)));
    return one(store_ints(type, fold_rows(rows.elems.to_doubles(), rows.row_length, count, real)));
  };
}

}  // namespace ferryman
