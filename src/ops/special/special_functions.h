// The special functions, each one formula that gives its numbers and its arithmetic alike: the
// evaluator of a row calls `number`, and a target without an operator of that meaning lets
// `formula` write the op in elementary ones.
//
//   for (const SpecialUnary& row : special_unaries())
//     rules.push_back(formula_rule(row.rule, row.name, row.formula));
//
// Invariants: a formula is right in float32 over the whole domain, poles and NaN outside of the
// domain included; NaN in the one operand of a SpecialUnary may be lost.
#pragma once

#include <span>
#include <string_view>

#include "ops/expression.h"

namespace ferryman {

struct SpecialUnary {
  OpName name;
  std::string_view rule;  // "lgamma_to_arithmetic"
  std::string_view doc;
  double (*number)(double);
  Expression (*formula)(const Expression&);
};

struct SpecialBinary {
  OpName name;
  std::string_view rule;
  std::string_view doc;
  double (*number)(double, double);
  Expression (*formula)(const Expression&, const Expression&);
};

std::span<const SpecialUnary> special_unaries();
std::span<const SpecialBinary> special_binaries();

// The n-th derivative of digamma, n >= 1.
double polygamma_number(int order, double x);
Expression polygamma_formula(int order, const Expression& x);

}  // namespace ferryman
