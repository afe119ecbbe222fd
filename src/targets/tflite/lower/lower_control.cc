// Branches and loops: IF and WHILE, whose graphs are the lowered bodies.
//
// A scan is a loop over the positions of its sequences:
//
//   counter, sequences, carried, fixed, stored = 0, …, room for all entries
//   while counter < N:
//     carried, entries = body(carried, GATHER(sequences, counter), fixed)
//     stored = DYNAMIC_UPDATE_SLICE(stored, entries, counter)
//     counter += 1
//
// Several scans may run one body, as parts of a long sequence do: WHILE copies all entries stored
// so far in each iteration. They call the same graphs, whose weights are packed once.
// UNIDIRECTIONAL_SEQUENCE_LSTM would be one operator, but keeps its state from call to call.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/control/control.h"
#include "targets/tflite/lower/lower_families.h"

namespace ferryman::tflite {

namespace {

using Tensors = std::vector<TensorIndex>;

std::vector<NewTensor> results_of(const LowerOp& op) {
  std::vector<NewTensor> results;
  for (size_t i = 0; i < op.op().results.size(); ++i)
    results.push_back({op.result_type(i).dtype, op.result_shape(i)});
  return results;
}

Tensors operands_of(LowerOp& op) {
  Tensors operands;
  for (size_t i = 0; i < op.num_operands(); ++i) operands.push_back(op.operand(i));
  return operands;
}

// What WHILE gives: its variables, as they are after the last iteration.
Tensors emit_while(LowerOp& op, const Tensors& variables, const WhileOptions& graphs) {
  std::vector<NewTensor> results;
  for (const TensorIndex variable : variables)
    results.push_back({op.element_type(variable), op.shape(variable)});
  return op.emit_all(Op::kWhile, variables, std::move(results), graphs);
}

// Appends operators to a graph that another one calls.
class GraphEnd {
 public:
  GraphEnd(SymbolTable& symbols, Subgraph& graph)
      : graph_(graph), tensors_(symbols, graph), sizes_(tensors_) {}

  TensorIndex add(ElementType dtype, const Shape& shape, std::string name) {
    return tensors_.add({.name = std::move(name), .type = dtype}, shape);
  }

  TensorIndex number(int32_t value) { return tensors_.add_int32({value}, {}); }

  TensorIndex emit(Op op, Tensors inputs, TensorIndex output, Options options = {}) {
    graph_.operators.push_back({.op = op,
                                .inputs = std::move(inputs),
                                .outputs = {output},
                                .options = std::move(options)});
    return output;
  }

  TensorIndex reshape(TensorIndex tensor, const Shape& shape) {
    ReshapeTo wanted = sizes_.reshape(shape);
    return emit(Op::kReshape, {tensor, wanted.shape}, add(tensors_.type(tensor), shape, ""),
                std::move(wanted.options));
  }

  // In memory of its own: SLICE moves what it takes, all of it here.
  TensorIndex copied(TensorIndex tensor, const Shape& shape) {
    const ElementType dtype = tensors_.type(tensor);
    const Shape line = {tensors_.symbols().product(shape)};
    const TensorIndex copy = emit(
        Op::kSlice,
        {reshape(tensor, line), tensors_.add_int32_vector({0}), tensors_.add_int32_vector({-1})},
        add(dtype, line, ""));
    return reshape(copy, shape);
  }

 private:
  Subgraph& graph_;
  TensorTable tensors_;
  SizeTable sizes_;
};

// WHILE gives the variables their new values one after the other, so none may lie in the memory of
// another one's old value. `shapes`: of the variables.
void separate_variables(SymbolTable& symbols, Subgraph& body, const std::vector<Shape>& shapes) {
  for (size_t i = 0; i < body.outputs.size(); ++i) {
    const auto input = std::find(body.inputs.begin(), body.inputs.end(), body.outputs[i]);
    const bool is_another =
        input != body.inputs.end() && input - body.inputs.begin() != static_cast<std::ptrdiff_t>(i);
    if (is_another) body.outputs[i] = GraphEnd(symbols, body).copied(body.outputs[i], shapes[i]);
  }
}

std::vector<Shape> shapes_of(const LowerOp& op, const Tensors& variables) {
  std::vector<Shape> shapes;
  for (const TensorIndex variable : variables) shapes.push_back(op.shape(variable));
  return shapes;
}

class ScanLowering {
 public:
  explicit ScanLowering(LowerOp& op)
      : op_(op),
        num_carried_(static_cast<size_t>(op.attr(attr::kNumCarried))),
        num_sequences_(static_cast<size_t>(op.attr(attr::kNumSequences))),
        length_(op.type(num_carried_).dims[0]) {
    for (size_t i = 0; i < op.num_operands(); ++i) {
      const TensorIndex operand = op.operand(i);
      const bool is_sequence = i >= num_carried_ && i < num_carried_ + num_sequences_;
      Tensors& list = i < num_carried_ ? carried_ : is_sequence ? sequences_ : fixed_;
      list.push_back(operand);
    }
  }

