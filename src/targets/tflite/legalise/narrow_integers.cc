// int64 that provably fits into int32 is computed in int32, where that saves operators: the runtime
// divides and shifts int32 only, and older ones add and multiply nothing else.
//
//   i = argmax(x); i // 6        ->     i = argmax(x) {int32}; cast(i // 6, int64)
//
// A costly op is narrowed where its operands and its result fit; the casts around it then move to
// where they cost nothing. Results that users see stay int64. Beside that, what a range decides:
// the wrapping of an index that is not negative, a clamp to what holds already.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/integer_range.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

template <size_t N>
bool is_any_of(const Op& op, const std::array<OpName, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](OpName name) { return op.is(name); });
}

constexpr std::array kCostlyOps = {ops::kFloorDivide, ops::kTruncDivide, ops::kShiftRight,
                                   ops::kBitwiseXor};
// The lower 32 bits of their results depend on those of their operands only.
constexpr std::array kModularOps = {
    ops::kAdd,        ops::kSub,     ops::kMul,     ops::kNeg,    ops::kBitwiseAnd, ops::kBitwiseOr,
    ops::kBitwiseXor, ops::kReshape, ops::kPermute, ops::kExpand, ops::kSlice,      ops::kFlip,
    ops::kTile,       ops::kConcat,  ops::kWhere,   ops::kGather, ops::kSum,        ops::kCumsum};
// Right in int32 where all operands fit.
constexpr std::array kOrderedOps = {ops::kMaximum,     ops::kMinimum,   ops::kClamp,
                                    ops::kFloorDivide, ops::kRemainder, ops::kTruncDivide};
constexpr std::array kComparisons = {ops::kEq, ops::kNe, ops::kLt, ops::kLe, ops::kGt, ops::kGe};

bool is_int64(const Graph& graph, ValueId value) {
  return graph.type(value).dtype == DType::kI64;
}

bool fits(const Graph& graph, ValueId value) {
  return IntegerRanges(graph).of(value).fits(DType::kI32);
}

// Whether an operand holds numbers of the result, unlike a condition or an index.
bool holds_numbers(const Op& op, size_t operand) {
  if (op.is(ops::kWhere)) return operand > 0;
  return !op.is(ops::kGather) || operand == 0;
}

// What the operand is cast from, if that is an integer or a bool.
ValueId cast_source(const Graph& graph, ValueId value) {
  const OpId cast = graph.producer_if(value, ops::kCast);
  if (!cast.valid()) return {};
  const ValueId source = graph.op(cast).operands[0];
  const DType dtype = graph.type(source).dtype;
  const bool is_kept = dtype == DType::kBool || (is_integer(dtype) && dtype != DType::kU64);
  return is_kept ? source : ValueId();
}

bool is_cast_from_int32(const Graph& graph, ValueId value) {
  const ValueId source = cast_source(graph, value);
  return source.valid() && graph.type(source).dtype == DType::kI32;
}

bool is_int32_bound(double bound) {
  return std::isinf(bound) || std::abs(bound) < 0x1p31;
}

bool numbers_fit(const Graph& graph, const Op& op) {
  if (op.is(ops::kClamp) &&
      !(is_int32_bound(op.attr(attr::kMin)) && is_int32_bound(op.attr(attr::kMax))))
    return false;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (holds_numbers(op, i) && !fits(graph, op.operands[i])) return false;
  }
  return true;
}

// Constants at once, so that other rules see their numbers.
ValueId as_int32(Rewriter& rewriter, ValueId value) {
  const Graph& graph = rewriter.graph();
  if (!is_known_constant(graph, value) || graph.type(value).dtype != DType::kI64)
    return CoreWriter(rewriter).cast(value, DType::kI32);
  const Ints wide = graph.constant(value).to_ints();
  std::vector<int32_t> numbers(wide.size());
  std::transform(wide.begin(), wide.end(), numbers.begin(),
                 [](int64_t number) { return static_cast<int32_t>(number); });
  return rewriter.constant(TensorData::of<int32_t>(graph.constant(value).shape(), numbers),
                           graph.value(value).name);
}

// The op on int32, and its result as an int32 or bool.
ValueId in_int32(Rewriter& rewriter, const Op& op) {
  std::vector<ValueId> operands = op.operands;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (holds_numbers(op, i)) operands[i] = as_int32(rewriter, operands[i]);
  }
  return rewriter.create(OpName{op.def->name}, operands, attrs_of(op));
}

