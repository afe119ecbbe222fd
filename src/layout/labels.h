// Candidate orders of every memory: those that a kernel or the graph's boundary demands, carried
// through the ops to wherever they could be useful. No other order can save a copy.
//
//   find_labels(model);
//   model.memories[m].available;   // bit 0 only: the logical order is all that anybody asks for
#pragma once

#include "layout/model.h"

namespace ferryman::layout {

// More candidates than this are not collected for one memory; the plan is then not proven.
constexpr size_t kMaxCandidates = 60;

void find_labels(Model& model);

// Whether a label leaves the dims of a view of the memory whole and in order inside.
bool keeps_dims(const Model& model, ValueId value, const Order& label);

// `units` as the demand wants them: the demanded dims innermost, everything else as it was, apart
// from dims that have to be whole.
Order meet_demand(const ModelTensor& tensor, const TensorDemand& demand, const Order& units);

// The units of `wanted` that the tensor has, in that order.
Order shared_units(const ModelTensor& tensor, const Order& wanted);

// `wanted`, with the units of `base` that it lacks put behind their predecessor in `base`.
Order weave(const Order& wanted, const Order& base);

}  // namespace ferryman::layout
