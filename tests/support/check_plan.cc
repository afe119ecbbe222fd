#include "tests/support/check_plan.h"

#include <algorithm>
#include <map>
#include <set>

namespace ferryman::layout {

namespace {

class PlanChecker {
 public:
  PlanChecker(const Graph& graph, const LayoutPlan& plan) : graph_(graph), plan_(plan) {}

  std::string run() {
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      produce(graph_.inputs()[i], plan_.inputs[i]);
    }
    for (const OpId op : graph_.op_ids()) {
      if (!plan_.ops[op].relabelling) carry_out(op);
    }
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      read(graph_.outputs()[i].value, plan_.outputs[i]);
    }
    int64_t expected = 0;
    for (const LayoutCopy& copy : plan_.copies) expected += copy.bytes;
    if (copied_bytes_ != expected) complain("copied bytes differ from the plan's copies");
    if (num_copies_ != plan_.copies.size()) complain("number of copies differs");
    return std::move(complaints_);
  }

 private:
  void complain(const std::string& what) { complaints_ += what + "\n"; }

  std::string name(OpId op) const { return std::string(graph_.op(op).def->name); }

  bool is_constant(ValueId value) const { return graph_.is_stored(plan_.views[value].root); }

  int64_t bytes_of(ValueId root) const {
    return num_elements(graph_.type(root).dims) * byte_size(graph_.type(root).dtype);
  }

  void check_shape(ValueId value, const Layout& layout) {
    if (num_elements(layout.shape()) != num_elements(graph_.type(value).dims)) {
      complain("a shape with another number of elements");
    }
    std::set<int> dims;
    for (const PhysicalAxis& axis : layout.axes) {
      for (const AxisPart& part : axis.parts) dims.insert(part.dim);
    }
    dims.erase(-1);
    if (dims.size() != graph_.type(value).rank()) complain("a layout that lacks dims");
  }

  void produce(ValueId value, const Layout& layout) {
    check_shape(value, layout);
    known_.insert(plan_.memory_order(value, layout));
  }

  void read(ValueId value, const Layout& layout) {
    check_shape(value, layout);
    if (is_constant(value)) return;
    const MemoryOrder order = plan_.memory_order(value, layout);
    if (!known_.insert(order).second) return;
    const auto any = known_.lower_bound({order.root, {}});
    if (any == known_.end() || any->root != order.root) complain("memory read before it is made");
    ++num_copies_;
    for (const LayoutCopy& copy : plan_.copies) {
      if (plan_.memory_order(copy.value, copy.to) == order) copied_bytes_ += copy.bytes;
    }
  }

  void carry_out(OpId id) {
    const Op& op = graph_.op(id);
    const OpPlan& chosen = plan_.ops[id];
    for (size_t t = 0; t < op.operands.size(); ++t) {
      if (op.operands[t].valid()) read(op.operands[t], chosen.operands[t]);
    }
    for (size_t r = 0; r < op.results.size(); ++r) produce(op.results[r], chosen.results[r]);
    if (op.def->axes != AxisRule::kElementwise) return;
    for (size_t t = 0; t < op.operands.size(); ++t) {
      if (!faces(op.operands[t], chosen.operands[t], op.result(), chosen.results[0])) {
        complain("operand " + std::to_string(t) + " of " + name(id) + " does not face the result");
      }
    }
  }

  // Aligned from the right, each axis of the operand is 1 or the same parts of the same dim.
  bool faces(ValueId operand, const Layout& layout, ValueId result, const Layout& result_layout) {
    const size_t rank = layout.axes.size();
    const size_t result_rank = result_layout.axes.size();
    if (rank > result_rank) return false;
    const int shift = static_cast<int>(graph_.type(result).rank()) -
                      static_cast<int>(graph_.type(operand).rank());
    for (size_t a = 0; a < rank; ++a) {
      const PhysicalAxis& mine = layout.axes[a];
      const PhysicalAxis& theirs = result_layout.axes[result_rank - rank + a];
      if (mine.extent == Dim(1)) continue;
      if (mine.extent != theirs.extent || mine.parts.size() != theirs.parts.size()) return false;
      for (size_t p = 0; p < mine.parts.size(); ++p) {
        const bool same = mine.parts[p].dim + shift == theirs.parts[p].dim &&
                          mine.parts[p].extent == theirs.parts[p].extent;
        if (!same) return false;
      }
    }
    return true;
  }

  const Graph& graph_;
  const LayoutPlan& plan_;
  std::set<MemoryOrder> known_;
  size_t num_copies_ = 0;
  int64_t copied_bytes_ = 0;
  std::string complaints_;
};

}  // namespace

std::string check_plan(const Graph& graph, const LayoutPlan& plan) {
  return PlanChecker(graph, plan).run();
}

}  // namespace ferryman::layout
