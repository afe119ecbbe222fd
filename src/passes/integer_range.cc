#include "passes/integer_range.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/match.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxConstantElems = 1 << 16;  // larger constants are not looked through

// Bounds of exact arithmetic, which may lie outside of int64.
using Wide = __int128;
struct WideRange {
  Wide min = 0;
  Wide max = 0;
};

using Ranges = std::vector<IntegerRange>;

WideRange widened(const IntegerRange& range) {
  return {range.min, range.max};
}

WideRange hull(std::initializer_list<Wide> numbers) {
  return {std::min(numbers), std::max(numbers)};
}

IntegerRange hull(const IntegerRange& a, const IntegerRange& b) {
  return {std::min(a.min, b.min), std::max(a.max, b.max)};
}

// Results outside of the dtype wrap around, and can then be any of its numbers.
IntegerRange in_dtype(const WideRange& range, DType dtype) {
  const IntegerRange all = range_of_dtype(dtype);
  if (range.min < all.min || range.max > all.max) return all;
  return {static_cast<int64_t>(range.min), static_cast<int64_t>(range.max)};
}

Wide floored_quotient(Wide a, Wide b) {
  const Wide quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

// The divisors among which those with the extreme quotients are; 0 is none.
std::vector<Wide> extreme_divisors(const IntegerRange& divisor) {
  std::vector<Wide> divisors;
  for (const int64_t number : {divisor.min, divisor.max, int64_t{-1}, int64_t{1}}) {
    if (number != 0 && divisor.holds(number)) divisors.push_back(number);
  }
  return divisors;
}

std::optional<WideRange> quotient(const Op& op, const IntegerRange& x, const IntegerRange& by) {
  const std::vector<Wide> divisors = extreme_divisors(by);
  if (divisors.empty()) return std::nullopt;
  std::vector<Wide> quotients;
  for (const Wide divisor : divisors) {
    for (const Wide end : {Wide{x.min}, Wide{x.max}}) {
      quotients.push_back(op.is(ops::kFloorDivide) ? floored_quotient(end, divisor)
                                                   : end / divisor);
    }
  }
  const auto [least, greatest] = std::minmax_element(quotients.begin(), quotients.end());
  return WideRange{*least, *greatest};
}

// It has the sign of the divisor, and is nearer to 0.
WideRange remainder(const IntegerRange& x, const IntegerRange& by) {
  WideRange rest = {std::min<Wide>(0, Wide{by.min} + 1), std::max<Wide>(0, Wide{by.max} - 1)};
  if (x.min >= 0 && by.min > 0) rest.max = std::min<Wide>(rest.max, x.max);
  return rest;
}

// It has the sign of the dividend, and is nearer to 0 than both.
WideRange fmod(const IntegerRange& x, const IntegerRange& by) {
  const Wide most = std::max({-Wide{by.min}, Wide{by.max}, Wide{1}}) - 1;
  return {x.min < 0 ? std::max(-most, Wide{x.min}) : 0,
          x.max > 0 ? std::min(most, Wide{x.max}) : 0};
}

WideRange product(const IntegerRange& a, const IntegerRange& b) {
  return hull({Wide{a.min} * b.min, Wide{a.min} * b.max, Wide{a.max} * b.min, Wide{a.max} * b.max});
}

WideRange shifted_right(const IntegerRange& x, const IntegerRange& by) {
  if (by.min < 0 || by.max > 63) return hull({x.min, x.max, 0, -1});
  return hull({x.min >> by.min, x.min >> by.max, x.max >> by.min, x.max >> by.max});
}

WideRange common_bits(const IntegerRange& a, const IntegerRange& b, DType dtype) {
  if (a.min >= 0 && b.min >= 0) return {0, std::min(a.max, b.max)};
  if (a.min >= 0) return {0, a.max};
  if (b.min >= 0) return {0, b.max};
  return widened(range_of_dtype(dtype));
}

WideRange any_bits(const IntegerRange& a, const IntegerRange& b, DType dtype) {
  if (a.min < 0 || b.min < 0) return widened(range_of_dtype(dtype));
  const auto bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(std::max(a.max, b.max))));
  return {0, (Wide{1} << bits) - 1};
}

// The sum of up to `count` elements, and of none.
WideRange partial_sums(const IntegerRange& x, int64_t count) {
  return hull({x.min, x.max, Wide{x.min} * count, Wide{x.max} * count});
}

