// Arithmetic with constants and signs.
#include <algorithm>
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/fold/constants.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

struct Binary {
  ValueId result, a, b;
};

Binary binary(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  return {op.result(), op.operands[0], op.operands[1]};
}

// The x of op(x), if `value` is made by such an op.
ValueId inside(const Graph& graph, ValueId value, OpName name) {
  const OpId producer = graph.producer_if(value, name);
  return producer.valid() ? graph.op(producer).operands[0] : ValueId();
}

// add(c, x) -> add(x, c)
Match<OneOp> match_constant_on_the_left(const Graph& graph, OpId root) {
  const auto [result, a, b] = binary(graph, root);
  if (!graph.is_constant(a) || graph.is_constant(b)) return std::nullopt;
  return OneOp{result, OpName{graph.op(root).def->name}, {b, a}};
}

// x + 0, x - 0, x * 1, x / 1 -> x
Match<Forward> match_neutral_constant(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  const Op& op = graph.op(root);
  const double neutral = op.is(ops::kAdd) || op.is(ops::kSub) ? 0.0 : 1.0;
  if (uniform_value(graph, constant) != neutral || !same_type(graph, x, result))
    return std::nullopt;
  return Forward{result, x};
}

// x - c -> x + (-c)
Match<OneOp> match_sub_of_constant(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  if (!is_known_constant(graph, constant) || !is_floating(graph, constant)) return std::nullopt;
  const auto negate = [](double value) { return -value; };
  return OneOp{result,
               ops::kAdd,
               {x},
               {},
               map_elements(graph.constant(constant), negate),
               graph.value(constant).name};
}

// x - neg(y) -> x + y
Match<OneOp> match_sub_of_neg(const Graph& graph, OpId root) {
  const auto [result, x, other] = binary(graph, root);
  const ValueId y = inside(graph, other, ops::kNeg);
  if (!y.valid()) return std::nullopt;
  return OneOp{result, ops::kAdd, {x, y}};
}

// x + neg(y), neg(y) + x -> x - y
Match<OneOp> match_add_of_neg(const Graph& graph, OpId root) {
  const auto [result, a, b] = binary(graph, root);
  if (const ValueId y = inside(graph, b, ops::kNeg); y.valid())
    return OneOp{result, ops::kSub, {a, y}};
  if (const ValueId y = inside(graph, a, ops::kNeg); y.valid())
    return OneOp{result, ops::kSub, {b, y}};
  return std::nullopt;
}

// neg(neg(x)), not(not(x)) -> x
Match<Forward> match_twice(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId x = inside(graph, op.operands[0], OpName{op.def->name});
  if (!x.valid() || !same_type(graph, x, op.result())) return std::nullopt;
  return Forward{op.result(), x};
}

// 0 - x -> neg(x)
Match<OneOp> match_zero_minus(const Graph& graph, OpId root) {
  const auto [result, zero, x] = binary(graph, root);
  if (uniform_value(graph, zero) != 0.0 || !same_type(graph, x, result)) return std::nullopt;
  return OneOp{result, ops::kNeg, {x}};
}

// x * -1 -> neg(x)
Match<OneOp> match_mul_by_minus_one(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  if (uniform_value(graph, constant) != -1.0 || !same_type(graph, x, result)) return std::nullopt;
  return OneOp{result, ops::kNeg, {x}};
}

bool is_power_of_two(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);
  constexpr int kMaxExponent = 100;  // the reciprocal is exact and normal in f32
  return mantissa == 0.5 && std::abs(exponent) < kMaxExponent;
}

constexpr int64_t kMaxDivisors = 1 << 16;

// x / 8 -> x * 0.125                  only where the reciprocal is exact
Match<OneOp> match_div_by_power_of_two(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  if (!is_known_constant(graph, constant)) return std::nullopt;
  const DType dtype = graph.type(constant).dtype;
  if (dtype != DType::kF32 && dtype != DType::kF64) return std::nullopt;
  const TensorData& divisors = graph.constant(constant);
  if (divisors.num_elems() > kMaxDivisors) return std::nullopt;
  const std::vector<double> values = divisors.to_doubles();
  if (!std::all_of(values.begin(), values.end(), is_power_of_two)) return std::nullopt;
  const auto invert = [](double value) { return 1.0 / value; };
  return OneOp{
      result, ops::kMul, {x}, {}, map_elements(divisors, invert), graph.value(constant).name};
}

