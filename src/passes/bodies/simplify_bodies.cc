#include "passes/bodies/simplify_bodies.h"

#include <algorithm>
#include <optional>

#include "ir/builder.h"
#include "ops/attrs.h"
#include "ops/control/control.h"
#include "ops/names.h"
#include "passes/bodies/callers.h"
#include "passes/bodies/inline_body.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

// How many inputs of a body change from one iteration to the next: those that are carried, and the
// entries of sequences.
size_t num_changing(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  const size_t carried = num_carried(graph, id);
  return op.is(ops::kScan) ? carried + static_cast<size_t>(op.attr(attr::kNumSequences)) : carried;
}

class CallSimplifier {
 public:
  CallSimplifier(Graph& graph, Callers callers)
      : graph_(graph), callers_(std::move(callers)), links_(body_links(graph, first())) {}

  bool run() {
    bool changed = take_constants_in();
    changed |= drop_unread_operands();
    changed |= drop_unread_results();
    changed |= fix_what_stays();
    return changed;
  }

 private:
  OpId first() const { return callers_.ops.front(); }
  size_t num_inputs() const { return links_[0].inputs.size(); }
  size_t operand_of(size_t input) const { return links_[0].inputs[input].index; }
  ValueId input_of(BodyId body, size_t input) const { return graph_.body(body).inputs()[input]; }

  // The constant that all callers give, if they do.
  ValueId common_constant(size_t input) const {
    const ValueId value = graph_.op(first()).operands[operand_of(input)];
    const bool is_common = std::all_of(callers_.ops.begin(), callers_.ops.end(), [&](OpId op) {
      return graph_.op(op).operands[operand_of(input)] == value;
    });
    return is_common && graph_.is_constant(value) ? value : ValueId();
  }

  bool take_constants_in() {
    bool changed = false;
    for (size_t input = num_changing(graph_, first()); input < num_inputs(); ++input) {
      const ValueId constant = common_constant(input);
      if (!constant.valid()) continue;
      for (const BodyId id : callers_.bodies) {
        Graph& body = graph_.body(id);
        if (body.num_readers(input_of(id, input)) == 0) continue;
        Rewriter rewriter(body);
        const ValueId inside =
            rewriter.constant(graph_.constant(constant), graph_.value(constant).name);
        rewriter.replace_value(input_of(id, input), inside);
        changed = true;
      }
    }
    return changed;
  }

  bool is_read(size_t input) const {
    return std::any_of(callers_.bodies.begin(), callers_.bodies.end(), [&](BodyId body) {
      return graph_.body(body).num_readers(input_of(body, input)) != 0;
    });
  }

  bool drop_unread_operands() {
    std::vector<size_t> kept;
    for (size_t input = 0; input < num_inputs(); ++input) {
      if (input < num_changing(graph_, first()) || is_read(input)) kept.push_back(input);
    }
    if (kept.size() == num_inputs()) return false;
    keep(kept, all_results(), {});
    return true;
  }

  // ---- results ----

  size_t num_results() const { return graph_.op(first()).results.size(); }

  std::vector<size_t> all_results() const {
    std::vector<size_t> all(num_results());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }

  std::vector<size_t> all_inputs() const {
    std::vector<size_t> all(num_inputs());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }

  // What is carried is read by the next iteration.
  bool drop_unread_results() {
    std::vector<size_t> kept;
    for (size_t i = 0; i < num_results(); ++i) {
      const bool is_needed =
          i < num_carried(graph_, first()) ||
          std::any_of(
              callers_.ops.begin(), callers_.ops.end(),
              [&](OpId op) { return graph_.num_readers(graph_.op(op).results[i]) != 0; });
      if (is_needed) kept.push_back(i);
    }
    if (kept.size() == num_results() || kept.empty()) return false;
    keep(all_inputs(), kept, {});
    return true;
  }