WideRange magnitude(const IntegerRange& x) {
  const Wide most = std::max(-Wide{x.min}, Wide{x.max});
  if (x.min >= 0) return widened(x);
  return {x.max <= 0 ? -Wide{x.max} : 0, most};
}

WideRange bounded(const IntegerRange& x, double low, double high) {
  const auto bound = [](double number, Wide unbounded) {
    constexpr double kLimit = 9.2e18;  // inside of int64
    return std::abs(number) < kLimit ? static_cast<Wide>(number) : unbounded;
  };
  const Wide least = bound(low, x.min);
  const Wide most = bound(high, x.max);
  return {std::min(std::max<Wide>(x.min, least), most),
          std::min(std::max<Wide>(x.max, least), most)};
}

bool gives_elements_of_first(const Op& op) {
  constexpr std::array kNames = {ops::kReshape, ops::kPermute,      ops::kExpand, ops::kSlice,
                                 ops::kFlip,    ops::kTile,         ops::kGather, ops::kAmax,
                                 ops::kAmin,    ops::kReflectPad,   ops::kTopk,   ops::kCut,
                                 ops::kMaxPool, ops::kResizeNearest};
  return std::any_of(kNames.begin(), kNames.end(), [&](OpName name) { return op.is(name); });
}

std::optional<WideRange> of_binary(const Op& op, const IntegerRange& a, const IntegerRange& b,
                                   DType dtype) {
  if (op.is(ops::kAdd)) return WideRange{Wide{a.min} + b.min, Wide{a.max} + b.max};
  if (op.is(ops::kSub)) return WideRange{Wide{a.min} - b.max, Wide{a.max} - b.min};
  if (op.is(ops::kMul)) return product(a, b);
  if (op.is(ops::kMaximum)) return WideRange{std::max(a.min, b.min), std::max(a.max, b.max)};
  if (op.is(ops::kMinimum)) return WideRange{std::min(a.min, b.min), std::min(a.max, b.max)};
  if (op.is(ops::kFloorDivide) || op.is(ops::kTruncDivide)) return quotient(op, a, b);
  if (op.is(ops::kRemainder)) return remainder(a, b);
  if (op.is(ops::kFmod)) return fmod(a, b);
  if (op.is(ops::kShiftRight)) return shifted_right(a, b);
  if (op.is(ops::kBitwiseAnd)) return common_bits(a, b, dtype);
  if (op.is(ops::kBitwiseOr) || op.is(ops::kBitwiseXor)) return any_bits(a, b, dtype);
  return std::nullopt;
}

std::optional<WideRange> of_unary(const Op& op, const IntegerRange& x) {
  if (op.is(ops::kCast)) return widened(x);
  if (op.is(ops::kNeg)) return WideRange{-Wide{x.max}, -Wide{x.min}};
  if (op.is(ops::kBitwiseNot)) return WideRange{-1 - Wide{x.max}, -1 - Wide{x.min}};
  if (op.is(ops::kAbs)) return magnitude(x);
  if (op.is(ops::kSquare)) {
    const WideRange size = magnitude(x);
    return WideRange{size.min * size.min, size.max * size.max};
  }
  if (op.is(ops::kSign)) return WideRange{x.min < 0 ? -1 : x.min > 0, x.max > 0 ? 1 : -(x.max < 0)};
  if (op.is(ops::kRelu)) return bounded(x, 0, std::numeric_limits<double>::infinity());
  if (op.is(ops::kRelu6)) return bounded(x, 0, 6);
  if (op.is(ops::kClamp)) return bounded(x, op.attr(attr::kMin), op.attr(attr::kMax));
  return std::nullopt;
}

int64_t num_reduced(const Graph& graph, const Op& op) {
  int64_t count = 1;
  const Dims& dims = graph.type(op.operands[0]).dims;
  for (const int64_t axis : op.attr(attr::kAxes).values) {
    count *= dims[static_cast<size_t>(axis)].size();
  }
  return count;
}

// Positions along an axis.
std::optional<IntegerRange> of_positions(const Graph& graph, const Op& op, ValueId value) {
  const bool is_topk = op.is(ops::kTopk) && value != op.results[0];
  if (!is_topk && !op.is(ops::kArgmax) && !op.is(ops::kArgmin)) return std::nullopt;
  const Dims& dims = graph.type(op.operands[0]).dims;
  return IntegerRange{0, dims[static_cast<size_t>(op.attr(attr::kAxis).value)].size() - 1};
}

