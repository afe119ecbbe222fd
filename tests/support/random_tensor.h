// Test support: inputs for a graph, and whether two graphs compute the same.
//
//   const std::vector<TensorData> inputs = random_inputs(graph, seed);
//   EXPECT_EQ(difference(before, after, seed), "");
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// Floats in [-2, 2), integers in [0, 5), bools. The same seed gives the same elements.
TensorData random_tensor(DType dtype, const Ints& shape, uint64_t seed);
// One for each input; all sizes must be static.
std::vector<TensorData> random_inputs(const Graph& graph, uint64_t seed);

// What differs between the outputs of two graphs on the same random inputs: empty if nothing does,
// up to rounding, or if `before` cannot be evaluated (an op without evaluator, symbolic sizes).
std::string difference(const Graph& before, const Graph& after, uint64_t seed);

}  // namespace ferryman
