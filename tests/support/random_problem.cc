#include "tests/support/random_problem.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace ferryman::layout {

namespace {

class RandomProblem {
 public:
  RandomProblem(uint64_t seed, const RandomShape& shape) : random_(seed), shape_(shape) {}

  Problem build() {
    add_value();
    for (int o = 0; o < shape_.num_ops; ++o) {
      std::vector<int> values = pick_operands();
      values.push_back(add_value());
      add_modes(problem_.add_op(values), values.size());
    }
    return std::move(problem_);
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool happens(int percent) { return below(100) < percent; }

  int add_value() {
    const int weight = 1 << below(4);
    // Now and then something else already needs a layout of this value, as a pinned output does.
    const LabelMask fixed = happens(15) ? LabelMask{1} << below(shape_.num_labels) : 0;
    ProblemValue value{.num_labels = shape_.num_labels, .copy_cost = 2 * weight, .fixed = fixed};
    value.awkwardness.resize(static_cast<size_t>(shape_.num_labels * shape_.num_labels));
    for (int32_t& awkwardness : value.awkwardness) awkwardness = below(3);
    for (int a = 0; a < shape_.num_labels; ++a) {
      for (int b = 0; b < a; ++b) {
        value.awkwardness[static_cast<size_t>(a * shape_.num_labels + b)] =
            value.awkwardness_between(b, a);
      }
    }
    return problem_.add_value(std::move(value));
  }

  std::vector<int> pick_operands() {
    const int num_values = static_cast<int>(problem_.values.size());
    if (happens(shape_.percent_all_to_all)) {
      std::vector<int> all(static_cast<size_t>(num_values));
      std::iota(all.begin(), all.end(), 0);
      return all;
    }
    std::vector<int> operands(static_cast<size_t>(1 + below(3)));
    for (int& operand : operands) {
      operand = happens(60) ? num_values - 1 - below(std::min(3, num_values)) : below(num_values);
    }
    return operands;
  }

  std::vector<int> shuffled_labels() {
    std::vector<int> labels(static_cast<size_t>(shape_.num_labels));
    std::iota(labels.begin(), labels.end(), 0);
    std::shuffle(labels.begin(), labels.end(), random_);
    return labels;
  }

  void add_modes(int op, size_t num_values) {
    if (happens(shape_.percent_anchored)) {
      problem_.add_mode(op, std::vector<int>(num_values, below(shape_.num_labels)), 0);
      return;
    }
    const bool independent = happens(shape_.percent_independent);
    const bool permuting = happens(shape_.percent_permuting);
    std::vector<std::vector<int>> renamed;
    for (size_t i = 0; i < num_values; ++i) {
      renamed.push_back(permuting ? shuffled_labels() : std::vector<int>());
    }
    for (int label = 0; label < shape_.num_labels; ++label) {
      std::vector<int> labels(num_values, label);
      for (size_t i = 0; i < num_values; ++i) {
        if (permuting) labels[i] = renamed[i][static_cast<size_t>(label)];
        if (independent) labels[i] = below(shape_.num_labels);
      }
      // Drawn one after the other: the order of arguments is each compiler's own, and a seed must
      // mean the same problem everywhere.
      const int awkwardness = happens(20) ? 1 : 0;
      const int cost = happens(20) ? below(5) : 0;
      problem_.add_mode(op, labels, cost, awkwardness);
    }
  }

  std::mt19937_64 random_;
  const RandomShape& shape_;
  Problem problem_;
};

}  // namespace

Problem random_problem(uint64_t seed, const RandomShape& shape) {
  return RandomProblem(seed, shape).build();
}

}  // namespace ferryman::layout
