// Reductions.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/reduce/reduce_eval.h"
#include "ops/reduce/reduction.h"

namespace ferryman {

namespace {

using Reals = std::span<const double>;
using Whole = std::span<const int64_t>;

// ---- evaluation ----

double sum_real(Reals row) {
  return std::accumulate(row.begin(), row.end(), 0.0);
}
int64_t sum_whole(Whole row) {
  uint64_t sum = 0;
  for (const int64_t x : row) sum += static_cast<uint64_t>(x);
  return static_cast<int64_t>(sum);
}
double mean_real(Reals row) {
  return sum_real(row) / static_cast<double>(row.size());
}
double prod_real(Reals row) {
  return std::accumulate(row.begin(), row.end(), 1.0, std::multiplies<>());
}
int64_t prod_whole(Whole row) {
  uint64_t result = 1;
  for (const int64_t x : row) result *= static_cast<uint64_t>(x);
  return static_cast<int64_t>(result);
}

// The first NaN counts as the largest and as the smallest.
template <typename T, typename Better>
size_t extreme_position(std::span<const T> row, Better better) {
  size_t best = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(row[i])) return i;
    }
    if (better(row[i], row[best])) best = i;
  }
  return best;
}
int64_t argmax_real(Reals row) {
  return static_cast<int64_t>(extreme_position(row, std::greater<>()));
}
int64_t argmax_whole(Whole row) {
  return static_cast<int64_t>(extreme_position(row, std::greater<>()));
}
int64_t argmin_real(Reals row) {
  return static_cast<int64_t>(extreme_position(row, std::less<>()));
}
int64_t argmin_whole(Whole row) {
  return static_cast<int64_t>(extreme_position(row, std::less<>()));
}
double amax_real(Reals row) {
  return row[extreme_position(row, std::greater<>())];
}
int64_t amax_whole(Whole row) {
  return row[extreme_position(row, std::greater<>())];
}
double amin_real(Reals row) {
  return row[extreme_position(row, std::less<>())];
}
int64_t amin_whole(Whole row) {
  return row[extreme_position(row, std::less<>())];
}
int64_t any_of(Whole row) {
  return std::any_of(row.begin(), row.end(), [](int64_t x) { return x != 0; }) ? 1 : 0;
}
int64_t all_of(Whole row) {
  return std::all_of(row.begin(), row.end(), [](int64_t x) { return x != 0; }) ? 1 : 0;
}
double no_real(Reals) {
  return 0;
}
int64_t no_whole(Whole) {
  return 0;
}

// ---- rows ----

InferResult extreme_type(const InferArgs& args) {
  const Dims& dims = args.operand(0).dims;
  for (const int64_t axis : args.attrs[attr::kAxes].values) {
    FERRYMAN_TRY_STATUS(check_axis(axis, dims.size()));
    if (dims[static_cast<size_t>(axis)] == Dim(0)) return shape_error("the extreme of no elements");
  }
  return reduce_axes(args);
}

InferResult arg_type(const InferArgs& args) {
  TensorType type = args.operand(0);
  const int64_t axis = args.attrs[attr::kAxis].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, type.rank()));
  if (type.dims[static_cast<size_t>(axis)] == Dim(0))
    return shape_error("the extreme of no elements");
  type.dtype = args.attrs[attr::kDType];
  type.dims[static_cast<size_t>(axis)] = Dim(1);
  return std::vector{type};
}

struct ReduceRow {
  OpName name;
  std::string_view doc;
  DTypeSet dtypes;
  InferResult (*infer)(const InferArgs&);
  RealFold real;
  IntegerFold whole;
};

