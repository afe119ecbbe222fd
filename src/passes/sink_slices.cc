#include "passes/sink_slices.h"

#include <algorithm>
#include <unordered_set>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/narrow.h"
#include "passes/rewrite.h"

namespace ferryman {

namespace {

// How far a product is looked for; bounds the work for each slice.
constexpr size_t kMaxCone = 256;

// Equal slices of one value.
struct Cut {
  SliceRanges ranges;
  std::vector<ValueId> results;
};

// With the example's sizes where they are free.
int64_t count(const Graph& graph, const SliceRanges& ranges) {
  int64_t product = 1;
  for (const SliceRange& range : ranges) product *= graph.symbols().hint(range.count);
  return product;
}

// The slices that read the value; empty if anything else does, or if they take more than there is.
std::vector<Cut> cuts_of(const Graph& graph, ValueId value) {
  const Uses& uses = graph.value(value).uses;
  if (uses.size() != graph.num_readers(value)) return {};
  std::vector<Cut> cuts;
  int64_t taken = 0;
  for (const Use& use : uses) {
    const Op& reader = graph.op(use.op);
    if (!reader.is(ops::kSlice)) return {};
    const std::optional<SliceRanges> ranges = slice_ranges(graph, reader);
    if (!ranges.has_value()) return {};
    const auto known = std::find_if(cuts.begin(), cuts.end(),
                                    [&](const Cut& cut) { return cut.ranges == *ranges; });
    if (known != cuts.end()) {
      known->results.push_back(reader.result());
      continue;
    }
    taken += count(graph, *ranges);
    cuts.push_back({*ranges, {reader.result()}});
  }
  if (taken > count(graph, whole(graph.type(value).dims))) return {};
  return cuts;
}

// Ops that are needed for the cuts of one value only: they can all be computed in part, if they
// know how. Grown from the last op upwards.
class Cone {
 public:
  Cone(const Graph& graph, OpId last) : graph_(graph) { add(last); }

  bool has_product() {
    for (size_t next = 0; next < ops_.size() && ops_.size() < kMaxCone; ++next) {
      const Op& op = graph_.op(ops_[next]);
      if (is_product(op)) return true;
      if (!can_be_narrowed(op)) continue;
      for (const ValueId operand : op.operands) visit(operand);
    }
    return false;
  }

 private:
  // Whether some part of the op can be computed alone: its first row along any axis.
  bool can_be_narrowed(const Op& op) const {
    return narrow(graph_, op, whole(graph_.type(op.result()).dims)).has_value();
  }

  void visit(ValueId value) {
    if (!value.valid()) return;
    const OpId producer = graph_.producer(value);
    if (!producer.valid() || seen_.contains(producer.index)) return;
    const Uses& uses = graph_.value(value).uses;
    const bool only_here =
        uses.size() == graph_.num_readers(value) &&
        std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
          return seen_.contains(use.op.index) || graph_.op(use.op).is(ops::kSlice);
        });
    if (only_here) add(producer);
  }

  void add(OpId op) {
    ops_.push_back(op);
    seen_.insert(op.index);
  }

  const Graph& graph_;
  std::vector<OpId> ops_;
  std::unordered_set<uint32_t> seen_;
};

// As it is, or seen through relabelling ops.
bool is_parameter(const Graph& graph, ValueId value) {
  while (value.valid() && graph.value(value).kind != ValueKind::kParameter) {
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return false;
    const Op& op = graph.op(producer);
    if (!op.is(ops::kReshape) && !op.is(ops::kPermute)) return false;
    value = op.operands[0];
  }
  return value.valid();
}

// Training goes on with parameters as wholes.
bool cuts_parameter(const Graph& graph, const Op& op, const Narrowed& part) {
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const ValueId operand = op.operands[i];
    if (is_parameter(graph, operand) && part.operands[i] != whole(graph.type(operand).dims))
      return true;
  }
  return false;
}

struct Sink {
  OpId through;
  std::vector<Cut> cuts;
  std::vector<Narrowed> parts;  // one for each cut
};

// slice(op(x)) -> op(slice(x)), for all slices of the op's result at once
Match<Sink> match_slice_after_op(const Graph& graph, OpId root) {
  const ValueId value = graph.op(root).operands[0];
  const OpId through = graph.producer(value);
  if (!through.valid()) return std::nullopt;
  Sink found{through, cuts_of(graph, value), {}};
  if (found.cuts.empty()) return std::nullopt;
  for (const Cut& cut : found.cuts) {
    std::optional<Narrowed> part = narrow(graph, graph.op(through), cut.ranges);
    if (!part.has_value() || cuts_parameter(graph, graph.op(through), *part)) return std::nullopt;
    found.parts.push_back(*std::move(part));
  }
  if (!Cone(graph, through).has_product()) return std::nullopt;
  return found;
}

// A view of the same bytes.
ValueId cut_constant(Rewriter& rewriter, ValueId constant, const SliceRanges& ranges) {
  Ints starts, counts, steps;
  for (const SliceRange& range : ranges) {
    starts.push_back(range.start);
    counts.push_back(range.count.size());
    steps.push_back(range.step);
  }
  const Graph& graph = rewriter.graph();
  return rewriter.constant(graph.constant(constant).sliced(starts, counts, steps),
                           graph.value(constant).name);
}

ValueId cut_operand(Rewriter& rewriter, ValueId operand, const SliceRanges& ranges) {
  if (ranges == whole(rewriter.graph().type(operand).dims)) return operand;
  if (rewriter.graph().is_constant(operand)) return cut_constant(rewriter, operand, ranges);
  const ValueId operands[] = {operand};
  return rewriter.create(ops::kSlice, operands, slice_attrs(ranges));
}

void sink(Rewriter& rewriter, const Sink& found) {
  rewriter.insert_before(found.through);
  const Op op = rewriter.graph().op(found.through);
  for (size_t i = 0; i < found.cuts.size(); ++i) {
    std::vector<ValueId> operands = op.operands;
    for (size_t k = 0; k < operands.size(); ++k) {
      if (operands[k].valid())
        operands[k] = cut_operand(rewriter, operands[k], found.parts[i].operands[k]);
    }
    const ValueId part = rewriter.create(OpName{op.def->name}, operands, found.parts[i].attrs);
    for (const ValueId result : found.cuts[i].results) {
      rewriter.replace_value(result, part);
      rewriter.erase_dead(rewriter.graph().producer(result));
    }
  }
}

}  // namespace

Pass sink_slices() {
  return rewrite_pass(
      "sink_slices", "compute only what is read of a product",
      {make_rule<Sink>("slice_after_op", {ops::kSlice}, match_slice_after_op, sink)});
}

}  // namespace ferryman
