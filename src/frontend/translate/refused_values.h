// The results of refused nodes for which nothing can stand in: numbers, and tensors whose sizes are
// only known at run time. What is computed from them cannot be judged, so that nothing is told
// about it but ops that no import knows: an error there would only follow from the first.
//
//   refused.add(result);
//   if (refused.reach(node)) refused.add_results_of(node);
#pragma once

#include <set>

#include "frontend/program/program.h"

namespace ferryman::frontend {

class RefusedValues {
 public:
  void add(ValueIndex value) { values_.insert(value); }
  void add_results_of(const Node& node);
  bool reach(const Node& node) const;

 private:
  bool are_in(const Argument& arg) const;

  std::set<ValueIndex> values_;
};

}  // namespace ferryman::frontend
