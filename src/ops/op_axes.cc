#include "ops/op_axes.h"

#include <algorithm>
#include <span>

#include "ops/attrs.h"

namespace ferryman {

AxesOfOp::AxesOfOp(const Graph& graph, const Op& op) : graph_(graph), op_(op) {
  axes_.operands.resize(op_.operands.size());
  axes_.results.resize(op_.results.size());
}

int AxesOfOp::add_axis(OpAxis axis) {
  axes_.axes.push_back(axis);
  return static_cast<int>(axes_.axes.size()) - 1;
}

OpAxes AxesOfOp::relabel(std::optional<Relabelling> relabelling) {
  axes_.kind = OpAxes::Kind::kRelabel;
  axes_.relabelling = std::move(relabelling);
  return finish();
}

OpAxes AxesOfOp::opaque() {
  axes_ = {.kind = OpAxes::Kind::kOpaque,
           .axes = {},
           .operands = std::vector<AxisList>(op_.operands.size()),
           .results = std::vector<AxisList>(op_.results.size())};
  const auto own_axes = [this](std::span<const ValueId> values, std::vector<AxisList>& lists) {
    for (size_t t = 0; t < values.size(); ++t) {
      if (!values[t].valid()) continue;
      for (size_t d = 0; d < rank(values[t]); ++d) {
        lists[t].push_back(add_axis({.positional = true}));
      }
    }
  };
  own_axes(op_.operands, axes_.operands);
  own_axes(op_.results, axes_.results);
  return finish();
}

AxisList AxesOfOp::aligned_right(size_t value_rank) const {
  AxisList list(value_rank);
  for (size_t d = 0; d < value_rank; ++d) {
    list[d] = static_cast<int>(axes_.axes.size() - value_rank + d);
  }
  return list;
}

OpAxes AxesOfOp::elementwise() {
  axes_from(op_.result(), {.broadcasts = true});
  return assign([&](ValueId value) -> std::optional<AxisList> {
    if (rank(value) > axes_.axes.size()) return std::nullopt;
    return aligned_right(rank(value));
  });
}

OpAxes AxesOfOp::elementwise_by_channel() {
  OpAxes axes = elementwise();
  if (axes.kind != OpAxes::Kind::kTied || axes.axes.size() < 2) return axes;
  for (size_t t = 1; t < op_.operands.size(); ++t) {
    if (op_.has_operand(t) && rank(op_.operands[t]) == 1) axes.operands[t] = {1};
  }
  return axes;
}

size_t AxesOfOp::axis_attr() const {
  for (const Attr& attr : op_.attrs) {
    if (const Axis* axis = std::get_if<Axis>(&attr)) return static_cast<size_t>(axis->value);
  }
  internal_error("an op along an axis without an Axis attribute");
}

OpAxes AxesOfOp::along(bool sees_positions) {
  const size_t axis = axis_attr();
  axes_from(op_.operands[0], {});
  axes_.axes[axis].positional = sees_positions;
  const auto axes_of = [&](ValueId value) -> std::optional<AxisList> {
    AxisList list = aligned_right(axes_.axes.size());
    if (rank(value) + 1 == list.size()) list.erase(list.begin() + static_cast<long>(axis));
    if (rank(value) != list.size()) return std::nullopt;
    return list;
  };
  return assign(axes_of);
}

// Gives every tensor its axes, or gives up on the op where that fails.
template <typename AxesOf>
OpAxes AxesOfOp::assign(AxesOf axes_of) {
  for (size_t t = 0; t < op_.operands.size(); ++t) {
    if (!op_.has_operand(t)) continue;
    const auto list = axes_of(op_.operands[t]);
    if (!list.has_value()) return opaque();
    axes_.operands[t] = *list;
  }
  for (size_t r = 0; r < op_.results.size(); ++r) {
    const auto list = axes_of(op_.results[r]);
    if (!list.has_value()) return opaque();
    axes_.results[r] = *list;
  }
  return finish();
}

OpAxes AxesOfOp::reduce() {
  std::vector<bool> reduced(rank(op_.operands[0]), false);
  for (const Attr& attr : op_.attrs) {
    if (const Axes* axes = std::get_if<Axes>(&attr)) {
      for (const int64_t axis : axes->values) reduced[static_cast<size_t>(axis)] = true;
    } else if (const Axis* axis = std::get_if<Axis>(&attr)) {
      reduced[static_cast<size_t>(axis->value)] = true;
    }
  }
  axes_from(op_.operands[0], {});
  return assign([&](ValueId value) -> std::optional<AxisList> {
    AxisList list;
    const bool all = rank(value) == reduced.size();
    for (size_t d = 0; d < reduced.size(); ++d) {
      if (all || !reduced[d]) list.push_back(static_cast<int>(d));
    }
    if (list.size() != rank(value)) return std::nullopt;
    return list;
  });
}

// Whether the op leaves dim `d` alone, as far as its attributes say.
bool AxesOfOp::is_neutral_at(size_t d) const {
  if (dims(op_.operands[0])[d] != dims(op_.result())[d]) return false;
  for (size_t a = 0; a < op_.attrs.size(); ++a) {
    const std::string_view name = op_.def->attrs[a].name;
    if (const AxisSizes* sizes = std::get_if<AxisSizes>(&op_.attrs[a])) {
      if (name == attr::kEnds.name) continue;  // the sizes are equal: the end is the end
      if (d < sizes->values.size() && sizes->values[d] != Dim(0)) return false;
    } else if (const PerAxis* per_axis = std::get_if<PerAxis>(&op_.attrs[a])) {
      const bool counts = name == attr::kSteps.name || name == attr::kRepeats.name;
      if (d < per_axis->values.size() && per_axis->values[d] != (counts ? 1 : 0)) return false;
    } else if (const Axes* axes = std::get_if<Axes>(&op_.attrs[a])) {
      const auto& listed = axes->values;
      if (std::find(listed.begin(), listed.end(), static_cast<int64_t>(d)) != listed.end()) {
        return false;
      }
    }
  }
  return true;
}

OpAxes AxesOfOp::windowed() {
  axes_from(op_.operands[0], {});
  const size_t num_axes = axes_.axes.size();
  if (rank(op_.result()) != num_axes) return opaque();
  for (size_t d = 0; d < num_axes; ++d) axes_.axes[d].positional = !is_neutral_at(d);
  return assign([&](ValueId value) -> std::optional<AxisList> {
    if (rank(value) != num_axes) return std::nullopt;
    return aligned_right(num_axes);
  });
}

// "*mk,*kn->*mn": a letter is an axis, * stands for leading axes, aligned from the right.
OpAxes AxesOfOp::contract(std::string_view spec) {
  const size_t arrow = spec.find("->");
  check(arrow != std::string_view::npos, "a contraction without a result");
  const std::string_view result = spec.substr(arrow + 2);
  const bool has_star = !result.empty() && result.front() == '*';
  const size_t letters = result.size() - (has_star ? 1 : 0);
  if (rank(op_.result()) < letters) return opaque();
  num_star_ = rank(op_.result()) - letters;
  for (size_t i = 0; i < num_star_; ++i) add_axis({.broadcasts = true});
  if (!assign_letters(result, op_.result(), axes_.results[0])) return opaque();
  size_t begin = 0;
  for (size_t t = 0; t < op_.operands.size(); ++t) {
    if (begin > arrow) {
      // An operand beyond the spec, such as a bias, is added to the result.
      if (!op_.has_operand(t)) continue;
      const size_t operand_rank = rank(op_.operands[t]);
      if (operand_rank > axes_.results[0].size()) return opaque();
      axes_.operands[t].assign(axes_.results[0].end() - static_cast<long>(operand_rank),
                               axes_.results[0].end());
      continue;
    }
    const size_t end = std::min(spec.find(',', begin), arrow);
    if (op_.has_operand(t) &&
        !assign_letters(spec.substr(begin, end - begin), op_.operands[t], axes_.operands[t])) {
      return opaque();
    }
    begin = end + 1;
  }
  return finish();
}

bool AxesOfOp::assign_letters(std::string_view letters, ValueId value, AxisList& list) {
  const bool has_star = !letters.empty() && letters.front() == '*';
  if (has_star) letters.remove_prefix(1);
  const size_t value_rank = rank(value);
  if (value_rank < letters.size()) return false;
  const size_t star = value_rank - letters.size();
  if (star > (has_star ? num_star_ : 0)) return false;
  for (size_t i = num_star_ - star; i < num_star_; ++i) list.push_back(static_cast<int>(i));
  for (const char letter : letters) {
    int& axis = letter_axes_[static_cast<unsigned char>(letter)];
    if (axis == 0) axis = add_axis({}) + 1;
    list.push_back(axis - 1);
  }
  return true;
}

OpAxes AxesOfOp::image() {
  const size_t num_axes = rank(op_.operands[0]);
  const bool same_ranks = op_.operands.size() == 1 &&
                          std::all_of(op_.results.begin(), op_.results.end(),
                                      [&](ValueId result) { return rank(result) == num_axes; });
  if (!same_ranks || num_axes < 3) return opaque();
  axes_from(op_.operands[0], {.positional = true});
  axes_.axes[0].positional = axes_.axes[1].positional = false;
  return assign([&](ValueId) { return std::optional(aligned_right(num_axes)); });
}

namespace {

Relabelling permuted(const Dims& dims, const Ints& perm) {
  Relabelling relabelling{dims, {}, {}};
  relabelling.operand_parts.reserve(dims.size());
  relabelling.result_parts.reserve(perm.size());
  for (size_t d = 0; d < dims.size(); ++d) relabelling.operand_parts.push_back({d});
  for (const int64_t d : perm) relabelling.result_parts.push_back({static_cast<size_t>(d)});
  return relabelling;
}

OpAxes usual_axes(const Graph& graph, const Op& op) {
  AxesOfOp axes(graph, op);
  switch (op.def->axes) {
    case AxisRule::kOpaque:
      return axes.opaque();
    case AxisRule::kElementwise:
    case AxisRule::kExpand:
      return axes.elementwise();
    case AxisRule::kAlong:
      return axes.along(/*sees_positions=*/true);
    case AxisRule::kReduce:
      return axes.reduce();
    case AxisRule::kWindowed:
      return axes.windowed();
    case AxisRule::kPermute:
      return axes.relabel(permuted(axes.dims(op.operands[0]), op.attr(attr::kPerm).values));
    case AxisRule::kReshape:
      return axes.relabel(std::nullopt);
    case AxisRule::kContract:
      return axes.contract(op.def->contraction);
    case AxisRule::kAnchored:
      return axes.image();
  }
  internal_error("unknown axis rule");
}

}  // namespace

OpAxes op_axes(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  return op.def->axes_of != nullptr ? op.def->axes_of(graph, op) : usual_axes(graph, op);
}

}  // namespace ferryman
