#include "passes/bodies/callers.h"

#include <map>
#include <utility>

namespace ferryman {

std::vector<Callers> find_callers(const Graph& graph) {
  std::map<std::vector<BodyId>, std::vector<OpId>> ops;
  if (graph.num_body_ids() == 0) return {};
  for (const OpId op : graph.op_ids()) {
    std::vector<BodyId> bodies = bodies_of(graph.op(op));
    if (!bodies.empty()) ops[std::move(bodies)].push_back(op);
  }
  std::vector<Callers> callers;
  for (auto& [bodies, list] : ops) callers.push_back({std::move(list), bodies});
  return callers;
}

}  // namespace ferryman
