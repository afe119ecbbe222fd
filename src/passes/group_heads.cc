#include "passes/group_heads.h"

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/rewrite.h"

namespace ferryman {

namespace {

const Ints kTurned = {0, 1, 3, 2};

struct GroupHeads {
  ValueId result, queries;
  ValueId single;  // [B, H / G, 1, S, E], before it was expanded
  bool is_turned;  // the last two axes of the repeated keys are swapped
};

// What was expanded from [B, heads, 1, S, E] to G times and merged to [B, heads * G, S, E].
ValueId before_repetition(const Graph& graph, ValueId value) {
  const OpId merge = graph.producer_if(value, ops::kReshape);
  if (!merge.valid()) return ValueId();
  const OpId expand = graph.producer_if(graph.op(merge).operands[0], ops::kExpand);
  if (!expand.valid()) return ValueId();
  const ValueId single = graph.op(expand).operands[0];
  const Dims& from = graph.type(single).dims;
  const Dims& wide = graph.type(graph.op(expand).result()).dims;
  const Dims& merged = graph.type(value).dims;
  if (from.size() != 5 || merged.size() != 4) return ValueId();
  const bool repeats_heads = from[0] == wide[0] && from[1] == wide[1] && from[2] == Dim(1) &&
                             from[3] == wide[3] && from[4] == wide[4] && merged[0] == wide[0] &&
                             merged[1] == Dim(wide[1].size() * wide[2].size()) &&
                             merged[2] == wide[3];
  return repeats_heads ? single : ValueId();
}

Match<GroupHeads> match_group_heads(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& queries = graph.type(op.operands[0]).dims;
  ValueId keys = op.operands[1];
  const OpId turn = graph.producer_if(keys, ops::kPermute);
  const bool is_turned = turn.valid() && graph.op(turn).attr(attr::kPerm).values == kTurned;
  if (is_turned) keys = graph.op(turn).operands[0];
  const ValueId single = before_repetition(graph, keys);
  if (!single.valid() || queries.size() != 4) return std::nullopt;
  const Dims& repeated = graph.type(keys).dims;
  if (!(queries[0] == repeated[0]) || !(queries[1] == repeated[1])) return std::nullopt;
  return GroupHeads{op.result(), op.operands[0], single, is_turned};
}

ValueId reshape(Rewriter& rewriter, ValueId x, Dims dims) {
  return rewriter.create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

void use_groups(Rewriter& rewriter, const GroupHeads& found) {
  const Dims queries = rewriter.graph().type(found.queries).dims;
  const Dims keys = rewriter.graph().type(found.single).dims;
  const Dims result = rewriter.graph().type(found.result).dims;
  const int64_t group = queries[1].size() / keys[1].size();
  const ValueId rows =
      reshape(rewriter, found.queries,
              {keys[0], keys[1], rewriter.symbols().mul(queries[2], group), queries[3]});
  ValueId single = reshape(rewriter, found.single, {keys[0], keys[1], keys[3], keys[4]});
  if (found.is_turned)
    single = rewriter.create(ops::kPermute, {single}, {{attr::kPerm, Perm{kTurned}}});
  const ValueId product = rewriter.create(ops::kMatmul, {rows, single});
  rewriter.replace_value(found.result, reshape(rewriter, product, result));
}

}  // namespace

Pass group_heads() {
  return rewrite_pass(
      "group_heads", "queries of a group as rows of one matrix, instead of repeated keys",
      {make_rule<GroupHeads>("repeated_heads", {ops::kMatmul}, match_group_heads, use_groups)});
}

}  // namespace ferryman
