// Activations. Those that a target has a fast form of stay whole; the others are composed.
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/promoted_import.h"

namespace ferryman {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- evaluation ----

double softplus(double x) {
  return x > 20 ? x : std::log1p(std::exp(x));
}
double relu6(double x) {
  if (std::isnan(x)) return x;
  return std::min(std::max(x, 0.0), 6.0);
}

double gelu(double x, const AttrsView& attrs) {
  if (attrs[attr::kApproximate] == "tanh") {
    constexpr double kCubic = 0.044715;
    const double inner = std::sqrt(2 / std::numbers::pi) * (x + kCubic * x * x * x);
    return 0.5 * x * (1 + std::tanh(inner));
  }
  return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
}

double elu(double x, const AttrsView& attrs) {
  const double scale = attrs[attr::kScale];
  if (!(x <= 0)) return x * scale;
  return std::expm1(x * attrs[attr::kInputScale]) * attrs[attr::kAlpha] * scale;
}

double clamp_real(double x, double low, double high) {
  if (std::isnan(x)) return x;
  return std::min(std::max(x, low), high);
}

// Bounds of whole numbers are whole and small enough to be exact, or infinite.
int64_t whole_bound(double bound) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (bound >= kEnd) return std::numeric_limits<int64_t>::max();
  if (bound < -kEnd) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(bound);
}

EvalResult eval_clamp(const EvalArgs& args) {
  const double low = args.attrs[attr::kMin];
  const double high = args.attrs[attr::kMax];
  std::vector<TensorData> results;
  if (is_floating(args.results[0].dtype)) {
    std::vector<double> values = args.operand(0).to_doubles();
    for (double& value : values) value = clamp_real(value, low, high);
    results.push_back(store_doubles(args.results[0], values));
    return results;
  }
  Ints values = args.operand(0).to_ints();
  const int64_t least = whole_bound(low), most = whole_bound(high);
  for (int64_t& value : values) value = std::min(std::max(value, least), most);
  results.push_back(store_ints(args.results[0], values));
  return results;
}

EvalResult eval_prelu(const EvalArgs& args) {
  const std::vector<double> slopes =
      args.operand(1).broadcast_to(args.operand(0).shape()).to_doubles();
  std::vector<double> values = args.operand(0).to_doubles();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] > 0)) values[i] *= slopes[i];
  }
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

InferResult prelu_type(const InferArgs& args) {
  FERRYMAN_TRY(std::vector<TensorType> types, broadcast(args));
  if (types.front().dims != args.operand(0).dims)
    return shape_error("the slopes have a larger shape than x");
  return types;
}

// ---- rows ----

OpRow define_activation(Ops& ops, OpName name, std::string_view doc) {
  return ops.set.define(name)
      .doc(doc)
      .operand("x", DTypeSet::kFloating)
      .result(same_as_first)
      .axes(AxisRule::kElementwise);
}

void define_relus(Ops& ops) {
  ops.set.define(ops::kRelu)
      .doc("max(x, 0)")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary([](double x) { return x > 0 || std::isnan(x) ? x : 0.0; },
                       [](int64_t x) { return x > 0 ? x : 0; }))
      .from_aten("relu.default");
  ops.set.define(ops::kRelu6)
      .doc("min(max(x, 0), 6)")
      .operand("x", DTypeSet::kNumeric)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary(relu6,
                       [](int64_t x) { return std::min(std::max(x, int64_t{0}), int64_t{6}); }))
      .from_aten("relu6.default");
  define_activation(ops, ops::kLeakyRelu, "x where x >= 0, otherwise negative_slope * x")
      .attr(attr::kNegativeSlope, 0.01)
      .eval(eval_unary_with_attrs([](double x, const AttrsView& attrs) {
        return x >= 0 ? x : x * attrs[attr::kNegativeSlope];
      }));
  ops.set.define(ops::kPrelu)
      .doc("x where x > 0, otherwise slope * x; the slopes broadcast to x")
      .operand("x", DTypeSet::kFloating)
      .operand("slope", DTypeSet::kFloating)
      .result(prelu_type)
      .axes(AxisRule::kElementwise)
      .eval(eval_prelu);
  ops.set.define(ops::kClamp)
      .doc("min(max(x, min), max)")
      .operand("x", DTypeSet::kNumeric)
      .attr(attr::kMin, -kInfinity)
      .attr(attr::kMax, kInfinity)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_clamp);
}

