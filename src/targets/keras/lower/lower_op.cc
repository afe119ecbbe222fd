#include "targets/keras/lower/lower_op.h"

#include <algorithm>

#include "support/check.h"

namespace ferryman::keras {

using layout::AxisPart;
using layout::PhysicalAxis;

int64_t LowerOp::axis_of_dim(int64_t dim) const {
  const Ints axes = plan_.operands[0].axes_of_dim(static_cast<int>(dim));
  check(axes.size() == 1, "an op along an axis that lies in pieces");
  return axes[0];
}

Ints LowerOp::axes(AttrKey<Axes> key) const {
  Ints result;
  for (const int64_t dim : attr(key).values) {
    const Ints found = plan_.operands[0].axes_of_dim(static_cast<int>(dim));
    result.insert(result.end(), found.begin(), found.end());
  }
  std::sort(result.begin(), result.end());
  return result;
}

Ints LowerOp::per_axis(AttrKey<PerAxis> key) const {
  Ints result;
  for (const PhysicalAxis& axis : plan_.operands[0].axes)
    result.push_back(attr(key).values[static_cast<size_t>(axis.parts.front().dim)]);
  return result;
}

Dims LowerOp::axis_sizes(AttrKey<AxisSizes> key) const {
  Dims result;
  for (const PhysicalAxis& axis : plan_.operands[0].axes)
    result.push_back(attr(key).values[static_cast<size_t>(axis.parts.front().dim)]);
  return result;
}

Dims LowerOp::windowed_shape() const {
  Dims shape;
  for (const PhysicalAxis& axis : plan_.operands[0].axes)
    shape.push_back(result_type().dims[static_cast<size_t>(axis.parts.front().dim)]);
  return shape;
}

TensorIndex LowerOp::joined(size_t index) {
  const ValueId value = op_.operands[index];
  Dims shape;
  for (const PhysicalAxis& axis : plan_.operands[0].axes)
    shape.push_back(graph().type(value).dims[static_cast<size_t>(axis.parts.front().dim)]);
  return memory_.in_shape(value, plan_.operands[index], shape);
}

namespace {

// Whether ops that are this one's equals, up to what runs through them, are all that reads the
// memory of `root`.
bool is_read_by_equals(const Graph& graph, const layout::LayoutPlan& plan, ValueId root,
                       const Op& op) {
  for (const Use& use : graph.value(root).uses) {
    const Op& reader = graph.op(use.op);
    if (plan.ops[use.op].relabelling) {
      if (!is_read_by_equals(graph, plan, reader.result(), op)) return false;
      continue;
    }
    if (reader.def != op.def || !(reader.attrs == op.attrs)) return false;
    for (size_t i = 1; i < op.operands.size(); ++i)
      if (reader.operands[i] != op.operands[i]) return false;
  }
  return !graph.is_output(root);
}

}  // namespace

bool LowerOp::can_hold(size_t index) const {
  if (!has(index)) return true;
  const ValueId root = plan_of_graph_.views[op_.operands[index]].root;
  if (graph().is_constant(root)) return true;
  return graph().is_stored(root) && is_read_by_equals(graph(), plan_of_graph_, root, op_);
}

Stored LowerOp::stored(size_t index) const {
  const ValueId value = op_.operands[index];
  const layout::Layout& layout = plan_.operands[index];
  const ValueId root = plan_of_graph_.views[value].root;
  Stored found = {root,
                  layout::constant_in_layout(graph(), plan_of_graph_, value, layout),
                  {},
                  static_sizes(layout.shape())};
  // The data has the layout's axes, or their parts without those of size 1 (constant_in_layout).
  const bool is_whole = found.data.shape() == found.shape;
  int64_t next = 0;
  for (size_t axis = 0; axis < layout.axes.size(); ++axis) {
    Ints& parts = found.axes.emplace_back();
    if (is_whole) {
      parts.push_back(static_cast<int64_t>(axis));
      continue;
    }
    for (const AxisPart& part : layout.axes[axis].parts)
      if (part.factor >= 0) parts.push_back(next++);
  }
  return found;
}

Variable LowerOp::variable(std::string name, const Stored& stored, const Ints& perm, Ints shape) {
  Ints fine;
  for (const int64_t axis : perm) {
    const Ints& parts = stored.axes[static_cast<size_t>(axis)];
    fine.insert(fine.end(), parts.begin(), parts.end());
  }
  return {.place = "",
          .name = std::move(name),
          .data = stored.data.permuted(fine),
          .shape = std::move(shape),
          .source = stored.source};
}

Variable LowerOp::vector(std::string name, size_t index) const {
  const Stored found = stored(index);
  Ints perm(found.axes.size());
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  return variable(std::move(name), found, perm, {found.data.num_elems()});
}

std::string LowerOp::module_of(size_t index) const {
  if (!has(index)) return {};
  const ValueId root = plan_of_graph_.views[op_.operands[index]].root;
  const std::string& name = graph().value(root).name;
  if (!name.ends_with(".weight") && !name.ends_with(".bias")) return {};
  return name.substr(0, name.rfind('.'));
}

}  // namespace ferryman::keras
