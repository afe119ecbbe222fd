#include "passes/positions/fold_positions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/positions/linear_form.h"

namespace ferryman {

namespace {

// Where numbers grow along one axis at most, evenly, from a number that is known.
struct Ramp {
  std::optional<size_t> axis;
  int64_t step = 0;
  SizeExpr offset;
};

std::optional<Ramp> as_ramp(const LinearForm& form) {
  Ramp ramp;
  ramp.offset = form.offset;
  for (size_t axis = 0; axis < form.steps.size(); ++axis) {
    const std::optional<int64_t> step = form.steps[axis].number();
    if (step == 0) continue;
    if (!step.has_value() || ramp.axis.has_value()) return std::nullopt;
    ramp.axis = axis;
    ramp.step = *step;
  }
  if (ramp.axis.has_value() && !ramp.offset.number().has_value()) return std::nullopt;
  return ramp;
}

// The sizes of what is left when nothing depends on the axes that are dropped.
Dims without(Dims dims, const LinearForm& form) {
  for (size_t axis = 0; axis < dims.size(); ++axis)
    if (form.steps[axis] == SizeExpr()) dims[axis] = 1;
  return dims;
}

class PositionFolder {
 public:
  explicit PositionFolder(Graph& graph) : graph_(graph), forms_(graph) {}

  Changed run() {
    for (OpId id = graph_.first_op(); id.valid();) {
      const OpId next = graph_.op(id).next;
      if (graph_.op(id).results.size() == 1) fold(id);
      id = next;
    }
    return changed_;
  }

 private:
  void fold(OpId id) {
    const Op& op = graph_.op(id);
    const ValueId result = op.result();
    if (const std::optional<LinearForm> form = forms_.of(result)) {
      if (is_read_as_such(result) && !is_ramp_already(result)) write_form(id, *form);
    } else if (is_comparison(op)) {
      compare_once(id);
    } else if (op.is(ops::kLogicalAnd) || op.is(ops::kLogicalOr)) {
      drop_known_side(id);
    } else if (op.is(ops::kWhere)) {
      choose_known_side(id);
    } else if (op.is(ops::kCast)) {
      cast_number(id);
    }
  }

  // By an op that is not itself written by its form.
  bool is_read_as_such(ValueId value) {
    if (graph_.is_output(value)) return true;
    const Uses& uses = graph_.value(value).uses;
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      const Op& reader = graph_.op(use.op);
      if (reader.results.size() != 1) return true;
      const std::optional<LinearForm> form = forms_.of(reader.result());
      return !form.has_value() || !as_ramp(*form).has_value();
    });
  }

  // Made as write_ramp makes it, or in fewer steps.
  bool is_ramp_already(ValueId value) const {
    bool is_shifted = false;
    for (OpId id = graph_.producer(value); id.valid(); id = graph_.producer(value)) {
      const Op& op = graph_.op(id);
      const bool is_view = op.is(ops::kExpand) || op.is(ops::kReshape) || op.is(ops::kCast);
      const bool shifts = op.is(ops::kAdd) && !is_shifted && graph_.is_constant(op.operands[1]);
      if (!is_view && !shifts) return op.is(ops::kIota) || op.is(ops::kSymSize);
      is_shifted = is_shifted || shifts;
      value = op.operands[0];
    }
    return true;
  }

  // Nothing if its numbers are none that write_ramp has words for.
  ValueId write_ramp(CoreWriter write, const LinearForm& form, DType dtype, const Dims& dims) {
    const std::optional<Ramp> ramp = as_ramp(form);
    if (!ramp.has_value()) return {};
    const std::optional<int64_t> offset = ramp->offset.number();
    if (!ramp->axis.has_value()) {
      if (!offset.has_value() && graph_.symbols().range(ramp->offset).min < 0) return {};
      const ValueId number = offset.has_value()
                                 ? write.scalar(dtype, static_cast<double>(*offset))
                                 : write.size_value(graph_.symbols().dim(ramp->offset), dtype);
      return write.expand(number, dims);
    }
    const Dim count = dims[*ramp->axis];
    ValueId numbers = write.cast(write.numbers(count, "positions"), dtype);
    numbers = write.mul(numbers, static_cast<double>(ramp->step));
    numbers = write.add(numbers, static_cast<double>(*offset));
    Dims alone(dims.size(), Dim(1));
    alone[*ramp->axis] = count;
    return write.expand(write.reshape(numbers, alone), dims);
  }

  void write_form(OpId id, const LinearForm& form) {
    const TensorType type = graph_.type(graph_.op(id).result());
    replace(id, [&](CoreWriter write) { return write_ramp(write, form, type.dtype, type.dims); });
  }

