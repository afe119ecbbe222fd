#include "frontend/translate/refused_values.h"

#include <algorithm>

namespace ferryman::frontend {

void RefusedValues::add_results_of(const Node& node) {
  for (const ValueIndex result : node.results) {
    if (result != kNoValue) add(result);
  }
}

bool RefusedValues::reach(const Node& node) const {
  return !values_.empty() && std::any_of(node.args.begin(), node.args.end(),
                                         [&](const auto& named) { return are_in(named.arg); });
}

bool RefusedValues::are_in(const Argument& arg) const {
  if (const auto* ref = arg.as<ValueRef>()) return values_.contains(ref->value);
  const auto* list = arg.as<ArgumentList>();
  return list != nullptr && std::any_of(list->begin(), list->end(),
                                        [&](const Argument& item) { return are_in(item); });
}

}  // namespace ferryman::frontend
