#include "frontend/counted/linear_number.h"

#include <map>

#include "ops/names.h"

namespace ferryman::frontend {

namespace {

constexpr int kMaxDepth = 32;
constexpr int64_t kMaxNumber = int64_t{1} << 40;  // products of a few stay inside int64

struct Linear {
  std::map<ValueId, int64_t> times;
  int64_t number = 0;
};

class LinearForm {
 public:
  explicit LinearForm(const Graph& graph) : graph_(graph) {}

  // form += factor * value; false: too large.
  bool add(Linear& form, ValueId value, int64_t factor, int depth = 0) const {
    if (const std::optional<int64_t> number = constant(value); number.has_value())
      return grow(form.number, *number, factor);
    const OpId maker = depth < kMaxDepth ? graph_.producer(value) : OpId();
    if (!maker.valid()) return grow(form.times[value], 1, factor);
    const Op& op = graph_.op(maker);
    const auto part = [&](size_t operand, int64_t sign) {
      return add(form, op.operands[operand], sign * factor, depth + 1);
    };
    if (keeps_number(op)) return part(0, 1);
    if (op.is(ops::kNeg)) return part(0, -1);
    if (op.is(ops::kAdd)) return part(0, 1) && part(1, 1);
    if (op.is(ops::kSub)) return part(0, 1) && part(1, -1);
    if (op.is(ops::kMul)) {
      for (const size_t operand : {size_t{0}, size_t{1}}) {
        const std::optional<int64_t> number = constant(op.operands[operand]);
        if (number.has_value() && std::abs(*number) < kMaxNumber / (std::abs(factor) + 1))
          return part(1 - operand, *number);
      }
    }
    return grow(form.times[value], 1, factor);
  }

 private:
  static bool grow(int64_t& sum, int64_t number, int64_t factor) {
    int64_t product = 0;
    if (__builtin_mul_overflow(number, factor, &product) ||
        __builtin_add_overflow(sum, product, &sum))
      return false;
    return std::abs(sum) < kMaxNumber;
  }

  bool is_whole(ValueId value) const {
    const TensorType& type = graph_.type(value);
    return is_integer(type.dtype) && num_elements(type.dims) == 1;
  }

  std::optional<int64_t> constant(ValueId value) const {
    if (!graph_.is_constant(value) || !is_whole(value)) return std::nullopt;
    return graph_.constant(value).to_ints().front();
  }

  bool keeps_number(const Op& op) const {
    return (op.is(ops::kCast) || op.is(ops::kReshape)) && is_whole(op.operands[0]) &&
           is_whole(op.result());
  }

  const Graph& graph_;
};

}  // namespace

std::optional<int64_t> distance(const Graph& graph, ValueId begin, ValueId end) {
  const LinearForm forms(graph);
  Linear form;
  if (!forms.add(form, end, 1) || !forms.add(form, begin, -1)) return std::nullopt;
  for (const auto& [value, times] : form.times) {
    if (times != 0) return std::nullopt;
  }
  return form.number;
}

}  // namespace ferryman::frontend
