#include "targets/keras/lower/nest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "support/check.h"
#include "targets/keras/lower/model_builder.h"

namespace ferryman::keras {

namespace {

using NodeSet = std::set<NodeIndex>;

void collect_read(const Call& call, std::vector<TensorIndex>& read) {
  collect_tensors(call.args, read);
  collect_tensors(call.kwargs, read);
}

std::vector<TensorIndex> tensors_read(const Node& node) {
  std::vector<TensorIndex> read;
  for (const Call& call : node.calls) collect_read(call, read);
  return read;
}

// With other numbers for the tensors.
template <typename Renumber>
Json renumbered(const Json& json, const Renumber& renumber) {
  if (const auto* tensor = json.as<TensorRef>()) return TensorRef{renumber(tensor->tensor)};
  if (const auto* items = json.as<JsonArray>()) {
    JsonArray result;
    for (const Json& item : *items) result.push_back(renumbered(item, renumber));
    return result;
  }
  const auto* fields = json.as<JsonObject>();
  if (fields == nullptr) return json;
  JsonObject result;
  for (const auto& [key, value] : *fields) result.emplace_back(key, renumbered(value, renumber));
  return result;
}

// What one level of the model consists of: a call, or a module with its nodes.
struct Unit {
  std::string module = {};  // empty: a call by itself
  NodeSet nodes = {};
  NodeIndex node = -1;
  size_t call = 0;
  std::vector<TensorIndex> inputs = {};   // that it reads from outside
  std::vector<TensorIndex> outputs = {};  // that others read

  bool is_module() const { return !module.empty(); }
};

class Nester {
 public:
  Nester(Model flat, const std::vector<std::string>& paths)
      : flat_(std::move(flat)), paths_(paths) {
    for (const Node& node : flat_.nodes) names_.insert(node.name);
    names_of_tensors_.resize(flat_.tensors.size());
  }

  Nested run(const std::vector<std::string>& wanted) {
    for (const std::string& module : wanted) consider(module);
    NodeSet all;
    for (NodeIndex i = 0; i < static_cast<NodeIndex>(flat_.nodes.size()); ++i) all.insert(i);
    Model model = build(all, "", flat_.inputs, flat_.outputs, flat_.name);
    return {std::move(model), std::move(names_of_tensors_), std::move(left_)};
  }

 private:
  bool belongs(NodeIndex index, const std::string& module) const {
    const std::string& path = paths_[static_cast<size_t>(index)];
    // What is called several times may be called from outside as well.
    return flat_.node(index).calls.size() == 1 && !flat_.node(index).module.empty() &&
           flat_.node(index).class_name != "InputLayer" && is_within(path, module);
  }

  NodeSet nodes_of(const std::string& module) const {
    NodeSet nodes;
    for (NodeIndex i = 0; i < static_cast<NodeIndex>(flat_.nodes.size()); ++i)
      if (belongs(i, module)) nodes.insert(i);
    return nodes;
  }

  void consider(const std::string& module) {
    const NodeSet nodes = nodes_of(module);
    if (nodes.empty()) {
      left_.push_back({module, "none of its layers is called in it alone"});
    } else if (comes_back(nodes)) {
      left_.push_back({module, "what it computes goes out and comes back"});
    } else {
      nested_.insert(module);
    }
  }

  // Whether something outside reads what the nodes make, and one of them what follows from that.
  bool comes_back(const NodeSet& nodes) const {
    std::vector<bool> follows(flat_.nodes.size(), false);
    for (const NodeIndex index : order_of_calls()) {
      bool reads_own = false, reads_following = false;
      for (const TensorIndex tensor : tensors_read(flat_.node(index))) {
        const NodeIndex from = flat_.tensor(tensor).node;
        if (from < 0) continue;
        reads_own |= nodes.contains(from);
        reads_following |= follows[static_cast<size_t>(from)];
      }
      if (nodes.contains(index)) {
        if (reads_following) return true;
      } else {
        follows[static_cast<size_t>(index)] = reads_own || reads_following;
      }
    }
    return false;
  }

