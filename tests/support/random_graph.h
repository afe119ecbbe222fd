// Test support: small graphs made from the op rows alone, so that a new row takes part in every
// property test at once.
//
//   const Graph graph = random_graph(ops.set, seed, {.num_ops = 6});
//   EXPECT_EQ(print_graph(*parse_graph(print_graph(graph), ops.set)), print_graph(graph));
//
// Operands are values made before, inputs or constants of fitting types; attributes are drawn by
// their kind; what the row's inference refuses is drawn again. The same seed gives the same graph.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "ir/builder.h"

namespace ferryman {

class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : engine_(seed) {}
  // In [0, count).
  size_t below(size_t count) { return engine_() % count; }
  // In [min, max].
  int64_t between(int64_t min, int64_t max) {
    return min + static_cast<int64_t>(below(static_cast<size_t>(max - min + 1)));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  template <typename List>
  auto pick(const List& list) {
    return list[below(list.size())];
  }

 private:
  std::mt19937_64 engine_;
};

struct RandomGraphOptions {
  int num_ops = 6;
  std::vector<std::string> excluded = {};  // ops, by name
};

Graph random_graph(const OpSet& ops, uint64_t seed, const RandomGraphOptions& options);

using OpChoices = std::vector<const OpDef*>;

// One op on values of the graph and new constants; invalid if nothing fitted. Bodies are made of
// `inside`.
OpId add_random_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                   RandomSource& random, const OpChoices& inside = {});

}  // namespace ferryman
