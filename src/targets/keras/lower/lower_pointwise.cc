// Pointwise ops: operations, and activations as layers.
#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/attrs.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

LayerSpec activation(std::string_view name) {
  return {"Activation", {{"activation", name}}};
}

// Two tensors of one shape: the layer that a person would write.
bool are_alike(LowerOp& op, TensorIndex a, TensorIndex b) {
  ModelBuilder& builder = op.builder();
  return !builder.is_literal(a) && !builder.is_literal(b) && builder.shape(a) == builder.shape(b) &&
         builder.shape(a).size() > 1 && is_floating(builder.dtype(a));
}

void lower_merge(LowerOp& op, std::string_view layer, std::string_view operation) {
  const TensorIndex a = op.operand(0);
  const TensorIndex b = op.operand(1);
  if (are_alike(op, a, b))
    return op.finish_layer({std::string(layer), {}}, list_argument({TensorRef{a}, TensorRef{b}}));
  op.finish_operation(kNumpy, operation, {TensorRef{a}, TensorRef{b}});
}

// A number with a type of its own, as arrays have it; Python's have none.
TensorIndex typed(LowerOp& op, TensorIndex tensor) {
  ModelBuilder& builder = op.builder();
  if (!builder.is_literal(tensor) || !builder.shape(tensor).empty()) return tensor;
  const DType dtype = builder.dtype(tensor);
  return builder.model().constant(
      dtype, to_dims({1}),
      JsonObject{{"class_name", "__numpy__"},
                 {"config", JsonObject{{"value", JsonArray{builder.model().tensor(tensor).literal}},
                                       {"dtype", dtype_name(dtype)}}}});
}

// What takes only typed numbers, which have an axis: so has the result.
void finish_typed(LowerOp& op, std::string_view name, JsonArray args) {
  ModelBuilder& builder = op.builder();
  TensorSpec result = op.result_spec();
  const bool is_number = result.shape.empty();
  if (is_number) result.shape = to_dims({1});
  const TensorIndex made = builder.operation(kNumpy, name, std::move(args), {}, result);
  op.finish(is_number ? builder.reshape(made, {}) : made);
}

void lower_bitwise(LowerOp& op, std::string_view name) {
  finish_typed(op, name,
               {TensorRef{typed(op, op.operand(0))}, TensorRef{typed(op, op.operand(1))}});
}

// TensorFlow orders no booleans.
void lower_order(LowerOp& op, std::string_view name) {
  ModelBuilder& builder = op.builder();
  JsonArray args;
  for (size_t i = 0; i < 2; ++i) {
    const TensorIndex tensor = op.operand(i);
    const bool is_flag = builder.dtype(tensor) == DType::kBool;
    args.push_back(
        TensorRef{is_flag ? builder.cast(builder.as_tensor(tensor), DType::kI32) : tensor});
  }
  op.finish_operation(kNumpy, name, std::move(args));
}

}  // namespace

void lower_pointwise(LowerOp& op, const KerasOp& keras) {
  JsonArray args;
  for (size_t i = 0; i < op.num_operands(); ++i) args.push_back(TensorRef{op.operand(i)});
  if (keras.file == kActivation) return op.finish_layer(activation(keras.name), std::move(args));
  op.finish_operation(keras.file, keras.name, std::move(args));
}

void lower_add(LowerOp& op) {
  lower_merge(op, "Add", "Add");
}
void lower_sub(LowerOp& op) {
  lower_merge(op, "Subtract", "Subtract");
}
void lower_mul(LowerOp& op) {
  lower_merge(op, "Multiply", "Multiply");
}
void lower_lt(LowerOp& op) {
  lower_order(op, "Less");
}
void lower_le(LowerOp& op) {
  lower_order(op, "LessEqual");
}
void lower_gt(LowerOp& op) {
  lower_order(op, "Greater");
}
void lower_ge(LowerOp& op) {
  lower_order(op, "GreaterEqual");
}