  // Nodes after those that they read; of one that is called several times, by its last call.
  std::vector<NodeIndex> order_of_calls() const {
    std::vector<TensorIndex> last(flat_.nodes.size(), -1);
    for (TensorIndex i = 0; i < static_cast<TensorIndex>(flat_.tensors.size()); ++i)
      if (flat_.tensor(i).node >= 0) last[static_cast<size_t>(flat_.tensor(i).node)] = i;
    std::vector<NodeIndex> order(flat_.nodes.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<NodeIndex>(i);
    std::stable_sort(order.begin(), order.end(), [&](NodeIndex a, NodeIndex b) {
      return last[static_cast<size_t>(a)] < last[static_cast<size_t>(b)];
    });
    return order;
  }

  // ---- a level ----

  std::vector<Unit> units_of(const NodeSet& nodes, const std::string& level) const {
    std::vector<Unit> units;
    NodeSet taken;
    for (const std::string& module : nested_) {  // those around others come first
      if (module == level || !(level.empty() || is_within(module, level))) continue;
      Unit unit{module, {}, {}, {}};
      for (const NodeIndex index : nodes)
        if (belongs(index, module) && !taken.contains(index)) unit.nodes.insert(index);
      taken.insert(unit.nodes.begin(), unit.nodes.end());
      if (!unit.nodes.empty()) units.push_back(std::move(unit));
    }
    for (Unit& unit : units) find_ports(unit);
    for (const NodeIndex index : nodes) {
      if (taken.contains(index)) continue;
      for (size_t call = 0; call < flat_.node(index).calls.size(); ++call)
        units.push_back(unit_of_call(index, call));
    }
    return units;
  }

  Unit unit_of_call(NodeIndex node, size_t call) const {
    Unit unit = {.node = node, .call = call, .outputs = made_by(node, call)};
    std::vector<TensorIndex> read;
    collect_read(flat_.node(node).calls[call], read);
    for (const TensorIndex tensor : read)
      if (flat_.tensor(tensor).node >= 0) unit.inputs.push_back(tensor);
    return unit;
  }

  void find_ports(Unit& unit) const {
    const auto add = [](std::vector<TensorIndex>& to, TensorIndex tensor) {
      if (std::find(to.begin(), to.end(), tensor) == to.end()) to.push_back(tensor);
    };
    const auto is_inside = [&](TensorIndex tensor) {
      return unit.nodes.contains(flat_.tensor(tensor).node);
    };
    std::set<TensorIndex> wanted(flat_.outputs.begin(), flat_.outputs.end());
    for (NodeIndex i = 0; i < static_cast<NodeIndex>(flat_.nodes.size()); ++i) {
      const bool is_own = unit.nodes.contains(i);
      for (const TensorIndex tensor : tensors_read(flat_.node(i))) {
        if (flat_.tensor(tensor).node < 0) continue;
        if (is_own && !is_inside(tensor)) add(unit.inputs, tensor);
        if (!is_own) wanted.insert(tensor);
      }
    }
    for (const TensorIndex tensor : wanted)
      if (is_inside(tensor)) add(unit.outputs, tensor);
  }

  // Each after those that it reads.
  static std::vector<const Unit*> in_order(const std::vector<Unit>& units) {
    std::vector<const Unit*> order;
    std::set<TensorIndex> outside;  // made at this level, and not made yet
    for (const Unit& unit : units) outside.insert(unit.outputs.begin(), unit.outputs.end());
    std::vector<const Unit*> left;
    for (const Unit& unit : units) left.push_back(&unit);
    const auto first_tensor = [](const Unit* unit) {
      const auto first = std::min_element(unit->outputs.begin(), unit->outputs.end());
      return first == unit->outputs.end() ? TensorIndex{-1} : *first;
    };
    std::stable_sort(left.begin(), left.end(), [&](const Unit* a, const Unit* b) {
      return first_tensor(a) < first_tensor(b);
    });
    while (!left.empty()) {
      const auto next = std::find_if(left.begin(), left.end(), [&](const Unit* unit) {
        return std::ranges::none_of(unit->inputs,
                                    [&](TensorIndex t) { return outside.contains(t); });
      });
      check(next != left.end(), "modules that wait for each other");
      for (const TensorIndex tensor : (*next)->outputs) outside.erase(tensor);
      order.push_back(*next);
      left.erase(next);
    }
    return order;
  }

  Model build(const NodeSet& nodes, const std::string& level,
              const std::vector<TensorIndex>& inputs, const std::vector<TensorIndex>& outputs,
              const std::string& name) {
    Model model;
    model.name = name;
    std::map<TensorIndex, TensorIndex> numbers;  // of the flat model, in this one
    if (!level.empty()) add_inputs(model, inputs, numbers);
    const std::vector<Unit> units = units_of(nodes, level);
    for (const Unit* unit : in_order(units)) {
      if (unit->outputs.empty()) continue;  // nobody needs it
      unit->is_module() ? add_module(model, *unit, numbers) : add_call(model, *unit, numbers);
    }
    if (level.empty())
      for (const TensorIndex input : inputs) model.inputs.push_back(numbers.at(input));
    for (const TensorIndex output : outputs) model.outputs.push_back(numbers.at(output));
    return model;
  }

  void add_inputs(Model& model, const std::vector<TensorIndex>& inputs,
                  std::map<TensorIndex, TensorIndex>& numbers) {
    for (const TensorIndex input : inputs) {
      const Tensor& tensor = flat_.tensor(input);
      const NodeIndex node = model.add({.module = "keras.layers",
                                        .class_name = "InputLayer",
                                        .name = free_name(model.name + "_input"),
                                        .config = {{"batch_shape", shape_json(tensor.shape)},
                                                   {"dtype", dtype_name(tensor.dtype)},
                                                   {"sparse", false}}});
      numbers[input] = model.call(node, {}, {}, {{tensor.dtype, tensor.shape}}).front();
      model.inputs.push_back(numbers[input]);
    }
  }

  // A constant has a number in each model that reads it.
  TensorIndex number_in(Model& model, TensorIndex tensor,
                        std::map<TensorIndex, TensorIndex>& numbers) const {
    const auto known = numbers.find(tensor);
    if (known != numbers.end()) return known->second;
    const Tensor& constant = flat_.tensor(tensor);
    check(constant.node < 0, "a tensor that no unit gives");
    return numbers[tensor] = model.constant(constant.dtype, constant.shape, constant.literal);
  }

  // The node with its first call. All calls of a node are at one level.
  void add_call(Model& model, const Unit& unit, std::map<TensorIndex, TensorIndex>& numbers) {
    const Node& node = flat_.node(unit.node);
    if (unit.call == 0) {
      Node copy = node;
      copy.calls.clear();
      added_[unit.node] = model.add(std::move(copy));
    }
    const Call& call = node.calls[unit.call];
    const auto renumber = [&](TensorIndex tensor) { return number_in(model, tensor, numbers); };
    JsonArray args = *renumbered(call.args, renumber).as<JsonArray>();
    JsonObject kwargs = *renumbered(call.kwargs, renumber).as<JsonObject>();
    enter(model, unit.outputs,
          model.call(added_.at(unit.node), std::move(args), std::move(kwargs), specs(unit.outputs)),
          numbers);
  }

  std::vector<TensorSpec> specs(const std::vector<TensorIndex>& tensors) const {
    std::vector<TensorSpec> result;
    for (const TensorIndex tensor : tensors)
      result.push_back({flat_.tensor(tensor).dtype, flat_.tensor(tensor).shape});
    return result;
  }

  std::vector<TensorIndex> made_by(NodeIndex node, size_t call) const {
    std::vector<TensorIndex> made;
    for (TensorIndex i = 0; i < static_cast<TensorIndex>(flat_.tensors.size()); ++i) {
      const Tensor& tensor = flat_.tensor(i);
      if (tensor.node == node && tensor.call == static_cast<int>(call)) made.push_back(i);
    }
    return made;
  }

  void add_module(Model& model, const Unit& unit, std::map<TensorIndex, TensorIndex>& numbers) {
    const std::string name = free_name(keras_name(unit.module));
    auto inner = std::make_shared<const Model>(
        build(unit.nodes, unit.module, unit.inputs, unit.outputs, name));
    const NodeIndex added = model.add({.module = "keras.src.models.functional",
                                       .class_name = "Functional",
                                       .name = name,
                                       .config = {},
                                       .inner = std::move(inner)});
    JsonArray args;
    for (const TensorIndex input : unit.inputs)
      args.emplace_back(TensorRef{number_in(model, input, numbers)});
    if (args.size() > 1) args = list_argument(std::move(args));
    enter(model, unit.outputs, model.call(added, std::move(args), {}, specs(unit.outputs)),
          numbers);
  }

  // The outermost model that has a tensor names it last.
  void enter(const Model& model, const std::vector<TensorIndex>& flat,
             const std::vector<TensorIndex>& made, std::map<TensorIndex, TensorIndex>& numbers) {
    for (size_t i = 0; i < flat.size(); ++i) {
      numbers[flat[i]] = made[i];
      names_of_tensors_[static_cast<size_t>(flat[i])] = name_of_tensor(model, made[i]);
    }
  }

  std::string free_name(const std::string& wish) {
    std::string name = wish;
    for (int copy = 1; !names_.insert(name).second; ++copy) name = fmt::format("{}_{}", wish, copy);
    return name;
  }

  Model flat_;
  const std::vector<std::string>& paths_;
  std::map<NodeIndex, NodeIndex> added_;  // in the model that has it
  std::set<std::string> names_;
  std::set<std::string> nested_;
  std::vector<std::string> names_of_tensors_;
  std::vector<NotNested> left_;
};

}  // namespace

bool is_within(const std::string& path, const std::string& module) {
  return path.starts_with(module) && (path.size() == module.size() || path[module.size()] == '.');
}

Nested nest_modules(Model flat, const std::vector<std::string>& paths,
                    const std::vector<std::string>& wanted) {
  if (!wanted.empty()) return Nester(std::move(flat), paths).run(wanted);
  std::vector<std::string> tensors;
  for (TensorIndex i = 0; i < static_cast<TensorIndex>(flat.tensors.size()); ++i)
    tensors.push_back(name_of_tensor(flat, i));
  return {std::move(flat), std::move(tensors), {}};
}

}  // namespace ferryman::keras
