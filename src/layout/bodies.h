// Plans of the bodies that ops run. A form of such an op says in which order its operands and
// results lie, and with them those of the bodies' inputs and outputs; what a body then moves is
// what the form costs.
//
//   BodyPlanner planner(contract);
//   for (const BodyLinks& links : body_links(graph, op))
//     planner.plan(graph.body(links.body), body_io(links, form));
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "layout/plan.h"
#include "ops/control/control.h"

namespace ferryman::layout {

// How the inputs and outputs of a body lie under a form of its op, whose demands name all dims.
IoLayouts body_io(const BodyLinks& links, const Form& form);

// Plans each body once for each way to pass its inputs and outputs.
class BodyPlanner {
 public:
  explicit BodyPlanner(const TargetContract& contract) : contract_(contract) {}

  // Lives as long as the planner or somebody who holds it.
  std::shared_ptr<const BodyPlan> plan(const Graph& body, const IoLayouts& io);
  const TargetContract& contract() const { return contract_; }

 private:
  using Key = std::pair<const Graph*, std::vector<std::vector<int>>>;
  const TargetContract& contract_;
  std::map<Key, std::shared_ptr<const BodyPlan>> plans_;
};

// Bytes that the op's bodies move when it runs once: each branch is taken half of the time, and how
// often a loop runs is assumed where it is not known.
int64_t bytes_in_bodies(const Graph& graph, OpId op, const Form& form, BodyPlanner& planner);

}  // namespace ferryman::layout
