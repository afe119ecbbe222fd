#include "passes/decompose/recurrent_cell.h"

#include "ops/names.h"
#include "support/check.h"

namespace ferryman {

namespace {

int64_t last_extent(CoreWriter& write, ValueId value) {
  return write.dims(value).back().size();
}

// The elements [begin, end) of the last axis, in units of the cell's width.
ValueId gate(CoreWriter& write, ValueId gates, int64_t width, int64_t begin, int64_t end) {
  return write.slice_axis(gates, write.dims(gates).size() - 1, begin * width, end * width);
}

ValueId times_weight(CoreWriter& write, ValueId x, ValueId weight, ValueId bias = {}) {
  if (write.dims(weight).size() == 2) return write.linear(x, weight, bias);
  const ValueId product = write.binary(ops::kMatmul, x, weight);
  return bias.valid() ? write.add(product, bias) : product;
}

CellState lstm_step(CoreWriter& write, const StepWeights& weights, ValueId gates,
                    const CellState& state) {
  const int64_t width = last_extent(write, gates) / num_gates(Cell::kLstm);
  ValueId sum = gates;
  if (state.h.valid()) sum = write.add(times_weight(write, state.h, weights.w_hh), gates);
  const ValueId opened = write.unary(ops::kSigmoid, gate(write, sum, width, 0, 3));
  const ValueId next = write.unary(ops::kTanh, gate(write, sum, width, 3, 4));
  ValueId c = write.mul(gate(write, opened, width, 0, 1), next);
  if (state.c.valid()) c = write.add(write.mul(gate(write, opened, width, 1, 2), state.c), c);
  ValueId h = write.mul(gate(write, opened, width, 2, 3), write.unary(ops::kTanh, c));
  if (weights.w_hr.valid()) h = times_weight(write, h, weights.w_hr);
  return {h, c};
}

// r * (W_hn h + b_hn) stands inside the tanh, so that part of the bias stays with the product.
CellState gru_step(CoreWriter& write, const StepWeights& weights, ValueId gates,
                   const CellState& state) {
  const int64_t width = last_extent(write, gates) / num_gates(Cell::kGru);
  ValueId opened = gate(write, gates, width, 0, 2);
  ValueId recurrent = weights.b_hh;  // what is left of the product for a state of zeros
  if (state.h.valid()) {
    recurrent = times_weight(write, state.h, weights.w_hh, weights.b_hh);
    opened = write.add(gate(write, recurrent, width, 0, 2), opened);
  }
  opened = write.unary(ops::kSigmoid, opened);
  ValueId next = gate(write, gates, width, 2, 3);
  if (recurrent.valid()) {
    const ValueId reset = gate(write, opened, width, 0, 1);
    next = write.add(next, write.mul(reset, gate(write, recurrent, width, 2, 3)));
  }
  next = write.unary(ops::kTanh, next);
  const ValueId update = gate(write, opened, width, 1, 2);
  if (!state.h.valid()) return {write.sub(next, write.mul(next, update)), {}};
  return {write.add(write.mul(write.sub(state.h, next), update), next), {}};
}

CellState rnn_step(CoreWriter& write, OpName activation, const StepWeights& weights, ValueId gates,
                   const CellState& state) {
  ValueId sum = gates;
  if (state.h.valid()) sum = write.add(times_weight(write, state.h, weights.w_hh), gates);
  return {write.unary(activation, sum), {}};
}

// [D, rows, columns] of one direction becomes the weight of a linear layer, of several the right
// side of a matrix product.
ValueId factor(CoreWriter& write, ValueId weight) {
  if (!weight.valid()) return weight;
  const Dims dims = write.dims(weight);
  if (dims[0] == Dim(1)) return write.reshape(weight, {dims[1], dims[2]});
  return write.permute(weight, {0, 2, 1});
}

}  // namespace

StepWeights step_weights(CoreWriter& write, ValueId w_hh, ValueId b_hh, ValueId w_hr) {
  StepWeights weights = {factor(write, w_hh), b_hh, factor(write, w_hr)};
  if (!b_hh.valid()) return weights;
  const Dims dims = write.dims(b_hh);
  const bool one = dims[0] == Dim(1);
  weights.b_hh = write.reshape(b_hh, one ? Dims{dims[1]} : Dims{dims[0], Dim(1), dims[1]});
  return weights;
}

CellState write_step(CoreWriter& write, Cell cell, const StepWeights& weights, ValueId gates,
                     const CellState& state) {
  switch (cell) {
    case Cell::kLstm:
      return lstm_step(write, weights, gates, state);
    case Cell::kGru:
      return gru_step(write, weights, gates, state);
    case Cell::kRnnTanh:
      return rnn_step(write, ops::kTanh, weights, gates, state);
    case Cell::kRnnRelu:
      return rnn_step(write, ops::kRelu, weights, gates, state);
  }
  internal_error("unknown cell");
}

}  // namespace ferryman