bool counts(DType dtype) {
  return is_integer(dtype) || dtype == DType::kBool;
}

bool all_operands_count(const Graph& graph, const Op& op) {
  return std::all_of(op.operands.begin(), op.operands.end(), [&](ValueId operand) {
    return operand.valid() && counts(graph.type(operand).dtype) &&
           all_static(graph.type(operand).dims);
  });
}

IntegerRange of_constant(const TensorData& data) {
  const IntegerRange all = range_of_dtype(data.dtype());
  if (data.is_elided() || data.num_elems() == 0 || data.num_elems() > kMaxConstantElems) return all;
  if (data.dtype() == DType::kU64) return all;
  const Ints numbers = data.to_ints();
  const auto [least, greatest] = std::minmax_element(numbers.begin(), numbers.end());
  return {*least, *greatest};
}

}  // namespace

IntegerRange range_of_dtype(DType dtype) {
  if (dtype == DType::kBool) return {0, 1};
  const auto bits = static_cast<int>(byte_size(dtype) * 8);
  const bool has_sign = is_signed_integer(dtype);
  const int magnitude_bits = has_sign ? bits - 1 : std::min(bits, 63);
  const auto most = static_cast<int64_t>((uint64_t{1} << magnitude_bits) - 1);
  return {has_sign ? -most - 1 : 0, most};
}

bool IntegerRange::fits(DType dtype) const {
  const IntegerRange all = range_of_dtype(dtype);
  return all.min <= min && max <= all.max;
}

IntegerRange IntegerRanges::of(ValueId value, int depth) {
  if (const auto known = known_.find(value); known != known_.end()) return known->second;
  if (depth == 0) return range_of_dtype(graph_.type(value).dtype);
  return known_[value] = compute(value, depth);
}

IntegerRange IntegerRanges::compute(ValueId value, int depth) {
  const Value& known = graph_.value(value);
  if (known.kind == ValueKind::kConstant) return of_constant(*known.data);
  const IntegerRange all = range_of_dtype(known.type.dtype);
  if (known.kind != ValueKind::kResult || known.type.dtype == DType::kBool) return all;
  const IntegerRange range = of_result(graph_.op(known.producer), value, depth);
  return {std::max(range.min, all.min), std::min(range.max, all.max)};
}

IntegerRange IntegerRanges::of_result(const Op& op, ValueId value, int depth) {
  const DType dtype = graph_.type(value).dtype;
  const IntegerRange all = range_of_dtype(dtype);
  const auto operand = [&](size_t i) { return of(op.operands[i], depth - 1); };
  const bool is_static =
      op.operands.empty() || (op.has_operand(0) && all_static(graph_.type(op.operands[0]).dims));
  if (!is_static) return all;
  if (const std::optional<IntegerRange> positions = of_positions(graph_, op, value))
    return *positions;
  if (op.is(ops::kWhere)) return hull(operand(1), operand(2));
  if (!all_operands_count(graph_, op)) return all;
  if (gives_elements_of_first(op)) return operand(0);
  if (op.is(ops::kConcat)) {
    IntegerRange range = operand(0);
    for (size_t i = 1; i < op.operands.size(); ++i) range = hull(range, operand(i));
    return range;
  }
  if (op.is(ops::kPad)) {
    const auto filling = static_cast<int64_t>(op.attr(attr::kValue));
    return hull(operand(0), {filling, filling});
  }
  if (op.is(ops::kSum)) {
    const IntegerRange x = operand(0);
    const int64_t count = num_reduced(graph_, op);
    return in_dtype({Wide{x.min} * count, Wide{x.max} * count}, dtype);
  }
  if (op.is(ops::kCumsum)) {
    const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
    return in_dtype(partial_sums(operand(0), graph_.type(op.operands[0]).dims[axis].size()), dtype);
  }
  std::optional<WideRange> range;
  if (op.operands.size() == 1) range = of_unary(op, operand(0));
  if (op.operands.size() == 2) range = of_binary(op, operand(0), operand(1), dtype);
  return range.has_value() ? in_dtype(*range, dtype) : all;
}

}  // namespace ferryman
