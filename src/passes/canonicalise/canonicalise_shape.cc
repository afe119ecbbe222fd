// reshape, permute, expand and cast: chains become one op, and ops without effect disappear.
#include <algorithm>
#include <numeric>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

ValueId operand_of(const Graph& graph, OpId op) {
  return graph.op(op).operands[0];
}

// reshape(x, shape of x) -> x             the same for expand, and cast to x's own dtype
Match<Forward> match_same_type(const Graph& graph, OpId root) {
  const ValueId x = operand_of(graph, root);
  const ValueId result = graph.op(root).result();
  if (!same_type(graph, x, result)) return std::nullopt;
  return Forward{result, x};
}

// reshape(reshape(x, a), b) -> reshape(x, b)
Match<OneOp> match_reshape_of_reshape(const Graph& graph, OpId root) {
  const OpId inner = graph.producer_if(operand_of(graph, root), ops::kReshape);
  if (!inner.valid()) return std::nullopt;
  const Op& op = graph.op(root);
  return OneOp{op.result(), ops::kReshape, {operand_of(graph, inner)}, attrs_of(op)};
}

bool is_identity(const Ints& perm) {
  return std::is_sorted(perm.begin(), perm.end());
}

// permute(x, [0, 1, 2]) -> x
Match<Forward> match_identity_permute(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (!is_identity(op.attr(attr::kPerm).values)) return std::nullopt;
  return Forward{op.result(), op.operands[0]};
}

// permute(permute(x, p), q) -> permute(x, p[q])          both map new to old
Match<OneOp> match_permute_of_permute(const Graph& graph, OpId root) {
  const Op& outer = graph.op(root);
  const OpId inner_id = graph.producer_if(outer.operands[0], ops::kPermute);
  if (!inner_id.valid()) return std::nullopt;
  const Ints& inner = graph.op(inner_id).attr(attr::kPerm).values;
  Perm joined;
  for (const int64_t axis : outer.attr(attr::kPerm).values)
    joined.values.push_back(inner[static_cast<size_t>(axis)]);
  return OneOp{
      outer.result(), ops::kPermute, {operand_of(graph, inner_id)}, {{attr::kPerm, joined}}};
}

// permute(x[n, c, 1, 1], [0, 2, 3, 1]) -> reshape(x, [n, 1, 1, c])     only unit axes move
Match<OneOp> match_permute_of_unit_axes(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const Ints& perm = op.attr(attr::kPerm).values;
  if (is_identity(perm)) return std::nullopt;
  int64_t last = -1;
  for (const int64_t axis : perm) {
    if (graph.type(op.operands[0]).dims[static_cast<size_t>(axis)] == Dim(1)) continue;
    if (axis < last) return std::nullopt;
    last = axis;
  }
  const ShapeAttr shape{graph.type(op.result()).dims};
  return OneOp{op.result(), ops::kReshape, {op.operands[0]}, {{attr::kShape, shape}}};
}

// expand(expand(x, a), b) -> expand(x, b)
Match<OneOp> match_expand_of_expand(const Graph& graph, OpId root) {
  const OpId inner = graph.producer_if(operand_of(graph, root), ops::kExpand);
  if (!inner.valid()) return std::nullopt;
  const Op& op = graph.op(root);
  return OneOp{op.result(), ops::kExpand, {operand_of(graph, inner)}, attrs_of(op)};
}

struct DropExpand {
  OpId reader;
  size_t operand;
  ValueId narrow;
};

// The op has the same result with operand `index` of these dims.
bool broadcasts_alike(const Graph& graph, const Op& op, size_t index, const Dims& dims) {
  const TensorType narrow = {graph.type(op.operands[index]).dtype, dims};
  std::vector<const TensorType*> types;
  for (const ValueId operand : op.operands)
    types.push_back(operand.valid() ? &graph.type(operand) : nullptr);
  types[index] = &narrow;
  types.resize(std::max(types.size(), op.def->operands.size()), nullptr);
  SymbolTable symbols = graph.symbols();
  const Result<std::vector<TensorType>> inferred =
      op.def->infer(InferArgs{types, op.attrs_view(), symbols});
  return inferred.ok() && inferred->front() == graph.type(op.result());
}