// pow(a, b) of whole numbers -> pow(a, |b|) * (b >= 0 or |a| == 1)    as PyTorch has it;
// TensorFlow refuses negative exponents.
void lower_pow(LowerOp& op) {
  const TensorRef a = {op.operand(0)};
  const TensorRef b = {op.operand(1)};
  if (is_floating(op.result_type().dtype)) return op.finish_operation(kNumpy, "Power", {a, b});
  ModelBuilder& builder = op.builder();
  const TensorSpec whole = op.result_spec();
  const auto apply = [&](std::string_view name, JsonArray args, DType dtype, const Dims& shape) {
    return TensorRef{builder.operation(kNumpy, name, std::move(args), {}, {dtype, shape})};
  };
  const auto size_of = [&](TensorRef x) {
    return apply("Absolute", {x}, whole.dtype, builder.shape(x.tensor));
  };
  const TensorRef power = apply("Power", {a, size_of(b)}, whole.dtype, whole.shape);
  const TensorRef is_up = apply("GreaterEqual", {b, 0}, DType::kBool, builder.shape(b.tensor));
  const TensorRef is_unit = apply("Equal", {size_of(a), 1}, DType::kBool, builder.shape(a.tensor));
  const TensorRef is_whole = apply("LogicalOr", {is_up, is_unit}, DType::kBool, whole.shape);
  op.finish_operation(kNumpy, "Multiply",
                      {power, TensorRef{builder.cast(is_whole.tensor, whole.dtype)}});
}

void lower_bitwise_and(LowerOp& op) {
  lower_bitwise(op, "BitwiseAnd");
}
void lower_bitwise_or(LowerOp& op) {
  lower_bitwise(op, "BitwiseOr");
}
void lower_bitwise_xor(LowerOp& op) {
  lower_bitwise(op, "BitwiseXor");
}

// Towards zero: one more than the quotient below, where that is negative and not exact.
void lower_trunc_divide(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorRef a = {op.operand(0)};
  const TensorRef b = {op.operand(1)};
  const TensorSpec whole = op.result_spec();
  const TensorSpec flag = {DType::kBool, whole.shape};
  const auto number = [&](std::string_view name, TensorRef x, TensorRef y) {
    return TensorRef{builder.operation(kNumpy, name, {x, y}, {}, whole)};
  };
  const auto ask = [&](std::string_view name, Json x, Json y) {
    return TensorRef{builder.operation(kNumpy, name, {std::move(x), std::move(y)}, {}, flag)};
  };
  const TensorRef below = number("FloorDivide", a, b);
  const TensorRef rest = number("Subtract", a, number("Multiply", below, b));
  const TensorRef is_negative = ask("LogicalXor", ask("Less", a, 0), ask("Less", b, 0));
  const TensorRef is_off = ask("LogicalAnd", ask("NotEqual", rest, 0), is_negative);
  op.finish_operation(kNumpy, "Add", {below, TensorRef{builder.cast(is_off.tensor, whole.dtype)}});
}

// RightShift says that its result has the shape of the first.
void lower_shift_right(LowerOp& op) {
  ModelBuilder& builder = op.builder();
  const TensorIndex x = typed(op, op.operand(0));
  const Dims to = op.result_shape();
  finish_typed(
      op, "RightShift",
      {TensorRef{to.empty() ? x : builder.broadcast(x, to)}, TensorRef{typed(op, op.operand(1))}});
}

void lower_bitcast(LowerOp& op) {
  const TensorIndex x = op.builder().as_tensor(op.operand(0));
  op.finish_operation(kNumpy, "View", {TensorRef{x}},
                      {{"dtype", dtype_name(op.attr(attr::kDType))}});
}

void lower_where(LowerOp& op) {
  finish_typed(op, "Where",
               {TensorRef{op.operand(0)}, TensorRef{typed(op, op.operand(1))},
                TensorRef{typed(op, op.operand(2))}});
}

void lower_cast(LowerOp& op) {
  op.finish_operation(kCore, "Cast", {TensorRef{op.operand(0)}},
                      {{"dtype", dtype_name(op.attr(attr::kDType))}});
}

void lower_relu(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  if (is_floating(op.type(0).dtype)) return op.finish_layer({"ReLU", {}}, {TensorRef{x}});
  op.finish_operation(kNumpy, "Maximum", {TensorRef{x}, 0});
}

