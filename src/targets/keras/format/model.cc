#include "targets/keras/format/model.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "support/json_text.h"

namespace ferryman::keras {

std::vector<TensorIndex> Model::call(NodeIndex node_index, JsonArray args, JsonObject kwargs,
                                     const std::vector<TensorSpec>& outputs_of_call) {
  Node& made_by = nodes[static_cast<size_t>(node_index)];
  const auto number = static_cast<int>(made_by.calls.size());
  made_by.calls.push_back({std::move(args), std::move(kwargs)});
  std::vector<TensorIndex> made;
  for (const TensorSpec& output : outputs_of_call) {
    made.push_back(static_cast<TensorIndex>(tensors.size()));
    tensors.push_back(
        {output.dtype, output.shape, node_index, number, static_cast<int>(made.size()) - 1});
  }
  return made;
}

TensorIndex Model::constant(DType dtype, Dims shape, Json literal) {
  tensors.push_back({.dtype = dtype, .shape = std::move(shape), .literal = std::move(literal)});
  return static_cast<TensorIndex>(tensors.size()) - 1;
}

std::string_view dtype_name(DType dtype) {
  return torch_name(dtype);
}

Json shape_json(const Dims& shape) {
  JsonArray sizes;
  for (const Dim size : shape) sizes.push_back(size.is_static() ? Json(size.size()) : Json());
  return sizes;
}

namespace {

// A call of a node, as Keras' graph has it.
struct CallId {
  NodeIndex node;
  int call;
  auto operator<=>(const CallId&) const = default;
};

std::vector<CallId> parents_of(const Model& model, const CallId& id) {
  const Call& call = model.node(id.node).calls[static_cast<size_t>(id.call)];
  std::vector<TensorIndex> read;
  collect_tensors(call.args, read);
  collect_tensors(call.kwargs, read);
  std::vector<CallId> parents;
  for (const TensorIndex tensor : read) {
    if (model.tensor(tensor).node < 0) continue;
    parents.push_back({model.tensor(tensor).node, model.tensor(tensor).call});
  }
  return parents;
}

// keras.src.ops.function.map_graph.
class GraphMap {
 public:
  explicit GraphMap(const Model& model) : model_(model) {}

  std::vector<NodeIndex> order() {
    std::map<NodeIndex, int> depths = depths_of_nodes();
    for (const TensorIndex input : model_.inputs) {
      const NodeIndex node = model_.tensor(input).node;
      if (depths.emplace(node, 0).second) first_visits_[node] = -1;
    }
    std::vector<NodeIndex> nodes;
    for (const auto& [node, depth] : depths) nodes.push_back(node);
    std::stable_sort(nodes.begin(), nodes.end(), [&](NodeIndex a, NodeIndex b) {
      return std::pair(-depths[a], first_visits_[a]) < std::pair(-depths[b], first_visits_[b]);
    });
    return nodes;
  }

  // The longest way from each to an output.
  std::map<NodeIndex, int> depths_of_nodes() {
    for (const TensorIndex output : model_.outputs)
      visit({model_.tensor(output).node, model_.tensor(output).call});
    std::map<CallId, int> call_depths;
    std::map<NodeIndex, int> depths;
    for (auto id = finished_.rbegin(); id != finished_.rend(); ++id) {
      const int depth = std::max(call_depths[*id], depths[id->node]);
      call_depths[*id] = depths[id->node] = depth;
      for (const CallId& parent : parents_of(model_, *id)) {
        int& known = call_depths[parent];
        known = std::max(known, depth + 1);
      }
    }
    return depths;
  }

 private:
  // Without recursion: chains are as long as the model is deep.
  void visit(CallId root) {
    struct Frame {
      CallId id;
      std::vector<CallId> parents;
      size_t next = 0;
    };
    std::vector<Frame> stack;
    const auto enter = [&](CallId id) {
      if (!entered_.insert(id).second) return;
      first_visits_.emplace(id.node, static_cast<int>(first_visits_.size()));
      stack.push_back({id, parents_of(model_, id)});
    };
    enter(root);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next < frame.parents.size()) {
        enter(frame.parents[frame.next++]);
        continue;
      }
      finished_.push_back(frame.id);
      stack.pop_back();
    }
  }

  const Model& model_;
  std::set<CallId> entered_;
  std::vector<CallId> finished_;  // from inputs to outputs
  std::map<NodeIndex, int> first_visits_;
};

// "DepthwiseConv2D" -> "depthwise_conv2d", as keras.src.utils.naming.to_snake_case.
std::string snake_case(std::string_view name) {
  const auto is_upper = [&](size_t i) { return std::isupper(static_cast<unsigned char>(name[i])); };
  const auto is_lower = [&](size_t i) { return std::islower(static_cast<unsigned char>(name[i])); };
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool begins_word = i > 0 && is_upper(i) && i + 1 < name.size() && is_lower(i + 1);
    const bool after_lower = i > 0 && is_upper(i) && is_lower(i - 1);
    if (begins_word || after_lower) text += '_';
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return text;
}

// Of the class in Keras' source, where its public name is another.
std::string_view python_name(std::string_view class_name) {
  return class_name == "GroupQueryAttention" ? "GroupedQueryAttention" : class_name;
}

