// Whether ops that were written for tensors of fixed size are right for counted axes, too: each
// entry of a result must follow from the entries of the same number.
//
//   FERRYMAN_TRY(const RowAxes axes, follow_rows(graph, first_new_op, operands));
//
// What entries beyond the count hold may be anything, so positions read from them are brought into
// range: the runtime fails on others.
#pragma once

#include "frontend/counted/counted_call.h"

namespace ferryman::frontend {

// Follows the counted axes of the operands through the ops from `first` on. The error names the op
// that mixes entries.
Result<RowAxes> follow_rows(Graph& graph, OpId first, const CountedAxes& operands);

}  // namespace ferryman::frontend