// The narrow value is what the user's node computes.
void take_name(Rewriter& rewriter, ValueId wide, ValueId narrow) {
  const std::string name = rewriter.graph().value(wide).name;
  if (name.empty() || !fits(rewriter.graph(), wide)) return;
  rewriter.set_name(wide, "");
  rewriter.set_name(narrow, name);
}

// A cast of whose result only the numbers are read, and soon in int32: the check finds the user's
// node at the narrow value, as the cast goes.
struct Widened {
  ValueId wide, narrow;
};
Match<Widened> match_named_cast(const Graph& graph, OpId root) {
  const ValueId wide = graph.op(root).result();
  const ValueId narrow = cast_source(graph, wide);
  if (!narrow.valid() || !is_int64(graph, wide) || graph.is_output(wide)) return std::nullopt;
  const bool takes_name = is_integer(graph.type(narrow).dtype) && graph.producer(narrow).valid() &&
                          graph.value(narrow).name.empty();
  if (!takes_name || graph.value(wide).name.empty()) return std::nullopt;
  for (const Use& use : graph.value(wide).uses) {
    const Op& reader = graph.op(use.op);
    const bool reads_numbers =
        reader.is(ops::kCast) || (reader.is(ops::kGather) && use.operand == 1);
    if (!reads_numbers) return std::nullopt;
  }
  return Widened{wide, narrow};
}

void name_narrow(Rewriter& rewriter, const Widened& found) {
  take_name(rewriter, found.wide, found.narrow);
}

void narrow_op(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  const DType dtype = rewriter.graph().type(op.result()).dtype;
  const ValueId narrow = in_int32(rewriter, op);
  take_name(rewriter, op.result(), narrow);
  rewriter.replace_value(op.result(), CoreWriter(rewriter).cast(narrow, dtype));
}

Match<RootOp> match_costly(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool is_narrow =
      is_int64(graph, op.result()) && numbers_fit(graph, op) && fits(graph, op.result());
  if (!is_narrow) return std::nullopt;
  return RootOp{root};
}

// ARG_MAX takes no int64.
Match<RootOp> match_position_of_extreme(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_int64(graph, op.operands[0]) || !fits(graph, op.operands[0])) return std::nullopt;
  return RootOp{root};
}

// All numbers are int32 ones before they are cast: the cast behind takes the place of those before.
Match<RootOp> match_widened_operands(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  bool drops_cast = false;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const ValueId operand = op.operands[i];
    if (!holds_numbers(op, i)) continue;
    if (!is_int64(graph, operand)) return std::nullopt;
    const bool is_cast = is_cast_from_int32(graph, operand);
    if (!is_cast && !(graph.is_constant(operand) && fits(graph, operand))) return std::nullopt;
    drops_cast |= is_cast && (has_one_reader(graph, operand) || is_any_of(op, kComparisons));
  }
  const bool stays = is_any_of(op, kComparisons) || fits(graph, op.result());
  if (!drops_cast || !stays) return std::nullopt;
  return RootOp{root};
}

// cast(op(a, b): int64, int32) -> op(cast(a, int32), cast(b, int32)), where that makes no more
// casts
struct Sink {
  ValueId result;
  OpId op;
};
Match<Sink> match_cast_of_result(const Graph& graph, OpId root) {
  const Op& cast = graph.op(root);
  const OpId producer = graph.producer(cast.operands[0]);
  const bool narrows =
      graph.type(cast.result()).dtype == DType::kI32 && is_int64(graph, cast.operands[0]);
  if (!narrows || !producer.valid() || !has_one_reader(graph, cast.operands[0]))
    return std::nullopt;
  const Op& op = graph.op(producer);
  if (!is_any_of(op, kModularOps) && !(is_any_of(op, kOrderedOps) && numbers_fit(graph, op)))
    return std::nullopt;
  size_t num_casts = 0;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const ValueId operand = op.operands[i];
    if (!holds_numbers(op, i)) continue;
    if (graph.is_constant(operand) && !fits(graph, operand)) return std::nullopt;
    if (!graph.is_constant(operand) && !cast_source(graph, operand).valid()) ++num_casts;
  }
  if (num_casts > 1) return std::nullopt;
  return Sink{cast.result(), producer};
}

void sink_cast(Rewriter& rewriter, const Sink& found) {
  const Op op = rewriter.graph().op(found.op);
  const ValueId narrow = in_int32(rewriter, op);
  take_name(rewriter, op.result(), narrow);
  rewriter.replace_value(found.result, narrow);
}

