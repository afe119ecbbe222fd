#include "passes/fuse/polynomial.h"

#include <algorithm>
#include <cmath>

#include "ops/names.h"
#include "passes/match.h"

namespace ferryman {

namespace {

constexpr int kMaxFormulaDepth = 8;  // ops on one path of a formula
constexpr int kMaxDegree = 6;        // of x and u each; nothing that has a name is longer
constexpr size_t kMaxLeaves = 24;
constexpr double kTolerance = 1e-5;  // 0.797885 for sqrt(2 / pi)

using Maybe = std::optional<Polynomial>;

Polynomial added(const Polynomial& a, const Polynomial& b, double factor) {
  Polynomial result = a;
  for (const auto& [powers, coefficient] : b) result[powers] += factor * coefficient;
  return result;
}

Maybe multiplied(const Polynomial& a, const Polynomial& b) {
  Polynomial result;
  for (const auto& [pa, ca] : a) {
    for (const auto& [pb, cb] : b) {
      const std::pair<int, int> powers = {pa.first + pb.first, pa.second + pb.second};
      if (powers.first > kMaxDegree || powers.second > kMaxDegree) return std::nullopt;
      result[powers] += ca * cb;
    }
  }
  return result;
}

Maybe power(const Polynomial& base, double exponent) {
  if (!(exponent >= 1 && exponent <= kMaxDegree) || exponent != std::floor(exponent))
    return std::nullopt;
  Maybe result = base;
  for (int i = 1; i < static_cast<int>(exponent) && result.has_value(); ++i)
    result = multiplied(*result, base);
  return result;
}

bool is_arithmetic(const Op& op) {
  return op.is(ops::kAdd) || op.is(ops::kSub) || op.is(ops::kMul) || op.is(ops::kDiv) ||
         op.is(ops::kNeg) || op.is(ops::kSquare) || op.is(ops::kPow);
}

class Expander {
 public:
  Expander(const Graph& graph, Variables variables) : graph_(graph), variables_(variables) {}

  Maybe expand(ValueId value, int depth) const {
    if (value == variables_.x) return Polynomial{{{1, 0}, 1.0}};
    if (value == variables_.u) return Polynomial{{{0, 1}, 1.0}};
    if (const std::optional<double> constant = uniform_value(graph_, value))
      return Polynomial{{{0, 0}, *constant}};
    const OpId producer = graph_.producer(value);
    if (!producer.valid() || depth == 0 || !is_arithmetic(graph_.op(producer))) return std::nullopt;
    return expand_op(graph_.op(producer), depth - 1);
  }

 private:
  Maybe expand_op(const Op& op, int depth) const {
    const Maybe a = expand(op.operands[0], depth);
    if (!a.has_value()) return std::nullopt;
    if (op.is(ops::kNeg)) return added({}, *a, -1.0);
    if (op.is(ops::kSquare)) return multiplied(*a, *a);
    const std::optional<double> constant = uniform_value(graph_, op.operands[1]);
    if (op.is(ops::kPow)) return constant.has_value() ? power(*a, *constant) : std::nullopt;
    if (op.is(ops::kDiv)) return constant.has_value() ? added({}, *a, 1.0 / *constant) : Maybe();
    const Maybe b = expand(op.operands[1], depth);
    if (!b.has_value()) return std::nullopt;
    if (op.is(ops::kAdd)) return added(*a, *b, 1.0);
    if (op.is(ops::kSub)) return added(*a, *b, -1.0);
    return multiplied(*a, *b);
  }

  const Graph& graph_;
  Variables variables_;
};

}  // namespace

std::optional<Polynomial> polynomial_in(const Graph& graph, ValueId value, Variables variables) {
  return Expander(graph, variables).expand(value, kMaxFormulaDepth);
}

bool is_close(const Polynomial& a, const Polynomial& b) {
  const Polynomial difference = added(a, b, -1.0);
  return std::all_of(difference.begin(), difference.end(), [&](const auto& term) {
    const auto expected = b.find(term.first);
    const double size = expected == b.end() ? 1.0 : std::abs(expected->second);
    return std::abs(term.second) <= kTolerance * size;
  });
}

std::vector<ValueId> arithmetic_leaves(const Graph& graph, ValueId value) {
  std::vector<ValueId> leaves = {value};
  for (size_t i = 0; i < leaves.size() && leaves.size() < kMaxLeaves; ++i) {
    const OpId producer = graph.producer(leaves[i]);
    if (!producer.valid() || !is_arithmetic(graph.op(producer))) continue;
    for (const ValueId operand : graph.op(producer).operands) {
      const bool known = std::find(leaves.begin(), leaves.end(), operand) != leaves.end();
      if (!known && !graph.is_constant(operand)) leaves.push_back(operand);
    }
  }
  return leaves;
}

}  // namespace ferryman
