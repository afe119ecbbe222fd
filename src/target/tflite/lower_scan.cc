// Recurrence over time as a WHILE with several steps in its body:
//
//   counter, gates [N, K * D, B, G], h, c, outputs [N, K * D * B * P]
//   while counter < N:
//     now = GATHER(gates, counter)
//     h, c = K steps on now
//     outputs = DYNAMIC_UPDATE_SLICE(outputs, joined h of the steps, [counter, 0])
//     counter += 1
//
// WHILE copies all outputs stored so far in each iteration, so a long sequence takes several loops
// over a part of it each. They call the same body, whose weights are packed once.
//
// The steps are a graph of core ops of their own, planned and lowered like the one around them.
// UNIDIRECTIONAL_SEQUENCE_LSTM would be one operator, but keeps its state from call to call.
#include <numeric>

#include "layout/plan.h"
#include "ops/recurrent.h"
#include "support/check.h"
#include "target/tflite/contract.h"
#include "target/tflite/lower.h"
#include "target/tflite/lower_families.h"
#include "target/tflite/polish.h"
#include "target/tflite/recurrent_cell.h"
#include "target/tflite/recurrent_form.h"

namespace ferryman::tflite {

namespace {

int32_t narrow(int64_t size) {
  return static_cast<int32_t>(size);
}

Tensor typed(ElementType dtype, Shape shape, std::string name) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = dtype;
  tensor.shape = std::move(shape);
  return tensor;
}

// Appends operators to a graph that another one calls.
class GraphEnd {
 public:
  explicit GraphEnd(Subgraph& graph) : graph_(graph) {}

  TensorIndex emit(Op op, std::vector<TensorIndex> inputs, Tensor output, Options options = {}) {
    const TensorIndex result = graph_.add(std::move(output));
    graph_.operators.push_back({.op = op,
                                .inputs = std::move(inputs),
                                .outputs = {result},
                                .options = std::move(options)});
    return result;
  }

 private:
  Subgraph& graph_;
};

class ScanLowering {
 public:
  explicit ScanLowering(LowerOp& op) : op_(op), scan_(recurrent_scan(op.graph(), op.id())) {
    loop_ = time_loop(loop_sizes(scan_.sizes, op.graph().type(scan_.w_hh)));
    check(loop_.steps() == scan_.sizes.steps, "a scan with steps that do not fill its iterations");
    const RecurrentSizes& sizes = scan_.sizes;
    iterations_ = narrow(loop_.iterations);
    step_rows_ = narrow(loop_.steps_per_iteration * sizes.directions);
    batch_ = narrow(sizes.batch);
    gates_ = narrow(sizes.hidden * num_gates(scan_.cell));
    outputs_ = narrow(sizes.outputs);
  }

  void lower() {
    const TensorIndex start = op_.scalar(0);
    const TensorIndex gates = op_.reshaped(op_.operand(0), gates_of(narrow(loop_.loops)));
    std::vector<TensorIndex> variables = {start, gates};
    for (size_t i = 1; i <= num_states(); ++i) variables.push_back(op_.operand(i));
    const TensorIndex nothing_stored = no_outputs(op_.type(0).dtype);
    variables.push_back(nothing_stored);
    WhileOptions graphs;
    std::vector<TensorIndex> outputs;
    for (int32_t at = 0; at < narrow(loop_.loops); ++at) {
      variables[0] = start;
      variables[1] = gates_of_loop(gates, at);
      variables.back() = nothing_stored;
      if (at == 0) graphs = called_graphs(variables);
      variables = write_loop(variables, graphs);
      outputs.push_back(variables.back());
    }
    op_.finish_result(0, joined(outputs));
    for (size_t i = 1; i <= num_states(); ++i) op_.finish_result(i, variables[i + 1]);
  }

 private:
  size_t num_states() const { return scan_.cell == Cell::kLstm ? 2 : 1; }
  Shape gates_of(int32_t loops) const { return {loops * iterations_, step_rows_, batch_, gates_}; }
  int32_t iteration_outputs() const { return step_rows_ * batch_ * outputs_; }

  TensorIndex gates_of_loop(TensorIndex gates, int32_t at) {
    if (loop_.loops == 1) return gates;
    const TensorIndex start = op_.ints({at * iterations_, 0, 0, 0});
    return op_.emit(Op::kSlice, {gates, start, op_.ints(gates_of(1))}, op_.type(0).dtype,
                    gates_of(1));
  }

  WhileOptions called_graphs(const std::vector<TensorIndex>& variables) {
    const int32_t condition = op_.add_called_graph(condition_graph(variables), "condition");
    const int32_t body = op_.add_called_graph(body_graph(), "body");
    return {.cond_subgraph_index = condition, .body_subgraph_index = body};
  }

  std::vector<TensorIndex> write_loop(const std::vector<TensorIndex>& variables,
                                      const WhileOptions& graphs) {
    std::vector<Tensor> results;
    for (const TensorIndex variable : variables) {
      results.push_back(typed(op_.element_type(variable), op_.shape(variable), ""));
    }
    return op_.emit_all(Op::kWhile, variables, std::move(results), graphs);
  }

