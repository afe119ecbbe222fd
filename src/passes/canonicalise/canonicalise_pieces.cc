// Cutting and joining: slice, concat, pad, gather, flip, tile.
#include <algorithm>
#include <span>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/fold/fold_empty.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "passes/slice_range.h"

namespace ferryman {

namespace {

// slice(x, everything) -> x           likewise tile by ones
Match<Forward> match_nothing_cut(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!same_type(graph, op.operands[0], op.result())) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

bool all_zero(const PerAxis& widths) {
  return std::all_of(widths.values.begin(), widths.values.end(),
                     [](int64_t width) { return width == 0; });
}

// pad(x, nothing) -> x                widths may be negative, so equal sizes are not enough
Match<Forward> match_nothing_padded(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!all_zero(op.attr(attr::kBefore)) || !all_zero(op.attr(attr::kAfter))) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

// flip(x, []) -> x                    and flips of axes of size 1
Match<Forward> match_nothing_flipped(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Dims& dims = graph.type(op.result()).dims;
  for (const int64_t axis : op.attr(attr::kAxes).values) {
    if (!(dims[static_cast<size_t>(axis)] == Dim(1))) return std::nullopt;
  }
  return Forward{op.result(), op.operands[0]};
}

// slice(slice(x)) -> slice(x)
Match<OneOp> match_slice_of_slice(const Graph& graph, OpId root) {
  const Op& outer = graph.op(root);
  const OpId inner_id = graph.producer_if(outer.operands[0], ops::kSlice);
  if (!inner_id.valid()) return std::nullopt;
  const Op& inner = graph.op(inner_id);
  const std::optional<SliceRanges> first = slice_ranges(graph, inner);
  std::optional<SliceRanges> ranges = slice_ranges(graph, outer);
  if (!first.has_value() || !ranges.has_value()) return std::nullopt;
  for (size_t axis = 0; axis < ranges->size(); ++axis) {
    SliceRange& range = (*ranges)[axis];
    range.start = (*first)[axis].start + range.start * (*first)[axis].step;
    range.step *= (*first)[axis].step;
  }
  return OneOp{outer.result(), ops::kSlice, {inner.operands[0]}, slice_attrs(*ranges)};
}

// One operand of a concat: the indices [begin, begin + size) of the result's axis.
struct Piece {
  ValueId value;
  int64_t begin, size;
};

// Empty if a size is symbolic.
std::vector<Piece> pieces_of(const Graph& graph, const Op& concat) {
  const auto axis = static_cast<size_t>(concat.attr(attr::kAxis).value);
  std::vector<Piece> pieces;
  int64_t begin = 0;
  for (const ValueId operand : concat.operands) {
    const Dim size = graph.type(operand).dims[axis];
    if (!size.is_static()) return {};
    pieces.push_back({operand, begin, size.size()});
    begin += size.size();
  }
  return pieces;
}

// slice(concat(a, b, c)) inside b -> slice(b)
Match<OneOp> match_slice_of_piece(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId concat_id = graph.producer_if(op.operands[0], ops::kConcat);
  std::optional<SliceRanges> ranges = slice_ranges(graph, op);
  if (!concat_id.valid() || !ranges.has_value()) return std::nullopt;
  const Op& concat = graph.op(concat_id);
  SliceRange& range = (*ranges)[static_cast<size_t>(concat.attr(attr::kAxis).value)];
  for (const Piece& piece : pieces_of(graph, concat)) {
    if (range.start < piece.begin || range.end().size() > piece.begin + piece.size) continue;
    range.start -= piece.begin;
    return OneOp{op.result(), ops::kSlice, {piece.value}, slice_attrs(*ranges)};
  }
  return std::nullopt;
}

// slice(concat(a, b, c)) of exactly b and c -> concat(b, c)
Match<OneOp> match_slice_of_pieces(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId concat_id = graph.producer_if(op.operands[0], ops::kConcat);
  const std::optional<SliceRanges> ranges = slice_ranges(graph, op);
  if (!concat_id.valid() || !ranges.has_value()) return std::nullopt;
  const Op& concat = graph.op(concat_id);
  const Axis axis = concat.attr(attr::kAxis);
  const SliceRange& range = (*ranges)[static_cast<size_t>(axis.value)];
  if (sliced_axis(graph, op) != static_cast<size_t>(axis.value) || range.step != 1)
    return std::nullopt;
  std::vector<ValueId> covered;
  int64_t next = range.start;
  for (const Piece& piece : pieces_of(graph, concat)) {
    if (piece.begin != next || piece.begin + piece.size > range.end().size()) continue;
    covered.push_back(piece.value);
    next += piece.size;
  }
  if (Dim(next) != range.end() || covered.size() < 2) return std::nullopt;
  return OneOp{op.result(), ops::kConcat, covered, {{attr::kAxis, axis}}};
}

// concat(x) -> x
Match<Forward> match_concat_of_one(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.operands.size() != 1) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

// concat(concat(a, b), c) -> concat(a, b, c)     where nothing else reads the inner one
Match<OneOp> match_concat_of_concat(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Axis axis = op.attr(attr::kAxis);
  std::vector<ValueId> operands;
  for (const ValueId operand : op.operands) {
    const OpId inner = graph.producer_if(operand, ops::kConcat);
    const bool joins = inner.valid() && has_one_reader(graph, operand) &&
                       graph.op(inner).attr(attr::kAxis) == axis;
    if (!joins) {
      operands.push_back(operand);
      continue;
    }
    const auto& parts = graph.op(inner).operands;
    operands.insert(operands.end(), parts.begin(), parts.end());
  }
  if (operands.size() == op.operands.size()) return std::nullopt;
  return OneOp{op.result(), ops::kConcat, operands, {{attr::kAxis, axis}}};
}

bool starts_with(std::span<const ValueId> list, std::span<const ValueId> prefix) {
  return list.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), list.begin());
}