  // Carried values that the body gives as it got them are the same in each iteration.
  bool fix_what_stays() {
    const size_t carried = num_carried(graph_, first());
    const Graph& body = graph_.body(callers_.bodies.back());
    std::vector<size_t> changing, staying;
    for (size_t i = 0; i < carried; ++i) {
      const bool stays = body.outputs()[i].value == body.inputs()[i];
      (stays ? staying : changing).push_back(i);
    }
    // A loop without anything to give is none.
    if (staying.empty() || (changing.empty() && num_results() == carried)) return false;
    std::vector<size_t> inputs = changing, results = changing;
    for (size_t i = carried; i < num_inputs(); ++i) inputs.push_back(i);
    for (size_t i = carried; i < num_results(); ++i) results.push_back(i);
    inputs.insert(inputs.end(), staying.begin(), staying.end());
    for (const OpId op : callers_.ops) {
      for (const size_t i : staying) {
        Rewriter rewriter(graph_);
        rewriter.replace_value(graph_.op(op).results[i], graph_.op(op).operands[operand_of(i)]);
      }
    }
    keep(inputs, results, static_cast<int64_t>(changing.size()));
    return true;
  }

  // ---- the ops anew ----

  // With these inputs and results of the bodies, in this order; the others are unread.
  void keep(const std::vector<size_t>& inputs, const std::vector<size_t>& results,
            std::optional<int64_t> num_carried) {
    const bool is_while = graph_.op(first()).is(ops::kWhile);
    for (const BodyId id : callers_.bodies) {
      Graph& body = graph_.body(id);
      const bool gives_results = !is_while || id == callers_.bodies.back();
      if (gives_results) keep_outputs(body, results);
      Rewriter rewriter(body);
      std::vector<ValueId> kept;
      for (const size_t input : inputs) kept.push_back(body.inputs()[input]);
      rewriter.keep_inputs(std::move(kept));
    }
    for (OpId& op : callers_.ops) op = rebuild(op, inputs, results, num_carried);
    links_ = body_links(graph_, first());
  }

  static void keep_outputs(Graph& body, const std::vector<size_t>& results) {
    std::vector<GraphOutput> outputs;
    for (const size_t result : results) outputs.push_back(body.outputs()[result]);
    body.set_outputs(std::move(outputs));
    erase_dead_ops(body);
  }

  OpId rebuild(OpId id, const std::vector<size_t>& inputs, const std::vector<size_t>& results,
               std::optional<int64_t> num_carried) {
    const Op op = graph_.op(id);
    Rewriter rewriter(graph_);
    rewriter.insert_before(id);
    std::vector<ValueId> operands;
    if (op.is(ops::kIf)) operands.push_back(op.operands[0]);
    for (const size_t input : inputs) operands.push_back(op.operands[operand_of(input)]);
    std::vector<NamedAttr> attrs = attrs_of(op);
    for (NamedAttr& attr : attrs) {
      if (attr.name == attr::kNumCarried.name && num_carried.has_value()) attr.attr = *num_carried;
    }
    const std::vector<ValueId> made = rewriter.create_all(OpName{op.def->name}, operands, attrs);
    for (size_t i = 0; i < results.size(); ++i)
      rewriter.replace_value(op.results[results[i]], made[i]);
    rewriter.erase(id);
    return graph_.producer(made.front());
  }

  Graph& graph_;
  Callers callers_;
  std::vector<BodyLinks> links_;  // of the first caller, and so of all
};

// ---- a condition that is known ----

bool inline_known_branches(Graph& graph) {
  bool changed = false;
  for (OpId id = graph.first_op(); id.valid();) {
    const OpId next = graph.op(id).next;
    if (graph.op(id).is(ops::kIf) && is_known_constant(graph, graph.op(id).operands[0])) {
      const Op op = graph.op(id);
      const bool is_true = graph.constant(op.operands[0]).to_ints()[0] != 0;
      Rewriter rewriter(graph);
      rewriter.insert_before(id);
      const std::vector<ValueId> inputs(op.operands.begin() + 1, op.operands.end());
      const Graph& branch = graph.body(op.attr(is_true ? attr::kThen : attr::kElse));
      const std::vector<ValueId> results = inline_body(rewriter, branch, inputs);
      for (size_t i = 0; i < results.size(); ++i) rewriter.replace_value(op.results[i], results[i]);
      rewriter.erase(id);
      changed = true;
    }
    id = next;
  }
  return changed;
}

Result<Changed> run_simplify_bodies(Graph& graph, PassContext&) {
  bool changed = inline_known_branches(graph);
  for (const Callers& callers : find_callers(graph))
    changed |= CallSimplifier(graph, callers).run();
  return changed ? Changed::kYes : Changed::kNo;
}

}  // namespace

Pass simplify_bodies() {
  return {"simplify_bodies", "only what is needed goes into bodies and comes out of them",
          run_simplify_bodies};
}

}  // namespace ferryman
