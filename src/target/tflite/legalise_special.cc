// Special functions, written in the elementary ones that TFLite has.
#include "ops/special_functions.h"

#include "ops/names.h"
#include "ops/special_names.h"
#include "passes/match.h"
#include "target/tflite/legalise.h"

namespace ferryman::tflite {

namespace {

// A delegate's EXP(NaN) is 0, so that NaN would be lost on the way.
Expression keeping_nan(const Expression& x, const Expression& result) {
  return where(isnan(x), x, result);
}

Rule unary_rule(const SpecialUnary& row) {
  const auto apply = [formula = row.formula](Rewriter& rewriter, OpId id) -> RuleResult {
    const Op op = rewriter.graph().op(id);
    rewriter.insert_before(id);
    const Expression x(rewriter, op.operands[0]);
    rewriter.replace_value(op.result(), keeping_nan(x, formula(x)).value());
    return {Outcome::kApplied, {}};
  };
  return {row.rule, {row.name}, apply, {}};
}

Rule binary_rule(const SpecialBinary& row) {
  const auto apply = [formula = row.formula](Rewriter& rewriter, OpId id) -> RuleResult {
    const Op op = rewriter.graph().op(id);
    rewriter.insert_before(id);
    const Expression x(rewriter, op.operands[0]);
    const Expression y(rewriter, op.operands[1]);
    rewriter.replace_value(op.result(), formula(x, y).value());
    return {Outcome::kApplied, {}};
  };
  return {row.rule, {row.name}, apply, {}};
}

Rule polygamma_rule() {
  const auto apply = [](Rewriter& rewriter, OpId id) -> RuleResult {
    const Op op = rewriter.graph().op(id);
    rewriter.insert_before(id);
    const Expression x(rewriter, op.operands[0]);
    const auto order = static_cast<int>(op.attr(attr::kOrder));
    rewriter.replace_value(op.result(), keeping_nan(x, polygamma_formula(order, x)).value());
    return {Outcome::kApplied, {}};
  };
  return {"polygamma_to_arithmetic", {ops::kPolygamma}, apply, {}};
}

}  // namespace

std::vector<Rule> legal_special_rules() {
  std::vector<Rule> rules;
  for (const SpecialUnary& row : special_unaries()) rules.push_back(unary_rule(row));
  for (const SpecialBinary& row : special_binaries()) rules.push_back(binary_rule(row));
  rules.push_back(polygamma_rule());
  return rules;
}

}  // namespace ferryman::tflite
