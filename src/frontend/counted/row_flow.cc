#include "frontend/counted/row_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/op_axes.h"

namespace ferryman::frontend {

namespace {

Dim count_before(SymbolTable& symbols, const Dims& dims, size_t axis) {
  return symbols.product(Dims(dims.begin(), dims.begin() + static_cast<long>(axis)));
}

class RowFlow {
 public:
  RowFlow(Graph& graph, const CountedAxes& operands) : graph_(graph) {
    for (const auto& [value, axis] : operands) axes_[value] = static_cast<size_t>(axis.axis);
  }

  Result<RowAxes> run(OpId first) {
    for (OpId op = first; op.valid(); op = graph_.op(op).next) {
      FERRYMAN_TRY_STATUS(visit(op));
    }
    return std::move(axes_);
  }

 private:
  Diag mixes(const Op& op) const {
    return Diag::error(DiagCode::kUnsupportedForm,
                       fmt::format("'{}' combines entries whose number is only known at run time",
                                   op.def->name))
        .because("entries that do not exist would take part")
        .hint(
            "keep all entries: torch.where or a product with the mask in place of x[mask]; or do "
            "it "
            "in the code that calls the model");
  }

  const Dims& dims(ValueId value) const { return graph_.type(value).dims; }

  bool is_counted(ValueId value) const { return value.valid() && axes_.contains(value); }

  Status visit(OpId id) {
    const Op& op = graph_.op(id);
    const bool touches = std::any_of(op.operands.begin(), op.operands.end(),
                                     [&](ValueId operand) { return is_counted(operand); });
    if (!touches) return {};
    if (may_divide_by_zero(op)) return mixes(op);
    if (op.is(ops::kGather)) return visit_gather(id);
    switch (op.def->axes) {
      case AxisRule::kPermute:
        return visit_permute(op);
      case AxisRule::kReshape:
        return visit_reshape(op);
      case AxisRule::kAnchored:
        return visit_batch(op);
      case AxisRule::kElementwise:
      case AxisRule::kExpand:
      case AxisRule::kWindowed:
      case AxisRule::kContract:
      case AxisRule::kReduce:
      case AxisRule::kAlong:
        return visit_tied(id);
      case AxisRule::kOpaque:
        return mixes(op);
    }
    internal_error("unknown axis rule");
  }

  // The runtime stops at a whole number divided by zero.
  bool may_divide_by_zero(const Op& op) const {
    const bool divides = op.is(ops::kFloorDivide) || op.is(ops::kTruncDivide) ||
                         op.is(ops::kRemainder) || op.is(ops::kFmod);
    return divides && is_counted(op.operands[1]) && !is_floating(graph_.type(op.operands[1]).dtype);
  }

  Status visit_gather(OpId id) {
    const Op& op = graph_.op(id);
    const auto along = static_cast<size_t>(op.attr(attr::kAxis).value);
    if (is_counted(op.operands[0])) {
      size_t axis = axes_.at(op.operands[0]);
      if (axis == along || is_counted(op.operands[1])) return mixes(op);
      if (axis > along) axis += dims(op.operands[1]).size() - 1;
      axes_[op.result()] = axis;
      return {};
    }
    axes_[op.result()] = along + axes_.at(op.operands[1]);
    const Dim size = dims(op.operands[0])[along];
    Rewriter rewriter(graph_);
    rewriter.insert_before(id);
    rewriter.set_location(op.location);
    rewriter.set_operand(id, 1, brought_inside(CoreWriter(rewriter), op.operands[1], size));
    return {};
  }

  Status visit_permute(const Op& op) {
    const Ints& perm = op.attr(attr::kPerm).values;
    const auto axis = static_cast<int64_t>(axes_.at(op.operands[0]));
    const auto found = std::find(perm.begin(), perm.end(), axis);
    axes_[op.result()] = static_cast<size_t>(found - perm.begin());
    return {};
  }

  // The axis must stay whole, or be the outermost of those that are merged: then a number of
  // entries is still a beginning.
  Status visit_reshape(const Op& op) {
    const Dims& from = dims(op.operands[0]);
    const Dims& to = dims(op.result());
    const size_t axis = axes_.at(op.operands[0]);
    SymbolTable& symbols = graph_.symbols();
    const Dim before = count_before(symbols, from, axis);
    for (size_t i = 0; i < to.size(); ++i) {
      if (count_before(symbols, to, i) != before) continue;
      const bool is_whole =
          from[axis] == Dim(0) || symbols.exact_quotient(to[i], from[axis]).has_value();
      if (!is_whole || (to[i] == Dim(1) && from[axis] != Dim(1))) continue;
      axes_[op.result()] = i;
      return {};
    }
    return mixes(op);
  }

  // Convolutions, pools, norms: batch elements are independent.
  Status visit_batch(const Op& op) {
    const bool only_first = std::all_of(op.operands.begin() + 1, op.operands.end(),
                                        [&](ValueId operand) { return !is_counted(operand); });
    const bool is_kept = !op.results.empty() && axes_.at(op.operands[0]) == 0 &&
                         dims(op.result()).size() > 1 &&
                         dims(op.result())[0] == dims(op.operands[0])[0];
    if (!only_first || !is_kept || sees_axis(op, 0)) return mixes(op);
    for (const ValueId result : op.results) axes_[result] = 0;
    return {};
  }

  // Whether an attribute names the axis of operand 0.
  static bool sees_axis(const Op& op, size_t axis) {
    const auto number = static_cast<int64_t>(axis);
    for (const Attr& attr : op.attrs) {
      const Axis* one = std::get_if<Axis>(&attr);
      if (one != nullptr && one->value == number) return true;
      const Axes* several = std::get_if<Axes>(&attr);
      if (several == nullptr) continue;
      const Ints& values = several->values;
      if (std::find(values.begin(), values.end(), number) != values.end()) return true;
    }
    return false;
  }

  Status visit_tied(OpId id) {
    const Op& op = graph_.op(id);
    const OpAxes axes = op_axes(graph_, id);
    if (axes.kind != OpAxes::Kind::kTied) return mixes(op);
    int tied = -1;
    for (size_t i = 0; i < op.operands.size(); ++i) {
      if (!is_counted(op.operands[i])) continue;
      const size_t axis = axes_.at(op.operands[i]);
      // Sums from the first on see nothing that comes later.
      const bool is_named = i == 0 || op.def->axes == AxisRule::kAlong;
      if (is_named && sees_axis(op, axis) && !op.is(ops::kCumsum)) return mixes(op);
      const int number = axes.operands[i][axis];
      if (tied >= 0 && number != tied) return mixes(op);
      tied = number;
    }
    if (axes.axes[static_cast<size_t>(tied)].positional && !op.is(ops::kCumsum)) return mixes(op);
    for (size_t r = 0; r < op.results.size(); ++r) {
      const std::vector<int>& list = axes.results[r];
      const auto found = std::find(list.begin(), list.end(), tied);
      if (found == list.end()) return mixes(op);
      axes_[op.results[r]] = static_cast<size_t>(found - list.begin());
    }
    return {};
  }

  Graph& graph_;
  RowAxes axes_;
};

}  // namespace

Result<RowAxes> follow_rows(Graph& graph, OpId first, const CountedAxes& operands) {
  return RowFlow(graph, operands).run(first);
}

}  // namespace ferryman::frontend
