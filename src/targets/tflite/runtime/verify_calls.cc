// Operators that run other graphs of the model: what goes in and out must fit.
#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

class CallVerifier {
 public:
  explicit CallVerifier(const Model& model) : model_(model) {}

  Diagnostics verify() && {
    std::vector<std::vector<size_t>> calls(model_.subgraphs.size());
    for (const Subgraph& caller : model_.subgraphs) {
      const auto number = static_cast<size_t>(&caller - model_.subgraphs.data());
      for (size_t i = 0; i < caller.operators.size(); ++i) {
        const Call call{caller, i};
        const Options& options = caller.operators[i].options;
        std::vector<int32_t> called;
        if (const auto* loop = options.get_if<WhileOptions>()) {
          called = {loop->cond_subgraph_index, loop->body_subgraph_index};
          verify_while(call, *loop);
        }
        if (const auto* branches = options.get_if<IfOptions>()) {
          called = {branches->then_subgraph_index, branches->else_subgraph_index};
          verify_if(call, *branches);
        }
        calls[number].insert(calls[number].end(), called.begin(), called.end());
      }
    }
    verify_ends(calls);
    return std::move(found_);
  }

 private:
  using Indices = std::vector<TensorIndex>;

  struct Call {
    const Subgraph& caller;
    size_t position;
    const Operator& op() const { return caller.operators[position]; }
  };

  // Variables, as some graph lists them.
  struct Variables {
    const Subgraph& graph;
    const Indices& indices;
  };

  void fail(const Call& call, std::string_view complaint) {
    found_.add(operator_error(model_, call.caller, call.position, complaint));
  }

  void verify_while(const Call& call, const WhileOptions& loop) {
    const Subgraph& condition = graph(loop.cond_subgraph_index);
    const Subgraph& body = graph(loop.body_subgraph_index);
    if (loop.cond_subgraph_index == loop.body_subgraph_index)
      fail(call, "has one graph as its condition and its body");
    const Variables inputs = {call.caller, call.op().inputs};
    verify_match(call, "its outputs", inputs, {call.caller, call.op().outputs});
    verify_match(call, "the inputs of its condition", inputs, {condition, condition.inputs});
    verify_match(call, "the inputs of its body", inputs, {body, body.inputs});
    verify_match(call, "the outputs of its body", inputs, {body, body.outputs});
    const bool decides =
        condition.outputs.size() == 1 && is_truth_value(condition.tensor(condition.outputs[0]));
    if (!decides) fail(call, "has a condition that does not give one truth value");
  }

  // The first input decides; the others go into either branch.
  void verify_if(const Call& call, const IfOptions& branches) {
    const Operator& op = call.op();
    const bool decides = !op.inputs.empty() && op.inputs[0] != kAbsent &&
                         is_truth_value(call.caller.tensor(op.inputs[0]));
    if (!decides) return fail(call, "has a condition that is not one truth value");
    const Indices passed(op.inputs.begin() + 1, op.inputs.end());
    for (const int32_t index : {branches.then_subgraph_index, branches.else_subgraph_index}) {
      const Subgraph& branch = graph(index);
      verify_match(call, "the inputs of a branch", {call.caller, passed}, {branch, branch.inputs});
      verify_match(call, "the outputs of a branch", {call.caller, op.outputs},
                   {branch, branch.outputs});
    }
  }

  static bool is_truth_value(const Tensor& tensor) {
    return tensor.type == ElementType(TensorType::kBool) && tensor.shape.empty();
  }

  void verify_match(const Call& call, std::string_view what, const Variables& a,
                    const Variables& b) {
    if (a.indices.size() != b.indices.size()) {
      fail(call, fmt::format("and {} differ in number: {} and {}", what, a.indices.size(),
                             b.indices.size()));
      return;
    }
    for (size_t i = 0; i < a.indices.size(); ++i) {
      if (a.indices[i] == kAbsent || b.indices[i] == kAbsent) {
        fail(call, fmt::format("and {}: variable {} is absent", what, i));
        continue;
      }
      const Tensor& left = a.graph.tensor(a.indices[i]);
      const Tensor& right = b.graph.tensor(b.indices[i]);
      if (left.type == right.type && left.shape == right.shape) continue;
      fail(call, fmt::format("and {} differ in the type or shape of variable {}", what, i));
    }
  }

  // A graph that runs itself never ends. Graphs are visited callers first.
  void verify_ends(const std::vector<std::vector<size_t>>& calls) {
    std::vector<size_t> num_callers(calls.size(), 0);
    for (const std::vector<size_t>& called : calls) {
      for (const size_t graph : called) ++num_callers[graph];
    }
    std::vector<size_t> ready;
    for (size_t graph = 0; graph < calls.size(); ++graph) {
      if (num_callers[graph] == 0) ready.push_back(graph);
    }
    size_t num_visited = 0;
    for (; num_visited < ready.size(); ++num_visited) {
      for (const size_t called : calls[ready[num_visited]]) {
        if (--num_callers[called] == 0) ready.push_back(called);
      }
    }
    if (num_visited < calls.size())
      found_.add(Diag::error(DiagCode::kInternal, "a graph runs itself"));
  }

  const Subgraph& graph(int32_t index) const {
    return model_.subgraphs[static_cast<size_t>(index)];
  }

  const Model& model_;
  Diagnostics found_;
};

}  // namespace

Diagnostics verify_calls(const Model& model) {
  return CallVerifier(model).verify();
}

}  // namespace ferryman::tflite
