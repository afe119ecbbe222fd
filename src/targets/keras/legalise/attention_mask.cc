#include "targets/keras/legalise/attention_mask.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/positions/linear_form.h"

namespace ferryman::keras {

namespace {

// Beside it no score counts, and float32 takes it for the sum with any.
constexpr double kUnseenBelow = -1e9;

bool is_finite_low(double number) {
  return number <= kUnseenBelow && std::isfinite(number);
}

// where(seen, 0, low), or the other way round.
struct MaskOfWhere {
  ValueId condition;
  bool is_turned;
  double low;
};

std::optional<MaskOfWhere> mask_of_where(const Graph& graph, const Op& where) {
  const std::optional<double> yes = uniform_value(graph, where.operands[1]);
  const std::optional<double> no = uniform_value(graph, where.operands[2]);
  if (!yes.has_value() || !no.has_value()) return std::nullopt;
  if (*yes == 0.0 && is_unseen(*no)) return MaskOfWhere{where.operands[0], false, *no};
  if (*no == 0.0 && is_unseen(*yes)) return MaskOfWhere{where.operands[0], true, *yes};
  return std::nullopt;
}

// An op that moves the elements of its first operand, or repeats them.
bool only_moves(const Op& op) {
  return op.is(ops::kReshape) || op.is(ops::kPermute) || op.is(ops::kExpand) || op.is(ops::kSlice);
}

// clamp(mask, min=lowest) and maximum(mask, lowest) keep what a mask says.
std::optional<double> lower_bound(const Graph& graph, const Op& op) {
  if (op.is(ops::kClamp) && std::isinf(op.attr(attr::kMax))) return op.attr(attr::kMin);
  if (op.is(ops::kMaximum)) return uniform_value(graph, op.operands[1]);
  return std::nullopt;
}

// Each row has an entry that is this number.
bool rows_have(const TensorData& mask, double number) {
  if (mask.rank() == 0 || mask.shape().back() == 0) return false;
  const std::vector<double> numbers = mask.to_doubles();
  const auto width = static_cast<std::ptrdiff_t>(mask.shape().back());
  for (auto row = numbers.begin(); row != numbers.end(); row += width)
    if (std::find(row, row + width, number) == row + width) return false;
  return true;
}

// What a bool says, or its opposite.
struct Condition {
  ValueId value;
  bool is_turned = false;
};

// Before it was repeated along axes before the last two, and without negations.
Condition one_matrix(const Graph& graph, Condition condition) {
  for (;;) {
    const OpId producer = graph.producer(condition.value);
    if (!producer.valid()) return condition;
    const Op& op = graph.op(producer);
    const Dims& to = graph.type(condition.value).dims;
    const Dims& from = graph.type(op.operands.empty() ? condition.value : op.operands[0]).dims;
    const bool keeps_matrix = from.size() >= 2 && to.size() >= 2 &&
                              from[from.size() - 2] == to[to.size() - 2] &&
                              from.back() == to.back();
    const bool repeats = (op.is(ops::kReshape) || op.is(ops::kExpand)) && keeps_matrix;
    if (!repeats && !op.is(ops::kLogicalNot)) return condition;
    condition.is_turned ^= op.is(ops::kLogicalNot);
    condition.value = op.operands[0];
  }
}

bool is_causal_constant(const TensorData& data, bool is_turned) {
  const Ints& shape = data.shape();
  if (shape.size() < 2) return false;
  const int64_t rows = shape[shape.size() - 2], columns = shape.back();
  const Ints values = data.to_ints();
  for (size_t i = 0; i < values.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    const bool is_seen = place % columns <= place / columns % rows;
    if (((values[i] != 0) != is_turned) != is_seen) return false;
  }
  return true;
}

// How a comparison says `difference <= 0`: of sign * left - sign * right + offset.
struct AtMostZero {
  int64_t sign, offset;
};

std::optional<AtMostZero> at_most_zero(const Op& comparison, bool is_turned) {
  const bool less = comparison.is(ops::kLt), at_most = comparison.is(ops::kLe);
  const bool greater = comparison.is(ops::kGt), at_least = comparison.is(ops::kGe);
  if (is_turned ? greater : at_most) return AtMostZero{1, 0};
  if (is_turned ? at_least : less) return AtMostZero{1, 1};
  if (is_turned ? less : at_least) return AtMostZero{-1, 0};
  if (is_turned ? at_most : greater) return AtMostZero{-1, 1};
  return std::nullopt;
}

// column - row <= 0
bool is_causal_comparison(const Graph& graph, const Op& comparison, bool is_turned) {
  const std::optional<AtMostZero> form = at_most_zero(comparison, is_turned);
  if (!form.has_value()) return false;
  const auto compared = LinearForms(graph).compared(comparison);
  if (!compared.has_value()) return false;
  const LinearForm difference = compared->difference();
  const size_t rank = difference.steps.size();
  if (rank < 2 || difference.offset.number() != -form->sign * form->offset) return false;
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t step = axis + 1 == rank ? 1 : axis + 2 == rank ? -1 : 0;
    if (difference.steps[axis].number() != form->sign * step) return false;
  }
  return true;
}

bool is_causal_condition(const Graph& graph, Condition condition) {
  const auto [value, is_turned] = one_matrix(graph, condition);
  if (is_known_constant(graph, value)) return is_causal_constant(graph.constant(value), is_turned);
  const OpId producer = graph.producer(value);
  return producer.valid() && is_causal_comparison(graph, graph.op(producer), is_turned);
}

// Whether along the last axis at least one is seen.
bool rows_see(const Graph& graph, ValueId condition, bool is_turned) {
  if (is_known_constant(graph, condition))
    return rows_have(graph.constant(condition), is_turned ? 0.0 : 1.0);
  if (is_causal_condition(graph, {condition, is_turned})) return true;
  const size_t rank = graph.type(condition).rank();
  return !is_turned && rank > 0 && LinearForms(graph).has_true_along(condition, rank - 1);
}

class MaskReader {
 public:
  explicit MaskReader(const Graph& graph) : graph_(graph) {}