class ConfigPrinter {
 public:
  explicit ConfigPrinter(const Model& model) : model_(model) {}

  std::string print() {
    return "{\"module\": \"keras.src.models.functional\", \"class_name\": \"Functional\", "
           "\"registered_name\": \"Functional\", \"config\": " +
           print_config() + "}\n";
  }

  std::string print_config() {
    text_ = "{\"name\": " + json_quote(model_.name) + ", \"trainable\": true, \"layers\": [";
    bool is_first = true;
    for (const NodeIndex index : order_of_nodes(model_)) {
      text_ += is_first ? "\n" : ",\n";
      is_first = false;
      print_node(model_.node(index));
    }
    text_ += "],\n\"input_layers\": " + ports(model_.inputs) +
             ", \"output_layers\": " + ports(model_.outputs) + "}";
    return std::move(text_);
  }

 private:
  void print_node(const Node& node) {
    text_ += "{\"module\": " + json_quote(node.module) +
             ", \"class_name\": " + json_quote(node.class_name) + ", \"registered_name\": " +
             (node.is_layer && node.inner == nullptr ? "null" : json_quote(node.class_name)) +
             ", \"name\": " + json_quote(node.name) + ", \"config\": " + config_of(node) +
             ", \"inbound_nodes\": [";
    if (node.class_name != "InputLayer") print_calls(node);
    text_ += "]}";
  }

  static std::string config_of(const Node& node) {
    if (node.inner != nullptr) return ConfigPrinter(*node.inner).print_config();
    JsonObject config = {{"name", node.name}};
    if (node.is_layer && node.class_name != "InputLayer") {
      if (!node.is_trainable) config.emplace_back("trainable", false);  // some layers take none
      config.emplace_back("dtype", dtype_name(node.dtype));
    }
    config.insert(config.end(), node.config.begin(), node.config.end());
    return to_text(config);
  }

  void print_calls(const Node& node) {
    for (size_t i = 0; i < node.calls.size(); ++i) {
      if (i > 0) text_ += ", ";
      text_ += "{\"args\": ";
      print(node.calls[i].args);
      text_ += ", \"kwargs\": ";
      print(node.calls[i].kwargs);
      text_ += '}';
    }
  }

  void print(const Json& json) {
    print_json(json, text_, [&](TensorIndex index, std::string& text) {
      const Tensor& tensor = model_.tensor(index);
      if (tensor.node < 0) {
        text += to_text(tensor.literal);
        return;
      }
      text += "{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": " +
              to_text(shape_json(tensor.shape)) + ", \"dtype\": \"" +
              std::string(dtype_name(tensor.dtype)) + "\", \"keras_history\": " + history(tensor) +
              "}}";
    });
  }

  std::string history(const Tensor& tensor) const {
    return to_text(JsonArray{model_.node(tensor.node).name, tensor.call, tensor.output});
  }

  // One tensor stands for itself: the model then takes or gives it, and no list of one.
  std::string ports(const std::vector<TensorIndex>& tensors) const {
    if (tensors.size() == 1) return port(model_.tensor(tensors.front()));
    std::string text = "[";
    for (const TensorIndex tensor : tensors)
      text += (text.size() > 1 ? ", " : "") + port(model_.tensor(tensor));
    return text + "]";
  }

  // Here, and only here, Keras counts the calls of a model from 1.
  std::string port(Tensor tensor) const {
    const Node& node = model_.node(tensor.node);
    if (node.inner != nullptr || !node.key.empty()) ++tensor.call;
    return history(tensor);
  }

  const Model& model_;
  std::string text_;
};

}  // namespace

std::vector<NodeIndex> order_of_nodes(const Model& model) {
  return GraphMap(model).order();
}

int length_of_chain(const Model& model) {
  int longest = 0;
  for (const auto& [node, depth] : GraphMap(model).depths_of_nodes()) {
    longest = std::max(longest, depth + 1);
    if (const Model* inner = model.node(node).inner.get())
      longest = std::max(longest, length_of_chain(*inner));
  }
  return longest;
}

namespace {

void add_weight_groups(const Model& model, const std::string& folder,
                       std::vector<WeightGroup>& groups) {
  std::map<std::string, int> used;
  for (const NodeIndex index : order_of_nodes(model)) {
    const Node& node = model.node(index);
    if (!node.is_layer) continue;
    const std::string name = snake_case(python_name(node.class_name));
    const int count = used[name]++;
    const std::string path =
        folder + "layers/" + name + (count == 0 ? "" : "_" + std::to_string(count));
    groups.push_back({path, &node});
    if (node.inner != nullptr) add_weight_groups(*node.inner, path + "/", groups);
  }
}

}  // namespace

std::vector<WeightGroup> weight_groups(const Model& model) {
  std::vector<WeightGroup> groups;
  add_weight_groups(model, "", groups);
  return groups;
}

std::string name_of_tensor(const Model& model, TensorIndex index) {
  const Tensor& tensor = model.tensor(index);
  if (tensor.node < 0) return {};
  return model.node(tensor.node).name + ":" + std::to_string(tensor.call) + ":" +
         std::to_string(tensor.output);
}

std::string config_text(const Model& model) {
  return ConfigPrinter(model).print();
}

}  // namespace ferryman::keras
