#include "ops/layers/recurrent_eval.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace ferryman {

namespace {

using Values = std::vector<double>;

// y += w x, with w [y.size(), x.size()] row by row
void add_product(const double* w, const double* x, size_t inner, Values& y) {
  for (size_t row = 0; row < y.size(); ++row) {
    for (size_t k = 0; k < inner; ++k) y[row] += w[row * inner + k] * x[k];
  }
}

// One direction of a layer: how its state moves on by one step.
struct Recurrence {
  Cell cell = Cell::kLstm;
  size_t hidden = 0, outputs = 0;
  const double* w_hh = nullptr;
  const double* b_hh = nullptr;  // may be null, as all of these
  const double* w_hr = nullptr;

  void advance(const Values& gates, double* h, double* c) const {
    Values recurrent(gates.size(), 0.0);
    if (b_hh != nullptr) std::copy_n(b_hh, gates.size(), recurrent.begin());
    add_product(w_hh, h, outputs, recurrent);
    if (cell == Cell::kLstm) return advance_lstm(gates, recurrent, h, c);
    if (cell == Cell::kGru) return advance_gru(gates, recurrent, h);
    for (size_t j = 0; j < hidden; ++j) {
      const double sum = gates[j] + recurrent[j];
      const bool negative = sum <= 0;  // not for NaN, which stays
      h[j] = cell == Cell::kRnnTanh ? std::tanh(sum) : negative ? 0.0 : sum;
    }
  }

  // Gates: input, forget, cell, output.
  void advance_lstm(const Values& gates, const Values& recurrent, double* h, double* c) const {
    const auto sum = [&](size_t gate, size_t j) {
      return gates[gate * hidden + j] + recurrent[gate * hidden + j];
    };
    Values output(hidden);
    for (size_t j = 0; j < hidden; ++j) {
      c[j] = sigmoid(sum(1, j)) * c[j] + sigmoid(sum(0, j)) * std::tanh(sum(2, j));
      output[j] = sigmoid(sum(3, j)) * std::tanh(c[j]);
    }
    if (w_hr == nullptr) {
      std::copy(output.begin(), output.end(), h);
      return;
    }
    Values projected(outputs, 0.0);
    add_product(w_hr, output.data(), hidden, projected);
    std::copy(projected.begin(), projected.end(), h);
  }

  void advance_gru(const Values& gates, const Values& recurrent, double* h) const {
    for (size_t j = 0; j < hidden; ++j) {
      const double reset = sigmoid(gates[j] + recurrent[j]);
      const double update = sigmoid(gates[hidden + j] + recurrent[hidden + j]);
      const double next = std::tanh(gates[2 * hidden + j] + reset * recurrent[2 * hidden + j]);
      h[j] = next + update * (h[j] - next);
    }
  }
};

size_t extent(const TensorData& tensor, size_t axis) {
  return static_cast<size_t>(tensor.shape()[axis]);
}

Values doubles(const EvalArgs& args, size_t operand) {
  return args.has(operand) ? args.operand(operand).to_doubles() : Values();
}

// The matrix of direction `d` of all that stand one after the other; null if there are none.
const double* of_direction(const Values& values, size_t d, size_t directions) {
  return values.empty() ? nullptr : values.data() + d * (values.size() / directions);
}

struct States {
  Values h, c;
};

struct Extents {
  size_t steps, batch, directions;
};

// Runs all recurrences; `gates(t, d, b)` is what the inputs of a step contribute, `store(t, d, b,
// h)` takes its output.
void run(const Extents& extents, const std::vector<Recurrence>& recurrences,
         const std::function<Values(size_t, size_t, size_t)>& gates,
         const std::function<void(size_t, size_t, size_t, const double*)>& store, States& states) {
  for (size_t d = 0; d < extents.directions; ++d) {
    const Recurrence& recurrence = recurrences[d];
    for (size_t b = 0; b < extents.batch; ++b) {
      const size_t row = d * extents.batch + b;
      double* h = states.h.data() + row * recurrence.outputs;
      double* c = states.c.empty() ? nullptr : states.c.data() + row * recurrence.hidden;
      for (size_t i = 0; i < extents.steps; ++i) {
        const size_t t = d == 1 ? extents.steps - 1 - i : i;
        recurrence.advance(gates(t, d, b), h, c);
        store(t, d, b, h);
      }
    }
  }
}

std::vector<TensorData> stored(const EvalArgs& args, const Values& sequence, const States& states) {
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], sequence));
  results.push_back(store_doubles(args.results[1], states.h));
  if (args.results.size() > 2) results.push_back(store_doubles(args.results[2], states.c));
  return results;
}

}  // namespace

EvalResult eval_recurrent_layer(Cell cell, const EvalArgs& args) {
  const size_t after_states = cell == Cell::kLstm ? 3 : 2;
  const TensorData& input = args.operand(0);
  const Extents extents = {extent(input, 0), extent(input, 1), extent(args.operand(1), 0)};
  const size_t inputs = extent(input, 2);
  const size_t width = extent(args.operand(after_states), 1);
  const Values x = input.to_doubles();
  const Values w_ih = doubles(args, after_states), w_hh = doubles(args, after_states + 1);
  const Values b_ih = doubles(args, after_states + 2), b_hh = doubles(args, after_states + 3);
  const Values w_hr = doubles(args, after_states + 4);
  std::vector<Recurrence> recurrences(extents.directions);
  for (size_t d = 0; d < extents.directions; ++d) {
    recurrences[d] = {.cell = cell,
                      .hidden = width / static_cast<size_t>(num_gates(cell)),
                      .outputs = extent(args.operand(1), 2),
                      .w_hh = of_direction(w_hh, d, extents.directions),
                      .b_hh = of_direction(b_hh, d, extents.directions),
                      .w_hr = of_direction(w_hr, d, extents.directions)};
  }
  const auto gates = [&](size_t t, size_t d, size_t b) {
    Values values(width, 0.0);
    const double* bias = of_direction(b_ih, d, extents.directions);
    if (bias != nullptr) std::copy_n(bias, width, values.begin());
    add_product(of_direction(w_ih, d, extents.directions),
                x.data() + (t * extents.batch + b) * inputs, inputs, values);
    return values;
  };
  const size_t outputs = recurrences[0].outputs;
  Values sequence(extents.steps * extents.batch * extents.directions * outputs);
  const auto store = [&](size_t t, size_t d, size_t b, const double* h) {
    const size_t row = (t * extents.batch + b) * extents.directions + d;
    std::copy_n(h, outputs, sequence.begin() + static_cast<ptrdiff_t>(row * outputs));
  };
  States states = {doubles(args, 1), cell == Cell::kLstm ? doubles(args, 2) : Values()};
  run(extents, recurrences, gates, store, states);
  return stored(args, sequence, states);
}

}  // namespace ferryman
