#include "targets/keras/lower/stored_weights.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace ferryman::keras {

namespace {

// Axes that have more than one entry, the outermost in memory first.
std::vector<size_t> axes_by_stride(const TensorData& data) {
  std::vector<size_t> axes;
  for (size_t axis = 0; axis < data.rank(); ++axis)
    if (data.shape()[axis] != 1) axes.push_back(axis);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](size_t a, size_t b) { return data.strides()[a] > data.strides()[b]; });
  return axes;
}

struct Reading {
  Ints factors, perm;
};

// How `view` lies in the elements of `value`: both have the same memory, and each axis of the value
// is one of the view, or several. None if they do not meet so.
std::optional<Reading> reading_of(const TensorData& value, const TensorData& view) {
  const std::vector<size_t> parts = axes_by_stride(view);
  // By axis of the value, which of `parts` it is made of.
  std::vector<std::vector<size_t>> of_axis(value.rank());
  size_t next = 0;
  for (const size_t axis : axes_by_stride(value)) {
    int64_t size = 1;
    while (size < value.shape()[axis] && next < parts.size()) {
      size *= view.shape()[parts[next]];
      of_axis[axis].push_back(parts[next++]);
    }
    if (size != value.shape()[axis]) return std::nullopt;
  }
  if (next != parts.size()) return std::nullopt;
  Reading reading;
  std::vector<size_t> position(view.rank());
  for (const auto& axes : of_axis) {
    for (const size_t axis : axes) {
      position[axis] = reading.factors.size();
      reading.factors.push_back(view.shape()[axis]);
    }
  }
  for (size_t axis = 0; axis < view.rank(); ++axis)
    if (view.shape()[axis] != 1) reading.perm.push_back(static_cast<int64_t>(position[axis]));
  return reading;
}

// Rows in blocks, each a gate.
Reading reading_of_gates(const TensorData& value, int64_t gates) {
  const int64_t rows = value.shape().front() / gates;
  const bool is_matrix = value.rank() == 2;
  return is_matrix ? Reading{{gates, rows, value.shape()[1]}, {2, 0, 1}}
                   : Reading{{gates, rows}, {0, 1}};
}

// The elements of the source that the variable holds.
TensorData part_of(const TensorData& source, const Ints& part) {
  if (part.empty()) return source;
  Ints starts(source.rank(), 0), sizes = source.shape();
  const Ints steps(source.rank(), 1);
  const auto axis = static_cast<size_t>(part[0]);
  starts[axis] = part[1];
  sizes[axis] = part[2] - part[1];
  return source.sliced(starts, sizes, steps);
}

std::string path_of(const Node& node, const Variable& variable) {
  return node.name + "/" + (variable.path.empty() ? variable.name : variable.path);
}

std::optional<StoredWeight> stored_weight(const Graph& graph, const Node& node,
                                          const Variable& variable) {
  if (!variable.source.valid()) return std::nullopt;
  StoredWeight stored;
  const TensorData& value = graph.constant(variable.source);
  stored.weight = path_of(node, variable);
  stored.parameters = {graph.value(variable.source).name};
  stored.shape = value.shape();
  stored.part = variable.part;
  std::optional<Reading> reading;
  if (!variable.gate_order.empty()) {
    reading = reading_of_gates(value, static_cast<int64_t>(variable.gate_order.size()));
    stored.order = variable.gate_order;
  } else if (variable.second_source.valid()) {
    reading = Reading{{value.num_elems()}, {0}};
  } else {
    reading = reading_of(part_of(value, variable.part), variable.data);
  }
  if (!reading.has_value()) return std::nullopt;
  stored.factors = std::move(reading->factors);
  stored.perm = std::move(reading->perm);
  if (variable.second_source.valid()) {
    stored.parameters.push_back(graph.value(variable.second_source).name);
    stored.join = variable.shape.size() == 2 ? "stack" : "sum";
  }
  return stored;
}

}  // namespace

std::vector<StoredWeight> stored_weights(const Graph& graph, const Model& model,
                                         const std::set<std::string>& parameters) {
  std::vector<StoredWeight> weights;
  for (const NodeIndex index : order_of_nodes(model)) {
    const Node& node = model.node(index);
    for (const Variable& variable : node.variables) {
      std::optional<StoredWeight> stored = stored_weight(graph, node, variable);
      const auto is_known = [&](const std::string& name) { return parameters.contains(name); };
      if (stored.has_value() &&
          std::all_of(stored->parameters.begin(), stored->parameters.end(), is_known))
        weights.push_back(std::move(*stored));
    }
  }
  return weights;
}

}  // namespace ferryman::keras