void define_reductions(Ops& ops) {
  const ReduceRow rows[] = {
      {ops::kSum, "sum over axes", DTypeSet::kNumeric, reduce_axes, sum_real, sum_whole},
      {ops::kMean, "mean over axes", DTypeSet::kFloating, reduce_axes, mean_real, no_whole},
      {ops::kProd, "product over axes", DTypeSet::kNumeric, reduce_axes, prod_real, prod_whole},
      {ops::kAmax, "largest over axes; NaN if there is one", DTypeSet::kNumeric, extreme_type,
       amax_real, amax_whole},
      {ops::kAmin, "smallest over axes; NaN if there is one", DTypeSet::kNumeric, extreme_type,
       amin_real, amin_whole},
      {ops::kAny, "whether any is true over axes", DTypeSet::kBool, reduce_axes, no_real, any_of},
      {ops::kAll, "whether all are true over axes", DTypeSet::kBool, reduce_axes, no_real, all_of},
  };
  for (const ReduceRow& row : rows) {
    ops.set.define(row.name)
        .doc(row.doc)
        .operand("x", row.dtypes)
        .attr(attr::kAxes)
        .attr(attr::kKeepDim, false)
        .result(row.infer)
        .axes(AxisRule::kReduce)
        .eval(eval_reduce(row.real, row.whole));
  }
  ops.set.define(ops::kArgmax)
      .doc("position of the first largest (or NaN) along an axis, which becomes 1")
      .operand("x", DTypeSet::kNumeric)
      .attr(attr::kAxis)
      .attr(attr::kDType, DType::kI64)
      .result(arg_type)
      .axes(AxisRule::kAlong)
      .eval(eval_arg(argmax_real, argmax_whole));
  ops.set.define(ops::kArgmin)
      .doc("position of the first smallest (or NaN) along an axis, which becomes 1")
      .operand("x", DTypeSet::kNumeric)
      .attr(attr::kAxis)
      .attr(attr::kDType, DType::kI64)
      .result(arg_type)
      .axes(AxisRule::kAlong)
      .eval(eval_arg(argmin_real, argmin_whole));
}

double logsumexp_real(std::span<const double> row) {
  double shift = amax_real(row);
  if (std::isinf(shift)) shift = 0;
  double sum = 0;
  for (const double value : row) sum += std::exp(value - shift);
  return std::log(sum) + shift;
}

double squared_deviations(std::span<const double> row) {
  const double mean = mean_real(row);
  double sum = 0;
  for (const double value : row) sum += (value - mean) * (value - mean);
  return sum;
}

InferResult infer_var(const InferArgs& args) {
  FERRYMAN_TRY(std::vector<TensorType> types, reduce_axes(args));
  types.push_back(types.front());
  return types;
}

EvalResult eval_var(const EvalArgs& args) {
  FERRYMAN_TRY(std::vector<TensorData> sums, eval_reduce(squared_deviations, no_whole)(args));
  FERRYMAN_TRY(std::vector<TensorData> means, eval_reduce(mean_real, no_whole)(args));
  double count = 1;
  for (const int64_t axis : args.attrs[attr::kAxes].values)
    count *= static_cast<double>(args.operand(0).shape()[static_cast<size_t>(axis)]);
  const double divisor = std::max(count - args.attrs[attr::kCorrection], 0.0);
  std::vector<double> variances = sums.front().to_doubles();
  for (double& variance : variances) variance /= divisor;
  return std::vector{store_doubles(args.results[0], variances), std::move(means.front())};
}

void define_statistics(Ops& ops) {
  ops.set.define(ops::kLogSumExp)
      .doc("logarithm of the sum of exponentials over axes, without overflow")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kAxes)
      .attr(attr::kKeepDim, false)
      .result(extreme_type)
      .axes(AxisRule::kReduce)
      .eval(eval_reduce(logsumexp_real, no_whole));
  ops.set.define(ops::kVar)
      .doc("variance and mean over axes; squared deviations are summed, / (count - correction)")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kAxes)
      .attr(attr::kKeepDim, false)
      .attr(attr::kCorrection, 1.0)
      .results(2, infer_var)
      .axes(AxisRule::kReduce)
      .eval(eval_var);
}

// ---- import ----