void define_smooth(Ops& ops) {
  define_activation(ops, ops::kSigmoid, "1 / (1 + exp(-x))").eval(eval_unary(sigmoid));
  define_activation(ops, ops::kTanh, "hyperbolic tangent").eval(eval_unary([](double x) {
    return std::tanh(x);
  }));
  define_activation(ops, ops::kElu,
                    "scale * x where x > 0, otherwise scale * alpha * (exp(input_scale * x) - 1)")
      .attr(attr::kAlpha, 1.0)
      .attr(attr::kScale, 1.0)
      .attr(attr::kInputScale, 1.0)
      .eval(eval_unary_with_attrs(elu))
      .from_aten("elu.default");
  define_activation(ops, ops::kSilu, "x * sigmoid(x)")
      .eval(eval_unary([](double x) { return x / (1 + std::exp(-x)); }))
      .from_aten("silu.default");
  define_activation(ops, ops::kGelu,
                    "x * normal distribution(x); approximate: \"none\" or \"tanh\"")
      .attr(attr::kApproximate, "none")
      .eval(eval_unary_with_attrs(gelu))
      .from_aten("gelu.default");
  define_activation(ops, ops::kHardswish, "x * relu6(x + 3) / 6")
      .eval(eval_unary([](double x) { return x * relu6(x + 3) / 6; }))
      .from_aten("hardswish.default");
  define_activation(ops, ops::kHardsigmoid, "relu6(x + 3) / 6")
      .eval(eval_unary([](double x) { return relu6(x + 3) / 6; }))
      .from_aten("hardsigmoid.default");
  define_activation(ops, ops::kSoftplus,
                    "log(1 + exp(beta * x)) / beta; x where beta * x > threshold")
      .attr(attr::kBeta, 1.0)
      .attr(attr::kThreshold, 20.0)
      .eval(eval_unary_with_attrs([](double x, const AttrsView& attrs) {
        const double inner = x * attrs[attr::kBeta];
        if (inner > attrs[attr::kThreshold]) return x;
        return std::log1p(std::exp(inner)) / attrs[attr::kBeta];
      }))
      .from_aten("softplus.default");
  define_activation(ops, ops::kMish, "x * tanh(softplus(x))")
      .eval(eval_unary([](double x) { return x * std::tanh(softplus(x)); }))
      .from_aten("mish.default");
}

InferResult infer_glu(const InferArgs& args) {
  TensorType type = args.operand(0);
  const int64_t axis = args.attrs[attr::kAxis].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, type.rank()));
  Dim& halved = type.dims[static_cast<size_t>(axis)];
  if (!halved.is_static() || halved.size() % 2 != 0)
    return shape_error("the halved axis has an odd size");
  halved = Dim(halved.size() / 2);
  return std::vector{type};
}

EvalResult eval_glu(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const Ints starts(x.shape().size(), 0);
  const Ints steps(x.shape().size(), 1);
  Ints middle = starts;
  middle[axis] = x.shape()[axis] / 2;
  const Ints half = static_sizes(args.results[0].dims);
  std::vector<double> values = x.sliced(starts, half, steps).to_doubles();
  const std::vector<double> gates = x.sliced(middle, half, steps).to_doubles();
  for (size_t i = 0; i < values.size(); ++i) values[i] *= sigmoid(gates[i]);
  return one(store_doubles(args.results[0], values));
}

void define_gated(Ops& ops) {
  ops.set.define(ops::kGlu)
      .doc("a * sigmoid(b), where a and b are the halves of x along an axis")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kAxis)
      .result(infer_glu)
      .eval(eval_glu);
}

// ---- import ----

// A bound that a double does not hold goes through a constant instead of the attribute.
bool fits_attribute(const ImportArg* bound) {
  const auto* integer = bound == nullptr ? nullptr : std::get_if<int64_t>(&bound->value);
  constexpr int64_t kExact = int64_t{1} << 53;
  return integer == nullptr || (*integer > -kExact && *integer < kExact);
}

