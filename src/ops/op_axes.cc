#include "ops/op_axes.h"

#include <algorithm>
#include <string_view>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/spatial.h"

namespace ferryman {

namespace {

class AxesOfOp {
 public:
  AxesOfOp(const Graph& graph, OpId id) : graph_(graph), op_(graph.op(id)) {
    axes_.operands.resize(op_.operands.size());
    axes_.results.resize(op_.results.size());
  }

  OpAxes build() {
    if (op_.is(ops::kPixelShuffle) || op_.is(ops::kPixelUnshuffle)) return relabel();
    switch (op_.def->axes) {
      case AxisRule::kOpaque:
        return opaque();
      case AxisRule::kElementwise:
      case AxisRule::kExpand:
        return elementwise();
      case AxisRule::kAlong:
        return op_.is(ops::kGather) ? gather() : along();
      case AxisRule::kReduce:
        return reduce();
      case AxisRule::kWindowed:
        return windowed();
      case AxisRule::kPermute:
      case AxisRule::kReshape:
        return relabel();
      case AxisRule::kContract:
        return contract(op_.def->contraction);
      case AxisRule::kAnchored:
        return anchored();
    }
    internal_error("unknown axis rule");
  }

 private:
  size_t rank(ValueId value) const { return graph_.type(value).rank(); }
  const Dims& dims(ValueId value) const { return graph_.type(value).dims; }

  int add_axis(OpAxis axis) {
    axes_.axes.push_back(axis);
    return static_cast<int>(axes_.axes.size()) - 1;
  }

  OpAxes relabel() {
    axes_.kind = OpAxes::Kind::kRelabel;
    return std::move(axes_);
  }

  // Every tensor on its own.
  OpAxes opaque() {
    axes_.kind = OpAxes::Kind::kOpaque;
    const auto own_axes = [this](const std::vector<ValueId>& values,
                                 std::vector<std::vector<int>>& lists) {
      for (size_t t = 0; t < values.size(); ++t) {
        if (!values[t].valid()) continue;
        for (size_t d = 0; d < rank(values[t]); ++d) {
          lists[t].push_back(add_axis({.positional = true}));
        }
      }
    };
    own_axes(op_.operands, axes_.operands);
    own_axes(op_.results, axes_.results);
    return std::move(axes_);
  }

  // Axes 0 .. rank-1 are the dims of `of`.
  void axes_from(ValueId of, OpAxis axis) { axes_.axes.assign(rank(of), axis); }

  // The last `value_rank` of the axes, as broadcasting aligns them.
  std::vector<int> aligned_right(size_t value_rank) const {
    std::vector<int> list(value_rank);
    for (size_t d = 0; d < value_rank; ++d) {
      list[d] = static_cast<int>(axes_.axes.size() - value_rank + d);
    }
    return list;
  }

  OpAxes elementwise() {
    axes_from(op_.result(), {.broadcasts = true});
    for (size_t t = 0; t < op_.operands.size(); ++t) {
      if (!op_.has_operand(t)) continue;
      const size_t operand_rank = rank(op_.operands[t]);
      if (operand_rank > axes_.axes.size()) return opaque_again();
      axes_.operands[t] = aligned_right(operand_rank);
      // One number per channel, given as a vector.
      if (t > 0 && is_per_channel() && operand_rank == 1 && axes_.axes.size() >= 2) {
        axes_.operands[t] = {1};
      }
    }
    for (size_t r = 0; r < op_.results.size(); ++r) {
      axes_.results[r] = aligned_right(rank(op_.results[r]));
    }
    return std::move(axes_);
  }

  bool is_per_channel() const { return op_.is(ops::kPrelu) || op_.is(ops::kBatchNorm); }

  OpAxes opaque_again() {
    axes_ = {};
    axes_.operands.resize(op_.operands.size());
    axes_.results.resize(op_.results.size());
    return opaque();
  }

  // The Axis attribute by its kind, not by its name.
  size_t axis_attr() const {
    for (const Attr& attr : op_.attrs) {
      if (const Axis* axis = std::get_if<Axis>(&attr)) return static_cast<size_t>(axis->value);
    }
    internal_error("an op along an axis without an Axis attribute");
  }

  // Sums over the axis in any order; scans and selections depend on it.
  bool sees_positions_along() const { return !op_.is(ops::kSoftmax) && !op_.is(ops::kLogSoftmax); }

