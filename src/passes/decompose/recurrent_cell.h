// One step of a recurrent cell in core ops: the same for an unrolled layer and the body of a loop.
//
//   state = write_step(write, Cell::kGru, weights, gates, state);
//
// Gates and states have any leading axes; the last one is that of the cell.
#pragma once

#include "ops/core_writer.h"
#include "ops/layers/recurrent.h"

namespace ferryman {

// An invalid id is a state of zeros, which costs nothing.
struct CellState {
  ValueId h;
  ValueId c;  // lstm
};

// Factors on the right: [outputs, gates * hidden] shared by all leading axes, as the transpose
// that linear() takes, or [directions, outputs, gates * hidden] for matmul().
struct StepWeights {
  ValueId w_hh;
  ValueId b_hh;  // gru: may be invalid; zero for the gates r and z
  ValueId w_hr;  // lstm with a projection, otherwise invalid
};

// For all directions at once: w_hh [D, G, P], b_hh [D, G] or invalid, w_hr [D, P, H] or invalid.
StepWeights step_weights(CoreWriter& write, ValueId w_hh, ValueId b_hh, ValueId w_hr);

// `gates`: what the step's input contributes, in the order of a scan (recurrent.h).
CellState write_step(CoreWriter& write, Cell cell, const StepWeights& weights, ValueId gates,
                     const CellState& state);

}  // namespace ferryman
