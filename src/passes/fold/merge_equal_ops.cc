// Common subexpressions: the first of several equal ops serves all readers. Small equal constants
// become one value first, since ops on them would not look equal otherwise.
#include <algorithm>
#include <unordered_map>

#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "support/hash.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxConstantBytes = 64;  // larger ones are shared by content when written

bool is_commutative(const Op& op) {
  return op.is(ops::kAdd) || op.is(ops::kMul) || op.is(ops::kMaximum) || op.is(ops::kMinimum);
}

std::vector<ValueId> key_operands(const Op& op) {
  std::vector<ValueId> operands = op.operands;
  if (is_commutative(op)) std::sort(operands.begin(), operands.end());
  return operands;
}

uint64_t hash_of(const Op& op) {
  Hasher hasher;
  for (const char c : op.def->name) hasher.update(static_cast<uint64_t>(c));
  for (const ValueId operand : key_operands(op)) hasher.update(uint64_t{operand.index});
  return hasher.digest();
}

bool are_equal(const Op& a, const Op& b) {
  return a.def == b.def && a.attrs == b.attrs && key_operands(a) == key_operands(b);
}

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
  std::unordered_map<uint64_t, std::vector<OpId>> seen;
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    std::vector<OpId>& candidates = seen[hash_of(graph.op(id))];
    const auto same = std::find_if(candidates.begin(), candidates.end(), [&](OpId other) {
      return are_equal(graph.op(other), graph.op(id));
    });
    if (same == candidates.end()) {
      candidates.push_back(id);
    } else {
      const std::vector<ValueId> results = graph.op(id).results;
      for (size_t i = 0; i < results.size(); ++i)
        rewriter.replace_value(results[i], graph.op(*same).results[i]);
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