// ab = concat(a, b); concat(a, b, c) -> concat(ab, c)
// A dense block concatenates all features so far in every layer; joining the running tensor and the
// new one copies as much, but keeps the number of inputs small.
Match<OneOp> match_concat_extends_concat(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Axis axis = op.attr(attr::kAxis);
  OpId longest;
  for (const Use& use : graph.value(op.operands[0]).uses) {
    const Op& other = graph.op(use.op);
    if (!other.is(ops::kConcat) || use.operand != 0 || other.attr(attr::kAxis) != axis) continue;
    if (other.operands.size() < 2 || !starts_with(op.operands, other.operands)) continue;
    if (graph.num_readers(other.result()) == 0 || !runs_before(graph, use.op, root)) continue;
    if (!longest.valid() || other.operands.size() > graph.op(longest).operands.size())
      longest = use.op;
  }
  if (!longest.valid()) return std::nullopt;
  std::vector<ValueId> operands = {graph.op(longest).result()};
  const auto num_shared = static_cast<std::ptrdiff_t>(graph.op(longest).operands.size());
  operands.insert(operands.end(), op.operands.begin() + num_shared, op.operands.end());
  return OneOp{op.result(), ops::kConcat, operands, {{attr::kAxis, axis}}};
}

// A slice along one axis with step 1.
struct UnitStepSlice {
  ValueId from;
  SliceRanges ranges;
};

std::optional<UnitStepSlice> cut_along(const Graph& graph, ValueId value, size_t axis) {
  const OpId slice = graph.producer_if(value, ops::kSlice);
  if (!slice.valid() || sliced_axis(graph, graph.op(slice)) != axis) return std::nullopt;
  const std::optional<SliceRanges> ranges = slice_ranges(graph, graph.op(slice));
  if (!ranges.has_value() || (*ranges)[axis].step != 1) return std::nullopt;
  return UnitStepSlice{graph.op(slice).operands[0], *ranges};
}

struct JoinCuts {
  ValueId result;
  UnitStepSlice joined;
  std::vector<ValueId> before, after;
  Axis axis;
};

// concat(x[0:2], x[2:5], y) -> concat(x[0:5], y)
Match<JoinCuts> match_concat_of_neighbours(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  for (size_t i = 0; i + 1 < op.operands.size(); ++i) {
    const std::optional<UnitStepSlice> first = cut_along(graph, op.operands[i], axis);
    const std::optional<UnitStepSlice> second = cut_along(graph, op.operands[i + 1], axis);
    if (!first.has_value() || !second.has_value() || first->from != second->from) continue;
    if (first->ranges[axis].end() != Dim(second->ranges[axis].start)) continue;
    JoinCuts found{op.result(), *first, {}, {}, op.attr(attr::kAxis)};
    Dim& count = found.joined.ranges[axis].count;
    count = count.size() + second->ranges[axis].count.size();
    const auto at = op.operands.begin() + static_cast<std::ptrdiff_t>(i);
    found.before.assign(op.operands.begin(), at);
    found.after.assign(at + 2, op.operands.end());
    return found;
  }
  return std::nullopt;
}
void join_cuts(Rewriter& rewriter, const JoinCuts& found) {
  std::vector<ValueId> operands = found.before;
  const ValueId from[] = {found.joined.from};
  operands.push_back(rewriter.create(ops::kSlice, from, slice_attrs(found.joined.ranges)));
  operands.insert(operands.end(), found.after.begin(), found.after.end());
  const NamedAttr attrs[] = {{attr::kAxis, found.axis}};
  rewriter.replace_value(found.result, rewriter.create(ops::kConcat, operands, attrs));
}