// 1 / x -> reciprocal(x)
Match<OneOp> match_one_over(const Graph& graph, OpId root) {
  const auto [result, one, x] = binary(graph, root);
  if (uniform_value(graph, one) != 1.0 || !same_type(graph, x, result)) return std::nullopt;
  return OneOp{result, ops::kReciprocal, {x}};
}

// reciprocal(sqrt(x)) -> rsqrt(x)
Match<OneOp> match_reciprocal_of_sqrt(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId x = inside(graph, op.operands[0], ops::kSqrt);
  if (!x.valid()) return std::nullopt;
  return OneOp{op.result(), ops::kRsqrt, {x}};
}

// x * x -> square(x)
Match<OneOp> match_mul_by_itself(const Graph& graph, OpId root) {
  const auto [result, a, b] = binary(graph, root);
  if (a != b || !is_floating(graph, a)) return std::nullopt;
  return OneOp{result, ops::kSquare, {a}};
}

std::optional<OpName> op_for_exponent(double exponent) {
  if (exponent == 2.0) return ops::kSquare;
  if (exponent == 0.5) return ops::kSqrt;
  if (exponent == -0.5) return ops::kRsqrt;
  if (exponent == -1.0) return ops::kReciprocal;
  return std::nullopt;
}

// pow(x, 2) -> square(x)              likewise sqrt, rsqrt, reciprocal
Match<OneOp> match_pow_with_name(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  const std::optional<double> exponent = uniform_value(graph, constant);
  if (!exponent.has_value() || !is_floating(graph, x)) return std::nullopt;
  const std::optional<OpName> name = op_for_exponent(*exponent);
  if (!name.has_value() || !same_type(graph, x, result)) return std::nullopt;
  return OneOp{result, *name, {x}};
}

// pow(x, 1) -> x
Match<Forward> match_pow_one(const Graph& graph, OpId root) {
  const auto [result, x, constant] = binary(graph, root);
  if (uniform_value(graph, constant) != 1.0 || !same_type(graph, x, result)) return std::nullopt;
  return Forward{result, x};
}

// where(true, a, b) -> a
Match<Forward> match_known_where(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<double> condition = uniform_value(graph, op.operands[0]);
  if (!condition.has_value()) return std::nullopt;
  const ValueId chosen = op.operands[*condition != 0.0 ? 1 : 2];
  if (!same_type(graph, chosen, op.result())) return std::nullopt;
  return Forward{op.result(), chosen};
}

}  // namespace

std::vector<Rule> canonical_arithmetic_rules() {
  return {
      make_rule("constant_on_the_left", {ops::kAdd, ops::kMul, ops::kMaximum, ops::kMinimum},
                match_constant_on_the_left),
      make_rule("neutral_constant", {ops::kAdd, ops::kSub, ops::kMul, ops::kDiv},
                match_neutral_constant),
      make_rule("sub_of_constant", {ops::kSub}, match_sub_of_constant),
      make_rule("sub_of_neg", {ops::kSub}, match_sub_of_neg),
      make_rule("add_of_neg", {ops::kAdd}, match_add_of_neg),
      make_rule("twice", {ops::kNeg, ops::kLogicalNot}, match_twice),
      make_rule("zero_minus", {ops::kSub}, match_zero_minus),
      make_rule("mul_by_minus_one", {ops::kMul}, match_mul_by_minus_one),
      make_rule("div_by_power_of_two", {ops::kDiv}, match_div_by_power_of_two),
      make_rule("one_over", {ops::kDiv}, match_one_over),
      make_rule("reciprocal_of_sqrt", {ops::kReciprocal}, match_reciprocal_of_sqrt),
      make_rule("mul_by_itself", {ops::kMul}, match_mul_by_itself),
      make_rule("pow_with_name", {ops::kPow}, match_pow_with_name),
      make_rule("pow_one", {ops::kPow}, match_pow_one),
      make_rule("known_where", {ops::kWhere}, match_known_where),
  };
}

}  // namespace ferryman
