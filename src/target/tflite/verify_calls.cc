// Operators that run other graphs of the model: what goes in and out must fit.
#include <fmt/format.h>

#include <vector>

#include "target/tflite/verify.h"

namespace ferryman::tflite {

namespace {

class CallVerifier {
 public:
  explicit CallVerifier(const Model& model) : model_(model) {}

  Diagnostics verify() && {
    std::vector<std::vector<size_t>> calls(model_.subgraphs.size());
    for (size_t caller = 0; caller < model_.subgraphs.size(); ++caller) {
      const Subgraph& subgraph = model_.subgraphs[caller];
      for (size_t i = 0; i < subgraph.operators.size(); ++i) {
        const auto* loop = subgraph.operators[i].options.get_if<WhileOptions>();
        if (loop == nullptr) continue;
        for (const int32_t called : {loop->cond_subgraph_index, loop->body_subgraph_index})
          calls[caller].push_back(static_cast<size_t>(called));
        verify_while(subgraph, i, *loop);
      }
    }
    verify_ends(calls);
    return std::move(found_);
  }

 private:
  using Indices = std::vector<TensorIndex>;

  void fail(std::string what) { found_.add(Diag::error(DiagCode::kInternal, std::move(what))); }

  void verify_while(const Subgraph& subgraph, size_t position, const WhileOptions& loop) {
    const Operator& op = subgraph.operators[position];
    const std::string name = describe_operator(subgraph, position);
    const Subgraph& condition = graph(loop.cond_subgraph_index);
    const Subgraph& body = graph(loop.body_subgraph_index);
    if (loop.cond_subgraph_index == loop.body_subgraph_index)
      fail(name + " has one graph as its condition and its body");
    verify_match(name + " and its outputs", {subgraph, op.inputs}, {subgraph, op.outputs});
    verify_match(name + " and the inputs of its condition", {subgraph, op.inputs},
                 {condition, condition.inputs});
    verify_match(name + " and the inputs of its body", {subgraph, op.inputs}, {body, body.inputs});
    verify_match(name + " and the outputs of its body", {subgraph, op.inputs},
                 {body, body.outputs});
    const bool decides =
        condition.outputs.size() == 1 &&
        condition.tensor(condition.outputs[0]).type == ElementType(TensorType::kBool) &&
        condition.tensor(condition.outputs[0]).shape.empty();
    if (!decides) fail(name + " has a condition that does not give one truth value");
  }

  // Variables, as some graph lists them.
  struct Variables {
    const Subgraph& graph;
    const Indices& indices;
  };

  void verify_match(const std::string& what, const Variables& a, const Variables& b) {
    if (a.indices.size() != b.indices.size()) {
      fail(fmt::format("{} differ in number: {} and {}", what, a.indices.size(), b.indices.size()));
      return;
    }
    for (size_t i = 0; i < a.indices.size(); ++i) {
      if (a.indices[i] == kAbsent || b.indices[i] == kAbsent) {
        fail(fmt::format("{}: variable {} is absent", what, i));
        continue;
      }
      const Tensor& left = a.graph.tensor(a.indices[i]);
      const Tensor& right = b.graph.tensor(b.indices[i]);
      if (left.type == right.type && left.shape == right.shape) continue;
      fail(fmt::format("{} differ in the type or shape of variable {}", what, i));
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
    if (num_visited < calls.size()) fail("a graph runs itself");
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