// cast(cast(x: int32, int64), t) -> cast(x, t)
Match<OneOp> match_cast_of_widened(const Graph& graph, OpId root) {
  const Op& cast = graph.op(root);
  if (!is_int64(graph, cast.operands[0])) return std::nullopt;
  const ValueId source = cast_source(graph, cast.operands[0]);
  if (!source.valid()) return std::nullopt;
  return OneOp{cast.result(), ops::kCast, {source}, attrs_of(cast)};
}

Match<Forward> match_cast_to_own_type(const Graph& graph, OpId root) {
  const Op& cast = graph.op(root);
  if (!same_type(graph, cast.operands[0], cast.result())) return std::nullopt;
  return Forward{cast.result(), cast.operands[0]};
}

// cast(argmax(x): int64, int32) -> argmax(x) {int32}, where nothing reads the int64
Match<Sink> match_cast_of_position(const Graph& graph, OpId root) {
  const Op& cast = graph.op(root);
  const OpId producer = graph.producer(cast.operands[0]);
  if (!producer.valid() || graph.type(cast.result()).dtype != DType::kI32) return std::nullopt;
  const Op& op = graph.op(producer);
  const bool is_position = op.is(ops::kArgmax) || op.is(ops::kArgmin);
  if (!is_position || graph.is_output(op.result())) return std::nullopt;
  for (const Use& use : graph.value(op.result()).uses) {
    const Op& reader = graph.op(use.op);
    const bool narrows = reader.is(ops::kCast) && graph.type(reader.result()).dtype == DType::kI32;
    if (!narrows) return std::nullopt;
  }
  return Sink{cast.result(), producer};
}

void narrow_position(Rewriter& rewriter, const Sink& found) {
  const Op op = rewriter.graph().op(found.op);
  const ValueId narrow =
      rewriter.create(OpName{op.def->name}, {op.operands[0]},
                      {{attr::kAxis, op.attr(attr::kAxis)}, {attr::kDType, DType::kI32}});
  take_name(rewriter, op.result(), narrow);
  rewriter.replace_value(found.result, narrow);
}

// gather(x, cast(i: int32, int64)) -> gather(x, i)
Match<OneOp> match_widened_index(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_cast_from_int32(graph, op.operands[1])) return std::nullopt;
  const ValueId index = cast_source(graph, op.operands[1]);
  return OneOp{op.result(), ops::kGather, {op.operands[0], index}, attrs_of(op)};
}

// fmod(x, y) -> remainder(x, y), where nothing is negative
Match<OneOp> match_fmod_of_positive(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_integer(graph.type(op.result()).dtype)) return std::nullopt;
  IntegerRanges ranges(graph);
  if (ranges.of(op.operands[0]).min < 0 || ranges.of(op.operands[1]).min <= 0) return std::nullopt;
  return OneOp{op.result(), ops::kRemainder, op.operands};
}

std::optional<bool> decided(const Op& comparison, const IntegerRange& a, const IntegerRange& b) {
  const bool is_less = a.max < b.min;
  const bool is_at_most = a.max <= b.min;
  const bool is_greater = a.min > b.max;
  const bool is_at_least = a.min >= b.max;
  const auto answer = [](bool yes, bool no) {
    return yes || no ? std::optional<bool>(yes) : std::nullopt;
  };
  if (comparison.is(ops::kLt)) return answer(is_less, is_at_least);
  if (comparison.is(ops::kLe)) return answer(is_at_most, is_greater);
  if (comparison.is(ops::kGt)) return answer(is_greater, is_at_most);
  if (comparison.is(ops::kGe)) return answer(is_at_least, is_less);
  if (comparison.is(ops::kEq)) return answer(false, is_less || is_greater);
  if (comparison.is(ops::kNe)) return answer(is_less || is_greater, false);
  return std::nullopt;
}

// where(i < 0, i + n, i) -> i, where i is not negative
Match<Forward> match_decided_choice(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId producer = graph.producer(op.operands[0]);
  if (!producer.valid()) return std::nullopt;
  const Op& comparison = graph.op(producer);
  if (!is_any_of(comparison, kComparisons)) return std::nullopt;
  if (!is_integer(graph.type(comparison.operands[0]).dtype)) return std::nullopt;
  IntegerRanges ranges(graph);
  const std::optional<bool> answer =
      decided(comparison, ranges.of(comparison.operands[0]), ranges.of(comparison.operands[1]));
  if (!answer.has_value()) return std::nullopt;
  const ValueId chosen = op.operands[*answer ? 1 : 2];
  if (!same_type(graph, chosen, op.result())) return std::nullopt;
  return Forward{op.result(), chosen};
}