// Whole numbers are summed and multiplied as int64.
template <const OpName& kOp>
Imported import_accumulation(ImportContext& call) {
  FERRYMAN_TRY(Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(reduction.x);
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", is_floating(own) ? own : DType::kI64));
  const ValueId x = write.cast(reduction.x, dtype);
  // Of bools a sum is "or" and a product "and".
  const OpName on_bools = kOp == ops::kProd ? ops::kAll : ops::kAny;
  return one_result(reduction.emit(write, dtype == DType::kBool ? on_bools : kOp, x));
}

Imported import_mean(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  return one_result(reduction.emit(call.writer(), ops::kMean, reduction.x));
}

ValueId emit_extreme(CoreWriter write, const Reduction& reduction, OpName op, OpName on_bools) {
  const bool bools = write.dtype(reduction.x) == DType::kBool;
  return reduction.emit(write, bools ? on_bools : op, reduction.x);
}

template <const OpName& kOp, const OpName& kOnBools>
Imported import_extreme(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  return one_result(emit_extreme(call.writer(), reduction, kOp, kOnBools));
}

// The position along one axis, or among all elements.
ValueId emit_arg(CoreWriter write, OpName op, ValueId x, std::optional<int64_t> axis,
                 bool keepdim) {
  const Dims sizes = write.dims(x);
  Dims shape = sizes;
  ValueId numbers = write.cast(x, write.dtype(x) == DType::kBool ? DType::kI32 : write.dtype(x));
  if (!axis.has_value() || sizes.empty()) {
    numbers = write.reshape(numbers, {-1});
    std::fill(shape.begin(), shape.end(), Dim(1));
    if (!keepdim) shape.clear();
  } else {
    shape[static_cast<size_t>(*axis)] = 1;
    if (!keepdim) shape.erase(shape.begin() + *axis);
  }
  const int64_t along = axis.has_value() && !sizes.empty() ? *axis : 0;
  const ValueId position = write.op(op, {numbers}, {{attr::kAxis, Axis{along}}});
  return write.reshape(position, shape);
}

template <const OpName& kOp>
Imported import_arg(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const bool keepdim, call.flag("keepdim", false));
  std::optional<int64_t> axis;
  const CoreWriter write = call.writer();
  if (call.given("dim")) {
    FERRYMAN_TRY(axis, call.axis("dim", write.rank(x)));
  }
  return one_result(emit_arg(write, kOp, x, axis, keepdim));
}

// Values and positions along one axis.
template <const OpName& kOp, const OpName& kOnBools, const OpName& kArg>
Imported import_extreme_with_position(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(reduction.x)));
  std::vector<ValueId> results;
  const ValueId values = emit_extreme(write, reduction, kOp, kOnBools);
  results.push_back(values);
  const ValueId positions = emit_arg(write, kArg, reduction.x, axis, reduction.keepdim);
  results.push_back(positions);
  return results;
}

Imported import_aminmax(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  const ValueId low = emit_extreme(write, reduction, ops::kAmin, ops::kAll);
  const ValueId high = emit_extreme(write, reduction, ops::kAmax, ops::kAny);
  return std::vector{low, high};
}

// torch answers in bool, but for uint8 in uint8.
template <const OpName& kOp>
Imported import_logical_reduction(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(reduction.x);
  const ValueId answer = reduction.emit(write, kOp, write.cast(reduction.x, DType::kBool));
  return one_result(write.cast(answer, own == DType::kU8 ? DType::kU8 : DType::kBool));
}

Imported import_count_nonzero(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  const ValueId ones = write.cast(write.cast(reduction.x, DType::kBool), DType::kI64);
  return one_result(reduction.emit(write, ops::kSum, ones));
}

// ---- variance ----

// How much is taken off the count: Bessel's correction unless told otherwise.
Result<double> read_correction(ImportContext& call) {
  if (call.given("unbiased")) {
    FERRYMAN_TRY(const bool unbiased, call.flag("unbiased", true));
    return unbiased ? 1.0 : 0.0;
  }
  return call.number("correction", 1.0);
}

