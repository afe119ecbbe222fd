// Typed reading of a node's arguments by schema name. Absent arguments take the default given;
// nullopt means the program gives something of another kind (a symbolic number, a malformed file).
//
//   const std::optional<size_t> axis = axis_arg(node, "dim", 0, rank);
//   if (!axis) return std::nullopt;
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "frontend/program/program.h"

namespace ferryman::frontend {

const Argument* find_arg(const Node& node, std::string_view name);  // nullptr if absent
ValueIndex value_arg(const Node& node, std::string_view name);      // kNoValue if not a value
std::optional<int64_t> int_arg(const Node& node, std::string_view name,
                               std::optional<int64_t> absent);
// A list of numbers, or one number as a list of one.
std::optional<std::vector<int64_t>> ints_arg(const Node& node, std::string_view name);
// Counted from the front, in [0, rank).
std::optional<size_t> axis_arg(const Node& node, std::string_view name,
                               std::optional<int64_t> absent, size_t rank);
std::optional<size_t> normalise_axis(int64_t axis, size_t rank);
bool is_true_arg(const Node& node, std::string_view name);  // present and true

NamedArgument named(std::string name, int64_t number);
NamedArgument named(std::string name, const std::vector<int64_t>& numbers);
NamedArgument named(std::string name, ValueIndex value);
NamedArgument named(std::string name, DType dtype);

}  // namespace ferryman::frontend
