// Recurrent layers: LSTM, GRU and SimpleRNN, in both directions inside of Bidirectional.
//
// PyTorch's time comes first here, Keras' batch; torch has two biases. Gates stand in the order
// i, f, g, o on both sides for an LSTM; r, z, n of a GRU are z, r, h in Keras.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ops/attrs.h"
#include "ops/layers/recurrent.h"
#include "ops/names.h"
#include "support/check.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

constexpr int64_t kGruGates = 3;

// A weight of the file behind reshapes that drop or add axes of 1; invalid if it is computed.
ValueId stored_behind(const Graph& graph, ValueId value) {
  while (!graph.is_stored(value)) {
    const OpId reshape = graph.producer_if(value, ops::kReshape);
    if (!reshape.valid()) return {};
    value = graph.op(reshape).operands[0];
  }
  return value;
}

// One weight for each direction, in torch's shape; empty if they are not the file's.
std::vector<ValueId> by_direction(const Graph& graph, ValueId stacked, int64_t directions) {
  std::vector<ValueId> parts = {stacked};
  if (directions > 1) {
    const OpId concat = graph.producer_if(stacked, ops::kConcat);
    if (!concat.valid()) return {};
    const auto& operands = graph.op(concat).operands;
    parts.assign(operands.begin(), operands.end());
  }
  if (static_cast<int64_t>(parts.size()) != directions) return {};
  for (ValueId& part : parts) {
    part = stored_behind(graph, part);
    if (!part.valid()) return {};
  }
  return parts;
}

struct Weights {
  std::vector<ValueId> w_ih, w_hh, b_ih, b_hh;  // by direction
};

Weights weights_of(const Graph& graph, const RecurrentLayer& layer) {
  const auto find = [&](ValueId value) {
    return value.valid() ? by_direction(graph, value, layer.sizes.directions)
                         : std::vector<ValueId>();
  };
  return {find(layer.w_ih), find(layer.w_hh), find(layer.b_ih), find(layer.b_hh)};
}

bool is_zero(const Graph& graph, ValueId value) {
  for (;;) {
    if (graph.is_constant(value)) {
      const std::vector<double> elems = graph.constant(value).to_doubles();
      return std::all_of(elems.begin(), elems.end(), [](double elem) { return elem == 0; });
    }
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return false;
    const Op& op = graph.op(producer);
    if (!op.is(ops::kReshape) && !op.is(ops::kExpand) && !op.is(ops::kSlice)) return false;
    value = op.operands[0];
  }
}

// Of the cell's variables: "simple_rnn_cell".
std::string cell_name(Cell cell) {
  switch (cell) {
    case Cell::kLstm:
      return "lstm_cell";
    case Cell::kGru:
      return "gru_cell";
    case Cell::kRnnTanh:
    case Cell::kRnnRelu:
      return "simple_rnn_cell";
  }
  internal_error("unknown cell");
}

std::string class_name(Cell cell) {
  switch (cell) {
    case Cell::kLstm:
      return "LSTM";
    case Cell::kGru:
      return "GRU";
    case Cell::kRnnTanh:
    case Cell::kRnnRelu:
      return "SimpleRNN";
  }
  internal_error("unknown cell");
}

// torch's [gates * units, …] with the gates in Keras' order.
TensorData in_order(const TensorData& weight, Cell cell) {
  if (cell != Cell::kGru) return weight;
  const int64_t gates = kGruGates;
  Ints shape = weight.shape();
  const int64_t block = weight.num_elems() / gates;
  const std::vector<double> elems = weight.to_doubles();
  std::vector<double> moved(elems.size());
  for (const auto& [to, from] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{2, 2}})
    std::copy_n(elems.begin() + from * block, block, moved.begin() + to * block);
  return TensorData::of<float>(std::move(shape), {moved.begin(), moved.end()});
}

TensorData sum_of(const TensorData& a, const TensorData& b) {
  const std::vector<double> of_a = a.to_doubles();
  const std::vector<double> of_b = b.to_doubles();
  std::vector<float> sum(of_a.size());
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<float>(of_a[i] + of_b[i]);
  return TensorData::of<float>(a.shape(), sum);
}

TensorData one_after_the_other(const TensorData& a, const TensorData& b) {
  std::vector<double> elems = a.to_doubles();
  const std::vector<double> of_b = b.to_doubles();
  elems.insert(elems.end(), of_b.begin(), of_b.end());
  return TensorData::of<float>({2, a.num_elems()}, {elems.begin(), elems.end()});
}

