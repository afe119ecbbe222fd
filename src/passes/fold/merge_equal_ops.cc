// Common subexpressions: the first of several equal ops serves all readers. Small equal constants
// become one value first, since ops on them would not look equal otherwise.
#include <algorithm>
#include <bit>
#include <functional>
#include <unordered_map>
#include <vector>

#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxConstantBytes = 64;  // larger ones are shared by content when written

bool is_commutative(const Op& op) {
  return op.is(ops::kAdd) || op.is(ops::kMul) || op.is(ops::kMaximum) || op.is(ops::kMinimum);
}

auto key_operands(const Op& op) {
  auto operands = op.operands;
  if (is_commutative(op)) std::sort(operands.begin(), operands.end());
  return operands;
}

uint64_t hash_of(const Op& op) {
  constexpr uint64_t kPrime = 0x9e3779b97f4a7c15;  // of Fibonacci hashing
  uint64_t hash = std::hash<const OpDef*>()(op.def);
  for (const ValueId operand : key_operands(op))
    hash = std::rotl(hash * kPrime, 32) + operand.index;
  return std::rotl(hash * kPrime, 32);
}

bool are_equal(const Op& a, const Op& b) {
  return a.def == b.def && key_operands(a) == key_operands(b) && a.attrs == b.attrs;
}

// Ops no two of which are equal: a hash table without a node for each.
class DistinctOps {
 public:
  explicit DistinctOps(const Graph& graph)
      : graph_(graph), slots_(std::bit_ceil(2 * graph.num_ops() + 1)) {}

  // The op that is equal, or `id`, which is added.
  OpId find_or_add(OpId id) {
    const Op& op = graph_.op(id);
    const size_t last = slots_.size() - 1;
    for (size_t at = hash_of(op) & last;; at = (at + 1) & last) {
      if (!slots_[at].valid()) slots_[at] = id;
      if (slots_[at] == id || are_equal(graph_.op(slots_[at]), op)) return slots_[at];
    }
  }

 private:
  const Graph& graph_;
  std::vector<OpId> slots_;  // at most half of them in use
};

Changed merge_constants(Graph& graph) {
  Changed changed = Changed::kNo;
  Rewriter rewriter(graph);
  std::unordered_map<uint64_t, ValueId> first_with;
  for (size_t i = 0; i < graph.num_value_ids(); ++i) {
    const ValueId id(i);
    if (!graph.is_constant(id) || graph.constant(id).num_bytes() > kMaxConstantBytes) continue;
    if (graph.constant(id).is_elided() || graph.value(id).uses.empty()) continue;
    const auto [entry, added] = first_with.emplace(graph.constant(id).hash(), id);
    if (added || graph.type(entry->second) != graph.type(id)) continue;
    if (graph.is_output(id)) continue;
    rewriter.replace_value(id, entry->second);
    changed = Changed::kYes;
  }
  return changed;
}

Result<Changed> run_merge_equal_ops(Graph& graph, PassContext&) {
  Changed changed = merge_constants(graph);
  Rewriter rewriter(graph);
  DistinctOps seen(graph);
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    const OpId same = graph.op(id).def->draws ? id : seen.find_or_add(id);
    if (same != id) {
      const auto& results = graph.op(id).results;
      for (size_t i = 0; i < results.size(); ++i)
        rewriter.replace_value(results[i], graph.op(same).results[i]);
      rewriter.erase(id);
      changed = Changed::kYes;
    }
    id = next;
  }
  return changed;
}

}  // namespace

Pass merge_equal_ops() {
  return {"merge_equal_ops", "compute equal things once", run_merge_equal_ops};
}

}  // namespace ferryman
