// Recurrent layers: nn.LSTM, nn.GRU, nn.RNN, and their cells as layers of one step.
#include "ops/layers/recurrent.h"

#include <fmt/format.h>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/layers/recurrent_eval.h"
#include "ops/layers/recurrent_import.h"
#include "ops/names.h"
#include "support/check.h"

namespace ferryman {

int64_t num_gates(Cell cell) {
  switch (cell) {
    case Cell::kLstm:
      return 4;
    case Cell::kGru:
      return 3;
    case Cell::kRnnTanh:
    case Cell::kRnnRelu:
      return 1;
  }
  internal_error("unknown cell");
}

namespace {

Cell rnn_cell(const AttrsView& attrs) {
  return attrs[attr::kNonlinearity] == "relu" ? Cell::kRnnRelu : Cell::kRnnTanh;
}

ValueId operand_named(const Op& op, std::string_view name) {
  const std::optional<size_t> index = op.def->operand_index(name);
  return index.has_value() && op.has_operand(*index) ? op.operands[*index] : ValueId();
}

// What an operand must measure.
struct Demand {
  size_t operand;
  std::string_view name;
  Dims dims;
};

Status check_demands(const InferArgs& args, const std::vector<Demand>& demands) {
  for (const Demand& demand : demands) {
    if (!args.has(demand.operand)) continue;
    const TensorType& type = args.operand(demand.operand);
    if (type.dtype != args.operand(0).dtype) {
      return shape_error(fmt::format("{} is {}, and the input {}", demand.name,
                                     torch_name(type.dtype), torch_name(args.operand(0).dtype)));
    }
    if (type.dims == demand.dims) continue;
    return shape_error(fmt::format("{} is {}, where the others need {}", demand.name,
                                   print_dims(type.dims, args.symbols),
                                   print_dims(demand.dims, args.symbols)));
  }
  return {};
}

// The width of all gates, and of one.
struct GateWidths {
  Dim gates, hidden;
};

Result<GateWidths> widths(Cell cell, const Dim& gates) {
  if (!gates.is_static() || gates.size() % num_gates(cell) != 0)
    return shape_error("a weight whose rows are not a whole number of gates");
  return GateWidths{gates, Dim(gates.size() / num_gates(cell))};
}

Status check_ranks(const InferArgs& args, size_t count, size_t rank) {
  for (size_t i = 0; i < count; ++i) {
    if (args.operand(i).rank() != rank)
      return shape_error(fmt::format("operand {} has {} axes", i, args.operand(i).rank()));
  }
  return {};
}

InferResult infer_layer(Cell cell, const InferArgs& args) {
  const bool is_lstm = cell == Cell::kLstm;
  const size_t w_ih = is_lstm ? 3 : 2;
  FERRYMAN_TRY_STATUS(check_ranks(args, w_ih + 2, 3));
  const Dims x = args.operand(0).dims;
  const Dims h0 = args.operand(1).dims;
  const bool one_or_both_ways = h0[0] == Dim(1) || h0[0] == Dim(2);
  if (!one_or_both_ways || x[0] == Dim(0)) {
    return shape_error(fmt::format("input {} and initial state {}", print_dims(x, args.symbols),
                                   print_dims(h0, args.symbols)));
  }
  FERRYMAN_TRY(const GateWidths width, widths(cell, args.operand(w_ih).dims[1]));
  const bool projects = args.has(w_ih + 4);
  const Dim outputs = projects ? h0[2] : width.hidden;
  std::vector<Demand> demands = {{1, "the initial state", {h0[0], x[1], outputs}},
                                 {w_ih, "w_ih", {h0[0], width.gates, x[2]}},
                                 {w_ih + 1, "w_hh", {h0[0], width.gates, outputs}},
                                 {w_ih + 2, "b_ih", {h0[0], width.gates}},
                                 {w_ih + 3, "b_hh", {h0[0], width.gates}}};
  if (is_lstm) {
    demands.push_back({2, "the initial cell", {h0[0], x[1], width.hidden}});
    demands.push_back({w_ih + 4, "w_hr", {h0[0], outputs, width.hidden}});
  }
  FERRYMAN_TRY_STATUS(check_demands(args, demands));
  const DType dtype = args.operand(0).dtype;
  std::vector<TensorType> results = {{dtype, {x[0], x[1], args.symbols.mul(h0[0], outputs)}},
                                     args.operand(1)};
  if (is_lstm) results.push_back(args.operand(2));
  return results;
}

using CellInfer = InferResult (*)(Cell, const InferArgs&);
using CellEval = EvalResult (*)(Cell, const EvalArgs&);

InferFn infer_for(Cell cell, CellInfer infer) {
  return [=](const InferArgs& args) { return infer(cell, args); };
}
InferFn infer_rnn(CellInfer infer) {
  return [=](const InferArgs& args) { return infer(rnn_cell(args.attrs), args); };
}
EvalFn eval_for(Cell cell, CellEval eval) {
  return [=](const EvalArgs& args) { return eval(cell, args); };
}
EvalFn eval_rnn(CellEval eval) {
  return [=](const EvalArgs& args) { return eval(rnn_cell(args.attrs), args); };
}

OpRow define_layer(Ops& ops, OpName name, std::string_view doc) {
  OpRow row = ops.set.define(name);
  row.doc(doc).operand("x", DTypeSet::kFloating).operand("h0", DTypeSet::kFloating);
  if (name == ops::kLstm) row.operand("c0", DTypeSet::kFloating);
  row.operand("w_ih", DTypeSet::kFloating)
      .operand("w_hh", DTypeSet::kFloating)
      .optional_operand("b_ih", DTypeSet::kFloating)
      .optional_operand("b_hh", DTypeSet::kFloating);
  if (name == ops::kLstm) row.optional_operand("w_hr", DTypeSet::kFloating);
  return row;
}

void add_layers(Ops& ops) {
  define_layer(ops, ops::kLstm, "One level of nn.LSTM: sequence, final state, final cell")
      .results(3, infer_for(Cell::kLstm, infer_layer))
      .eval(eval_for(Cell::kLstm, eval_recurrent_layer));
  define_layer(ops, ops::kGru, "One level of nn.GRU: sequence, final state")
      .results(2, infer_for(Cell::kGru, infer_layer))
      .eval(eval_for(Cell::kGru, eval_recurrent_layer));
  define_layer(ops, ops::kRnn, "One level of nn.RNN: sequence, final state")
      .attr(attr::kNonlinearity, "tanh")
      .results(2, infer_rnn(infer_layer))
      .eval(eval_rnn(eval_recurrent_layer));
}

}  // namespace

Cell cell_of(const Op& op) {
  if (op.is(ops::kLstm)) return Cell::kLstm;
  if (op.is(ops::kGru)) return Cell::kGru;
  check(op.is(ops::kRnn), "an op that is not recurrent");
  return rnn_cell(op.attrs_view());
}

RecurrentLayer recurrent_layer(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  RecurrentLayer layer;
  layer.cell = cell_of(op);
  layer.x = op.operands[0];
  layer.h0 = op.operands[1];
  layer.c0 = operand_named(op, "c0");
  layer.w_ih = operand_named(op, "w_ih");
  layer.w_hh = operand_named(op, "w_hh");
  layer.b_ih = operand_named(op, "b_ih");
  layer.b_hh = operand_named(op, "b_hh");
  layer.w_hr = operand_named(op, "w_hr");
  const Dims& x = graph.type(layer.x).dims;
  const Dims& h0 = graph.type(layer.h0).dims;
  const Dims& w_hh = graph.type(layer.w_hh).dims;
  layer.sizes = {x[0], x[1], h0[0].size(), w_hh[1].size() / num_gates(layer.cell), h0[2].size()};
  return layer;
}

void add_recurrent_ops(Ops& ops) {
  add_layers(ops);
  add_recurrent_imports(ops.imports);
}

}  // namespace ferryman
