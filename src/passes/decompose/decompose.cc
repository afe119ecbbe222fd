#include "passes/decompose/decompose.h"

#include "passes/decompose/decompositions.h"
#include "passes/match.h"

namespace ferryman {

namespace {

// Ops whose parts other passes look for.
std::vector<Rule> composites() {
  std::vector<Rule> rules;
  append_rules(rules, attention_decompositions());
  append_rules(rules, composite_decompositions());
  return rules;
}

std::vector<Rule> unless_kept(std::vector<Rule> rules, Keeps keeps) {
  const auto is_not_kept = [keeps = std::move(keeps)](const Graph& graph, const Op& op) {
    return !keeps(graph, op);
  };
  for (Rule& rule : rules) rule = only_where(is_not_kept, std::move(rule));
  return rules;
}

}  // namespace

std::vector<Rule> all_decompositions() {
  std::vector<Rule> rules = composites();
  append_rules(rules, computed_kernel_decompositions());
  append_rules(rules, conv_transpose_decompositions());
  append_rules(rules, conv3d_decompositions());
  append_rules(rules, pool_decompositions());
  append_rules(rules, norm_decompositions());
  append_rules(rules, activation_decompositions());
  append_rules(rules, math_decompositions());
  append_rules(rules, resize_decompositions());
  append_rules(rules, shuffle_decompositions());
  append_rules(rules, special_decompositions());
  return rules;
}

Rule decomposition(std::string_view name, std::vector<OpName> roots, WriteOp write,
                   std::string_view remark) {
  const WriteResults all = [write = std::move(write)](CoreWriter writer, const Op& op) {
    return std::vector{write(writer, op)};
  };
  return decomposition(name, std::move(roots), all, remark);
}

Rule decomposition(std::string_view name, std::vector<OpName> roots, WriteResults write,
                   std::string_view remark) {
  const auto apply = [write = std::move(write)](Rewriter& rewriter, OpId id) -> RuleResult {
    const Op op = rewriter.graph().op(id);
    rewriter.insert_before(id);
    const std::vector<ValueId> results = write(CoreWriter(rewriter), op);
    for (size_t i = 0; i < results.size(); ++i) rewriter.replace_value(op.results[i], results[i]);
    return {Outcome::kApplied, {}};
  };
  return {name, std::move(roots), apply, remark};
}

Rule only_where(std::function<bool(const Graph&, const Op&)> holds, Rule rule) {
  rule.apply = [holds = std::move(holds), apply = std::move(rule.apply)](Rewriter& rewriter,
                                                                         OpId id) -> RuleResult {
    const Graph& graph = rewriter.graph();
    if (!holds(graph, graph.op(id))) return {};
    return apply(rewriter, id);
  };
  return rule;
}

bool has_floats(const Graph& graph, const Op& op) {
  return is_floating(graph, op.operands[0]);
}

Pass decompose_pass(std::string_view name, std::string_view purpose, Keeps keeps,
                    std::vector<Rule> own_rules) {
  append_rules(own_rules, unless_kept(all_decompositions(), std::move(keeps)));
  return rewrite_pass(name, purpose, std::move(own_rules));
}

Pass decompose_composites(Keeps keeps) {
  return needed_because("passes that look for its parts run before other ops are decomposed",
                        rewrite_pass("decompose_composites", "attention and the like in parts",
                                     unless_kept(composites(), std::move(keeps))));
}

}  // namespace ferryman