// clamp(x, 0, 5) -> x, maximum(x, 0) -> x, where that holds already
Match<Forward> match_idle_bound(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId x = op.operands[0];
  if (!is_integer(graph.type(x).dtype) || !same_type(graph, x, op.result())) return std::nullopt;
  IntegerRanges ranges(graph);
  const IntegerRange range = ranges.of(x);
  const auto least = static_cast<double>(range.min);
  const auto most = static_cast<double>(range.max);
  bool is_idle = false;
  if (op.is(ops::kClamp)) is_idle = op.attr(attr::kMin) <= least && most <= op.attr(attr::kMax);
  if (op.is(ops::kMaximum)) is_idle = ranges.of(op.operands[1]).max <= range.min;
  if (op.is(ops::kMinimum)) is_idle = ranges.of(op.operands[1]).min >= range.max;
  if (!is_idle) return std::nullopt;
  return Forward{op.result(), x};
}

// The number k of a power 2^k.
std::optional<int> exponent_of(double power) {
  int exponent = 0;
  if (!(power >= 1) || std::frexp(power, &exponent) != 0.5) return std::nullopt;
  return exponent - 1;
}

bool is_divisible(DType dtype) {
  return dtype == DType::kI32 || dtype == DType::kI64;
}

OneOp by_power(const Op& op, OpName name, DType dtype, double power) {
  return {op.result(), name, {op.operands[0]}, {}, TensorData::filled(dtype, {}, power)};
}

// x & (2^k - 1) -> remainder(x, 2^k), whatever the sign of x: STABLEHLO_AND is from 2.17
Match<OneOp> match_mask(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const DType dtype = graph.type(op.operands[0]).dtype;
  const std::optional<double> mask = uniform_value(graph, op.operands[1]);
  if (!is_divisible(dtype) || !mask.has_value()) return std::nullopt;
  if (!same_type(graph, op.operands[0], op.result())) return std::nullopt;
  const std::optional<int> bits = exponent_of(*mask + 1);
  if (!bits.has_value() || *bits < 1 || *bits > 30) return std::nullopt;
  return by_power(op, ops::kRemainder, dtype, *mask + 1);
}

// x >> k -> floor_divide(x, 2^k): RIGHT_SHIFT is from 2.13
Match<OneOp> match_known_shift(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const std::optional<double> bits = uniform_value(graph, op.operands[1]);
  if (graph.type(op.operands[0]).dtype != DType::kI32 || !bits.has_value()) return std::nullopt;
  if (!same_type(graph, op.operands[0], op.result()) || *bits < 0 || *bits > 30)
    return std::nullopt;
  return by_power(op, ops::kFloorDivide, DType::kI32, std::ldexp(1.0, static_cast<int>(*bits)));
}

template <size_t... kSizes>
std::vector<OpName> names(const std::array<OpName, kSizes>&... lists) {
  std::vector<OpName> all;
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

}  // namespace

Pass narrow_integers() {
  return rewrite_pass(
      "narrow_integers", "int64 in int32, where its values fit and operators are saved",
      {make_rule("named_cast", {ops::kCast}, match_named_cast, name_narrow),
       make_rule("cast_to_own_type", {ops::kCast}, match_cast_to_own_type),
       make_rule("cast_of_widened", {ops::kCast}, match_cast_of_widened),
       make_rule("cast_of_position", {ops::kCast}, match_cast_of_position, narrow_position),
       make_rule("cast_of_result", {ops::kCast}, match_cast_of_result, sink_cast),
       make_rule("decided_choice", {ops::kWhere}, match_decided_choice),
       make_rule("idle_bound", {ops::kClamp, ops::kMaximum, ops::kMinimum}, match_idle_bound),
       make_rule("fmod_of_positive", {ops::kFmod}, match_fmod_of_positive),
       make_rule("mask", {ops::kBitwiseAnd}, match_mask),
       make_rule("known_shift", {ops::kShiftRight}, match_known_shift),
       make_rule("widened_index", {ops::kGather}, match_widened_index),
       make_rule("widened_operands", names(kModularOps, kOrderedOps, kComparisons),
                 match_widened_operands, narrow_op),
       make_rule("position_of_extreme", {ops::kArgmax, ops::kArgmin}, match_position_of_extreme,
                 narrow_op),
       make_rule("costly_in_int64", names(kCostlyOps), match_costly, narrow_op)});
}

}  // namespace ferryman::tflite