void lower_relu6(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  if (is_floating(op.type(0).dtype))
    return op.finish_layer({"ReLU", {{"max_value", 6.0}}}, {TensorRef{x}});
  op.finish_operation(kNumpy, "Clip", {TensorRef{x}}, {{"x_min", 0}, {"x_max", 6}});
}

void lower_clamp(LowerOp& op) {
  const double min = op.attr(attr::kMin);
  const double max = op.attr(attr::kMax);
  const bool is_integer = !is_floating(op.type(0).dtype);
  const auto bound = [&](double value) {
    return is_integer ? Json(static_cast<int64_t>(value)) : Json(value);
  };
  const TensorIndex x = op.operand(0);
  if (!std::isinf(min) && !std::isinf(max)) {
    return op.finish_operation(kNumpy, "Clip", {TensorRef{x}},
                               {{"x_min", bound(min)}, {"x_max", bound(max)}});
  }
  if (!std::isinf(max)) return op.finish_operation(kNumpy, "Minimum", {TensorRef{x}, bound(max)});
  if (!std::isinf(min)) return op.finish_operation(kNumpy, "Maximum", {TensorRef{x}, bound(min)});
  op.finish_layer({"Identity", {}}, {TensorRef{x}});
}

void lower_leaky_relu(LowerOp& op) {
  op.finish_layer({"LeakyReLU", {{"negative_slope", op.attr(attr::kNegativeSlope)}}},
                  {TensorRef{op.operand(0)}});
}

// One slope for each position but those along the axes that share it.
void lower_prelu(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  const Dims& shape = op.builder().shape(x);
  if (!op.can_hold(1) || shape.size() < 2) {
    const TensorIndex slope = op.operand(1);
    const TensorSpec spec = op.result_spec();
    ModelBuilder& builder = op.builder();
    const TensorIndex above = builder.operation(kNumpy, "Maximum", {TensorRef{x}, 0.0}, {}, spec);
    const TensorIndex below = builder.operation(kNumpy, "Minimum", {TensorRef{x}, 0.0}, {}, spec);
    const TensorIndex scaled =
        builder.operation(kNumpy, "Multiply", {TensorRef{below}, TensorRef{slope}}, {}, spec);
    return op.finish_operation(kNumpy, "Add", {TensorRef{above}, TensorRef{scaled}});
  }
  const Stored slope = op.stored(1);
  Ints alpha(shape.size() - std::min(shape.size(), slope.shape.size()), 1);
  alpha.insert(alpha.end(), slope.shape.begin(), slope.shape.end());
  alpha.erase(alpha.begin());
  Ints shared;
  for (size_t axis = 0; axis < alpha.size(); ++axis)
    if (alpha[axis] == 1) shared.push_back(static_cast<int64_t>(axis) + 1);
  Ints all(slope.axes.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  op.finish_layer({"PReLU",
                   {{"shared_axes", shared}},
                   {LowerOp::variable("alpha", slope, all, alpha)},
                   op.module_of(1)},
                  {TensorRef{x}});
}

void lower_elu(LowerOp& op) {
  op.finish_layer({"ELU", {{"alpha", op.attr(attr::kAlpha)}}}, {TensorRef{op.operand(0)}});
}

std::optional<Limit> elu_limit(const Graph&, const Op& op) {
  if (op.attr(attr::kScale) == 1 && op.attr(attr::kInputScale) == 1) return std::nullopt;
  return Limit{"elu with scales", "Keras' ELU has only alpha", ""};
}

std::optional<Limit> softplus_limit(const Graph&, const Op& op) {
  if (op.attr(attr::kBeta) == 1) return std::nullopt;
  return Limit{"softplus with a factor", "Keras' softplus has none", ""};
}

void lower_gelu(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  if (op.attr(attr::kApproximate) == "none")
    return op.finish_layer(activation("gelu"), {TensorRef{x}});
  op.finish_operation(kNn, "Gelu", {TensorRef{x}}, {{"approximate", true}});
}

void lower_glu(LowerOp& op) {
  op.finish_operation(kNn, "Glu", {TensorRef{op.operand(0)}}, {{"axis", op.axis(attr::kAxis)}});
}

}  // namespace ferryman::keras
