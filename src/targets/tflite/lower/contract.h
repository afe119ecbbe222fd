// The orders of axes that LiteRT's kernels take, as the layout planner asks for them.
#pragma once

#include "layout/contract.h"

namespace ferryman::tflite {

class TfliteContract : public layout::TargetContract {
 public:
  std::vector<layout::Form> forms(const Graph& graph, OpId op) const override;
  int max_rank() const override { return 5; }  // PAD and BATCH_MATMUL stop there
};

}  // namespace ferryman::tflite
