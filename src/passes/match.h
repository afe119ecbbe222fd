// What matches ask about values; all pure.
//
//   if (uniform_value(graph, op.operands[1]) == 0.0) …            // x + 0
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// The match of a rule that needs no other captures than the op itself.
struct RootOp {
  OpId op;
};

// A constant whose elements are there (not elided from IR text).
bool is_known_constant(const Graph& graph, ValueId value);
// The value that all elements of a constant have, if it has one.
std::optional<double> uniform_value(const Graph& graph, ValueId value);
bool has_one_reader(const Graph& graph, ValueId value);
bool same_type(const Graph& graph, ValueId a, ValueId b);
bool is_floating(const Graph& graph, ValueId value);

// The elements of a constant that varies along `axis` of `dims` only, to which it broadcasts
// without making it larger: one for each index of that axis.
std::optional<std::vector<double>> values_along(const Graph& graph, ValueId constant,
                                                const Dims& dims, size_t axis);

// No element can be negative (relu, sigmoid, … and what passes such values on).
bool is_non_negative(const Graph& graph, ValueId value);

// `first` is executed before `second`.
bool runs_before(const Graph& graph, OpId first, OpId second);

}  // namespace ferryman