// Bounds may be numbers or tensors; a NaN bound makes everything NaN, as maximum does.
Result<ValueId> bounded(ImportContext& call, ValueId x, OpName op, std::string_view name) {
  if (!call.given(name)) return x;
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId bound, tensor_as(call, name, write.dtype(x)));
  const OpName on_bools = op == ops::kMaximum ? ops::kLogicalOr : ops::kLogicalAnd;
  return write.binary(write.dtype(x) == DType::kBool ? on_bools : op, x, bound);
}

Result<double> bound_attr(ImportContext& call, std::string_view name, double none, DType dtype) {
  if (!call.given(name)) return none;
  FERRYMAN_TRY(const double bound, call.number(name));
  // f32 is what torch compares with.
  return dtype == DType::kF32 ? static_cast<double>(static_cast<float>(bound)) : bound;
}

Imported clamp_to(ImportContext& call, std::string_view min_name, std::string_view max_name) {
  FERRYMAN_TRY(const DType dtype,
               common_dtype(call, {"self", min_name, max_name}, Promotion::kCommon));
  FERRYMAN_TRY(const ValueId x, tensor_as(call, "self", dtype));
  const auto is_number = [&](std::string_view name) {
    const ImportArg* arg = call.find(name);
    if (arg == nullptr || arg->is_none()) return true;
    const auto* real = std::get_if<double>(&arg->value);
    if (real != nullptr) return !std::isnan(*real);
    return std::holds_alternative<int64_t>(arg->value) && fits_attribute(arg);
  };
  if (is_number(min_name) && is_number(max_name) && dtype != DType::kBool) {
    FERRYMAN_TRY(const double low, bound_attr(call, min_name, -kInfinity, dtype));
    FERRYMAN_TRY(const double high, bound_attr(call, max_name, kInfinity, dtype));
    return one_result(call.writer().op(ops::kClamp, {x}, {{attr::kMin, low}, {attr::kMax, high}}));
  }
  FERRYMAN_TRY(const ValueId above, bounded(call, x, ops::kMaximum, min_name));
  return one_result(bounded(call, above, ops::kMinimum, max_name));
}

Imported import_clamp(ImportContext& call) {
  return clamp_to(call, "min", "max");
}

// The bounds do not change the dtype; they are -1 and 1 if not given.
Imported import_hardtanh(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const bool is_computed = call.is_of_run_time("min_val") || call.is_of_run_time("max_val");
  if (is_computed && call.given("min_val") && call.given("max_val")) {
    FERRYMAN_TRY(const ValueId above, bounded(call, x, ops::kMaximum, "min_val"));
    return one_result(bounded(call, above, ops::kMinimum, "max_val"));
  }
  FERRYMAN_TRY(const double low, call.number("min_val", -1));
  FERRYMAN_TRY(const double high, call.number("max_val", 1));
  return one_result(call.writer().op(ops::kClamp, {x}, {{attr::kMin, low}, {attr::kMax, high}}));
}

Imported import_leaky_relu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (call.is_of_run_time("negative_slope")) {
    FERRYMAN_TRY(const ValueId slope, tensor_as(call, "negative_slope", write.dtype(x)));
    return one_result(write.binary(ops::kPrelu, x, slope));
  }
  FERRYMAN_TRY(const double slope, call.number("negative_slope", 0.01));
  return one_result(write.op(ops::kLeakyRelu, {x}, {{attr::kNegativeSlope, slope}}));
}

// One slope for each channel, which is axis 1, or one for all.
Imported import_prelu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId slope, call.tensor("weight"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  if (rank >= 2 && write.rank(slope) == 1) {
    Ints shape(rank - 1, 1);
    shape.front() = write.sizes(slope).front();
    slope = write.reshape(slope, shape);
  } else if (write.num_elements(slope) == Dim(1)) {
    slope = write.reshape(slope, {});
  }
  return one_result(write.binary(ops::kPrelu, x, slope));
}

// In evaluation the slope is the middle of the range.
Imported import_rrelu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const double lower, call.number("lower", 0.125));
  FERRYMAN_TRY(const double upper, call.number("upper", 1.0 / 3));
  FERRYMAN_TRY(const bool training, call.flag("training", false));
  if (training && lower != upper) {
    return call.unsupported("in training mode")
        .because("a file draws no random numbers")
        .hint("call model.eval() first; rrelu(x, training=self.training) heeds it");
  }
  return one_result(
      call.writer().op(ops::kLeakyRelu, {x}, {{attr::kNegativeSlope, (lower + upper) / 2}}));
}

