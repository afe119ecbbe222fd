#include "targets/tflite/named/splice.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/blob.h"
#include "targets/tflite/format/op_use.h"
#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/runtime/verify.h"

namespace ferryman::tflite {

namespace {

// Calls visit(number) for each number of a graph that the options name.
template <typename Visit>
void visit_called(Options& options, Visit visit) {
  visit_fields(options, [&](const FieldRef& field, auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, int32_t>) {
      if (field.name.ends_with("subgraph_index")) visit(value);
    } else if constexpr (std::is_same_v<Value, std::vector<int32_t>>) {
      if (field.name.ends_with("subgraph_indices"))
        for (int32_t& number : value) visit(number);
    }
  });
}

class Splicer {
 public:
  Splicer(const Model& part, const SpliceInto& into) : part_(part), into_(into) {}

  std::vector<TensorIndex> run(const std::vector<TensorIndex>& inputs) {
    const Subgraph& main = part_.subgraphs.front();
    places_.assign(main.tensors.size(), kAbsent);
    for (size_t i = 0; i < inputs.size(); ++i)
      places_[static_cast<size_t>(main.inputs[i])] = inputs[i];
    for (const Operator& op : main.operators) into_.graph.operators.push_back(moved(op));
    std::vector<TensorIndex> results;
    for (const TensorIndex output : main.outputs) results.push_back(own_result(place(output)));
    return results;
  }

 private:
  // Names are given anew, with those of the model around.
  TensorIndex place(TensorIndex index) {
    if (index == kAbsent) return kAbsent;
    TensorIndex& place = places_[static_cast<size_t>(index)];
    if (place != kAbsent) return place;
    Tensor tensor = part_.subgraphs.front().tensor(index);
    tensor.name.clear();
    return place = into_.graph.add(std::move(tensor));
  }

  std::vector<TensorIndex> places_of(const std::vector<TensorIndex>& indices) {
    std::vector<TensorIndex> moved;
    for (const TensorIndex index : indices) moved.push_back(place(index));
    return moved;
  }

  Operator moved(Operator op) {
    op.inputs = places_of(op.inputs);
    op.outputs = places_of(op.outputs);
    op.intermediates = places_of(op.intermediates);
    for (const TensorIndex output : op.outputs) made_.insert(output);
    return adapted(std::move(op));
  }

  Operator adapted(Operator op) {
    op.location = into_.location;
    visit_called(op.options, [&](int32_t& number) { number = called(number); });
    return op;
  }

  // The number in the new model of a graph of the part.
  int32_t called(int32_t number) {
    if (const auto known = called_.find(number); known != called_.end()) return known->second;
    Subgraph graph = part_.subgraphs[static_cast<size_t>(number)];
    for (Operator& op : graph.operators) op = adapted(std::move(op));
    return called_[number] = into_.add_graph(std::move(graph));
  }

  // An input or constant that is an output, and one that is an output twice, is copied.
  TensorIndex own_result(TensorIndex tensor) {
    if (made_.erase(tensor) == 1) return tensor;
    Tensor copy = into_.graph.tensor(tensor);
    copy.constant = nullptr;
    copy.name.clear();
    const std::vector<int32_t> extents = copy.shape;
    const TensorIndex shape = into_.graph.add({.type = DType::kI32,
                                               .shape = {static_cast<int32_t>(extents.size())},
                                               .constant = constant_of(extents)});
    const TensorIndex result = into_.graph.add(std::move(copy));
    into_.graph.operators.push_back({.op = Op::kReshape,
                                     .inputs = {tensor, shape},
                                     .outputs = {result},
                                     .location = into_.location});
    return result;
  }

  const Model& part_;
  const SpliceInto& into_;
  std::vector<TensorIndex> places_;    // in the new graph, of tensors of the part's main graph
  std::set<TensorIndex> made_;         // by operators, and not yet a result
  std::map<int32_t, int32_t> called_;  // numbers of graphs
};

Status check_ports(const std::string& path, const Subgraph& main,
                   const std::vector<TensorIndex>& ports) {
  for (const TensorIndex port : ports) {
    const Tensor& tensor = main.tensor(port);
    if (!is_quantised(tensor)) continue;
    return Diag::error(DiagCode::kNotOnTarget,
                       fmt::format("'{}' of '{}' is quantised", tensor.name, path))
        .because("a part of a model takes and gives plain numbers")
        .hint("quantise inside of the part: its inputs and outputs float32");
  }
  return {};
}

}  // namespace

Result<Model> read_part(const std::string& path) {
  FERRYMAN_TRY(const BlobRef file, map_file(path));
  FERRYMAN_TRY(Model part, read_tflite(file));
  const Diagnostics found = verify_model(part);
  if (found.has_errors()) {
    return Diag::error(DiagCode::kNotOnTarget,
                       fmt::format("'{}' cannot become a part of a model", path))
        .because(found.all().front().what);
  }
  const Subgraph& main = part.subgraphs.front();
  FERRYMAN_TRY_STATUS(check_ports(path, main, main.inputs));
  FERRYMAN_TRY_STATUS(check_ports(path, main, main.outputs));
  return part;
}

std::vector<TensorIndex> splice(const Model& part, const std::vector<TensorIndex>& inputs,
                                const SpliceInto& into) {
  return Splicer(part, into).run(inputs);
}

}  // namespace ferryman::tflite
