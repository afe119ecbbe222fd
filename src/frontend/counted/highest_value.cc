#include "frontend/counted/highest_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

constexpr int kMaxMakerDepth = 32;

std::optional<double> highest_of_type(DType dtype) {
  if (dtype == DType::kBool) return 1;
  if (dtype == DType::kU8) return 255;
  if (dtype == DType::kI8) return 127;
  return std::nullopt;
}

class Search {
 public:
  explicit Search(const Graph& graph) : graph_(graph) {}

  std::optional<double> highest(ValueId value, int depth) const {
    const std::optional<double> by_type = highest_of_type(graph_.type(value).dtype);
    const std::optional<double> by_maker =
        depth < kMaxMakerDepth ? of_maker(value, depth + 1) : std::nullopt;
    if (!by_type.has_value() || !by_maker.has_value()) return by_type ? by_type : by_maker;
    return std::min(*by_type, *by_maker);
  }

 private:
  std::optional<double> of_constant(ValueId value) const {
    const std::vector<double> numbers = graph_.constant(value).to_doubles();
    if (numbers.empty()) return std::nullopt;
    const double most = *std::max_element(numbers.begin(), numbers.end());
    return std::isfinite(most) ? std::optional(most) : std::nullopt;
  }

  std::optional<double> of_all(const Op& op, size_t first, int depth) const {
    std::optional<double> most;
    for (size_t i = first; i < op.operands.size(); ++i) {
      const std::optional<double> one = highest(op.operands[i], depth);
      if (!one.has_value()) return std::nullopt;
      most = std::max(most.value_or(*one), *one);
    }
    return most;
  }

  std::optional<double> of_either(const Op& op, int depth) const {
    const std::optional<double> a = highest(op.operands[0], depth);
    const std::optional<double> b = highest(op.operands[1], depth);
    if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
    return std::min(*a, *b);
  }

  std::optional<double> of_positions(const Op& op) const {
    const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
    const Dims& dims = graph_.type(op.operands[0]).dims;
    if (axis >= dims.size()) return std::nullopt;
    constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();
    const int64_t most = graph_.symbols().range(dims[axis]).max;
    return most == kOpen ? std::nullopt : std::optional(static_cast<double>(most - 1));
  }

  std::optional<double> of_maker(ValueId value, int depth) const {
    if (graph_.is_constant(value)) return of_constant(value);
    const OpId maker = graph_.producer(value);
    if (!maker.valid()) return std::nullopt;
    const Op& op = graph_.op(maker);
    if (op.is(ops::kArgmax) || op.is(ops::kArgmin)) return of_positions(op);
    if (op.is(ops::kTopk) && value == op.results[1]) return of_positions(op);
    if (op.is(ops::kClamp)) {
      const double most = op.attr(attr::kMax);
      if (std::isfinite(most)) return most;
    }
    if (op.is(ops::kRelu6)) return 6;
    if (op.is(ops::kSigmoid)) return 1;
    if (op.is(ops::kRemainder)) return of_remainder(op);
    if (op.is(ops::kMinimum)) return of_either(op, depth);
    if (op.is(ops::kMaximum) || op.is(ops::kConcat)) return of_all(op, 0, depth);
    if (op.is(ops::kWhere)) return of_all(op, 1, depth);
    if (op.is(ops::kAdd)) return of_sum(op, depth);
    return keeps_values(op) ? highest(op.operands[0], depth) : std::nullopt;
  }

  std::optional<double> of_remainder(const Op& op) const {
    if (!graph_.is_constant(op.operands[1])) return std::nullopt;
    const std::optional<double> most = of_constant(op.operands[1]);
    return most.has_value() && *most > 0 ? std::optional(*most - 1) : std::nullopt;
  }

  std::optional<double> of_sum(const Op& op, int depth) const {
    const std::optional<double> a = highest(op.operands[0], depth);
    const std::optional<double> b = highest(op.operands[1], depth);
    return a.has_value() && b.has_value() ? std::optional(*a + *b) : std::nullopt;
  }

  // The result holds no other values than operand 0, or those rounded.
  static bool keeps_values(const Op& op) {
    return op.is(ops::kCast) || op.is(ops::kReshape) || op.is(ops::kPermute) ||
           op.is(ops::kExpand) || op.is(ops::kSlice) || op.is(ops::kGather) || op.is(ops::kFlip) ||
           op.is(ops::kClamp) || op.is(ops::kRelu) || op.is(ops::kFloor) || op.is(ops::kTopk) ||
           op.is(ops::kTrunc);
  }

  const Graph& graph_;
};

}  // namespace

std::optional<int64_t> highest_value(const Graph& graph, ValueId value) {
  const std::optional<double> most = Search(graph).highest(value, 0);
  constexpr double kExact = 0x1p53;
  if (!most.has_value() || *most < 0 || *most > kExact) return std::nullopt;
  return static_cast<int64_t>(*most);
}

}  // namespace ferryman::frontend
