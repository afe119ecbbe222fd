// Operators that join tensors, or take one apart.
#include <algorithm>
#include <numeric>

#include "targets/tflite/runtime/output_rules.h"

namespace ferryman::tflite {

namespace {

constexpr std::string_view kAxisOutside = "names an axis outside its input";

bool differ_along_only(const Ints& a, const Ints& b, size_t axis) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (i != axis && a[i] != b[i]) return false;
  return true;
}

Ints with_extent(Ints shape, size_t axis, int64_t extent) {
  shape[axis] = extent;
  return shape;
}

// The axis that a constant operand names; nothing if none does, which then says what is wrong.
std::optional<size_t> axis_operand(OutputInference& op, size_t operand, int64_t rank) {
  const std::optional<Ints> axis = op.numbers(operand);
  if (!op.demand(axis.has_value() && axis->size() == 1, "needs one constant axis"))
    return std::nullopt;
  const std::optional<size_t> at = axis_from_front(axis->front(), rank);
  op.demand(at.has_value(), kAxisOutside);
  return at;
}

}  // namespace

void infer_concatenation(OutputInference& op) {
  const std::optional<size_t> axis =
      axis_from_front(op.options<ConcatenationOptions>().axis, op.rank(0));
  if (!op.demand(axis.has_value(), kAxisOutside)) return;
  Ints shape = op.shape(0);
  for (size_t input = 1; input < op.num_inputs(); ++input) {
    const Ints other = op.shape(input);
    op.demand(op.type(input) == op.type(0), "needs inputs of one type");
    const bool fits = differ_along_only(shape, other, *axis);
    if (!op.demand(fits, "joins tensors that differ along another axis")) return;
    shape[*axis] += other[*axis];
  }
  op.give(op.type(0), std::move(shape));
}

void infer_pack(OutputInference& op) {
  const auto options = op.options<PackOptions>();
  const std::optional<size_t> axis = axis_from_front(options.axis, op.rank(0) + 1);
  if (!op.demand(axis.has_value(), "names an axis outside its output")) return;
  for (size_t input = 1; input < op.num_inputs(); ++input) {
    op.demand(op.type(input) == op.type(0) && op.shape(input) == op.shape(0),
              "packs tensors of different types or shapes");
  }
  Ints shape = op.shape(0);
  shape.insert(shape.begin() + static_cast<ptrdiff_t>(*axis), options.values_count);
  op.give(op.type(0), std::move(shape));
}

void infer_unpack(OutputInference& op) {
  Ints shape = op.shape(0);
  const std::optional<size_t> axis = axis_from_front(op.options<UnpackOptions>().axis, op.rank(0));
  if (!op.demand(axis.has_value(), kAxisOutside)) return;
  const bool fits = shape[*axis] == static_cast<int64_t>(op.num_outputs());
  if (!op.demand(fits, "has other outputs than positions along its axis")) return;
  shape.erase(shape.begin() + static_cast<ptrdiff_t>(*axis));
  for (size_t i = 0; i < op.num_outputs(); ++i) op.give(op.type(0), shape);
}

void infer_split(OutputInference& op) {
  const Ints x = op.shape(1);
  const std::optional<size_t> axis = axis_operand(op, 0, op.rank(1));
  if (!axis.has_value()) return;
  const auto count = static_cast<int64_t>(op.num_outputs());
  if (!op.demand(count > 0 && x[*axis] % count == 0, "splits into parts of unequal size")) return;
  for (int64_t i = 0; i < count; ++i) op.give(op.type(1), with_extent(x, *axis, x[*axis] / count));
}

// One size may be left open with -1.
void infer_split_v(OutputInference& op) {
  const Ints x = op.shape(0);
  std::optional<Ints> sizes = op.numbers(1);
  const std::optional<size_t> axis = axis_operand(op, 2, op.rank(0));
  if (!axis.has_value()) return;
  if (!sizes.has_value()) sizes = Ints(op.num_outputs(), kAnyExtent);
  if (!op.demand(sizes->size() == op.num_outputs(), "has other outputs than sizes")) return;
  const auto open = std::find(sizes->begin(), sizes->end(), -1);
  if (op.numbers(1).has_value()) {
    if (open != sizes->end()) *open = 0;
    const int64_t total = std::accumulate(sizes->begin(), sizes->end(), int64_t{0});
    if (open != sizes->end()) *open = x[*axis] - total;
    op.demand(open != sizes->end() ? total <= x[*axis] : total == x[*axis],
              "has sizes that do not add up to its input");
  }
  for (const int64_t size : *sizes) op.give(op.type(0), with_extent(x, *axis, size));
}

}  // namespace ferryman::tflite
