// Recurrent layers and their steps: what the operands of the rows in recurrent.cc mean.
//
//   const RecurrentLayer layer = recurrent_layer(graph, op);          // lstm, gru, rnn
//
// A layer is one level of nn.LSTM and its kin, in one or both directions; its weights lie as
// PyTorch has them, gates in the order i, f, g, o (lstm) or r, z, n (gru).
#pragma once

#include "ir/graph.h"

namespace ferryman {

enum class Cell : uint8_t { kLstm, kGru, kRnnTanh, kRnnRelu };

int64_t num_gates(Cell cell);
Cell cell_of(const Op& op);

struct RecurrentSizes {
  Dim steps, batch;
  int64_t directions = 0;
  int64_t hidden = 0;   // of the cell
  int64_t outputs = 0;  // of a step: hidden, unless an lstm projects it
};

// Absent operands are invalid ids.
struct RecurrentLayer {
  Cell cell = Cell::kLstm;
  RecurrentSizes sizes;
  ValueId x;           // [steps, batch, inputs]
  ValueId h0;          // [directions, batch, outputs]
  ValueId c0;          // lstm: [directions, batch, hidden]
  ValueId w_ih, w_hh;  // [directions, gates * hidden, inputs or outputs]
  ValueId b_ih, b_hh;  // [directions, gates * hidden]
  ValueId w_hr;        // lstm with a projection: [directions, outputs, hidden]
};
// Shapes must be static.
RecurrentLayer recurrent_layer(const Graph& graph, OpId op);

}  // namespace ferryman
