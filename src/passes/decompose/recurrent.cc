#include "passes/decompose/recurrent.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"
#include "passes/decompose/recurrent_cell.h"
#include "passes/match.h"

namespace ferryman {

namespace {

// lstm: i, f, g, o -> i, f, o, g, so that one operator computes all sigmoids.
ValueId sigmoids_first(CoreWriter& write, Cell cell, ValueId weight) {
  if (cell != Cell::kLstm || !weight.valid()) return weight;
  const int64_t width = write.dims(weight)[1].size() / num_gates(cell);
  const auto gates = [&](int64_t begin, int64_t end) {
    return write.slice_axis(weight, 1, begin * width, end * width);
  };
  return write.concat({gates(0, 2), gates(3, 4), gates(2, 3)}, 1);
}

struct Biases {
  ValueId projection;  // of the product with the inputs
  ValueId recurrent;   // gru: of the product with the state; zero for the gates r and z
};

// Biases are sums but for the one inside gru's reset gate.
Biases split_biases(CoreWriter& write, const RecurrentLayer& layer) {
  if (!layer.b_hh.valid()) return {layer.b_ih, {}};
  if (layer.cell != Cell::kGru) {
    return {layer.b_ih.valid() ? write.add(layer.b_ih, layer.b_hh) : layer.b_hh, {}};
  }
  const Dims dims = write.dims(layer.b_hh);
  const int64_t hidden = layer.sizes.hidden;
  const auto part = [&](ValueId bias, int64_t begin, int64_t end) {
    return write.slice_axis(bias, 1, begin * hidden, end * hidden);
  };
  const ValueId zeros = write.expand(write.scalar(layer.b_hh, 0), dims);
  const ValueId recurrent = write.concat({part(zeros, 0, 2), part(layer.b_hh, 2, 3)}, 1);
  const ValueId outside = write.concat({part(layer.b_hh, 0, 2), part(zeros, 2, 3)}, 1);
  return {layer.b_ih.valid() ? write.add(layer.b_ih, outside) : outside, recurrent};
}

// What the inputs contribute to the gates of all directions: [T, B, D * G].
ValueId project_inputs(CoreWriter& write, const RecurrentLayer& layer, ValueId bias) {
  const Dims dims = write.dims(layer.w_ih);
  const Dim rows(dims[0].size() * dims[1].size());
  const ValueId weight =
      write.reshape(sigmoids_first(write, layer.cell, layer.w_ih), {rows, dims[2]});
  bias = sigmoids_first(write, layer.cell, bias);
  if (bias.valid()) bias = write.reshape(bias, {rows});
  return write.linear(layer.x, weight, bias);
}

ValueId one_direction(CoreWriter& write, ValueId value, int64_t d) {
  return value.valid() ? write.slice_axis(value, 0, d, d + 1) : value;
}

struct LayerResults {
  ValueId sequence;  // [T, B, D * P]
  ValueId h, c;      // [D, B, …]
};

void replace_results(Rewriter& rewriter, const Op& op, const LayerResults& results) {
  rewriter.replace_value(op.results[0], results.sequence);
  rewriter.replace_value(op.results[1], results.h);
  if (op.results.size() > 2) rewriter.replace_value(op.results[2], results.c);
}

// ---- step after step ----

ValueId unless_zero(CoreWriter& write, const Graph& graph, ValueId state, int64_t d) {
  if (!state.valid() || uniform_value(graph, state) == 0.0) return {};
  const Dims dims = write.dims(state);
  return write.reshape(one_direction(write, state, d), {dims[1], dims[2]});
}

struct DirectionResults {
  ValueId sequence;  // [T * B, P]
  CellState last;
};

// `gates`: [T * B, D * G]; [T, B, D * G] where the batch is free, since rows would have no numbers.
ValueId gates_at(CoreWriter& write, const RecurrentSizes& sizes, ValueId gates, int64_t t,
                 int64_t first, int64_t width) {
  if (sizes.batch.is_static()) {
    const int64_t batch = sizes.batch.size();
    return write.slice(gates, {t * batch, first}, {(t + 1) * batch, first + width});
  }
  const ValueId now = write.slice(gates, {t, 0, first}, {t + 1, sizes.batch, first + width});
  return write.reshape(now, Dims{sizes.batch, width});
}

DirectionResults unroll_direction(Rewriter& rewriter, const RecurrentLayer& layer, ValueId gates,
                                  const Biases& biases, int64_t d) {
  CoreWriter write(rewriter);
  const RecurrentSizes& sizes = layer.sizes;
  const ValueId w_hh = sigmoids_first(write, layer.cell, one_direction(write, layer.w_hh, d));
  const StepWeights weights = step_weights(write, w_hh, one_direction(write, biases.recurrent, d),
                                           one_direction(write, layer.w_hr, d));
  CellState state = {unless_zero(write, rewriter.graph(), layer.h0, d),
                     unless_zero(write, rewriter.graph(), layer.c0, d)};
  const int64_t width = num_gates(layer.cell) * sizes.hidden;
  const int64_t steps = sizes.steps.size();
  std::vector<ValueId> outputs(static_cast<size_t>(steps));
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t t = d == 0 ? i : steps - 1 - i;
    const ValueId now = gates_at(write, sizes, gates, t, d * width, width);
    state = write_step(write, layer.cell, weights, now, state);
    outputs[static_cast<size_t>(t)] = state.h;
  }
  return {write.concat(outputs, 0), state};
}

void unroll_time(Rewriter& rewriter, OpId id) {
  const Op op = rewriter.graph().op(id);
  const RecurrentLayer layer = recurrent_layer(rewriter.graph(), id);
  const RecurrentSizes& sizes = layer.sizes;
  CoreWriter write(rewriter);
  const Biases biases = split_biases(write, layer);
  const ValueId projected = project_inputs(write, layer, biases.projection);
  const Dim rows = write.symbols().mul(sizes.steps, sizes.batch);
  const ValueId gates = sizes.batch.is_static()
                            ? write.reshape(projected, Dims{rows, write.dims(projected)[2]})
                            : projected;
  std::vector<ValueId> sequences, h, c;
  for (int64_t d = 0; d < sizes.directions; ++d) {
    const DirectionResults direction = unroll_direction(rewriter, layer, gates, biases, d);
    sequences.push_back(direction.sequence);
    h.push_back(write.reshape(direction.last.h, Dims{Dim(1), sizes.batch, Dim(sizes.outputs)}));
    if (!direction.last.c.valid()) continue;
    c.push_back(write.reshape(direction.last.c, Dims{Dim(1), sizes.batch, Dim(sizes.hidden)}));
  }
  LayerResults results;
  results.sequence = write.reshape(write.concat(sequences, 1), write.dims(op.results[0]));
  results.h = write.concat(h, 0);
  if (!c.empty()) results.c = write.concat(c, 0);
  replace_results(rewriter, op, results);
}

// ---- a loop ----

// What one loop computes: one direction, or both at once.
struct Lanes {
  RecurrentLayer layer;  // operands and sizes of these directions; x, w_ih and biases are not used
  ValueId gates;         // [T, B, D * G]
  ValueId b_hh;          // gru
  bool first_is_backward = false;

