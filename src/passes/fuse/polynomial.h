// Arithmetic on one or two values as a polynomial, so that a formula is recognised however it is
// spelled: 0.5 * x * (1 + u), x * (0.5 * u + 0.5) and (x + x * u) / 2 are all 0.5 x + 0.5 x u.
//
//   const std::optional<Polynomial> p = polynomial_in(graph, value, {x, u});
//   if (p.has_value() && is_close(*p, {{{1, 0}, 0.5}, {{1, 1}, 0.5}})) …
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

// (power of x, power of u) -> coefficient; zero coefficients are absent.
using Polynomial = std::map<std::pair<int, int>, double>;

struct Variables {
  ValueId x;
  ValueId u;  // invalid: x alone
};

// Through add, sub, mul, neg, square, pow with a whole exponent, and division by constants.
std::optional<Polynomial> polynomial_in(const Graph& graph, ValueId value, Variables variables);

// Coefficients agree to what people round constants to.
bool is_close(const Polynomial& a, const Polynomial& b);

// Values that the arithmetic of `value` may be about, nearest first: itself and the operands below
// it, through the ops above, to a bounded depth; no constants.
std::vector<ValueId> arithmetic_leaves(const Graph& graph, ValueId value);

}  // namespace ferryman
