// Infinities that a mask puts in come last: the target's sums and products cut them to the largest
// number, its selection does not.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/fold/constants.h"
#include "passes/match.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxElems = 1 << 16;  // of a constant that is looked at
constexpr size_t kSides = 2;  // operands 1 and 2 of where: what is chosen, and what is not

struct Masked {
  OpId root, where;
  size_t side;      // of the operand of `where` that is infinite everywhere
  size_t place;     // of `where` among the operands of the root
  bool turns_sign;  // of the infinity
};

std::optional<size_t> infinite_side(const Graph& graph, const Op& where) {
  for (size_t side = 1; side <= kSides; ++side) {
    const std::optional<double> value = uniform_value(graph, where.operands[side]);
    if (value.has_value() && std::isinf(*value)) return side;
  }
  return std::nullopt;
}

enum class Numbers : uint8_t { kPositive, kNegative, kMixed };

// Of a constant whose elements are all finite.
std::optional<Numbers> finite_numbers(const Graph& graph, ValueId constant) {
  if (!is_known_constant(graph, constant)) return std::nullopt;
  const TensorData& elements = graph.constant(constant);
  if (elements.num_elems() > kMaxElems) return std::nullopt;
  const std::vector<double> values = elements.to_doubles();
  const auto all = [&](auto has) { return std::all_of(values.begin(), values.end(), has); };
  if (!all([](double value) { return std::isfinite(value); })) return std::nullopt;
  if (all([](double value) { return value > 0.0; })) return Numbers::kPositive;
  return all([](double value) { return value < 0.0; }) ? Numbers::kNegative : Numbers::kMixed;
}

// where(c, -inf, x) * 2 -> where(c, -inf, x * 2)    likewise +, -, /; 2 - where(c, -inf, x)
Match<Masked> match_arithmetic_after_mask(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  for (size_t place = 0; place < op.operands.size(); ++place) {
    const OpId where = graph.producer_if(op.operands[place], ops::kWhere);
    if (!where.valid()) continue;
    const std::optional<size_t> side = infinite_side(graph, graph.op(where));
    if (!side.has_value()) continue;
    const std::optional<Numbers> numbers = finite_numbers(graph, op.operands[1 - place]);
    if (!numbers.has_value()) continue;
    const bool scales = op.is(ops::kMul) || op.is(ops::kDiv);
    if (scales && numbers == Numbers::kMixed) continue;
    if (op.is(ops::kDiv) && place == 1) continue;  // a number divided by infinity
    const bool turns_sign = scales ? numbers == Numbers::kNegative : op.is(ops::kSub) && place == 1;
    return Masked{root, where, *side, place, turns_sign};
  }
  return std::nullopt;
}

ValueId negated(Rewriter& rewriter, ValueId infinity) {
  const Graph& graph = rewriter.graph();
  const auto negate = [](double value) { return -value; };
  const std::string name = graph.value(infinity).name;
  return rewriter.constant(map_elements(graph.constant(infinity), negate), name);
}

void rewrite_arithmetic_after_mask(Rewriter& rewriter, const Masked& found) {
  const Graph& graph = rewriter.graph();
  const std::vector<ValueId> chosen = graph.op(found.where).operands;
  std::vector<ValueId> operands = graph.op(found.root).operands;
  const ValueId result = graph.op(found.root).result();
  const OpName name{graph.op(found.root).def->name};
  operands[found.place] = chosen[kSides + 1 - found.side];
  ValueId sides[kSides + 1];
  sides[kSides + 1 - found.side] = rewriter.create(name, operands);
  const ValueId infinity = chosen[found.side];
  sides[found.side] = found.turns_sign ? negated(rewriter, infinity) : infinity;
  rewriter.replace_value(result, rewriter.create(ops::kWhere, {chosen[0], sides[1], sides[2]}));
}

}  // namespace

std::vector<Rule> canonical_infinity_rules() {
  return {make_rule("arithmetic_after_mask", {ops::kAdd, ops::kSub, ops::kMul, ops::kDiv},
                    match_arithmetic_after_mask, rewrite_arithmetic_after_mask)};
}

}  // namespace ferryman
