// Moving of elements: what the operators that move them cannot say in one step.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

// flip(x, [a, b]) -> flip(flip(x, [a]), [b])        REVERSE_V2 fails on axes that are not adjacent.
Match<RootOp> match_flip_each_axis(const Graph& graph, OpId root) {
  if (graph.op(root).attr(attr::kAxes).values.size() < 2) return std::nullopt;
  return RootOp{root};
}

void flip_each_axis(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  ValueId x = op.operands[0];
  for (const int64_t axis : op.attr(attr::kAxes).values)
    x = rewriter.create(ops::kFlip, {x}, {{attr::kAxes, Axes{{axis}}}});
  rewriter.replace_value(op.result(), x);
}

// concat(a, empty, b) -> concat(a, b)
struct FullParts {
  OpId op;
  std::vector<ValueId> parts;
};

Match<FullParts> match_drop_empty_parts(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  FullParts found{root, {}};
  for (const ValueId part : op.operands) {
    if (num_elements(graph.type(part).dims) != 0) found.parts.push_back(part);
  }
  if (found.parts.empty() || found.parts.size() == op.operands.size()) return std::nullopt;
  return found;
}

void drop_empty_parts(Rewriter& rewriter, const FullParts& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  rewriter.replace_value(op.result(), write.concat(found.parts, axis));
}

// pad of more than five axes -> pad of fewer: neighbouring axes that are not padded are one axis.
constexpr size_t kMaxPadRank = 5;

struct MergedPad {
  OpId op;
  Dims dims;
  Ints before, after;
};

Match<MergedPad> match_pad_fewer_axes(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& dims = graph.type(op.operands[0]).dims;
  if (dims.size() <= kMaxPadRank) return std::nullopt;
  const Ints& before = op.attr(attr::kBefore).values;
  const Ints& after = op.attr(attr::kAfter).values;
  MergedPad found{root, {}, {}, {}};
  bool joins = false;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const bool padded = before[axis] != 0 || after[axis] != 0;
    if (!padded && joins) {
      found.dims.back() = graph.symbols().mul(found.dims.back(), dims[axis]);
    } else {
      found.dims.push_back(dims[axis]);
      found.before.push_back(before[axis]);
      found.after.push_back(after[axis]);
    }
    joins = !padded;
  }
  if (found.dims.size() > kMaxPadRank) return Refused{"padding of more than five axes"};
  return found;
}

void pad_fewer_axes(Rewriter& rewriter, const MergedPad& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId padded = write.pad(write.reshape(op.operands[0], found.dims), found.before,
                                   found.after, op.attr(attr::kValue));
  rewriter.replace_value(op.result(), write.reshape(padded, write.dims(op.result())));
}

}  // namespace

std::vector<Rule> legal_shape_rules() {
  std::vector<Rule> rules;
  rules.push_back(make_rule("flip_each_axis", {ops::kFlip}, match_flip_each_axis, flip_each_axis));
  rules.push_back(
      make_rule("drop_empty_parts", {ops::kConcat}, match_drop_empty_parts, drop_empty_parts));
  rules.push_back(make_rule("pad_fewer_axes", {ops::kPad}, match_pad_fewer_axes, pad_fewer_axes));
  return rules;
}

}  // namespace ferryman::tflite
