#include "ops/reduce/ordering.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/move_elems.h"

namespace ferryman {

namespace {

InferResult topk_types(const InferArgs& args) {
  TensorType values = args.operand(0);
  const int64_t axis = args.attrs[attr::kAxis].value;
  const Dim count = args.attrs[attr::kCount].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, values.rank()));
  Dim& size = values.dims[static_cast<size_t>(axis)];
  if (count.is_static() && size.is_static() && count.size() > size.size())
    return shape_error("more elements than the axis has");
  size = count;
  return std::vector{values, TensorType{DType::kI32, values.dims}};
}

bool is_nan(double x) {
  return std::isnan(x);
}
bool is_nan(int64_t) {
  return false;
}

// The first positions in order of each line along the axis, in the order of the result.
template <typename T>
Ints positions_in_order(const std::vector<T>& elems, const Ints& shape, const EvalArgs& args) {
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const bool largest = args.attrs[attr::kLargest];
  const int64_t size = shape[axis];
  const int64_t stride = row_major_strides(shape)[axis];
  const int64_t count = args.attrs[attr::kCount].value.size();
  const int64_t lines = size == 0 ? 0 : product(shape) / size;
  Ints result(static_cast<size_t>(lines * count));
  Ints order(static_cast<size_t>(size));
  for (int64_t line = 0; line < lines; ++line) {
    const int64_t first = line / stride * stride * size + line % stride;
    const auto at = [&](int64_t i) { return elems[static_cast<size_t>(first + i * stride)]; };
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const T low = largest ? at(b) : at(a);
      const T high = largest ? at(a) : at(b);
      return low < high || (is_nan(high) && !is_nan(low));
    });
    const int64_t first_out = line / stride * stride * count + line % stride;
    for (int64_t i = 0; i < count; ++i)
      result[static_cast<size_t>(first_out + i * stride)] = order[static_cast<size_t>(i)];
  }
  return result;
}

EvalResult eval_topk(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const Ints positions = is_floating(x.dtype())
                             ? positions_in_order(x.to_doubles(), x.shape(), args)
                             : positions_in_order(x.to_ints(), x.shape(), args);
  std::vector<TensorData> results;
  size_t next = 0;
  results.push_back(move_elems(x, args.results[0], [&](Ints at) {
    at[axis] = positions[next++];
    return flat_index(x.shape(), at);
  }));
  results.push_back(store_ints({DType::kI32, args.results[0].dims}, positions));
  return results;
}

// The dtype in which elements are compared: the runtimes order few of the small ones.
DType ordered_dtype(DType dtype) {
  const bool is_small =
      dtype == DType::kBool || dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
  return is_small ? DType::kI32 : dtype;
}

}  // namespace

Ordered emit_topk(CoreWriter write, ValueId x, int64_t axis, Dim count, Order order) {
  const DType dtype = write.dtype(x);
  const std::vector<ValueId> top = write.all_results(
      ops::kTopk, std::array{write.cast(x, ordered_dtype(dtype))},
      std::array{NamedAttr(attr::kAxis, Axis{axis}), NamedAttr(attr::kCount, SizeAttr{count}),
                 NamedAttr(attr::kLargest, order == Order::kDescending)});
  return {write.cast(top[0], dtype), top[1]};
}

Ordered emit_sort(CoreWriter write, ValueId x, int64_t axis, Order order) {
  return emit_topk(write, x, axis, write.dim(x, axis), order);
}

void add_ordering_ops(Ops& ops) {
  ops.set.define(ops::kTopk)
      .doc(
          "the count largest or smallest elements along an axis in order, and their positions; "
          "equal ones as they stand, NaN larger than every number")
      .operand("x", DTypeSet::kReal)
      .attr(attr::kAxis)
      .attr(attr::kCount)
      .attr(attr::kLargest, true)
      .results(2, topk_types)
      .axes(AxisRule::kAlong)
      .eval(eval_topk);
  add_ordering_imports(ops.imports);
  add_quantile_imports(ops.imports);
}

}  // namespace ferryman