class Recurrent {
 public:
  explicit Recurrent(LowerOp& op)
      : op_(op),
        graph_(op.graph()),
        layer_(recurrent_layer(graph_, op.id())),
        weights_(weights_of(graph_, layer_)),
        both_ways_(layer_.sizes.directions == 2) {}

  void lower() {
    const TensorIndex x = op_.operand(0);
    JsonObject kwargs;
    const JsonArray states = initial_states();
    if (!states.empty()) kwargs.emplace_back("initial_state", states);
    const std::vector<TensorIndex> results =
        op_.builder().layers(spec(), {TensorRef{x}}, std::move(kwargs), specs());
    op_.finish(results[0]);
    finish_states(results);
  }

 private:
  size_t num_states() const { return layer_.cell == Cell::kLstm ? 2 : 1; }
  DType dtype() const { return op_.result_type().dtype; }

  // "lstm" of lstm.weight_ih_l0, "lstm_l1" of lstm.weight_ih_l1.
  std::string name() const {
    const std::string& weight = graph_.value(weights_.w_ih[0]).name;
    const size_t dot = weight.rfind('.');
    if (dot == std::string::npos) return {};
    const size_t level = weight.rfind("_l");
    const bool is_first = level == std::string::npos || weight.substr(level).starts_with("_l0");
    return weight.substr(0, dot) + (is_first ? "" : weight.substr(level));
  }

  std::string inner_name() const { return name().empty() ? "rnn" : keras_name(name()); }

  JsonObject config() const {
    JsonObject config = {{"units", layer_.sizes.hidden},
                         {"use_bias", layer_.b_ih.valid()},
                         {"return_sequences", true},
                         {"return_state", true}};
    if (layer_.cell == Cell::kRnnRelu) config.emplace_back("activation", "relu");
    if (layer_.cell == Cell::kGru) config.emplace_back("reset_after", true);
    return config;
  }

  LayerSpec spec() const {
    LayerSpec made = {class_name(layer_.cell), config(), {}, name()};
    if (!both_ways_) {
      add_variables(0, "cell", made.variables);
      return made;
    }
    const std::string inner = inner_name();
    const auto encoded = [&](const std::string& direction, bool is_backward) {
      JsonObject fields = {{"name", direction + "_" + inner}};
      for (auto& field : config()) fields.push_back(std::move(field));
      fields.emplace_back("go_backwards", is_backward);
      return JsonObject{{"module", "keras.layers"},
                        {"class_name", made.class_name},
                        {"config", std::move(fields)},
                        {"registered_name", Json()}};
    };
    made.config = {{"merge_mode", "concat"},
                   {"layer", encoded("forward", false)},
                   {"backward_layer", encoded("backward", true)}};
    made.class_name = "Bidirectional";
    add_variables(0, "forward_layer/cell", made.variables);
    add_variables(1, "backward_layer/cell", made.variables);
    return made;
  }

  // A weight whose gates stand as in torch is the parameter's own, turned.
  void add_variables(size_t direction, const std::string& place,
                     std::vector<Variable>& variables) const {
    const std::string cell = cell_name(layer_.cell);
    const std::string way = direction == 0 ? "forward_" : "backward_";
    const std::string owner = (both_ways_ ? way + inner_name() + "/" : "") + cell + "/";
    const auto add = [&](const std::string& variable_name, ValueId source, const TensorData& data) {
      variables.push_back({.place = place,
                           .name = variable_name,
                           .data = data,
                           .shape = data.shape(),
                           .source = source,
                           .path = owner + variable_name,
                           .gate_order = layer_.cell == Cell::kGru ? Ints{1, 0, 2} : Ints()});
    };
    const auto kernel = [&](const std::vector<ValueId>& weights) {
      return in_order(matrix(weights[direction], layer_.sizes), layer_.cell).permuted({1, 0});
    };
    add("kernel", weights_.w_ih[direction], kernel(weights_.w_ih));
    add("recurrent_kernel", weights_.w_hh[direction], kernel(weights_.w_hh));
    if (!layer_.b_ih.valid()) return;
    const ValueId input = weights_.b_ih[direction];
    const ValueId recurrent = weights_.b_hh[direction];
    const TensorData of_input = in_order(row(input), layer_.cell);
    const TensorData of_recurrent = in_order(row(recurrent), layer_.cell);
    const bool keeps_both = layer_.cell == Cell::kGru;
    add("bias", input,
        keeps_both ? one_after_the_other(of_input, of_recurrent) : sum_of(of_input, of_recurrent));
    variables.back().second_source = recurrent;
  }

