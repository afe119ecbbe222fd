// Test support: a target in the manner of TFLite. Convolutions, pools and resizes want channels
// last, softmax its axis last, matrix products the summed axis last or flagged as transposed.
//
//   const LayoutPlan plan = plan_layout(graph, ChannelsLastContract(), {});
#pragma once

#include "layout/contract.h"

namespace ferryman::layout {

class ChannelsLastContract : public TargetContract {
 public:
  std::vector<Form> forms(const Graph& graph, OpId op) const override;
};

}  // namespace ferryman::layout