struct Moments {
  ValueId variance, mean;
};

Result<Moments> emit_moments(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_reduction(call));
  FERRYMAN_TRY(const double correction, read_correction(call));
  const CoreWriter write = call.writer();
  if (!is_floating(write.dtype(reduction.x))) return call.unsupported("of whole numbers");
  const std::array operands = {reduction.x};
  const std::array attrs = {NamedAttr(attr::kAxes, Axes{reduction.axes}),
                            NamedAttr(attr::kKeepDim, reduction.keepdim),
                            NamedAttr(attr::kCorrection, correction)};
  const std::vector<ValueId> results = write.all_results(ops::kVar, operands, attrs);
  return Moments{results[0], results[1]};
}

Imported import_var(ImportContext& call) {
  FERRYMAN_TRY(const Moments moments, emit_moments(call));
  return std::vector{moments.variance, moments.mean};
}

Imported import_std(ImportContext& call) {
  FERRYMAN_TRY(const Moments moments, emit_moments(call));
  const ValueId deviation = call.writer().sqrt(moments.variance);
  return std::vector{deviation, moments.mean};
}

Imported import_logsumexp(ImportContext& call) {
  FERRYMAN_TRY(const Reduction reduction, read_float_reduction(call));
  return one_result(
      call.writer().op(ops::kLogSumExp, {reduction.x},
                       {{attr::kAxes, Axes{reduction.axes}}, {attr::kKeepDim, reduction.keepdim}}));
}

// NaN counts as 0.
Imported import_nansum(ImportContext& call) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (!is_floating(write.dtype(self))) return import_accumulation<ops::kSum>(call);
  FERRYMAN_TRY(Reduction reduction, read_float_reduction(call));
  const ValueId numbers = write.where(write.unary(ops::kIsNan, reduction.x), 0, reduction.x);
  return one_result(reduction.emit(write, ops::kSum, numbers));
}

}  // namespace

void add_reduce_ops(Ops& ops) {
  define_reductions(ops);
  define_statistics(ops);
  ImportTable& imports = ops.imports;
  imports.add({"sum.default", "sum.dim_IntList"}, import_accumulation<ops::kSum>);
  imports.add({"prod.default", "prod.dim_int"}, import_accumulation<ops::kProd>);
  imports.add({"mean.default", "mean.dim"}, import_mean);
  imports.add("nansum.default", import_nansum);
  imports.add({"amax.default", "max.default"}, import_extreme<ops::kAmax, ops::kAny>);
  imports.add({"amin.default", "min.default"}, import_extreme<ops::kAmin, ops::kAll>);
  imports.add("max.dim", import_extreme_with_position<ops::kAmax, ops::kAny, ops::kArgmax>);
  imports.add("min.dim", import_extreme_with_position<ops::kAmin, ops::kAll, ops::kArgmin>);
  imports.add("aminmax.default", import_aminmax);
  imports.add("argmax.default", import_arg<ops::kArgmax>);
  imports.add("argmin.default", import_arg<ops::kArgmin>);
  imports.add({"any.default", "any.dim", "any.dims"}, import_logical_reduction<ops::kAny>);
  imports.add({"all.default", "all.dim", "all.dims"}, import_logical_reduction<ops::kAll>);
  imports.add({"count_nonzero.default", "count_nonzero.dim_IntList"}, import_count_nonzero);
  imports.add({"var.default", "var.dim", "var.correction", "var_mean.default", "var_mean.dim",
               "var_mean.correction"},
              import_var);
  imports.add({"std.default", "std.dim", "std.correction", "std_mean.default", "std_mean.dim",
               "std_mean.correction"},
              import_std);
  imports.add({"logsumexp.default", "special_logsumexp.default"}, import_logsumexp);
  add_vector_norm_imports(imports);
}

}  // namespace ferryman
