#include "ir/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/constant_index.h"

namespace ferryman {

namespace {

// Of what tells most locations apart.
size_t hash_of(const SourceLocation& location) {
  const std::hash<std::string> hash;
  return hash(location.node) ^ 31 * hash(location.module_path) ^ static_cast<size_t>(location.line);
}

}  // namespace

Graph::Graph(const OpSet& ops, std::string name)
    : shared_(std::make_shared<Shared>(Shared{ops, {}, {}, {}})), name_(std::move(name)) {}

Graph Graph::clone() const {
  return clone_with(std::make_shared<Shared>(*shared_));
}

Graph Graph::clone_with(std::shared_ptr<Shared> shared) const {
  Graph copy(shared, name_);
  for (const std::unique_ptr<Graph>& body : bodies_)
    copy.bodies_.push_back(std::make_unique<Graph>(body->clone_with(shared)));
  copy.ops_storage_ = ops_storage_;
  copy.values_.reserve(values_.size());
  for (const Value& value : values_) {
    Value& added = copy.values_.emplace_back();
    added.kind = value.kind;
    added.type = value.type;
    added.name = value.name;
    added.producer = value.producer;
    added.result_index = value.result_index;
    if (value.data != nullptr) added.data = std::make_unique<const TensorData>(*value.data);
    added.uses = value.uses;
  }
  copy.inputs_ = inputs_;
  copy.outputs_ = outputs_;
  copy.state_updates_ = state_updates_;
  copy.taken_names_ = taken_names_;
  copy.first_ = first_;
  copy.last_ = last_;
  copy.num_live_ops_ = num_live_ops_;
  return copy;
}

BodyId Graph::add_body(Graph body) {
  check(body.shared_ == shared_, "a body that was not made by new_body");
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(bodies_.begin(), bodies_.end(),
                       [&](const auto& other) { return other->name_ == name; });
  };
  const std::string wanted = body.name_;
  for (int copy = 1; is_taken(body.name_); ++copy) body.name_ = fmt::format("{}_{}", wanted, copy);
  bodies_.push_back(std::make_unique<Graph>(std::move(body)));
  return BodyId(bodies_.size() - 1);
}

ValueId Graph::add_value(Value value) {
  values_.push_back(std::move(value));
  return ValueId(values_.size() - 1);
}

std::string Graph::unique_name(std::string name) {
  if (name.empty()) name = "value";
  const auto [entry, added] = taken_names_.emplace(name, 1);
  if (added) return name;
  for (;;) {
    std::string candidate = fmt::format("{}_{}", name, taken_names_[name]++);
    if (taken_names_.emplace(candidate, 1).second) return candidate;
  }
}

ValueId Graph::add_input(std::string name, TensorType type) {
  Value value;
  value.kind = ValueKind::kInput;
  value.type = std::move(type);
  value.name = unique_name(std::move(name));
  inputs_.push_back(add_value(std::move(value)));
  return inputs_.back();
}

ValueId Graph::add_constant(TensorData data, std::string name) {
  Value value;
  value.kind = ValueKind::kConstant;
  value.type = {data.dtype(), to_dims(data.shape())};
  value.name = unique_name(std::move(name));
  value.data = std::make_unique<const TensorData>(std::move(data));
  return add_value(std::move(value));
}

std::vector<ValueId> Graph::constants_like(ValueId id) const {
  if (constant_index_ == nullptr) constant_index_ = std::make_shared<ConstantIndex>();
  return constant_index_->alike(*this, id);
}

ValueId Graph::add_parameter(TensorData data, std::string name) {
  const ValueId id = add_constant(std::move(data), std::move(name));
  values_[id.index].kind = ValueKind::kParameter;
  return id;
}

ValueId Graph::add_state(TensorData initial, std::string name) {
  const ValueId id = add_constant(std::move(initial), std::move(name));
  values_[id.index].kind = ValueKind::kState;
  return id;
}

void Graph::add_output(std::string name, ValueId value) {
  outputs_.push_back({std::move(name), value});
}

void Graph::add_state_update(ValueId state, ValueId value) {
  check(values_[state.index].kind == ValueKind::kState, "an update of something that is no state");
  state_updates_.push_back({state, value});
}

LocationId Graph::intern(const SourceLocation& location) {
  if (location.empty()) return LocationId();
  std::vector<SourceLocation>& locations = shared_->locations;
  const size_t hash = hash_of(location);
  const auto [first, last] = shared_->location_ids.equal_range(hash);
  const auto known = std::find_if(
      first, last, [&](const auto& entry) { return locations[entry.second.index] == location; });
  if (known != last) return known->second;
  locations.push_back(location);
  return shared_->location_ids.emplace(hash, LocationId(locations.size() - 1))->second;
}

const SourceLocation& Graph::location(LocationId id) const {
  static const SourceLocation kUnknown;
  return id.valid() ? shared_->locations[id.index] : kUnknown;
}

bool Graph::is_output(ValueId id) const {
  return std::any_of(outputs_.begin(), outputs_.end(),
                     [&](const GraphOutput& output) { return output.value == id; });
}

size_t Graph::num_readers(ValueId id) const {
  size_t count = value(id).uses.size();
  for (const GraphOutput& output : outputs_) count += output.value == id ? 1 : 0;
  for (const StateUpdate& update : state_updates_) count += update.value == id ? 1 : 0;
  return count;
}

OpId Graph::producer_if(ValueId id, OpName name) const {
  if (!id.valid()) return OpId();
  const OpId made_by = producer(id);
  return made_by.valid() && op(made_by).is(name) ? made_by : OpId();
}

std::vector<BodyId> bodies_of(const Op& op) {
  std::vector<BodyId> bodies;
  if (!op.def->has_bodies()) return bodies;
  for (const Attr& attr : op.attrs) {
    if (const auto* body = std::get_if<BodyId>(&attr)) bodies.push_back(*body);
  }
  return bodies;
}

std::vector<BodyId> live_bodies(const Graph& graph) {
  std::vector<BodyId> bodies;
  if (graph.num_body_ids() == 0) return bodies;
  std::vector<bool> seen(graph.num_body_ids());
  for (const OpId op : graph.op_ids()) {
    for (const BodyId body : bodies_of(graph.op(op))) {
      if (seen[body.index]) continue;
      seen[body.index] = true;
      bodies.push_back(body);
    }
  }
  return bodies;
}

}  // namespace ferryman
