#include "ops/layers/recurrent_import.h"

#include <array>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

namespace {

struct RecurrentKind {
  OpName op;
  std::string_view nonlinearity;  // of rnn only
  size_t num_states;
};

// "lstm.input", "rnn_relu_cell.default"
RecurrentKind kind_of_call(std::string_view target) {
  if (target.starts_with("lstm")) return {ops::kLstm, "", 2};
  if (target.starts_with("gru")) return {ops::kGru, "", 1};
  return {ops::kRnn, target.starts_with("rnn_relu") ? "relu" : "tanh", 1};
}

// The operands of one layer, [directions, …] each.
struct LayerArgs {
  ValueId x;
  std::vector<ValueId> states;
  ValueId w_ih, w_hh, b_ih, b_hh, w_hr;
};

std::vector<ValueId> emit_layer(CoreWriter write, const RecurrentKind& kind,
                                const LayerArgs& layer) {
  std::vector<ValueId> operands = {layer.x};
  operands.insert(operands.end(), layer.states.begin(), layer.states.end());
  operands.insert(operands.end(), {layer.w_ih, layer.w_hh, layer.b_ih, layer.b_hh});
  if (kind.op == ops::kLstm) operands.push_back(layer.w_hr);
  std::vector<NamedAttr> attrs;
  if (!kind.nonlinearity.empty())
    attrs.emplace_back(attr::kNonlinearity, std::string(kind.nonlinearity));
  return write.all_results(kind.op, operands, attrs);
}

// The same parameter of each direction, [1, …] joined to [directions, …].
ValueId emit_stacked(CoreWriter write, std::vector<ValueId> parts) {
  for (ValueId& part : parts) {
    Dims shape = write.dims(part);
    shape.insert(shape.begin(), 1);
    part = write.reshape(part, shape);
  }
  return write.concat(parts, 0);
}

// "params" of a call: for each layer and direction w_ih, w_hh, b_ih, b_hh if there are biases, and
// w_hr if the output is projected.
struct Parameters {
  std::vector<ValueId> values;
  size_t directions = 1;
  size_t each = 0;  // of one layer and direction
  bool has_biases = true;
};

LayerArgs layer_parameters(CoreWriter write, const Parameters& parameters, size_t index) {
  const auto stacked = [&](size_t position) {
    std::vector<ValueId> parts;
    for (size_t d = 0; d < parameters.directions; ++d) {
      const size_t direction = index * parameters.directions + d;
      parts.push_back(parameters.values[direction * parameters.each + position]);
    }
    return emit_stacked(write, std::move(parts));
  };
  LayerArgs layer;
  layer.w_ih = stacked(0);
  layer.w_hh = stacked(1);
  size_t next = 2;
  if (parameters.has_biases) {
    layer.b_ih = stacked(2);
    layer.b_hh = stacked(3);
    next = 4;
  }
  if (parameters.each > next) layer.w_hr = stacked(next);
  return layer;
}

struct LayersCall {
  ValueId x;
  std::vector<ValueId> states;
  Parameters parameters;
  size_t num_layers = 1;
  bool batch_first = false;
  double dropout = 0;  // between layers, in training
};

Result<LayersCall> read_layers_call(ImportContext& call, const RecurrentKind& kind) {
  LayersCall layers;
  FERRYMAN_TRY(layers.x, call.tensor("input"));
  if (kind.num_states == 2) {
    FERRYMAN_TRY(layers.states, call.tensors("hx"));
  } else {
    FERRYMAN_TRY(const ValueId state, call.tensor("hx"));
    layers.states = {state};
  }
  FERRYMAN_TRY(layers.parameters.values, call.tensors("params"));
  FERRYMAN_TRY(layers.parameters.has_biases, call.flag("has_biases", true));
  FERRYMAN_TRY(const int64_t num_layers, call.integer("num_layers"));
  FERRYMAN_TRY(layers.dropout, call.number("dropout", 0.0));
  FERRYMAN_TRY(const bool train, call.flag("train", false));
  FERRYMAN_TRY(const bool bidirectional, call.flag("bidirectional", false));
  FERRYMAN_TRY(layers.batch_first, call.flag("batch_first", false));
  if (train && layers.dropout != 0 && num_layers > 1)
    return call.unsupported("dropout between its layers, in training mode");
  Parameters& parameters = layers.parameters;
  parameters.directions = bidirectional ? 2 : 1;
  const size_t count = parameters.values.size();
  layers.num_layers = static_cast<size_t>(num_layers);
  const CoreWriter write = call.writer();
  const bool fits = num_layers > 0 && layers.num_layers <= count &&
                    count % (layers.num_layers * parameters.directions) == 0 &&
                    layers.states.size() == kind.num_states && write.rank(layers.x) == 3;
  if (!fits) return call.unsupported("parameters or states that do not fit its layers");
  parameters.each = count / (layers.num_layers * parameters.directions);
  const size_t least = parameters.has_biases ? 4 : 2;
  const bool is_known =
      parameters.each == least || (parameters.each == least + 1 && kind.op == ops::kLstm);
  if (!is_known) return call.unsupported("parameters that do not fit its layers");
  for (const ValueId state : layers.states) {
    const bool has_all =
        write.rank(state) == 3 && write.size(state, 0) == num_layers * (bidirectional ? 2 : 1);
    if (!has_all) return call.unsupported("states that do not fit its layers");
  }
  return layers;
}

Imported import_layers(ImportContext& call) {
  const RecurrentKind kind = kind_of_call(call.target());
  FERRYMAN_TRY(LayersCall layers, read_layers_call(call, kind));
  ValueId x = layers.x;
  const CoreWriter write = call.writer();
  if (layers.batch_first) x = write.permute(x, {1, 0, 2});
  const auto directions = static_cast<int64_t>(layers.parameters.directions);
  std::vector<std::vector<ValueId>> finals(kind.num_states);
  for (size_t index = 0; index < layers.num_layers; ++index) {
    LayerArgs layer = layer_parameters(write, layers.parameters, index);
    layer.x = x;
    const int64_t first = static_cast<int64_t>(index) * directions;
    for (const ValueId state : layers.states) {
      const ValueId part = write.slice_axis(state, 0, first, first + directions);
      layer.states.push_back(part);
    }
    const std::vector<ValueId> results = emit_layer(write, kind, layer);
    x = results[0];
    const bool drops = call.is_trained_on() && layers.dropout > 0 && index + 1 < layers.num_layers;
    if (drops) x = write.op(ops::kDropout, {x}, {{attr::kProbability, layers.dropout}});
    for (size_t s = 0; s < kind.num_states; ++s) finals[s].push_back(results[s + 1]);
  }
  if (layers.batch_first) x = write.permute(x, {1, 0, 2});
  std::vector<ValueId> results = {x};
  for (const std::vector<ValueId>& parts : finals) {
    results.push_back(write.concat(parts, 0));
  }
  return results;
}

// A cell is a layer of one step.
Imported import_cell(ImportContext& call) {
  const RecurrentKind kind = kind_of_call(call.target());
  const CoreWriter write = call.writer();
  const auto leading_one = [&](ValueId value) -> Result<ValueId> {
    if (!value.valid()) return value;
    return emit_stacked(write, {value});
  };
  FERRYMAN_TRY(ValueId x, call.tensor("input"));
  std::vector<ValueId> states;
  if (kind.num_states == 2) {
    FERRYMAN_TRY(states, call.tensors("hx"));
  } else {
    FERRYMAN_TRY(const ValueId state, call.tensor("hx"));
    states = {state};
  }
  LayerArgs layer;
  FERRYMAN_TRY(layer.w_ih, call.tensor("w_ih"));
  FERRYMAN_TRY(layer.w_hh, call.tensor("w_hh"));
  FERRYMAN_TRY(layer.b_ih, call.optional_tensor("b_ih"));
  FERRYMAN_TRY(layer.b_hh, call.optional_tensor("b_hh"));
  if (states.size() != kind.num_states) return call.unsupported("states that do not fit it");
  FERRYMAN_TRY(layer.x, leading_one(x));
  for (const ValueId state : states) {
    FERRYMAN_TRY(const ValueId lined_up, leading_one(state));
    layer.states.push_back(lined_up);
  }
  for (ValueId* parameter : {&layer.w_ih, &layer.w_hh, &layer.b_ih, &layer.b_hh}) {
    FERRYMAN_TRY(*parameter, leading_one(*parameter));
  }
  std::vector<ValueId> results = emit_layer(write, kind, layer);
  results.erase(results.begin());
  for (ValueId& result : results) {
    const Dims sizes = write.dims(result);
    result = write.reshape(result, Dims{sizes[1], sizes[2]});
  }
  return results;
}

Imported refuse_packed(ImportContext& call) {
  return call.unsupported("a packed sequence, whose batch shrinks from step to step");
}

}  // namespace

void add_recurrent_imports(ImportTable& imports) {
  imports.add({"lstm.input", "gru.input", "rnn_tanh.input", "rnn_relu.input"}, import_layers);
  imports.add({"lstm.data", "gru.data", "rnn_tanh.data", "rnn_relu.data"}, refuse_packed);
  imports.add(
      {"lstm_cell.default", "gru_cell.default", "rnn_tanh_cell.default", "rnn_relu_cell.default"},
      import_cell);
}

}  // namespace ferryman
