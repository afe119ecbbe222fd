#include <fmt/format.h>

#include <string>

#include "frontend/program/program.h"

namespace ferryman::frontend {

namespace {

// Graphs inside graphs; real programs have two or three levels.
constexpr int kMaxGraphDepth = 64;

Diag malformed(std::string what) {
  return Diag::error(DiagCode::kMalformedProgram, std::move(what));
}

class Verifier {
 public:
  explicit Verifier(const Program& program)
      : program_(program),
        scopes_(program.values.size(), kUndefined),
        is_graph_used_(program.subgraphs.size(), false) {}

  Status verify() {
    for (const Value& value : program_.values) FERRYMAN_TRY_STATUS(verify_value(value));
    for (const Input& input : program_.inputs) FERRYMAN_TRY_STATUS(verify_input(input));
    for (const Node& node : program_.nodes) FERRYMAN_TRY_STATUS(verify_node(node, kMainScope, 0));
    for (const Output& output : program_.outputs) {
      FERRYMAN_TRY_STATUS(verify_argument(output.arg, kMainScope, 0, "an output"));
    }
    return verify_everything_is_reached();
  }

 private:
  // A scope is the graph that defines a value: the program itself, or subgraph number scope - 2.
  static constexpr uint32_t kUndefined = 0;
  static constexpr uint32_t kMainScope = 1;

  Status verify_value(const Value& value) const {
    if (!value.tensor) return {};
    const TensorMeta& tensor = *value.tensor;
    if (tensor.sizes.size() != tensor.strides.size()) {
      return malformed(fmt::format("%{} has {} sizes but {} strides", value.name,
                                   tensor.sizes.size(), tensor.strides.size()));
    }
    for (size_t axis = 0; axis < tensor.sizes.size(); ++axis) {
      const bool negative_size = tensor.sizes[axis].is_static() && tensor.sizes[axis].value < 0;
      const bool negative_stride =
          tensor.strides[axis].is_static() && tensor.strides[axis].value < 0;
      if (negative_size || negative_stride) {
        return malformed(
            fmt::format("%{} has a negative size or stride at axis {}", value.name, axis));
      }
    }
    return {};
  }

  Status define(ValueIndex value, uint32_t scope, const std::string& where) {
    if (value >= scopes_.size()) return malformed(where + " defines a value out of range");
    if (scopes_[value] != kUndefined) {
      return malformed(fmt::format("{} defines %{} again", where, program_.values[value].name));
    }
    scopes_[value] = scope;
    return {};
  }

  Status verify_input(const Input& input) {
    const std::string where = fmt::format("input '{}'", input.name);
    if (input.value == kNoValue) {
      if (input.kind == InputKind::kUser) return {};
      return malformed(where + " has no value");
    }
    FERRYMAN_TRY_STATUS(define(input.value, kMainScope, where));
    const bool needs_data = input.kind == InputKind::kParameter ||
                            input.kind == InputKind::kBuffer || input.kind == InputKind::kConstant;
    if (needs_data != input.data.has_value()) {
      return malformed(where + (needs_data ? " has no data" : " must not have data"));
    }
    return needs_data ? verify_data(input, where) : Status();
  }

  // The last element that the sizes and strides reach must lie inside the storage.
  Status verify_data(const Input& input, const std::string& where) const {
    const Value& value = program_.values[input.value];
    if (!value.tensor) return malformed(where + " is not a tensor");
    const std::vector<SymSize>& sizes = value.tensor->sizes;
    const TensorStorage& data = *input.data;
    if (data.strides.size() != sizes.size()) {
      return malformed(
          fmt::format("{} has rank {} but {} strides", where, sizes.size(), data.strides.size()));
    }
    if (data.storage == nullptr || data.offset < 0) return malformed(where + " has no storage");
    __extension__ using Wide = __int128;
    Wide last = data.offset;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      if (!sizes[axis].is_static()) return malformed(where + " has a symbolic size");
      if (data.strides[axis] < 0) return malformed(where + " has a negative stride");
      if (sizes[axis].value == 0) return {};  // no element, hence no byte
    }
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      last += Wide{sizes[axis].value - 1} * data.strides[axis];
      if (last > INT64_MAX) break;
    }
    const auto num_elems = static_cast<Wide>(data.storage->size()) / byte_size(value.tensor->dtype);
    if (last < num_elems) return {};
    return malformed(
        fmt::format("{} reaches outside its storage of {} bytes", where, data.storage->size()));
  }

  Status verify_node(const Node& node, uint32_t scope, int depth) {
    const std::string where = fmt::format("node {} ({})", node.name, node.target);
    for (const NamedArgument& named : node.args) {
      FERRYMAN_TRY_STATUS(verify_argument(named.arg, scope, depth, where));
    }
    for (const ValueIndex result : node.results) {
      if (result != kNoValue) FERRYMAN_TRY_STATUS(define(result, scope, where));
    }
    return {};
  }

  Status verify_argument(const Argument& arg, uint32_t scope, int depth, const std::string& where) {
    if (const auto* ref = arg.as<ValueRef>()) {
      if (ref->value >= scopes_.size()) return malformed(where + " uses a value out of range");
      if (scopes_[ref->value] == scope) return {};
      return malformed(
          fmt::format("{} uses %{} before it is defined", where, program_.values[ref->value].name));
    }
    if (const auto* graph = arg.as<GraphRef>()) return verify_subgraph(*graph, depth, where);
    if (const auto* list = arg.as<ArgumentList>()) {
      if (depth >= kMaxGraphDepth) return malformed(where + " nests its arguments too deeply");
      for (const Argument& item : *list) {
        FERRYMAN_TRY_STATUS(verify_argument(item, scope, depth + 1, where));
      }
    }
    return {};
  }

  Status verify_subgraph(GraphRef ref, int depth, const std::string& where) {
    if (ref.graph >= is_graph_used_.size()) return malformed(where + " uses a graph out of range");
    if (depth >= kMaxGraphDepth) return malformed(where + " nests graphs too deeply");
    if (is_graph_used_[ref.graph]) return malformed(where + " uses a graph for the second time");
    is_graph_used_[ref.graph] = true;
    const Subgraph& graph = program_.subgraphs[ref.graph];
    const uint32_t scope = ref.graph + 2;
    for (const ValueIndex input : graph.inputs) {
      FERRYMAN_TRY_STATUS(define(input, scope, "graph " + graph.name));
    }
    for (const Node& node : graph.nodes) {
      FERRYMAN_TRY_STATUS(verify_node(node, scope, depth + 1));
    }
    for (const Argument& output : graph.outputs) {
      FERRYMAN_TRY_STATUS(verify_argument(output, scope, depth + 1, "graph " + graph.name));
    }
    return {};
  }

  Status verify_everything_is_reached() const {
    for (size_t i = 0; i < scopes_.size(); ++i) {
      if (scopes_[i] == kUndefined) {
        return malformed(fmt::format("%{} has no producer", program_.values[i].name));
      }
    }
    for (size_t i = 0; i < is_graph_used_.size(); ++i) {
      if (!is_graph_used_[i]) {
        return malformed(fmt::format("graph {} is not used", program_.subgraphs[i].name));
      }
    }
    return {};
  }

  const Program& program_;
  std::vector<uint32_t> scopes_;
  std::vector<bool> is_graph_used_;
};

}  // namespace

Status verify_program(const Program& program) {
  return Verifier(program).verify();
}

}  // namespace ferryman::frontend
