#include "frontend/program/asserted_orders.h"

#include <algorithm>

namespace ferryman::frontend {

namespace {

using Kind = SizeTerm::Kind;

// ---- in the program ----

std::optional<SymSize> size_of(const Program& program, const Argument& arg) {
  if (const auto* number = arg.as<int64_t>()) return SymSize{*number, ""};
  const auto* ref = arg.as<ValueRef>();
  if (ref == nullptr || ref->value >= program.values.size()) return std::nullopt;
  const Value& value = program.values[ref->value];
  return value.number_kind == NumberKind::kInt ? value.number : std::nullopt;
}

std::optional<SizeOrder> order_of(const Program& program, const Node& comparison) {
  const std::string_view name = comparison.target;
  const bool is_reversed = name == "_operator.ge" || name == "_operator.gt";
  const bool is_strict = name == "_operator.lt" || name == "_operator.gt";
  const bool is_order = is_reversed || is_strict || name == "_operator.le";
  if (!is_order || comparison.args.size() != 2) return std::nullopt;
  std::optional<SymSize> less = size_of(program, comparison.args[0].arg);
  std::optional<SymSize> more = size_of(program, comparison.args[1].arg);
  if (!less.has_value() || !more.has_value()) return std::nullopt;
  if (is_reversed) std::swap(less, more);
  return SizeOrder{*less, *more, is_strict ? 1 : 0};
}

// ---- sums ----

constexpr int64_t kMaxNumber = int64_t{1} << 40;  // of which a few fit an int64

bool grow(int64_t& sum, int64_t number, int64_t factor) {
  int64_t product = 0;
  if (__builtin_mul_overflow(number, factor, &product) ||
      __builtin_add_overflow(sum, product, &sum))
    return false;
  return std::abs(sum) < kMaxNumber;
}

// sum + factor * other; none: too large.
std::optional<SizeSum> plus(SizeSum sum, const SizeSum& other, int64_t factor) {
  if (!grow(sum.number, other.number, factor)) return std::nullopt;
  for (const auto& [symbol, times] : other.times) {
    int64_t& mine = sum.times[symbol];
    if (!grow(mine, times, factor)) return std::nullopt;
    if (mine == 0) sum.times.erase(symbol);
  }
  return sum;
}

}  // namespace

std::vector<SizeOrder> asserted_orders(const Program& program) {
  std::map<ValueIndex, const Node*> comparisons;
  std::vector<SizeOrder> orders;
  for (const Node& node : program.nodes) {
    if (node.target.starts_with("_operator.") && node.results.size() == 1)
      comparisons.emplace(node.results[0], &node);
    if (node.target != "aten._assert_scalar.default" || node.args.empty()) continue;
    const auto* condition = node.args[0].arg.as<ValueRef>();
    const auto found =
        condition == nullptr ? comparisons.end() : comparisons.find(condition->value);
    if (found == comparisons.end()) continue;
    std::optional<SizeOrder> order = order_of(program, *found->second);
    if (order.has_value()) orders.push_back(std::move(*order));
  }
  return orders;
}

AssertedOrders::AssertedOrders(const Program& program) {
  for (const Program::SymbolRange& symbol : program.symbols)
    least_.emplace(symbol.symbol, symbol.min);
  std::vector<SizeSum> known;
  for (const SizeOrder& order : program.orders) {
    const auto side = [&](const SymSize& size) -> std::optional<SizeSum> {
      if (size.is_static()) return SizeSum{{}, size.value};
      const Result<SizeTerm> term = parse_size(size.expr);
      return term.ok() ? sum(*term) : std::nullopt;
    };
    const std::optional<SizeSum> less = side(order.less), more = side(order.more);
    if (!less.has_value() || !more.has_value()) continue;
    std::optional<SizeSum> difference = plus(*more, *less, -1);
    if (difference.has_value()) difference = plus(*difference, SizeSum{{}, order.by}, -1);
    if (difference.has_value()) known.push_back(std::move(*difference));
  }
  not_negative_ = std::move(known);
}

// By the least value of each symbol alone.
bool AssertedOrders::is_least_possible(const SizeSum& sum) const {
  int64_t least = sum.number;
  for (const auto& [symbol, times] : sum.times) {
    const auto found = least_.find(symbol);
    if (times < 0 || found == least_.end() || !grow(least, found->second, times)) return false;
  }
  return least >= 0;
}

bool AssertedOrders::is_not_negative(const SizeSum& sum) const {
  return is_least_possible(sum) ||
         std::any_of(not_negative_.begin(), not_negative_.end(), [&](const SizeSum& known) {
           const std::optional<SizeSum> rest = plus(sum, known, -1);
           return rest.has_value() && is_least_possible(*rest);
         });
}

std::optional<SizeSum> AssertedOrders::sum(const SizeTerm& term) const {
  switch (term.kind) {
    case Kind::kNumber:
      return SizeSum{{}, term.number};
    case Kind::kSymbol:
      return SizeSum{{{term.symbol, 1}}, 0};
    case Kind::kAdd: {
      SizeSum all;
      for (const SizeTerm& operand : term.operands) {
        const std::optional<SizeSum> one = sum(operand);
        std::optional<SizeSum> more = one.has_value() ? plus(all, *one, 1) : std::nullopt;
        if (!more.has_value()) return std::nullopt;
        all = std::move(*more);
      }
      return all;
    }
    case Kind::kMul:
      return product(term);
    case Kind::kMin:
    case Kind::kMax:
      return extreme(term);
    case Kind::kFloorDiv:
    case Kind::kMod:
    case Kind::kPow:
      break;
  }
  return std::nullopt;
}

// Of numbers and one other.
std::optional<SizeSum> AssertedOrders::product(const SizeTerm& term) const {
  SizeSum all{{}, 1};
  for (const SizeTerm& operand : term.operands) {
    const std::optional<SizeSum> one = sum(operand);
    if (!one.has_value() || (!one->times.empty() && !all.times.empty())) return std::nullopt;
    const bool is_number = one->times.empty();
    std::optional<SizeSum> more =
        is_number ? plus({}, all, one->number) : plus({}, *one, all.number);
    if (!more.has_value()) return std::nullopt;
    all = std::move(*more);
  }
  return all;
}

// The one that is beyond all others, whatever the sizes are.
std::optional<SizeSum> AssertedOrders::extreme(const SizeTerm& term) const {
  std::vector<SizeSum> all;
  for (const SizeTerm& operand : term.operands) {
    std::optional<SizeSum> one = sum(operand);
    if (!one.has_value()) return std::nullopt;
    all.push_back(std::move(*one));
  }
  const int64_t direction = term.kind == Kind::kMax ? 1 : -1;
  for (const SizeSum& candidate : all) {
    const bool is_beyond = std::all_of(all.begin(), all.end(), [&](const SizeSum& other) {
      const std::optional<SizeSum> upwards = plus({}, candidate, direction);
      const std::optional<SizeSum> difference =
          upwards.has_value() ? plus(*upwards, other, -direction) : std::nullopt;
      return difference.has_value() && is_not_negative(*difference);
    });
    if (is_beyond) return candidate;
  }
  return std::nullopt;
}

}  // namespace ferryman::frontend