  TensorIndex joined(const std::vector<TensorIndex>& outputs) {
    if (outputs.size() == 1) return outputs.front();
    const Shape shape = {narrow(loop_.loops) * iterations_, iteration_outputs()};
    return op_.emit(Op::kConcatenation, outputs, op_.type(0).dtype, shape,
                    ConcatenationOptions{.axis = 0});
  }

  // Made when the model runs: as a constant it would take as much of the file as the sequence.
  TensorIndex no_outputs(DType dtype) {
    const Shape shape = {iterations_, iteration_outputs()};
    const TensorIndex zero = op_.filled(dtype, {}, 0);
    return op_.emit(Op::kFill, {op_.ints(shape), zero}, dtype, shape);
  }

  Subgraph condition_graph(const std::vector<TensorIndex>& variables) const {
    Subgraph graph;
    for (const TensorIndex variable : variables) {
      graph.inputs.push_back(graph.add(typed(op_.element_type(variable), op_.shape(variable), "")));
    }
    const TensorIndex end = add_int32(graph, {iterations_}, {});
    graph.outputs = {GraphEnd(graph).emit(Op::kLess, {graph.inputs[0], end},
                                          typed(DType::kBool, {}, "continues"))};
    return graph;
  }

  // The steps as a core graph: gates of one iteration and states -> outputs and states.
  Graph step_graph() const {
    const Graph& around = op_.graph();
    Graph graph(around.op_set(), "steps");
    Builder builder(graph);
    CoreWriter write(builder);
    const auto constant = [&](ValueId value) {
      if (!value.valid()) return value;
      return builder.constant(around.constant(value), around.value(value).name);
    };
    const DType dtype = op_.type(0).dtype;
    const ValueId gates =
        graph.add_input("gates", {dtype, {Dim(step_rows_), Dim(batch_), Dim(gates_)}});
    CellState state;
    state.h = graph.add_input("h", around.type(scan_.h0));
    if (scan_.c0.valid()) state.c = graph.add_input("c", around.type(scan_.c0));
    const StepWeights weights =
        step_weights(write, constant(scan_.w_hh), constant(scan_.b_hh), constant(scan_.w_hr));
    std::vector<ValueId> outputs;
    const int64_t directions = scan_.sizes.directions;
    for (int64_t row = 0; row < step_rows_; row += directions) {
      const ValueId now = write.slice_axis(gates, 0, row, row + directions);
      state = write_step(write, scan_.cell, weights, now, state);
      outputs.push_back(state.h);
    }
    const ValueId joined = write.concat(outputs, 0);
    graph.add_output("outputs", write.reshape(joined, {Dim(1), Dim(iteration_outputs())}));
    graph.add_output("h", state.h);
    if (state.c.valid()) graph.add_output("c", state.c);
    return graph;
  }

  // The steps between what reads their gates and what stores their outputs.
  Subgraph body_graph() const {
    const Graph steps = step_graph();
    Lowered lowered = lower_to_tflite(steps, layout::plan_layout(steps, TfliteContract(), {}));
    fuse_activations(lowered);
    Subgraph graph = std::move(lowered.model.subgraphs.front());
    const DType dtype = op_.type(0).dtype;
    const TensorIndex counter = graph.add(typed(DType::kI32, {}, "counter"));
    const TensorIndex gates = graph.add(typed(dtype, gates_of(1), "all_gates"));
    const TensorIndex stored =
        graph.add(typed(dtype, {iterations_, iteration_outputs()}, "stored"));
    graph.operators.insert(graph.operators.begin(), Operator{.op = Op::kGather,
                                                             .inputs = {gates, counter},
                                                             .outputs = {graph.inputs[0]},
                                                             .options = GatherOptions{.axis = 0}});
    GraphEnd end(graph);
    const TensorIndex start =
        end.emit(Op::kPack, {counter, add_int32(graph, {0}, {})}, typed(DType::kI32, {2}, "start"),
                 PackOptions{.values_count = 2});
    const TensorIndex updated =
        end.emit(Op::kDynamicUpdateSlice, {stored, graph.outputs[0], start},
                 typed(dtype, {iterations_, iteration_outputs()}, "updated"));
    const TensorIndex next = end.emit(Op::kAdd, {counter, add_int32(graph, {1}, {})},
                                      typed(DType::kI32, {}, "next"), AddOptions{});
    graph.inputs[0] = gates;
    graph.inputs.insert(graph.inputs.begin(), counter);
    graph.inputs.push_back(stored);
    graph.outputs[0] = gates;
    graph.outputs.insert(graph.outputs.begin(), next);
    graph.outputs.push_back(updated);
    return graph;
  }

  LowerOp& op_;
  RecurrentScan scan_;
  TimeLoop loop_;
  int32_t iterations_ = 0, step_rows_ = 0, batch_ = 0, gates_ = 0, outputs_ = 0;
};

}  // namespace

void lower_recurrent_scan(LowerOp& op) {
  ScanLowering(op).lower();
}

}  // namespace ferryman::tflite
