// Special functions, written in elementary ones.
#include "ops/special/special_functions.h"

#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

// A target's EXP(NaN) may be 0, so that NaN would be lost on the way.
Expression keeping_nan(const Expression& x, const Expression& result) {
  return where(isnan(x), x, result);
}

Rule unary(const SpecialUnary& row) {
  return decomposition(row.rule, {row.name},
                       [formula = row.formula](CoreWriter write, const Op& op) {
                         const Expression x(write, op.operands[0]);
                         return keeping_nan(x, formula(x)).value();
                       });
}

Rule binary(const SpecialBinary& row) {
  return decomposition(row.rule, {row.name},
                       [formula = row.formula](CoreWriter write, const Op& op) {
                         const Expression x(write, op.operands[0]);
                         const Expression y(write, op.operands[1]);
                         return formula(x, y).value();
                       });
}

ValueId polygamma(CoreWriter write, const Op& op) {
  const Expression x(write, op.operands[0]);
  const auto order = static_cast<int>(op.attr(attr::kOrder));
  return keeping_nan(x, polygamma_formula(order, x)).value();
}

}  // namespace

std::vector<Rule> special_decompositions() {
  std::vector<Rule> rules;
  for (const SpecialUnary& row : special_unaries()) rules.push_back(unary(row));
  for (const SpecialBinary& row : special_binaries()) rules.push_back(binary(row));
  rules.push_back(decomposition("polygamma_to_arithmetic", {ops::kPolygamma}, polygamma));
  return rules;
}

}  // namespace ferryman