  OpAxes along() {
    const size_t axis = axis_attr();
    axes_from(op_.operands[0], {});
    axes_.axes[axis].positional = sees_positions_along();
    const auto axes_of = [&](ValueId value) -> std::optional<std::vector<int>> {
      std::vector<int> list = aligned_right(axes_.axes.size());
      if (rank(value) + 1 == list.size()) list.erase(list.begin() + static_cast<long>(axis));
      if (rank(value) != list.size()) return std::nullopt;
      return list;
    };
    return assign(axes_of);
  }

  // Gives every tensor its axes, or gives up on the op where that fails.
  template <typename AxesOf>
  OpAxes assign(AxesOf axes_of) {
    for (size_t t = 0; t < op_.operands.size(); ++t) {
      if (!op_.has_operand(t)) continue;
      const auto list = axes_of(op_.operands[t]);
      if (!list.has_value()) return opaque_again();
      axes_.operands[t] = *list;
    }
    for (size_t r = 0; r < op_.results.size(); ++r) {
      const auto list = axes_of(op_.results[r]);
      if (!list.has_value()) return opaque_again();
      axes_.results[r] = *list;
    }
    return std::move(axes_);
  }

  // The dims of the indices take the place of the axis. Together they are one axis, whose positions
  // come in the order of the indices.
  OpAxes gather() {
    const size_t axis = axis_attr();
    axes_from(op_.operands[0], {});
    axes_.axes[axis].positional = true;
    axes_.operands[0] = aligned_right(axes_.axes.size());
    const size_t index_rank = rank(op_.operands[1]);
    for (const int a : axes_.operands[0]) {
      const size_t count = a == static_cast<int>(axis) ? index_rank : 1;
      axes_.results[0].insert(axes_.results[0].end(), count, a);
    }
    if (index_rank > 0) axes_.operands[1].assign(index_rank, add_axis({.positional = true}));
    return std::move(axes_);
  }

  OpAxes reduce() {
    std::vector<bool> reduced(rank(op_.operands[0]), false);
    for (const Attr& attr : op_.attrs) {
      if (const Axes* axes = std::get_if<Axes>(&attr)) {
        for (const int64_t axis : axes->values) reduced[static_cast<size_t>(axis)] = true;
      } else if (const Axis* axis = std::get_if<Axis>(&attr)) {
        reduced[static_cast<size_t>(axis->value)] = true;
      }
    }
    axes_from(op_.operands[0], {});
    return assign([&](ValueId value) -> std::optional<std::vector<int>> {
      std::vector<int> list;
      const bool all = rank(value) == reduced.size();
      for (size_t d = 0; d < reduced.size(); ++d) {
        if (all || !reduced[d]) list.push_back(static_cast<int>(d));
      }
      if (list.size() != rank(value)) return std::nullopt;
      return list;
    });
  }