  // is_bounded: infinities become finite behind it.
  bool reads(ValueId value, bool is_bounded = false) {
    if (graph_.is_constant(value)) return reads_constant(value, is_bounded);
    const OpId producer = graph_.producer(value);
    if (!producer.valid()) return false;
    const Op& op = graph_.op(producer);
    if (op.is(ops::kWhere)) return reads_where(op, is_bounded);
    if (only_moves(op)) return keeps_rows(op, is_bounded) && reads(op.operands[0], is_bounded);
    const std::optional<double> bound = lower_bound(graph_, op);
    return bound.has_value() && is_finite_low(*bound) && reads(op.operands[0], true);
  }

 private:
  bool reads_constant(ValueId value, bool is_bounded) const {
    if (!is_known_constant(graph_, value)) return false;
    const std::vector<double> numbers = graph_.constant(value).to_doubles();
    const auto is_either = [](double number) { return number == 0.0 || is_unseen(number); };
    if (!std::all_of(numbers.begin(), numbers.end(), is_either)) return false;
    const bool is_finite = std::none_of(numbers.begin(), numbers.end(),
                                        [](double number) { return std::isinf(number); });
    return is_finite || is_bounded || rows_have(graph_.constant(value), 0.0);
  }

  bool reads_where(const Op& where, bool is_bounded) {
    const std::optional<MaskOfWhere> mask = mask_of_where(graph_, where);
    if (!mask.has_value()) return false;
    if (is_bounded || std::isfinite(mask->low)) return true;
    return rows_see(graph_, mask->condition, mask->is_turned);
  }

  // Rows stay rows, or their lows are finite so that it does not matter.
  bool keeps_rows(const Op& op, bool is_bounded) const {
    const Dims& from = graph_.type(op.operands[0]).dims;
    const Dims& to = graph_.type(op.result()).dims;
    if (is_bounded || from.empty() || to.empty()) return is_bounded;
    return (op.is(ops::kReshape) || op.is(ops::kExpand)) && from.back() == to.back();
  }

  const Graph& graph_;
};

TensorData seen_of(const TensorData& mask) {
  std::vector<double> numbers = mask.to_doubles();
  std::vector<uint8_t> seen(numbers.size());
  std::transform(numbers.begin(), numbers.end(), seen.begin(),
                 [](double number) { return number == 0.0 ? 1 : 0; });
  return TensorData::copy_of(std::as_bytes(std::span(seen)), DType::kBool, mask.shape());
}

}  // namespace

bool is_unseen(double number) {
  return number <= kUnseenBelow;
}

bool is_mask_of_bools(const Graph& graph, ValueId value) {
  return MaskReader(graph).reads(value);
}

ValueId write_seen(CoreWriter write, ValueId value) {
  const Graph& graph = write.graph();
  if (graph.is_constant(value))
    return write.constant(seen_of(graph.constant(value)), graph.value(value).name);
  const Op op = graph.op(graph.producer(value));
  if (op.is(ops::kWhere)) {
    const std::optional<MaskOfWhere> mask = mask_of_where(graph, op);
    const ValueId seen =
        mask->is_turned ? write.unary(ops::kLogicalNot, mask->condition) : mask->condition;
    return write.expand(seen, graph.type(value).dims);
  }
  const ValueId seen = write_seen(write, op.operands[0]);
  if (op.is(ops::kReshape)) return write.reshape(seen, op.attr(attr::kShape).dims);
  if (op.is(ops::kExpand)) return write.expand(seen, op.attr(attr::kShape).dims);
  if (op.is(ops::kPermute)) return write.permute(seen, op.attr(attr::kPerm).values);
  if (op.is(ops::kSlice)) {
    return write.slice(seen, op.attr(attr::kStarts).values, op.attr(attr::kEnds).values,
                       op.attr(attr::kSteps).values);
  }
  return seen;
}

std::optional<ChosenScores> chosen_scores(const Graph& graph, const Op& where) {
  for (const bool is_turned : {false, true}) {
    const std::optional<double> low = uniform_value(graph, where.operands[is_turned ? 1 : 2]);
    if (!low.has_value() || !is_unseen(*low)) continue;
    const ValueId condition = where.operands[0];
    if (std::isinf(*low) && !rows_see(graph, condition, is_turned)) return std::nullopt;
    return ChosenScores{condition, where.operands[is_turned ? 2 : 1], is_turned};
  }
  return std::nullopt;
}

bool is_causal(const Graph& graph, ValueId seen) {
  return is_causal_condition(graph, {seen, false});
}

bool is_all_true(const Graph& graph, ValueId seen) {
  if (is_known_constant(graph, seen)) {
    const Ints values = graph.constant(seen).to_ints();
    return std::all_of(values.begin(), values.end(), [](int64_t value) { return value != 0; });
  }
  return LinearForms(graph).truth_of(seen) == true;
}

}  // namespace ferryman::keras
