// Operators that a program names itself (named/operator_call.h).
#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "support/check.h"
#include "targets/tflite/lower/limits.h"
#include "targets/tflite/lower/lower_families.h"
#include "targets/tflite/named/one_operator.h"
#include "targets/tflite/named/splice.h"

namespace ferryman::tflite {

namespace {

Tensor tensor_of(const Graph& graph, ValueId value) {
  const ferryman::TensorType& type = graph.type(value);
  Tensor tensor{.type = type.dtype, .shape = stored_sizes(graph.symbols(), type.dims)};
  if (graph.is_constant(value)) tensor.constant = tensor_constant(*graph.value(value).data);
  return tensor;
}

std::vector<OperandTensor> operands_of(const Graph& graph, const ferryman::Op& op) {
  std::vector<OperandTensor> operands;
  for (const ValueId value : op.operands)
    operands.push_back(value.valid() ? OperandTensor(tensor_of(graph, value)) : OperandTensor());
  return operands;
}

std::vector<Tensor> results_of(const Graph& graph, const ferryman::Op& op) {
  std::vector<Tensor> results;
  for (const ValueId value : op.results) results.push_back(tensor_of(graph, value));
  return results;
}

Limit limit_from(Diag diag) {
  return {std::move(diag.what), std::move(diag.why), std::move(diag.hint_text)};
}

// What is wrong with the results that the program records; empty if nothing is.
std::string wrong_results(const Model& model, const std::vector<Tensor>& recorded) {
  const Subgraph& main = model.subgraphs.front();
  if (main.outputs.size() != recorded.size())
    return fmt::format("has {} results, where the program records {}", main.outputs.size(),
                       recorded.size());
  for (size_t i = 0; i < recorded.size(); ++i) {
    const Tensor& made = main.tensor(main.outputs[i]);
    if (made.type == recorded[i].type && made.shape == recorded[i].shape) continue;
    return fmt::format("gives a result {} of another type or shape than the program records", i);
  }
  return {};
}

// Of the main graph of a part, or of the op that it stands for.
bool are_alike(const Subgraph& main, const std::vector<TensorIndex>& ports,
               const std::vector<Tensor>& tensors) {
  return std::equal(ports.begin(), ports.end(), tensors.begin(), tensors.end(),
                    [&](TensorIndex port, const Tensor& tensor) {
                      const Tensor& own = main.tensor(port);
                      return own.type == tensor.type && own.shape == tensor.shape;
                    });
}

// Of a part, whose ports have to be the operands and results of the op.
std::optional<Limit> graph_limit(const Graph& graph, const ferryman::Op& op,
                                 const OperatorCall& call) {
  Result<Model> part = read_part(call.graph_path);
  if (!part.ok()) return limit_from(std::move(part).diag());
  std::vector<Tensor> operands;
  for (const ValueId value : op.operands)
    if (value.valid()) operands.push_back(tensor_of(graph, value));
  const Subgraph& main = part->subgraphs.front();
  const bool is_free = std::any_of(op.operands.begin(), op.operands.end(), [&](ValueId value) {
    return value.valid() && !all_static(graph.type(value).dims);
  });
  if (!is_free && are_alike(main, main.inputs, operands) &&
      are_alike(main, main.outputs, results_of(graph, op)))
    return std::nullopt;
  return Limit{fmt::format("{} takes or gives other types or shapes", describe(call)),
               "a part of a model has the sizes of its file",
               "bring its operands into the shapes that 'ferryman inspect' shows"};
}

// Lowers one op by the operator that its code names.
class NamedLowering {
 public:
  NamedLowering(LowerOp& op, OperatorCall call) : op_(op), call_(std::move(call)) {}

  void run() {
    const bool elementwise = op_.attr(attr::kElementwise);
    const Shape shape = elementwise ? op_.elementwise_shape() : Shape();
    for (size_t i = 0; i < op_.num_operands(); ++i)
      inputs_.push_back(op_.has(i) ? operand(i, elementwise ? &shape : nullptr) : kAbsent);
    complete_options(call_, with_constants(call_, operands_of(op_.graph(), op_.op())));
    for (const auto& [place, numbers] : call_.constants) {
      if (place >= inputs_.size()) inputs_.resize(place + 1, kAbsent);
      inputs_[place] = op_.matrix(numbers.values, numbers.shape);
    }
    std::vector<NewTensor> outputs;
    for (size_t i = 0; i < op_.op().results.size(); ++i) {
      const ferryman::TensorType& type = op_.result_type(i);
      outputs.push_back({type.dtype, elementwise ? shape : type.dims});
    }
    const std::vector<TensorIndex> results =
        op_.emit_all(call_.op, inputs_, std::move(outputs), std::move(call_.options));
    for (size_t i = 0; i < results.size(); ++i) op_.finish_result(i, results[i]);
  }

 private:
  // Lined up with the result, or as in PyTorch, axes of size 1 included.
  TensorIndex operand(size_t index, const Shape* aligned_to) {
    if (aligned_to != nullptr) return op_.aligned(index, *aligned_to);
    return op_.operand(index, op_.type(index).dims);
  }

  LowerOp& op_;
  OperatorCall call_;
  std::vector<TensorIndex> inputs_;
};

}  // namespace

std::optional<Limit> foreign_limit(const Graph& graph, const ferryman::Op& op) {
  Result<OperatorCall> call = read_operator_call(op.attr(attr::kCode));
  if (!call.ok()) return limit_from(std::move(call).diag());
  if (call->is_graph()) return graph_limit(graph, op, *call);
  const std::string name = describe(*call);
  const std::vector<Tensor> recorded = results_of(graph, op);
  Result<Model> model = one_operator(*std::move(call), operands_of(graph, op), recorded);
  if (!model.ok()) return limit_from(std::move(model).diag());
  const std::string wrong = wrong_results(*model, recorded);
  if (wrong.empty()) return std::nullopt;
  return Limit{fmt::format("{} {}", name, wrong), "", ""};
}

void lower_foreign(LowerOp& op) {
  Result<OperatorCall> call = read_operator_call(op.attr(attr::kCode));
  check(call.ok(), "code that foreign_limit should have refused");
  if (!call->is_graph()) return NamedLowering(op, *std::move(call)).run();
  const Result<Model> part = read_part(call->graph_path);
  check(part.ok(), "a part that foreign_limit should have refused");
  std::vector<TensorIndex> inputs;
  for (size_t i = 0; i < op.num_operands(); ++i) inputs.push_back(op.operand(i, op.type(i).dims));
  const std::vector<TensorIndex> results = op.splice_in(*part, inputs);
  for (size_t i = 0; i < results.size(); ++i) op.finish_result(i, results[i]);
}

}  // namespace ferryman::tflite