  void compare_once(OpId id) {
    const Op& op = graph_.op(id);
    const OpName name(op.def->name);
    const std::optional<LinearForms::Compared> sides = forms_.compared(op);
    if (!sides.has_value()) return;
    const Dims dims = graph_.type(op.result()).dims;
    const Dims once = without(dims, sides->difference());
    const DType dtype = graph_.type(op.operands[0]).dtype;
    if (once == dims && is_ramp_already(op.operands[0]) && is_ramp_already(op.operands[1])) return;
    replace(id, [&](CoreWriter write) {
      const ValueId left = write_side(write, sides->left, dtype, once);
      const ValueId right = write_side(write, sides->right, dtype, once);
      if (!left.valid() || !right.valid()) return ValueId();
      return write.expand(write.reshape(write.binary(name, left, right), once), dims);
    });
  }

  // Of a comparison that is made once along axes of size 1: what both sides grow by there is left
  // out of both.
  ValueId write_side(CoreWriter write, LinearForm form, DType dtype, const Dims& once) {
    for (size_t axis = 0; axis < once.size(); ++axis)
      if (once[axis] == Dim(1)) form.steps[axis] = SizeExpr();
    return write_ramp(write, form, dtype, without(once, form));
  }

  void drop_known_side(OpId id) {
    const Op& op = graph_.op(id);
    const Dims dims = graph_.type(op.result()).dims;
    for (const size_t side : {0U, 1U}) {
      if (!forms_.truth_of(op.operands[side]).has_value()) continue;
      const ValueId other = op.operands[1 - side];
      replace(id, [&](CoreWriter write) { return write.expand(other, dims); });
      return;
    }
  }

  // To a type that has no forms.
  void cast_number(OpId id) {
    const std::optional<LinearForm> form = forms_.of(graph_.op(id).operands[0]);
    if (!form.has_value() || !form->number().has_value()) return;
    const TensorType type = graph_.type(graph_.op(id).result());
    if (!is_floating(type.dtype)) return;
    const auto number = static_cast<double>(*form->number());
    replace(id, [&](CoreWriter write) {
      return write.expand(write.scalar(type.dtype, number), type.dims);
    });
  }

  void choose_known_side(OpId id) {
    const Op& op = graph_.op(id);
    const std::optional<bool> truth = forms_.truth_of(op.operands[0]);
    if (!truth.has_value()) return choose_once(id);
    const ValueId chosen = op.operands[*truth ? 1 : 2];
    const Dims dims = graph_.type(op.result()).dims;
    replace(id, [&](CoreWriter write) { return write.expand(chosen, dims); });
  }

  // A choice between two numbers is made before the condition is broadcast.
  void choose_once(OpId id) {
    const Op& op = graph_.op(id);
    const OpId expand = graph_.producer_if(op.operands[0], ops::kExpand);
    const bool chooses_numbers =
        graph_.type(op.operands[1]).rank() == 0 && graph_.type(op.operands[2]).rank() == 0;
    if (!expand.valid() || !chooses_numbers) return;
    const std::array operands{graph_.op(expand).operands[0], op.operands[1], op.operands[2]};
    const Dims dims = graph_.type(op.result()).dims;
    replace(id,
            [&](CoreWriter write) { return write.expand(write.op(ops::kWhere, operands), dims); });
  }

  template <typename Write>
  void replace(OpId id, const Write& write) {
    Rewriter rewriter(graph_);
    rewriter.insert_before(id);
    const ValueId value = write(CoreWriter(rewriter));
    if (!value.valid()) return;
    rewriter.replace_value(graph_.op(id).result(), value);
    changed_ = Changed::kYes;
  }

  Graph& graph_;
  LinearForms forms_;
  Changed changed_ = Changed::kNo;
};

// Numbers that depend on a free size, or are repeated along one and so are no constant.
bool has_free_sizes(const Graph& graph) {
  for (OpId id = graph.first_op(); id.valid(); id = graph.op(id).next) {
    const Op& op = graph.op(id);
    if (op.is(ops::kIota) || op.is(ops::kSymSize)) return true;
    if (op.is(ops::kExpand) && graph.is_constant(op.operands[0]) &&
        !all_static(graph.type(op.result()).dims))
      return true;
  }
  return false;
}

}  // namespace

Pass fold_positions() {
  return {"fold_positions", "positions and masks of free sizes, in the fewest steps",
          [](Graph& graph, PassContext&) -> Result<Changed> {
            if (!has_free_sizes(graph)) return Changed::kNo;
            return PositionFolder(graph).run();
          }};
}

}  // namespace ferryman