  // Whether the op leaves dim `d` alone, as far as its attributes say.
  bool is_neutral_at(size_t d) const {
    if (dims(op_.operands[0])[d] != dims(op_.result())[d]) return false;
    for (size_t a = 0; a < op_.attrs.size(); ++a) {
      const std::string_view name = op_.def->attrs[a].name;
      if (const PerAxis* per_axis = std::get_if<PerAxis>(&op_.attrs[a])) {
        if (name == attr::kEnds.name) continue;  // the sizes are equal: the end is the end
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

  OpAxes windowed() {
    axes_from(op_.operands[0], {});
    const size_t num_axes = axes_.axes.size();
    if (rank(op_.result()) != num_axes) return opaque_again();
    for (size_t d = 0; d < num_axes; ++d) axes_.axes[d].positional = !is_neutral_at(d);
    return assign([&](ValueId value) -> std::optional<std::vector<int>> {
      if (rank(value) != num_axes) return std::nullopt;
      return aligned_right(num_axes);
    });
  }

  // "*mk,*kn->*mn": a letter is an axis, * stands for leading axes, aligned from the right.
  OpAxes contract(std::string_view spec) {
    const size_t arrow = spec.find("->");
    check(arrow != std::string_view::npos, "a contraction without a result");
    const std::string_view result = spec.substr(arrow + 2);
    const bool has_star = !result.empty() && result.front() == '*';
    const size_t letters = result.size() - (has_star ? 1 : 0);
    if (rank(op_.result()) < letters) return opaque();
    num_star_ = rank(op_.result()) - letters;
    for (size_t i = 0; i < num_star_; ++i) add_axis({.broadcasts = true});
    if (!assign_letters(result, op_.result(), axes_.results[0])) return opaque_again();
    size_t begin = 0;
    for (size_t t = 0; t < op_.operands.size(); ++t) {
      if (begin > arrow) {
        // An operand beyond the spec, such as a bias, is added to the result.
        if (!op_.has_operand(t)) continue;
        const size_t operand_rank = rank(op_.operands[t]);
        if (operand_rank > axes_.results[0].size()) return opaque_again();
        axes_.operands[t].assign(axes_.results[0].end() - static_cast<long>(operand_rank),
                                 axes_.results[0].end());
        continue;
      }
      const size_t end = std::min(spec.find(',', begin), arrow);
      if (op_.has_operand(t) &&
          !assign_letters(spec.substr(begin, end - begin), op_.operands[t], axes_.operands[t])) {
        return opaque_again();
      }
      begin = end + 1;
    }
    return std::move(axes_);
  }

  bool assign_letters(std::string_view letters, ValueId value, std::vector<int>& list) {
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

  OpAxes anchored() {
    if (op_.is(ops::kConv)) return convolution(1, 0);
    if (op_.is(ops::kConvTranspose)) return convolution(0, 1);
    if (op_.is(ops::kBatchNorm) || op_.is(ops::kLayerNorm) || op_.is(ops::kRmsNorm)) {
      return elementwise();
    }
    // Pools and resizes: channels are independent, positions matter along the spatial axes.
    const size_t num_axes = rank(op_.operands[0]);
    const bool same_ranks = op_.operands.size() == 1 &&
                            std::all_of(op_.results.begin(), op_.results.end(),
                                        [&](ValueId result) { return rank(result) == num_axes; });
    if (!same_ranks || op_.is(ops::kGroupNorm) || num_axes < 3) return opaque();
    axes_from(op_.operands[0], {.positional = true});
    axes_.axes[0].positional = axes_.axes[1].positional = false;
    return assign([&](ValueId) { return std::optional(aligned_right(num_axes)); });
  }

  // Axes: batch, input channels, output channels, spatial, kernel. The weight has the channels of
  // the input in dim `weight_in` and those of the result in dim `weight_out`.
  OpAxes convolution(size_t weight_in, size_t weight_out) {
    const size_t num_spatial = rank(op_.result()) - 2;
    const int64_t groups = op_.attr(attr::kGroups);
    const bool depthwise =
        conv_kind(graph_, op_) == ConvKind::kDepthwise && depth_multiplier(graph_, op_) == 1;
    const bool mixed = groups > 1 && !depthwise;  // which channels meet depends on their positions
    const int batch = add_axis({});
    const int in = add_axis({.positional = mixed});
    const int out = depthwise ? in : add_axis({.positional = mixed});
    std::vector<int>& x = axes_.operands[0] = {batch, in};
    std::vector<int>& weight = axes_.operands[1] = {-1, -1};
    std::vector<int>& result = axes_.results[0] = {batch, out};
    const int per_group = groups > 1 ? add_axis({.positional = true}) : -1;
    // With groups, one of the weight's two channel dims counts inside a group.
    const size_t grouped_dim = 1;
    weight[weight_in] = groups > 1 && weight_in == grouped_dim ? per_group : in;
    weight[weight_out] = groups > 1 && weight_out == grouped_dim ? per_group : out;
    for (size_t i = 0; i < num_spatial; ++i) {
      const int spatial = add_axis({.positional = true});
      x.push_back(spatial);
      result.push_back(spatial);
      weight.push_back(add_axis({.positional = true}));
    }
    if (op_.has_operand(2)) axes_.operands[2] = {out};
    return std::move(axes_);
  }

  const Graph& graph_;
  const Op& op_;
  OpAxes axes_;
  size_t num_star_ = 0;
  std::array<int, 256> letter_axes_{};  // axis + 1
};

}  // namespace

OpAxes op_axes(const Graph& graph, OpId op) {
  return AxesOfOp(graph, op).build();
}

}  // namespace ferryman
