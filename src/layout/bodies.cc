#include "layout/bodies.h"

#include "layout/planning.h"
#include "ops/control/control.h"

namespace ferryman::layout {

namespace {

IoLayout port_layout(const BodyPort& port, const std::vector<TensorDemand>& demands) {
  if (port.index == BodyPort::kNowhere || port.index >= demands.size()) return {};
  std::vector<int> order;
  for (const int dim : demands[port.index].innermost) {
    if (!port.is_entry) order.push_back(dim);
    if (port.is_entry && dim > 0) order.push_back(dim - 1);
  }
  return {.kind = IoLayout::Kind::kOrder, .order = std::move(order)};
}

std::vector<std::vector<int>> key_of(const IoLayouts& io) {
  std::vector<std::vector<int>> key;
  for (const auto* list : {&io.inputs, &io.outputs}) {
    for (const IoLayout& layout : *list) key.push_back(layout.order);
  }
  return key;
}

}  // namespace

IoLayouts body_io(const BodyLinks& links, const Form& form) {
  IoLayouts io;
  for (const BodyPort& port : links.inputs) io.inputs.push_back(port_layout(port, form.operands));
  for (const BodyPort& port : links.outputs) io.outputs.push_back(port_layout(port, form.results));
  return io;
}

std::shared_ptr<const BodyPlan> BodyPlanner::plan(const Graph& body, const IoLayouts& io) {
  std::shared_ptr<const BodyPlan>& known = plans_[{&body, key_of(io)}];
  if (known != nullptr) return known;
  const Planning planning = run_planning(body, contract_, io, *this);
  auto made = std::make_shared<const BodyPlan>(BodyPlan{io, write_plan(body, io, planning)});
  plans_[{&body, key_of(io)}] = made;
  return made;
}

int64_t bytes_in_bodies(const Graph& graph, OpId op, const Form& form, BodyPlanner& planner) {
  int64_t bytes = 0;
  for (const BodyLinks& links : body_links(graph, op))
    bytes += planner.plan(graph.body(links.body), body_io(links, form))->plan.bytes_moved;
  return expected_of_bodies(graph, op, bytes);
}

}  // namespace ferryman::layout