Imported import_selu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(call.writer().op(
      ops::kElu, {x}, {{attr::kAlpha, 1.6732632423543772}, {attr::kScale, 1.0507009873554805}}));
}

Imported import_celu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const double alpha, call.number("alpha", 1));
  return one_result(
      call.writer().op(ops::kElu, {x}, {{attr::kAlpha, alpha}, {attr::kInputScale, 1 / alpha}}));
}

// x / (1 + |x|)
Imported import_softsign(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const ValueId magnitude = write.abs(x);
  return one_result(write.div(x, write.add(magnitude, write.scalar(x, 1))));
}

Imported import_tanhshrink(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  return one_result(write.sub(x, write.unary(ops::kTanh, x)));
}

// 0 where |x| <= lambd
Imported import_hardshrink(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  ValueId lambd = write.scalar(x, 0.5);
  if (call.given("lambd")) {
    FERRYMAN_TRY(lambd, tensor_as(call, "lambd", write.dtype(x)));
  }
  return one_result(write.where(write.binary(ops::kLe, write.abs(x), lambd), 0, x));
}

// What is left of x after lambd is taken off its magnitude: x - clamp(x, -lambd, lambd).
Imported import_softshrink(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const double lambd, call.number("lambd", 0.5));
  const CoreWriter write = call.writer();
  const ValueId near = write.op(ops::kClamp, {x}, {{attr::kMin, -lambd}, {attr::kMax, lambd}});
  return one_result(write.sub(x, near));
}

Imported import_threshold(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId threshold, tensor_as(call, "threshold", write.dtype(x)));
  FERRYMAN_TRY(const ValueId value, tensor_as(call, "value", write.dtype(x)));
  return one_result(write.where(write.binary(ops::kLe, x, threshold), value, x));
}

// log(sigmoid(x)) = -softplus(-x)
Imported import_log_sigmoid(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const ValueId y = write.neg(write.unary(ops::kSoftplus, write.neg(x)));
  return std::vector{y, ValueId()};
}

Imported import_glu(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), -1));
  const Dim size = write.dim(x, axis);
  if (!size.is_static()) {
    const auto along = static_cast<size_t>(axis);
    const Dim half = write.symbols().floordiv(size, 2);
    const ValueId gate = write.slice_axis(x, along, half, write.symbols().mul(half, 2));
    return one_result(
        write.mul(write.slice_axis(x, along, 0, half), write.unary(ops::kSigmoid, gate)));
  }
  if (size.size() % 2 != 0) return call.unsupported("the halved axis has an odd size");
  return one_result(write.op(ops::kGlu, {x}, {{attr::kAxis, Axis{axis}}}));
}

}  // namespace

void add_activation_ops(Ops& ops) {
  define_relus(ops);
  define_smooth(ops);
  define_gated(ops);

  ImportTable& imports = ops.imports;
  imports.add({"sigmoid.default", "special_expit.default"}, import_float<ops::kSigmoid>);
  imports.add("tanh.default", import_float<ops::kTanh>);
  imports.add({"clamp.default", "clamp.Tensor", "clip.default", "clip.Tensor", "clamp_min.default",
               "clamp_min.Tensor", "clamp_max.default", "clamp_max.Tensor"},
              import_clamp);
  imports.add("hardtanh.default", import_hardtanh);
  imports.add("leaky_relu.default", import_leaky_relu);
  imports.add({"prelu.default", "_prelu_kernel.default"}, import_prelu);
  imports.add("rrelu.default", import_rrelu);
  imports.add("selu.default", import_selu);
  imports.add("celu.default", import_celu);
  imports.add("softsign.default", import_softsign);
  imports.add("tanhshrink.default", import_tanhshrink);
  imports.add("hardshrink.default", import_hardshrink);
  imports.add("softshrink.default", import_softshrink);
  imports.add("threshold.default", import_threshold);
  imports.add({"log_sigmoid.default", "log_sigmoid_forward.default"}, import_log_sigmoid);
  imports.add("glu.default", import_glu);
}

}  // namespace ferryman