  TensorData row(ValueId value) const {
    const TensorData& data = graph_.constant(value);
    return data.reshaped({data.num_elems()});
  }
  TensorData matrix(ValueId value, const RecurrentSizes& sizes) const {
    const TensorData& data = graph_.constant(value);
    const int64_t rows = num_gates(layer_.cell) * sizes.hidden;
    return data.reshaped({rows, data.num_elems() / rows});
  }

  // [directions, batch, units] as one for each direction, the two of an LSTM beside each other;
  // none where they are zeros, which Keras starts with.
  JsonArray initial_states() {
    bool are_zero = true;
    for (size_t state = 0; state < num_states(); ++state)
      are_zero = are_zero && is_zero(graph_, op_.op().operands[1 + state]);
    JsonArray states;
    if (are_zero) return states;
    for (int64_t direction = 0; direction < layer_.sizes.directions; ++direction) {
      for (size_t state = 0; state < num_states(); ++state)
        states.emplace_back(TensorRef{state_of(op_.operand(1 + state), direction)});
    }
    return states;
  }

  TensorIndex state_of(TensorIndex stacked, int64_t direction) {
    ModelBuilder& builder = op_.builder();
    const Dims& shape = builder.shape(stacked);
    const JsonArray key = {direction, slice_json({}, {}, {}), slice_json({}, {}, {})};
    return builder.operation(kNumpy, "GetItem", {TensorRef{builder.as_tensor(stacked)}, key}, {},
                             {dtype(), {shape[1], shape[2]}});
  }

  std::vector<TensorSpec> specs() const {
    std::vector<TensorSpec> made = {op_.result_spec()};
    const TensorSpec state = {dtype(), {layer_.sizes.batch, Dim(layer_.sizes.hidden)}};
    const auto directions = static_cast<size_t>(layer_.sizes.directions);
    made.insert(made.end(), directions * num_states(), state);
    return made;
  }

  void finish_states(const std::vector<TensorIndex>& results) {
    ModelBuilder& builder = op_.builder();
    for (size_t state = 0; state < num_states(); ++state) {
      const ValueId result = op_.op().results[1 + state];
      if (graph_.num_readers(result) == 0 && !graph_.is_output(result)) continue;
      JsonArray parts;
      for (size_t i = 1 + state; i < results.size(); i += num_states())
        parts.emplace_back(TensorRef{results[i]});
      op_.finish_result(1 + state, builder.operation(kNumpy, "Stack", list_argument(parts),
                                                     {{"axis", 0}}, op_.result_spec(1 + state)));
    }
  }

  LowerOp& op_;
  const Graph& graph_;
  RecurrentLayer layer_;
  Weights weights_;
  bool both_ways_;
};

}  // namespace

// [steps, batch, …] with the batch first; states as torch has them.
Forms recurrent_forms(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  const layout::TensorDemand sequence = {{1, 0, 2}};
  layout::Form form;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    layout::TensorDemand demand;
    if (op.has_operand(i)) {
      const auto rank = static_cast<int>(graph.type(op.operands[i]).rank());
      for (int axis = 0; axis < rank; ++axis) demand.innermost.push_back(axis);
    }
    form.operands.push_back(i == 0 ? sequence : demand);
  }
  form.results.assign(op.results.size(), {{0, 1, 2}});
  form.results[0] = sequence;
  return {form};
}

std::optional<Limit> recurrent_limit(const Graph& graph, const Op& op) {
  const OpId id = graph.producer(op.result());
  const RecurrentLayer layer = recurrent_layer(graph, id);
  const Weights weights = weights_of(graph, layer);
  const bool has_weights = !weights.w_ih.empty() && !weights.w_hh.empty() &&
                           weights.b_ih.empty() == !layer.b_ih.valid() &&
                           weights.b_hh.empty() == !layer.b_hh.valid();
  const bool is_float = graph.type(layer.x).dtype == DType::kF32;
  if (has_weights && is_float && !layer.w_hr.valid()) return std::nullopt;
  return Limit{"a recurrent layer with a projection, or with weights that are computed",
               "Keras' layers hold their weights", ""};
}

void lower_recurrent(LowerOp& op) {
  Recurrent(op).lower();
}

}  // namespace ferryman::keras