// add(x, expand(y)) -> add(x, y)               the op broadcasts by itself
Match<DropExpand> match_expand_before_elementwise(const Graph& graph, OpId root) {
  const ValueId wide = graph.op(root).result();
  const ValueId narrow = operand_of(graph, root);
  for (const Use& use : graph.value(wide).uses) {
    const Op& reader = graph.op(use.op);
    if (reader.def->axes != AxisRule::kElementwise || reader.operands.size() < 2) continue;
    if (!broadcasts_alike(graph, reader, use.operand, graph.type(narrow).dims)) continue;
    return DropExpand{use.op, use.operand, narrow};
  }
  return std::nullopt;
}
void drop_expand(Rewriter& rewriter, const DropExpand& found) {
  rewriter.set_operand(found.reader, found.operand, found.narrow);
}

struct ShrinkConstant {
  OpId reader;
  size_t operand;
  TensorData narrow;
};

// add(x, c[64, 64] that repeats one element) -> add(x, c[1, 1])
Match<ShrinkConstant> match_repeating_constant(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  if (op.def->axes != AxisRule::kElementwise) return std::nullopt;
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (!is_known_constant(graph, op.operands[i])) continue;
    const TensorData& wide = graph.constant(op.operands[i]);
    Ints sizes = wide.shape();
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      if (sizes[axis] > 1 && wide.is_broadcast_along(axis)) sizes[axis] = 1;
    }
    if (sizes == wide.shape()) continue;
    if (!broadcasts_alike(graph, op, i, to_dims(sizes))) continue;
    const Ints zeros(sizes.size(), 0);
    return ShrinkConstant{root, i, wide.sliced(zeros, sizes, Ints(sizes.size(), 1))};
  }
  return std::nullopt;
}
void shrink_constant(Rewriter& rewriter, const ShrinkConstant& found) {
  const ValueId wide = rewriter.graph().op(found.reader).operands[found.operand];
  const ValueId narrow = rewriter.constant(found.narrow, rewriter.graph().value(wide).name);
  rewriter.set_operand(found.reader, found.operand, narrow);
}

// Every value of `from` exists in `to`.
bool holds_all_of(DType to, DType from) {
  if (to == from || from == DType::kBool) return true;
  if (is_integer(from) && is_integer(to)) {
    const bool widens = byte_size(to) > byte_size(from);
    return widens && (is_signed_integer(to) || !is_signed_integer(from));
  }
  if (is_integer(from) && to == DType::kF32) return byte_size(from) <= 2;
  if (is_integer(from) && to == DType::kF64) return byte_size(from) <= 4;
  if (to == DType::kF32) return from == DType::kF16 || from == DType::kBF16;
  return to == DType::kF64 && is_floating(from);
}

// cast(cast(x: i32, f64), f32) -> cast(x, f32)          where the middle loses nothing
Match<OneOp> match_cast_of_cast(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const OpId inner = graph.producer_if(op.operands[0], ops::kCast);
  if (!inner.valid()) return std::nullopt;
  const ValueId x = operand_of(graph, inner);
  if (!holds_all_of(graph.type(op.operands[0]).dtype, graph.type(x).dtype)) return std::nullopt;
  return OneOp{op.result(), ops::kCast, {x}, attrs_of(op)};
}

std::vector<OpName> elementwise_roots() {
  return {ops::kAdd,       ops::kSub,       ops::kMul,   ops::kDiv, ops::kPow,
          ops::kMaximum,   ops::kMinimum,   ops::kWhere, ops::kEq,  ops::kNe,
          ops::kLt,        ops::kLe,        ops::kGt,    ops::kGe,  ops::kLogicalAnd,
          ops::kLogicalOr, ops::kLogicalXor};
}

}  // namespace

std::vector<Rule> canonical_shape_rules() {
  return {
      make_rule("identity_reshape", {ops::kReshape, ops::kExpand, ops::kCast}, match_same_type),
      make_rule("reshape_of_reshape", {ops::kReshape}, match_reshape_of_reshape),
      make_rule("identity_permute", {ops::kPermute}, match_identity_permute),
      make_rule("permute_of_permute", {ops::kPermute}, match_permute_of_permute),
      make_rule("permute_of_unit_axes", {ops::kPermute}, match_permute_of_unit_axes),
      make_rule("expand_of_expand", {ops::kExpand}, match_expand_of_expand),
      make_rule<DropExpand>("expand_before_elementwise", {ops::kExpand},
                            match_expand_before_elementwise, drop_expand),
      make_rule<ShrinkConstant>("repeating_constant", elementwise_roots(), match_repeating_constant,
                                shrink_constant),
      make_rule("cast_of_cast", {ops::kCast}, match_cast_of_cast),
  };
}

}  // namespace ferryman