  void lower() {
    Tensors variables = {op_.scalar(0)};
    const Dim length = length_;
    if (!length.is_static()) variables.push_back(op_.size(length));  // bodies are closed
    num_counters_ = variables.size();
    for (const Tensors* list : {&sequences_, &carried_, &fixed_})
      variables.insert(variables.end(), list->begin(), list->end());
    for (size_t i = num_carried_; i < op_.op().results.size(); ++i)
      variables.push_back(room_for(i));
    const WhileOptions graphs = {
        .cond_subgraph_index =
            op_.call(op_.attr(attr::kBody), "condition", [&] { return condition(variables); }),
        .body_subgraph_index =
            op_.call(op_.attr(attr::kBody), "body", [&] { return body(variables); })};
    const Tensors last = emit_while(op_, variables, graphs);
    for (size_t i = 0; i < num_carried_; ++i)
      op_.finish_result(i, last[num_counters_ + num_sequences_ + i]);
    const size_t num_before = last.size() - op_.op().results.size();
    for (size_t i = num_carried_; i < op_.op().results.size(); ++i)
      op_.finish_result(i, last[num_before + i]);
  }

 private:
  // Entries of a result lie flat: [N, elements of one].
  Shape stored_shape(size_t result) const {
    const Shape shape = op_.result_shape(result);
    return {length_, op_.symbols().product(Shape(shape.begin() + 1, shape.end()))};
  }

  TensorIndex room_for(size_t result) {
    return op_.zeros(op_.result_type(result).dtype, stored_shape(result));
  }

  // How often the loop runs, in a graph that has the variables for inputs.
  TensorIndex end_in(GraphEnd& end, const Subgraph& graph) const {
    return length_.is_static() ? end.number(static_cast<int32_t>(length_.size())) : graph.inputs[1];
  }

  Subgraph condition(const Tensors& variables) const {
    Subgraph graph;
    GraphEnd end(op_.symbols(), graph);
    for (const TensorIndex variable : variables)
      graph.inputs.push_back(end.add(op_.element_type(variable), op_.shape(variable), ""));
    const TensorIndex last = end_in(end, graph);
    graph.outputs = {
        end.emit(Op::kLess, {graph.inputs[0], last}, end.add(DType::kBool, {}, "continues"))};
    return graph;
  }

  // The lowered body between what reads its entries and what stores those that it gives.
  Subgraph body(const Tensors& variables) {
    Subgraph graph = op_.lower_body(op_.attr(attr::kBody));
    const std::vector<Operator> steps = std::exchange(graph.operators, {});
    const Tensors inputs = std::exchange(graph.inputs, {});
    const Tensors results = std::exchange(graph.outputs, {});
    const TensorIndex counter = add_variable(graph, variables[0], "counter");
    if (num_counters_ > 1) add_variable(graph, variables[1], "end");
    const TensorIndex position = position_at(graph, counter);
    for (size_t i = 0; i < num_sequences_; ++i) {
      const TensorIndex sequence = add_variable(graph, variables[num_counters_ + i], "sequence");
      graph.operators.push_back({.op = Op::kGather,
                                 .inputs = {sequence, position},
                                 .outputs = {inputs[num_carried_ + i]},
                                 .options = GatherOptions{.axis = 0}});
    }
    graph.operators.insert(graph.operators.end(), steps.begin(), steps.end());
    graph.outputs = graph.inputs;  // the sequences stay
    append(graph.inputs, inputs, 0, num_carried_);
    append(graph.outputs, results, 0, num_carried_);
    for (Tensors* list : {&graph.inputs, &graph.outputs})
      append(*list, inputs, num_carried_ + num_sequences_, fixed_.size());
    for (size_t i = num_carried_; i < results.size(); ++i)
      store_entry(graph, results[i], i, position);
    GraphEnd end(op_.symbols(), graph);
    graph.outputs[0] = end.emit(Op::kAdd, {counter, end.number(1)},
                                end.add(DType::kI32, {}, "next"), AddOptions{});
    separate_variables(op_.symbols(), graph, shapes_of(op_, variables));
    return graph;
  }

