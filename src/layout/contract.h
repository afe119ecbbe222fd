// What a target's kernels demand of the order of axes in memory. A target implements TargetContract
// and names the demands; which axes of operands and results belong together is known from the op.
//
//   std::vector<Form> TfliteContract::forms(const Graph& graph, OpId op) const {
//     if (graph.op(op).is(ops::kConv))        // NHWC in and out, weight OHWI
//       return {{.operands = {{{0, 2, 3, 1}}, {{0, 2, 3, 1}}}, .results = {{{0, 2, 3, 1}}}}};
//     if (graph.op(op).is(ops::kSoftmax))     // the axis innermost, all else in any order
//       return {{.operands = {{{axis}}}, .results = {{{axis}}}}};
//     return {};                              // any order that the op's axis rule allows
//   }
//
// Demands on constants cost nothing: they are permuted when the file is written. A demand never
// says anything about the order inside an axis (after a flatten, say): if a kernel sums over that
// axis or treats it point by point, any order will do as long as all tensors of the op agree, and
// constants agree for free. Axes along which positions matter keep their order by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "support/small_vector.h"

namespace ferryman::layout {

// Dims that lie innermost in memory, the outermost of them first. Those not named lie outside, in
// any order (the same in all tensors of the op). Empty: any order. All dims: one fixed order.
struct TensorDemand {
  SmallVector<int, 6> innermost;
};

// One way to express an op on the target. Where there are several, the plan chooses: a matmul with
// or without a transpose flag, for example.
struct Form {
  int id = 0;                          // for the target's lowering, which gets it back in the plan
  std::vector<TensorDemand> operands;  // one per operand; missing at the end: any order
  std::vector<TensorDemand> results;
  int64_t cost = 0;  // bytes that this form moves by itself
  int max_rank = 0;  // physical axes that the kernel takes; 0: no limit
};

class TargetContract {
 public:
  virtual ~TargetContract() = default;
  // Empty: any order that the op's axis rule allows, or the logical order if it allows nothing.
  // Not asked for ops that only relabel (reshape, permute, pixel shuffle): they have no kernel.
  virtual std::vector<Form> forms(const Graph& graph, OpId op) const = 0;
  // For forms that do not state it. Limits how far a layout may split axes; what is of a higher
  // rank from the start is not the planner's concern. 0: no limit.
  virtual int max_rank() const { return 0; }
};

// The order in which one graph input or output is passed.
struct IoLayout {
  enum class Kind : uint8_t {
    kLogical,  // as in PyTorch
    kAny,      // whatever is cheapest
    kOrder,    // the dims in `order`, outermost first
  };
  Kind kind = Kind::kLogical;
  std::vector<int> order = {};
};

// Missing entries are kLogical.
struct IoLayouts {
  std::vector<IoLayout> inputs = {};   // parallel to Graph::inputs()
  std::vector<IoLayout> outputs = {};  // parallel to Graph::outputs()
};

}  // namespace ferryman::layout
