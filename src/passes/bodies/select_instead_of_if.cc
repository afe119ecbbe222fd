#include "passes/bodies/select_instead_of_if.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/bodies/inline_body.h"
#include "passes/rewrite.h"

namespace ferryman {

namespace {

// Of whole numbers; a division by zero ends the process.
constexpr std::array kHarmlessOnIntegers = {ops::kAdd,     ops::kSub,     ops::kMul,   ops::kNeg,
                                            ops::kMaximum, ops::kMinimum, ops::kWhere, ops::kCast,
                                            ops::kClamp,   ops::kAbs,     ops::kLt,    ops::kLe,
                                            ops::kGt,      ops::kGe,      ops::kEq,    ops::kNe};

bool is_relabelling(const Op& op) {
  return op.def->axes == AxisRule::kReshape || op.def->axes == AxisRule::kPermute;
}

bool is_harmless(const Graph& graph, const Op& op) {
  if (is_relabelling(op) || op.def->axes == AxisRule::kExpand) return true;
  if (op.def->axes != AxisRule::kElementwise) return false;
  const bool takes_integers = std::any_of(
      op.operands.begin(), op.operands.end(),
      [&](ValueId operand) { return operand.valid() && is_integer(graph.type(operand).dtype); });
  return !takes_integers || std::any_of(kHarmlessOnIntegers.begin(), kHarmlessOnIntegers.end(),
                                        [&](OpName name) { return op.is(name); });
}

// Adds what the body computes; false where it is not to be computed in vain.
bool count(const Graph& body, SmallBranches& counted) {
  for (const OpId id : body.op_ids()) {
    const Op& op = body.op(id);
    if (!is_harmless(body, op)) return false;
    if (is_relabelling(op)) continue;
    ++counted.max_ops;
    for (const ValueId result : op.results) {
      if (!all_static(body.type(result).dims)) return false;
      counted.max_elements += num_elements(body.type(result).dims);
    }
  }
  return true;
}

bool are_small(const Graph& graph, const Op& op, SmallBranches limits) {
  SmallBranches counted;
  for (const AttrKey<BodyId> branch : {attr::kThen, attr::kElse}) {
    if (!count(graph.body(op.attr(branch)), counted)) return false;
  }
  for (const ValueId result : op.results) {  // the choice itself
    if (!all_static(graph.type(result).dims)) return false;
    counted.max_elements += num_elements(graph.type(result).dims);
  }
  return counted.max_ops <= limits.max_ops && counted.max_elements <= limits.max_elements;
}

RuleResult apply(Rewriter& rewriter, OpId id, SmallBranches limits) {
  const Graph& graph = rewriter.graph();
  const Op op = graph.op(id);
  if (!are_small(graph, op, limits)) return {};
  rewriter.insert_before(id);
  const std::vector<ValueId> inputs(op.operands.begin() + 1, op.operands.end());
  const std::vector<ValueId> chosen =
      inline_body(rewriter, graph.body(op.attr(attr::kThen)), inputs);
  const std::vector<ValueId> other =
      inline_body(rewriter, graph.body(op.attr(attr::kElse)), inputs);
  for (size_t i = 0; i < op.results.size(); ++i) {
    const bool same = chosen[i] == other[i];
    const ValueId result =
        same ? chosen[i] : rewriter.create(ops::kWhere, {op.operands[0], chosen[i], other[i]});
    rewriter.replace_value(op.results[i], result);
  }
  return {Outcome::kApplied, {}};
}

}  // namespace

Pass select_instead_of_if(SmallBranches limits) {
  std::vector<Rule> rules;
  rules.push_back(
      {"select_instead_of_if",
       {ops::kIf},
       [limits](Rewriter& rewriter, OpId root) { return apply(rewriter, root, limits); },
       "both branches are computed and the results chosen, which takes less time than to "
       "branch"});
  return rewrite_pass("select_instead_of_if", "small harmless branches are both computed",
                      std::move(rules));
}

}  // namespace ferryman