bool is_never_negative(const PerAxis& widths) {
  return std::all_of(widths.values.begin(), widths.values.end(),
                     [](int64_t width) { return width >= 0; });
}

// pad(pad(x, a), b) -> pad(x, a + b)            with the same value, adding only
Match<OneOp> match_pad_of_pad(const Graph& graph, OpId root) {
  const Op& outer = graph.op(root);
  const OpId inner_id = graph.producer_if(outer.operands[0], ops::kPad);
  if (!inner_id.valid()) return std::nullopt;
  const Op& inner = graph.op(inner_id);
  if (inner.attr(attr::kValue) != outer.attr(attr::kValue)) return std::nullopt;
  PerAxis before = outer.attr(attr::kBefore);
  PerAxis after = outer.attr(attr::kAfter);
  for (const PerAxis& widths :
       {before, after, inner.attr(attr::kBefore), inner.attr(attr::kAfter)}) {
    if (!is_never_negative(widths)) return std::nullopt;
  }
  for (size_t axis = 0; axis < before.values.size(); ++axis) {
    before.values[axis] += inner.attr(attr::kBefore).values[axis];
    after.values[axis] += inner.attr(attr::kAfter).values[axis];
  }
  return OneOp{
      outer.result(),
      ops::kPad,
      {inner.operands[0]},
      {{attr::kBefore, before}, {attr::kAfter, after}, {attr::kValue, outer.attr(attr::kValue)}}};
}

constexpr int64_t kMaxGatherIndices = 4096;

// gather(x, [2, 4, 6]) -> x[2:7:2]
Match<OneOp> match_gather_of_progression(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_known_constant(graph, op.operands[1])) return std::nullopt;
  const TensorData& constant = graph.constant(op.operands[1]);
  const bool fits =
      constant.rank() == 1 && constant.num_elems() > 0 && constant.num_elems() <= kMaxGatherIndices;
  if (!fits) return std::nullopt;
  const Ints indices = constant.to_ints();
  const int64_t step = indices.size() > 1 ? indices[1] - indices[0] : 1;
  for (size_t i = 0; i + 1 < indices.size(); ++i) {
    if (indices[i + 1] - indices[i] != step) return std::nullopt;
  }
  SliceRanges ranges = whole(graph.type(op.operands[0]).dims);
  SliceRange& range = ranges[static_cast<size_t>(op.attr(attr::kAxis).value)];
  const int64_t size = range.count.size();
  range = {indices[0], step, constant.num_elems()};
  if (step < 1 || range.start < 0 || range.end().size() > size) return std::nullopt;
  return OneOp{op.result(), ops::kSlice, {op.operands[0]}, slice_attrs(ranges)};
}

}  // namespace

std::vector<Rule> canonical_piece_rules() {
  return {
      make_rule("nothing_cut", {ops::kSlice, ops::kTile}, match_nothing_cut),
      make_rule("nothing_padded", {ops::kPad, ops::kReflectPad}, match_nothing_padded),
      make_rule("nothing_flipped", {ops::kFlip}, match_nothing_flipped),
      make_rule("slice_of_slice", {ops::kSlice}, match_slice_of_slice),
      make_rule("slice_of_piece", {ops::kSlice}, match_slice_of_piece),
      make_rule("slice_of_pieces", {ops::kSlice}, match_slice_of_pieces),
      concat_of_nothing(),
      make_rule("concat_of_one", {ops::kConcat}, match_concat_of_one),
      make_rule("concat_of_concat", {ops::kConcat}, match_concat_of_concat),
      make_rule("concat_extends_concat", {ops::kConcat}, match_concat_extends_concat),
      make_rule<JoinCuts>("concat_of_neighbours", {ops::kConcat}, match_concat_of_neighbours,
                          join_cuts),
      make_rule("pad_of_pad", {ops::kPad}, match_pad_of_pad),
      make_rule("gather_of_progression", {ops::kGather}, match_gather_of_progression),
  };
}

}  // namespace ferryman