  bool is_backward(int64_t lane) const { return first_is_backward || lane == 1; }
  // Of one direction.
  Dim gate_width(const Graph& graph) const {
    return Dim(graph.type(gates).dims[2].size() / layer.sizes.directions);
  }
};

// [T, B, D * G] -> [T, D, B, G], where a direction that runs backwards has its steps reversed.
ValueId forward_lanes(CoreWriter& write, const Lanes& lanes) {
  const RecurrentSizes& sizes = lanes.layer.sizes;
  const int64_t width = write.dims(lanes.gates)[2].size() / sizes.directions;
  std::vector<ValueId> parts;
  for (int64_t d = 0; d < sizes.directions; ++d) {
    ValueId part = write.slice_axis(lanes.gates, 2, d * width, (d + 1) * width);
    if (lanes.is_backward(d)) part = write.flip(part, 0);
    parts.push_back(write.reshape(part, Dims{sizes.steps, Dim(1), sizes.batch, Dim(width)}));
  }
  return write.concat(parts, 1);
}

// [T, D, B, P] -> [T, B, D * P], the inverse.
ValueId joined_lanes(CoreWriter& write, const Lanes& lanes, ValueId sequence) {
  const RecurrentSizes& sizes = lanes.layer.sizes;
  std::vector<ValueId> parts;
  for (int64_t d = 0; d < sizes.directions; ++d) {
    const ValueId part = write.reshape(write.slice_axis(sequence, 1, d, d + 1),
                                       Dims{sizes.steps, sizes.batch, Dim(sizes.outputs)});
    parts.push_back(lanes.is_backward(d) ? write.flip(part, 0) : part);
  }
  return write.concat(parts, 2);
}

// The steps of one iteration as a body: states, gates [steps * D, B, G] and weights -> states, and
// the outputs of the steps in one line, as a loop stores them.
BodyId steps_body(Rewriter& rewriter, const Lanes& lanes, int64_t num_steps) {
  const RecurrentLayer& layer = lanes.layer;
  Graph body = rewriter.new_body("steps");
  Builder builder(body);
  CoreWriter write(builder);
  const auto input = [&](std::string_view name, ValueId outside) {
    if (!outside.valid()) return ValueId();
    return body.add_input(std::string(name), rewriter.graph().type(outside));
  };
  CellState state = {input("h", layer.h0), input("c", layer.c0)};
  TensorType entry = rewriter.graph().type(lanes.gates);
  const Dim directions(layer.sizes.directions), batch = layer.sizes.batch;
  entry.dims = {Dim(num_steps * directions.size()), batch, lanes.gate_width(rewriter.graph())};
  const ValueId gates = body.add_input("gates", entry);
  const ValueId w_hh = input("w_hh", layer.w_hh), b_hh = input("b_hh", lanes.b_hh);
  const StepWeights weights = step_weights(write, w_hh, b_hh, input("w_hr", layer.w_hr));
  std::vector<ValueId> outputs;
  for (int64_t row = 0; row < entry.dims[0].size(); row += directions.size()) {
    const ValueId now = write.slice_axis(gates, 0, row, row + directions.size());
    state = write_step(write, layer.cell, weights, now, state);
    outputs.push_back(state.h);
  }
  const ValueId joined = write.concat(outputs, 0);
  const ValueId line = write.reshape(joined, {-1});
  body.add_output("h", state.h);
  if (state.c.valid()) body.add_output("c", state.c);
  body.add_output("outputs", line);
  return rewriter.add_body(std::move(body));
}

struct ScanResults {
  ValueId outputs;  // [iterations, outputs of one]
  CellState last;
};

// One loop over `gates` [iterations, steps of one * D, B, G].
ScanResults write_scan(Rewriter& rewriter, const Lanes& lanes, BodyId body, ValueId gates,
                       const CellState& state) {
  const RecurrentLayer& layer = lanes.layer;
  std::vector<ValueId> operands = {state.h};
  if (state.c.valid()) operands.push_back(state.c);
  const int64_t num_states = std::ssize(operands);
  operands.push_back(gates);
  for (const ValueId weight : {layer.w_hh, lanes.b_hh, layer.w_hr}) {
    if (weight.valid()) operands.push_back(weight);
  }
  const std::vector<ValueId> results = rewriter.create_all(
      ops::kScan, operands,
      std::array{NamedAttr(attr::kBody, body), NamedAttr(attr::kNumCarried, num_states),
                 NamedAttr(attr::kNumSequences, int64_t{1})});
  return {results.back(), {results[0], state.c.valid() ? results[1] : ValueId()}};
}

struct StepResults {
  std::vector<ValueId> outputs;  // [1, D, B, P] each
  CellState last;
};

// The steps of all lanes from `from` to the end.
StepResults follow_up(CoreWriter& write, const Lanes& lanes, ValueId gates, int64_t from,
                      CellState state) {
  const RecurrentLayer& layer = lanes.layer;
  const StepWeights weights = step_weights(write, layer.w_hh, lanes.b_hh, layer.w_hr);
  const Dim directions(layer.sizes.directions), batch = layer.sizes.batch;
  StepResults results = {{}, state};
  for (int64_t t = from; t < layer.sizes.steps.size(); ++t) {
    const ValueId now = write.reshape(write.slice_axis(gates, 0, t, t + 1),
                                      {directions, batch, write.dims(gates)[3]});
    results.last = write_step(write, layer.cell, weights, now, results.last);
    results.outputs.push_back(
        write.reshape(results.last.h, {Dim(1), directions, batch, Dim(layer.sizes.outputs)}));
  }
  return results;
}

// Several loops over a part of the steps each run the same body, then steps of their own follow.
LayerResults loop_lanes(Rewriter& rewriter, const Lanes& lanes, const TimeLoop& loop) {
  CoreWriter write(rewriter);
  const RecurrentLayer& layer = lanes.layer;
  const ValueId gates = forward_lanes(write, lanes);
  const BodyId body = steps_body(rewriter, lanes, loop.steps_per_iteration);
  SymbolTable& symbols = write.symbols();
  const Dim steps = loop.steps(symbols);
  const ValueId looped = write.reshape(write.slice_axis(gates, 0, 0, steps),
                                       Dims{symbols.mul(loop.iterations, loop.loops),
                                            Dim(loop.steps_per_iteration * layer.sizes.directions),
                                            layer.sizes.batch, lanes.gate_width(rewriter.graph())});
  std::vector<ValueId> outputs;
  CellState state = {layer.h0, layer.c0};
  for (int64_t i = 0; i < loop.loops; ++i) {
    const ValueId part = write.slice_axis(looped, 0, symbols.mul(loop.iterations, i),
                                          symbols.mul(loop.iterations, i + 1));
    const ScanResults scan = write_scan(rewriter, lanes, body, part, state);
    outputs.push_back(scan.outputs);
    state = scan.last;
  }
  outputs = {write.reshape(
      write.concat(outputs, 0),
      Dims{steps, Dim(layer.sizes.directions), layer.sizes.batch, Dim(layer.sizes.outputs)})};
  if (steps != layer.sizes.steps) {
    const StepResults rest = follow_up(write, lanes, gates, steps.size(), state);
    outputs.insert(outputs.end(), rest.outputs.begin(), rest.outputs.end());
    state = rest.last;
  }
  return {joined_lanes(write, lanes, write.concat(outputs, 0)), state.h, state.c};
}

// Results of all directions, from those of each.
LayerResults join_directions(CoreWriter& write, const std::vector<LayerResults>& parts) {
  std::vector<ValueId> sequences, h, c;
  for (const LayerResults& part : parts) {
    sequences.push_back(part.sequence);
    h.push_back(part.h);
    if (part.c.valid()) c.push_back(part.c);
  }
  return {write.concat(sequences, 2), write.concat(h, 0),
          c.empty() ? ValueId() : write.concat(c, 0)};
}

// Directions [first, first + count) of what all directions have in common.
Lanes take_lanes(CoreWriter& write, const Lanes& all, int64_t first, int64_t count) {
  const auto part = [&](ValueId value) {
    return value.valid() ? write.slice_axis(value, 0, first, first + count) : value;
  };
  const int64_t width = write.dims(all.gates)[2].size() / all.layer.sizes.directions;
  Lanes lanes = all;
  lanes.layer.sizes.directions = count;
  lanes.layer.h0 = part(all.layer.h0);
  lanes.layer.c0 = part(all.layer.c0);
  lanes.layer.w_hh = part(all.layer.w_hh);
  lanes.layer.w_hr = part(all.layer.w_hr);
  lanes.b_hh = part(all.b_hh);
  lanes.gates = write.slice_axis(all.gates, 2, first * width, (first + count) * width);
  lanes.first_is_backward = first == 1;
  return lanes;
}

void loop_over_time(Rewriter& rewriter, OpId id, const RecurrentPlan& plan) {
  const Op op = rewriter.graph().op(id);
  CoreWriter write(rewriter);
  Lanes all = {.layer = recurrent_layer(rewriter.graph(), id), .gates = {}, .b_hh = {}};
  RecurrentLayer& layer = all.layer;
  const Biases biases = split_biases(write, layer);
  all.gates = project_inputs(write, layer, biases.projection);
  all.b_hh = biases.recurrent;
  layer.w_hh = sigmoids_first(write, layer.cell, layer.w_hh);
  const int64_t together = plan.directions_together ? layer.sizes.directions : 1;
  std::vector<LayerResults> results;
  for (int64_t d = 0; d < layer.sizes.directions; d += together)
    results.push_back(loop_lanes(rewriter, take_lanes(write, all, d, together), plan.loop));
  replace_results(rewriter, op, join_directions(write, results));
}

RuleResult apply_recurrent(Rewriter& rewriter, OpId root, const PlanRecurrent& plan) {
  const Graph& graph = rewriter.graph();
  const std::optional<RecurrentPlan> loops = plan(graph, recurrent_layer(graph, root));
  rewriter.insert_before(root);
  if (loops.has_value()) {
    loop_over_time(rewriter, root, *loops);
  } else {
    unroll_time(rewriter, root);
  }
  return {Outcome::kApplied, {}};
}

}  // namespace

Pass decompose_recurrent(Keeps keeps, PlanRecurrent plan) {
  const auto is_not_kept = [keeps = std::move(keeps)](const Graph& graph, const Op& op) {
    return !keeps(graph, op);
  };
  const auto apply = [plan = std::move(plan)](Rewriter& rewriter, OpId root) {
    return apply_recurrent(rewriter, root, plan);
  };
  const Rule rule = {"recurrent_layer", {ops::kLstm, ops::kGru, ops::kRnn}, apply, {}};
  return needed_because(
      "other ops take their parts as constants",
      rewrite_pass("decompose_recurrent", "recurrent layers as loops or step after step",
                   {only_where(is_not_kept, rule)}));
}

}  // namespace ferryman
