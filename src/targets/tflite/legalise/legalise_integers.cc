// Whole numbers and bools: exact, or left for check_target to report. The runtime's arithmetic on
// int64 is ADD, SUB, MUL, FLOOR_MOD, MINIMUM, MAXIMUM and comparisons.
#include <algorithm>
#include <bit>
#include <cmath>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/exact_division.h"
#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"
#include "targets/tflite/legalise/legalise_match.h"

namespace ferryman::tflite {

namespace {

Match<RootOp> match_integers(const Graph& graph, OpId root) {
  if (!is_integer(operand_dtype(graph, root))) return std::nullopt;
  return RootOp{root};
}

Match<RootOp> match_not_int32(const Graph& graph, OpId root) {
  const DType dtype = operand_dtype(graph, root);
  if (!is_integer(dtype) || dtype == DType::kI32) return std::nullopt;
  return RootOp{root};
}

ValueId write_abs(CoreWriter& write, ValueId x) {
  return write.binary(ops::kMaximum, x, write.unary(ops::kNeg, x));
}

// abs(x) -> maximum(x, -x)
void integer_abs_to_maximum(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  rewriter.replace_value(op.result(), write_abs(write, op.operands[0]));
}

// sign(x) -> minimum(maximum(x, -1), 1)
void integer_sign_to_bounds(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId low = write.binary(ops::kMaximum, op.operands[0], -1.0);
  rewriter.replace_value(op.result(), write.binary(ops::kMinimum, low, 1.0));
}

// square(x) -> x * x
void integer_square_to_product(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  rewriter.replace_value(op.result(), write.mul(op.operands[0], op.operands[0]));
}

// relu(x) -> maximum(x, 0), relu6(x) -> minimum(maximum(x, 0), 6)
void integer_relu_to_maximum(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  ValueId result = write.binary(ops::kMaximum, op.operands[0], 0.0);
  if (op.is(ops::kRelu6)) result = write.binary(ops::kMinimum, result, 6.0);
  rewriter.replace_value(op.result(), result);
}

// fmod(x, y) has the sign of x: r = remainder(x, y), which has that of y; r - y where they differ
void integer_fmod_to_remainder(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const ValueId rest = write.binary(ops::kRemainder, x, op.operands[1]);
  const ValueId signs_differ = write.binary(ops::kLogicalXor, write.binary(ops::kLt, rest, 0.0),
                                            write.binary(ops::kLt, x, 0.0));
  const ValueId is_off =
      write.binary(ops::kLogicalAnd, write.binary(ops::kNe, rest, 0.0), signs_differ);
  rewriter.replace_value(op.result(), write.where(is_off, write.sub(rest, op.operands[1]), rest));
}

// bitwise_not(x) -> -1 - x
void bitwise_not_to_sub(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  rewriter.replace_value(op.result(), write.sub(write.scalar(x, -1.0), x));
}

// x | y = x + y - (x & y)
void bitwise_or_to_and(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId both = write.binary(ops::kBitwiseAnd, op.operands[0], op.operands[1]);
  rewriter.replace_value(op.result(), write.sub(write.add(op.operands[0], op.operands[1]), both));
}

// x ^ y = x + y - 2 (x & y), where BITWISE_XOR has no int64
void bitwise_xor_to_and(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId both = write.binary(ops::kBitwiseAnd, op.operands[0], op.operands[1]);
  rewriter.replace_value(
      op.result(), write.sub(write.add(op.operands[0], op.operands[1]), write.add(both, both)));
}

// 2^i, exact, for whole shifts.
ValueId write_power_of_two(Builder& builder, CoreWriter& write, ValueId shift) {
  constexpr int kPowers = 63;
  std::vector<int64_t> powers(kPowers);
  for (int i = 0; i < kPowers; ++i) powers[static_cast<size_t>(i)] = int64_t{1} << i;
  const ValueId table = builder.constant(TensorData::of<int64_t>({kPowers}, powers), "powers");
  return builder.create(ops::kGather, {table, write.cast(shift, DType::kI32)},
                        {{attr::kAxis, Axis{0}}});
}

// RIGHT_SHIFT has no int64: x = high * 2^32 + low, each half shifted, and the bits that leave the
// upper half put on top of the lower one.
void int64_shift_right_to_halves(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const Dims dims = write.dims(op.result());
  const ValueId x = write.expand(op.operands[0], dims);
  const ValueId by = write.cast(write.expand(op.operands[1], dims), DType::kI32);
  const ValueId halves = rewriter.create(ops::kBitcast, {x}, {{attr::kDType, DType::kI32}});
  const ValueId low = write.reshape(write.slice_axis(halves, dims.size(), 0, 1), dims);
  const ValueId high = write.reshape(write.slice_axis(halves, dims.size(), 1, 2), dims);
  const auto shifted = [&](ValueId half, ValueId count) {
    return write.cast(write.binary(ops::kShiftRight, half, count), DType::kI64);
  };
  const ValueId count = write.binary(ops::kMinimum, by, 31.0);
  const ValueId kept = write_power_of_two(rewriter, write, count);
  const ValueId place =
      write_power_of_two(rewriter, write, write.sub(write.scalar(count, 32.0), count));
  const ValueId leaving = write.binary(ops::kBitwiseAnd, write.cast(high, DType::kI64),
                                       write.binary(ops::kAdd, kept, -1.0));
  const ValueId lower =
      write.binary(ops::kBitwiseAnd, shifted(low, count), write.binary(ops::kAdd, place, -1.0));
  const ValueId upper = write.mul(shifted(high, count), 4294967296.0);
  const ValueId near = write.add(upper, write.add(write.mul(leaving, place), lower));
  const ValueId over = write.binary(ops::kMaximum, write.binary(ops::kAdd, by, -32.0), 0.0);
  const ValueId is_near = write.binary(ops::kLt, by, 32.0);
  rewriter.replace_value(op.result(), write.where(is_near, near, shifted(high, over)));
}

Match<RootOp> match_int64(const Graph& graph, OpId root) {
  if (operand_dtype(graph, root) != DType::kI64) return std::nullopt;
  return RootOp{root};
}

// What is left of x after division, with the sign that the rounding asks for.
ValueId write_rest(CoreWriter& write, const Op& division, ValueId x, ValueId divisor) {
  return write.binary(division.is(ops::kFloorDivide) ? ops::kRemainder : ops::kFmod, x, divisor);
}

// x / y -> (x - rest) / y without a rest, which multiplications can do; y is not -1 (guard_values).
void int64_division_to_product(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = write.expand(op.operands[0], write.dims(op.result()));
  const ValueId whole = write.sub(x, write_rest(write, op, x, op.operands[1]));
  rewriter.replace_value(op.result(), exact_quotient(CoreWriter(rewriter), whole, op.operands[1]));
}

// By squaring, for the bits of an exponent that is not negative (guard_values); POW has no int64.
//   x^y -> the product of those x^(2^i) whose bit is set in y
int num_exponent_bits(const Graph& graph, ValueId exponent) {
  constexpr int kMost = 63;
  if (!graph.is_constant(exponent)) return kMost;
  int64_t largest = 0;
  for (const int64_t value : graph.constant(exponent).to_ints()) largest = std::max(largest, value);
  return static_cast<int>(std::bit_width(static_cast<uint64_t>(largest)));
}

void int64_power_to_squares(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId exponent = op.operands[1];
  ValueId square = op.operands[0];
  ValueId power = write.scalar(square, 1.0);
  const int num_bits = num_exponent_bits(rewriter.graph(), exponent);
  for (int bit = 0; bit < num_bits; ++bit) {
    if (bit > 0) square = write.mul(square, square);
    const ValueId place = write.scalar(exponent, std::ldexp(1.0, bit));
    const ValueId is_set =
        write.binary(ops::kNe, write.binary(ops::kBitwiseAnd, exponent, place), 0.0);
    power = write.where(is_set, write.mul(power, square), power);
  }
  rewriter.replace_value(op.result(), write.expand(power, write.dims(op.result())));
}

// x // 1 is x; no kernel divides int64.
Match<RootOp> match_floor_divide_by_one(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool is_x = uniform_value(graph, op.operands[1]) == 1.0 &&
                    graph.type(op.operands[0]) == graph.type(op.result());
  if (!is_x || !is_integer(operand_dtype(graph, root))) return std::nullopt;
  return RootOp{root};
}

void forward_dividend(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  rewriter.replace_value(op.result(), op.operands[0]);
}

// ARG_MAX and ARG_MIN do not take int64: the first index where x equals its own extreme.
//   argmax(x) -> argmax(cast(x == amax(x), int32))
void integer_arg_to_equality(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const int64_t axis = op.attr(attr::kAxis).value;
  const ValueId extreme =
      rewriter.create(op.is(ops::kArgmax) ? ops::kAmax : ops::kAmin, {op.operands[0]},
                      {{attr::kAxes, Axes{{axis}}}, {attr::kKeepDim, true}});
  const ValueId is_extreme = write.binary(ops::kEq, op.operands[0], extreme);
  const ValueId operands[] = {write.cast(is_extreme, DType::kI32)};
  rewriter.replace_value(op.result(), rewriter.create(ops::kArgmax, operands, attrs_of(op)));
}

}  // namespace

std::vector<Rule> legal_integer_rules() {
  std::vector<Rule> rules;
  rules.push_back(
      make_rule("integer_abs_to_maximum", {ops::kAbs}, match_not_int32, integer_abs_to_maximum));
  rules.push_back(
      make_rule("integer_sign_to_bounds", {ops::kSign}, match_not_int32, integer_sign_to_bounds));
  rules.push_back(make_rule("integer_square_to_product", {ops::kSquare}, match_integers,
                            integer_square_to_product));
  rules.push_back(make_rule("integer_relu_to_maximum", {ops::kRelu, ops::kRelu6}, match_integers,
                            integer_relu_to_maximum));
  rules.push_back(make_rule("integer_fmod_to_remainder", {ops::kFmod}, match_integers,
                            integer_fmod_to_remainder));
  rules.push_back(make_rule("integer_arg_to_equality", {ops::kArgmax, ops::kArgmin},
                            match_not_int32, integer_arg_to_equality));
  rules.push_back(
      make_rule("bitwise_not_to_sub", {ops::kBitwiseNot}, match_integers, bitwise_not_to_sub));
  rules.push_back(
      make_rule("bitwise_or_to_and", {ops::kBitwiseOr}, match_integers, bitwise_or_to_and));
  rules.push_back(
      make_rule("bitwise_xor_to_and", {ops::kBitwiseXor}, match_int64, bitwise_xor_to_and));
  rules.push_back(make_rule("int64_shift_right_to_halves", {ops::kShiftRight}, match_int64,
                            int64_shift_right_to_halves));
  rules.push_back(
      make_rule("int64_power_to_squares", {ops::kPow}, match_int64, int64_power_to_squares));
  rules.push_back(make_rule("floor_divide_by_one", {ops::kFloorDivide, ops::kTruncDivide},
                            match_floor_divide_by_one, forward_dividend));
  rules.push_back(make_rule("int64_division_to_product", {ops::kFloorDivide, ops::kTruncDivide},
                            match_int64, int64_division_to_product));
  return rules;
}

}  // namespace ferryman::tflite
