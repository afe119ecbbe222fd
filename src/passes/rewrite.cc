#include "passes/rewrite.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <unordered_map>

namespace ferryman {

namespace {

// Rules shrink or settle a graph, so that a few applications for each op are plenty; more means
// that two rules undo each other.
constexpr size_t kMaxApplicationsPerOp = 50;
constexpr size_t kMinApplications = 1000;

class RuleDriver {
 public:
  RuleDriver(Graph& graph, std::span<const Rule> rules, PassContext& context)
      : graph_(graph), context_(context), rewriter_(graph) {
    for (const Rule& rule : rules) {
      for (const OpName root : rule.roots) rules_of_[graph.op_set().find(root)].push_back(&rule);
    }
    rules_of_.erase(nullptr);  // roots that no family defines
  }

  Changed run() {
    for (const OpId op : graph_.op_ids()) enqueue(op);
    const size_t bound = kMinApplications + kMaxApplicationsPerOp * graph_.num_ops();
    while (!queue_.empty()) {
      const OpId op = queue_.front();
      queue_.pop_front();
      queued_[op] = 0;
      if (graph_.op(op).erased) continue;
      visit(op);
      if (num_applied_ > bound)
        internal_error(
            fmt::format("rewrite rules run in circles; the last was '{}'", last_applied_));
    }
    remark_refusals();
    return num_applied_ == 0 ? Changed::kNo : Changed::kYes;
  }

 private:
  struct Refusal {
    const Rule* rule;
    std::string why;
  };

  void enqueue(OpId op) {
    if (!op.valid() || graph_.op(op).erased || queued_[op] != 0) return;
    if (!rules_of_.contains(graph_.op(op).def)) return;
    queued_[op] = 1;
    queue_.push_back(op);
  }

  void visit(OpId root) {
    refusals_.erase(root);
    const auto rules = rules_of_.find(graph_.op(root).def);
    if (rules == rules_of_.end()) return;
    const LocationId location = graph_.op(root).location;
    around_.clear();
    for_each_neighbour(root, [this](OpId op) { around_.push_back(op); });
    for (const Rule* rule : rules->second) {
      RuleResult result = apply(*rule, root);
      if (result.outcome == Outcome::kRefused) refusals_[root] = {rule, std::move(result.why)};
      if (result.outcome != Outcome::kApplied) continue;
      ++num_applied_;
      last_applied_ = rule->name;
      if (!rule->remark.empty()) remark(*rule, std::string(rule->remark), location);
      requeue_after(root);
      return;
    }
  }

  // A rewrite that needs a size as a number where it is free cannot be left out: the target asked
  // for it.
  RuleResult apply(const Rule& rule, OpId root) {
    const LocationId location = graph_.op(root).location;
    const std::string op(graph_.op(root).def->name);
    try {
      return rule.apply(rewriter_, root);
    } catch (const SizeError& error) {
      context_.diagnostics.add(
          Diag::error(DiagCode::kUnsupportedForm, fmt::format("'{}': {}", op, error.what()))
              .at(graph_.location(location))
              .because(fmt::format("'{}' computes with it at conversion", rule.name))
              .hint("give this axis a fixed size: leave it out of dynamic_shapes"));
      return {};
    }
  }

  void requeue_after(OpId root) {
    if (!graph_.op(root).erased) rewriter_.erase_dead(root);
    enqueue(root);
    for (const OpId op : around_) enqueue(op);
    for (const OpId op : rewriter_.take_touched()) {
      enqueue(op);
      for_each_neighbour(op, [this](OpId neighbour) { enqueue(neighbour); });
    }
  }

  // Producers of the operands, their other readers, and readers of the results: an op may match
  // because a value around it has one reader less.
  template <typename Visit>
  void for_each_neighbour(OpId id, Visit visit) const {
    const Op& op = graph_.op(id);
    for (const ValueId operand : op.operands) {
      if (!operand.valid() || !graph_.producer(operand).valid()) continue;
      visit(graph_.producer(operand));
      for (const Use& use : graph_.value(operand).uses) visit(use.op);
    }
    for (const ValueId value : op.results) {
      for (const Use& use : graph_.value(value).uses) visit(use.op);
    }
  }

  void remark(const Rule& rule, std::string what, LocationId location) {
    context_.diagnostics.add(
        Diag::remark(std::string(rule.name), std::move(what)).at(graph_.location(location)));
  }

  // Once nothing changes any more, since a pattern that was refused first may match later.
  void remark_refusals() {
    for (const auto& [op, refusal] : refusals_) {
      if (graph_.op(op).erased) continue;
      remark(*refusal.rule, "not applied: " + refusal.why, graph_.op(op).location);
    }
  }

  Graph& graph_;
  PassContext& context_;
  Rewriter rewriter_;
  std::unordered_map<const OpDef*, std::vector<const Rule*>> rules_of_;
  std::vector<OpId> around_;  // the op that is visited, before a rule changes it
  std::deque<OpId> queue_;
  OpMap<uint8_t> queued_;
  std::map<OpId, Refusal> refusals_;
  size_t num_applied_ = 0;
  std::string_view last_applied_;
};

}  // namespace

void append_rules(std::vector<Rule>& rules, std::vector<Rule> family) {
  for (Rule& rule : family) rules.push_back(std::move(rule));
}

Changed apply_rules(Graph& graph, std::span<const Rule> rules, PassContext& context) {
  return RuleDriver(graph, rules, context).run();
}

Pass rewrite_pass(std::string_view name, std::string_view purpose, std::vector<Rule> rules) {
  return {name, purpose,
          [rules = std::move(rules)](Graph& graph, PassContext& context) -> Result<Changed> {
            return apply_rules(graph, rules, context);
          }};
}

}  // namespace ferryman
