#include "targets/tflite/lower/name_tensors.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace ferryman::tflite {

namespace {

// What a constant is to the operator that reads it.
struct Role {
  Op op;
  size_t input;
  std::string_view name;
};
constexpr std::array kRoles = {
    Role{Op::kReshape, 1, "shape"},
    Role{Op::kTranspose, 1, "perm"},
    Role{Op::kPad, 1, "paddings"},
    Role{Op::kPadv2, 1, "paddings"},
    Role{Op::kPadv2, 2, "value"},
    Role{Op::kMirrorPad, 1, "paddings"},
    Role{Op::kSlice, 1, "begin"},
    Role{Op::kSlice, 2, "size"},
    Role{Op::kStridedSlice, 1, "begin"},
    Role{Op::kStridedSlice, 2, "end"},
    Role{Op::kStridedSlice, 3, "strides"},
    Role{Op::kTile, 1, "multiples"},
    Role{Op::kBroadcastTo, 1, "shape"},
    Role{Op::kReverseV2, 1, "axes"},
    Role{Op::kMean, 1, "axes"},
    Role{Op::kSum, 1, "axes"},
    Role{Op::kReduceProd, 1, "axes"},
    Role{Op::kReduceMax, 1, "axes"},
    Role{Op::kReduceMin, 1, "axes"},
    Role{Op::kReduceAny, 1, "axes"},
    Role{Op::kReduceAll, 1, "axes"},
    Role{Op::kArgMax, 1, "axis"},
    Role{Op::kArgMin, 1, "axis"},
    Role{Op::kCumsum, 1, "axis"},
    Role{Op::kTopkV2, 1, "k"},
    Role{Op::kGather, 1, "indices"},
    Role{Op::kFill, 0, "dims"},
    Role{Op::kFill, 1, "value"},
    Role{Op::kScatterNd, 2, "shape"},
    Role{Op::kResizeBilinear, 1, "size"},
    Role{Op::kResizeNearestNeighbor, 1, "size"},
    Role{Op::kConv2d, 1, "weight"},
    Role{Op::kConv2d, 2, "bias"},
    Role{Op::kDepthwiseConv2d, 1, "weight"},
    Role{Op::kDepthwiseConv2d, 2, "bias"},
    Role{Op::kConv3d, 1, "weight"},
    Role{Op::kConv3d, 2, "bias"},
    Role{Op::kTransposeConv, 0, "output_shape"},
    Role{Op::kTransposeConv, 1, "weight"},
    Role{Op::kTransposeConv, 3, "bias"},
    Role{Op::kFullyConnected, 1, "weight"},
    Role{Op::kFullyConnected, 2, "bias"},
};

std::string_view role_of(Op op, size_t input) {
  const auto role = std::find_if(kRoles.begin(), kRoles.end(), [&](const Role& candidate) {
    return candidate.op == op && candidate.input == input;
  });
  return role == kRoles.end() ? "constant" : role->name;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string inside(std::string_view place, std::string_view name) {
  std::string path;
  path.reserve(place.size() + 1 + name.size());
  if (!place.empty()) path.append(place).push_back('/');
  return path.append(name);
}

// The same elements in another order or shape, made for a reader.
bool only_moves_elements(Op op) {
  return op == Op::kReshape || op == Op::kTranspose || op == Op::kDepthToSpace ||
         op == Op::kSpaceToDepth;
}

// Tells the places of a graph by names. A module with a single node, such as a layer, stands for
// it; of a module with several nodes, or with modules inside, each node has its own name.
class Places {
 public:
  explicit Places(const Graph& graph) : graph_(graph) {
    for (size_t i = 0; i < graph.num_op_ids(); ++i) note(graph.location(OpId(i)));
  }

  std::string name(int32_t location) const {
    if (location < 0) return {};
    const SourceLocation& place = graph_.location(LocationId(static_cast<size_t>(location)));
    if (place.module_path.empty()) return place.node;
    const auto node = only_nodes_.find(place.module_path);
    if (node == only_nodes_.end() || node->second == kSeveral) {
      return inside(place.module_path, place.node);
    }
    return place.module_path;
  }

 private:
  static constexpr std::string_view kSeveral = "";

  void note(const SourceLocation& place) {
    const std::string_view path = place.module_path;
    if (path.empty()) return;
    const auto [only, is_first] = only_nodes_.emplace(path, place.node);
    if (only->second != place.node) only->second = kSeveral;
    if (!is_first) return;
    for (size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
      only_nodes_[path.substr(0, dot)] = kSeveral;
    }
  }

  const Graph& graph_;
  std::unordered_map<std::string_view, std::string_view> only_nodes_;  // by module path
};

// The names that the user gave to parameters. Copies that passes make of them, folded or reordered,
// have the name with a number appended (Graph::add_constant).
class ParameterNames {
 public:
  explicit ParameterNames(const std::vector<std::string>& names)
      : names_(names.begin(), names.end()) {}

  bool contains(std::string_view name) const { return names_.contains(name); }

  std::string_view without_number(std::string_view name) const {
    while (!contains(name)) {
      const size_t end = name.find_last_not_of("0123456789");
      if (end == name.npos || end + 1 == name.size() || name[end] != '_' || end == 0) break;
      name = name.substr(0, end);
    }
    return name;
  }

 private:
  std::unordered_set<std::string_view> names_;
};

class TensorNaming {
 public:
  TensorNaming(Model& model, const Graph& graph, const std::vector<std::string>& parameters)
      : model_(model), places_(graph), parameters_(parameters) {}

  void run() {
    for (const Signature& signature : model_.signatures) name_ports(signature);
    for (size_t i = 0; i < model_.subgraphs.size(); ++i) name_subgraph(i);
  }

 private:
  using Named = std::vector<bool>;  // per tensor of a subgraph

  void name_ports(const Signature& signature) {
    Subgraph& subgraph = model_.subgraphs[signature.subgraph];
    Named& named = named_in(signature.subgraph);
    for (const NamedTensor& port : signature.inputs) give(subgraph, named, port.tensor, port.name);
    for (const NamedTensor& port : signature.outputs) give(subgraph, named, port.tensor, port.name);
  }

  void name_subgraph(size_t index) {
    Subgraph& subgraph = model_.subgraphs[index];
    Named& named = named_in(index);
    const bool is_called = index > 0;
    const std::string_view around = is_called ? std::string_view(subgraph.name) : "";
    for (const TensorIndex input : subgraph.inputs) {
      const std::string& name = subgraph.tensor(input).name;
      give(subgraph, named, input, inside(around, name.empty() ? "variable" : name));
    }
    for (const Operator& op : subgraph.operators) {
      for (const TensorIndex output : op.outputs) {
        give(subgraph, named, output, result_name(subgraph, op, output, is_called));
      }
      name_constants(subgraph, named, op);
    }
    for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
      if (!named[i]) give(subgraph, named, static_cast<TensorIndex>(i), inside(around, "tensor"));
    }
  }

  std::string result_name(const Subgraph& subgraph, const Operator& op, TensorIndex output,
                          bool is_called) const {
    const std::string& value = subgraph.tensor(output).name;
    const std::string kind = lower_case(to_string(op.op));
    if (value.empty() && only_moves_elements(op.op)) {
      return inside(subgraph.tensor(op.inputs[0]).name, kind);
    }
    if (is_called) return inside(subgraph.name, value.empty() ? kind : value);
    const std::string place = places_.name(op.location);
    if (value.empty()) return inside(place, kind);
    return place.empty() ? value : place;
  }

  // After the outputs, whose names they bear.
  void name_constants(Subgraph& subgraph, Named& named, const Operator& op) {
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorIndex input = op.inputs[i];
      if (input == kAbsent || subgraph.tensor(input).constant == nullptr) continue;
      if (named[static_cast<size_t>(input)]) continue;
      const std::string_view name = parameters_.without_number(subgraph.tensor(input).name);
      if (parameters_.contains(name)) {
        give(subgraph, named, input, std::string(name));
      } else {
        const std::string& reader = subgraph.tensor(op.outputs[0]).name;
        give(subgraph, named, input, inside(reader, name.empty() ? role_of(op.op, i) : name));
      }
    }
  }

  Named& named_in(size_t subgraph) {
    Named& named = named_[subgraph];
    named.resize(model_.subgraphs[subgraph].tensors.size(), false);
    return named;
  }

  // The first name that a tensor is given stays.
  void give(Subgraph& subgraph, Named& named, TensorIndex tensor, std::string name) {
    const auto at = static_cast<size_t>(tensor);
    if (named[at]) return;
    named[at] = true;
    std::string& own = subgraph.tensors[at].name;
    own = unique(std::move(name));
    taken_.emplace(own, 1);
  }

  std::string unique(std::string name) {
    const auto known = taken_.find(name);
    if (known == taken_.end()) return name;
    for (;;) {
      std::string numbered = name + "_" + std::to_string(known->second++);
      if (!taken_.contains(numbered)) return numbered;
    }
  }

  Model& model_;
  Places places_;
  ParameterNames parameters_;
  std::unordered_map<size_t, Named> named_;          // by subgraph
  std::unordered_map<std::string_view, int> taken_;  // names of tensors, which stay where they are
};

}  // namespace

void name_tensors(Model& model, const Graph& graph, const std::vector<std::string>& parameters) {
  TensorNaming(model, graph, parameters).run();
}

}  // namespace ferryman::tflite