  static void append(Tensors& list, const Tensors& from, size_t first, size_t count) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    list.insert(list.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
  }

  TensorIndex add_variable(Subgraph& graph, TensorIndex outside, std::string name) const {
    const TensorIndex variable =
        GraphEnd(op_.symbols(), graph)
            .add(op_.element_type(outside), op_.shape(outside), std::move(name));
    graph.inputs.push_back(variable);
    return variable;
  }

  TensorIndex position_at(Subgraph& graph, TensorIndex counter) const {
    if (!op_.attr(attr::kReverse)) return counter;
    GraphEnd end(op_.symbols(), graph);
    TensorIndex last = end_in(end, graph);
    if (length_.is_static()) {
      last = end.number(static_cast<int32_t>(length_.size() - 1));
    } else {
      last =
          end.emit(Op::kSub, {last, end.number(1)}, end.add(DType::kI32, {}, "last"), SubOptions{});
    }
    return end.emit(Op::kSub, {last, counter}, end.add(DType::kI32, {}, "position"), SubOptions{});
  }

  void store_entry(Subgraph& graph, TensorIndex entry, size_t result, TensorIndex position) const {
    const Shape shape = stored_shape(result);
    const ElementType dtype = graph.tensor(entry).type;
    GraphEnd end(op_.symbols(), graph);
    const TensorIndex stored = end.add(dtype, shape, "stored");
    const Shape row = {1, shape[1]};
    const bool is_row = graph.tensor(entry).shape == stored_sizes(op_.symbols(), row);
    const TensorIndex line = is_row ? entry : end.reshape(entry, row);
    const TensorIndex start =
        end.emit(Op::kPack, {position, end.number(0)}, end.add(DType::kI32, {2}, "start"),
                 PackOptions{.values_count = 2});
    graph.inputs.push_back(stored);
    graph.outputs.push_back(
        end.emit(Op::kDynamicUpdateSlice, {stored, line, start}, end.add(dtype, shape, "updated")));
  }

  LowerOp& op_;
  size_t num_carried_, num_sequences_;
  size_t num_counters_ = 1;  // the position, and where it ends if that is free
  Dim length_;
  Tensors carried_, sequences_, fixed_;
};

}  // namespace

void lower_if(LowerOp& op) {
  const auto graph_of = [&](AttrKey<BodyId> key) {
    return op.call(op.attr(key), key.name, [&] { return op.lower_body(op.attr(key)); });
  };
  const IfOptions graphs = {.then_subgraph_index = graph_of(attr::kThen),
                            .else_subgraph_index = graph_of(attr::kElse)};
  const Tensors results = op.emit_all(Op::kIf, operands_of(op), results_of(op), graphs);
  for (size_t i = 0; i < results.size(); ++i) op.finish_result(i, results[i]);
}

// What the body does not give anew it hands on as it is.
void lower_while(LowerOp& op) {
  const auto condition = [&] { return op.lower_body(op.attr(attr::kCondition)); };
  const Tensors variables = operands_of(op);
  const auto body = [&] {
    Subgraph graph = op.lower_body(op.attr(attr::kBody));
    for (size_t i = graph.outputs.size(); i < graph.inputs.size(); ++i)
      graph.outputs.push_back(graph.inputs[i]);
    separate_variables(op.symbols(), graph, shapes_of(op, variables));
    return graph;
  };
  const WhileOptions graphs = {
      .cond_subgraph_index = op.call(op.attr(attr::kCondition), "condition", condition),
      .body_subgraph_index = op.call(op.attr(attr::kBody), "body", body)};
  const Tensors last = emit_while(op, variables, graphs);
  for (size_t i = 0; i < op.op().results.size(); ++i) op.finish_result(i, last[i]);
}

void lower_scan(LowerOp& op) {
  ScanLowering(op).lower();
}

}  // namespace ferryman::tflite
