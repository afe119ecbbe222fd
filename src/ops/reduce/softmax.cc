// Ops along one axis: softmax, its logarithm, running sums.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/op_axes.h"

namespace ferryman {

namespace {

InferResult infer_along(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_axis(args.attrs[attr::kAxis].value, args.operand(0).rank()));
  return same_as_first(args);
}

// The elements of one line along the axis, `stride` apart.
template <typename T>
struct Line {
  T* first;
  size_t stride;
  size_t size;
  T& operator[](size_t i) const { return first[i * stride]; }
};

// Applies `change` in place to every line along the axis.
template <typename T, typename Change>
void for_each_line(std::vector<T>& values, const Ints& shape, int64_t axis, Change change) {
  const auto position = static_cast<size_t>(axis);
  const auto size = static_cast<size_t>(shape[position]);
  size_t inner = 1;
  for (size_t i = position + 1; i < shape.size(); ++i) inner *= static_cast<size_t>(shape[i]);
  if (values.empty()) return;
  for (size_t outer = 0; outer < values.size() / (size * inner); ++outer) {
    for (size_t i = 0; i < inner; ++i)
      change(Line<T>{&values[outer * size * inner + i], inner, size});
  }
}

void softmax_line(const Line<double>& line) {
  double largest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < line.size; ++i) largest = std::max(largest, line[i]);
  double sum = 0;
  for (size_t i = 0; i < line.size; ++i) sum += line[i] = std::exp(line[i] - largest);
  for (size_t i = 0; i < line.size; ++i) line[i] /= sum;
}

void log_softmax_line(const Line<double>& line) {
  double largest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < line.size; ++i) largest = std::max(largest, line[i]);
  double sum = 0;
  for (size_t i = 0; i < line.size; ++i) sum += std::exp(line[i] - largest);
  const double shift = largest + std::log(sum);
  for (size_t i = 0; i < line.size; ++i) line[i] -= shift;
}

EvalFn eval_lines(void (*change)(const Line<double>&)) {
  return [change](const EvalArgs& args) -> EvalResult {
    std::vector<double> values = args.operand(0).to_doubles();
    for_each_line(values, args.operand(0).shape(), args.attrs[attr::kAxis].value, change);
    std::vector<TensorData> results;
    results.push_back(store_doubles(args.results[0], values));
    return results;
  };
}

template <typename T>
void accumulate_line(const Line<T>& line) {
  for (size_t i = 1; i < line.size; ++i) line[i] += line[i - 1];
}

EvalResult eval_cumsum(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  const int64_t axis = args.attrs[attr::kAxis].value;
  std::vector<TensorData> results;
  if (is_integer(args.operand(0).dtype())) {
    Ints values = args.operand(0).to_ints();
    for_each_line(values, shape, axis, accumulate_line<int64_t>);
    results.push_back(store_ints(args.results[0], values));
  } else {
    std::vector<double> values = args.operand(0).to_doubles();
    for_each_line(values, shape, axis, accumulate_line<double>);
    results.push_back(store_doubles(args.results[0], values));
  }
  return results;
}

// An op along "dim"; a scalar is taken as one element along one axis.
Imported make_along(ImportContext& call, OpName name, ValueId x) {
  const CoreWriter write = call.writer();
  const Dims dims = write.dims(x);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", dims.size()));
  if (dims.empty()) x = write.reshape(x, {1});
  return one_result(write.reshape(write.op(name, {x}, {{attr::kAxis, Axis{axis}}}), dims));
}

Imported import_softmax(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", call.result_type(0).dtype));
  call.ignore("half_to_float");  // the recorded result type says it
  const bool logarithmic = call.target().find("log_softmax") != std::string_view::npos;
  return make_along(call, logarithmic ? ops::kLogSoftmax : ops::kSoftmax,
                    call.writer().cast(x, dtype));
}

// Integers are summed as int64 unless a dtype is given.
Imported import_cumsum(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const DType given = write.dtype(x);
  const bool integral = is_integer(given) || given == DType::kBool;
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", integral ? DType::kI64 : given));
  return make_along(call, ops::kCumsum, write.cast(x, dtype));
}

// They sum in any order; scans and selections see positions.
OpAxes axes_of_sums(const Graph& graph, const Op& op) {
  return AxesOfOp(graph, op).along(/*sees_positions=*/false);
}

}  // namespace

void add_softmax_ops(Ops& ops) {
  ops.set.define(ops::kSoftmax)
      .doc("exp(x) / sum(exp(x)) along the axis")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kAxis)
      .result(infer_along)
      .axes(AxisRule::kAlong, axes_of_sums)
      .eval(eval_lines(softmax_line));

  ops.set.define(ops::kLogSoftmax)
      .doc("x - log(sum(exp(x))) along the axis")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kAxis)
      .result(infer_along)
      .axes(AxisRule::kAlong, axes_of_sums)
      .eval(eval_lines(log_softmax_line));

  ops.set.define(ops::kCumsum)
      .doc("Running sums along the axis")
      .operand("x", DTypeSet::kReal)
      .attr(attr::kAxis)
      .result(infer_along)
      .axes(AxisRule::kAlong)
      .eval(eval_cumsum);

  ops.imports.add({"softmax.int", "_softmax.default", "special_softmax.default", "log_softmax.int",
                   "_log_softmax.default", "special_log_softmax.default"},
                  import_softmax);
  ops.imports.add("cumsum.default", import_cumsum);
}

}  // namespace ferryman
