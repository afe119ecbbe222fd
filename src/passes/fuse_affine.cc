#include "passes/fuse_affine.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/absorb_rules.h"
#include "passes/constants.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

std::vector<OpName> affine_ops() {
  return {ops::kAdd, ops::kMul, ops::kDiv, ops::kNeg};
}

Match<AbsorbIntoLayer> match_constants_before_layer(const Graph& graph, OpId root) {
  const OpId before = graph.producer(graph.op(root).operands[0]);
  if (!before.valid() || graph.op(before).is(ops::kBatchNorm)) return std::nullopt;
  return match_affine_before_layer(graph, root);
}

// Operand positions of layer_norm; rms_norm has no bias.
constexpr size_t kNormWeight = 1;
constexpr size_t kNormBias = 2;

struct NormIntoReaders {
  ValueId result, x;
  OpName norm;
  std::vector<NamedAttr> attrs;
  std::vector<std::pair<ValueId, Absorbed>> readers;
};

// What the weight and bias of a norm over the last axis do.
std::optional<Affine> affine_of_norm(const Graph& graph, const Op& norm) {
  const Dims& dims = graph.type(norm.result()).dims;
  const auto last = static_cast<int64_t>(dims.size()) - 1;
  if (norm.attr(attr::kAxes).values != Ints{last} || !dims.back().is_static()) return std::nullopt;
  const auto channels = static_cast<size_t>(dims.back().size());
  Affine affine{norm.result(), std::vector<double>(channels, 1.0),
                std::vector<double>(channels, 0.0)};
  if (norm.has_operand(kNormWeight)) {
    if (!is_known_constant(graph, norm.operands[kNormWeight])) return std::nullopt;
    affine.scale = graph.constant(norm.operands[kNormWeight]).to_doubles();
  }
  if (norm.has_operand(kNormBias)) {
    if (!is_known_constant(graph, norm.operands[kNormBias])) return std::nullopt;
    affine.shift = graph.constant(norm.operands[kNormBias]).to_doubles();
  }
  return affine;
}

// layer_norm(x, weight, bias) -> linear, linear      =>   layer_norm(x) -> linear', linear'
Match<NormIntoReaders> match_norm_before_linear(const Graph& graph, OpId root) {
  const Op& norm = graph.op(root);
  if (!norm.has_operand(kNormWeight) && !norm.has_operand(kNormBias)) return std::nullopt;
  const std::optional<Affine> affine = affine_of_norm(graph, norm);
  if (!affine.has_value()) return std::nullopt;
  const std::vector<Use>& uses = graph.value(norm.result()).uses;
  if (uses.empty() || uses.size() != graph.num_readers(norm.result())) return std::nullopt;
  NormIntoReaders found{
      norm.result(), norm.operands[0], OpName{norm.def->name}, attrs_of(norm), {}};
  for (const Use& use : uses) {
    const Op& reader = graph.op(use.op);
    if (!reader.is(ops::kLinear) || use.operand != 0) return std::nullopt;
    std::optional<Absorbed> absorbed = scale_operand(graph, reader, *affine);
    if (!absorbed.has_value()) return std::nullopt;
    found.readers.emplace_back(reader.result(), *std::move(absorbed));
  }
  return found;
}
void absorb_norm(Rewriter& rewriter, const NormIntoReaders& found) {
  const ValueId operands[] = {found.x};
  const ValueId plain = rewriter.create(found.norm, operands, found.attrs);
  for (auto [result, absorbed] : found.readers) {
    const OpId reader = rewriter.graph().producer(result);
    rewriter.insert_before(reader);
    absorbed.x = plain;
    rewriter.replace_value(result, create_absorbed(rewriter, absorbed));
    rewriter.erase_dead(reader);
  }
}

// A product or sum with a constant that a layer takes in, found behind ops that move elements only.
bool comes_from_layer(const Graph& graph, ValueId value) {
  while (has_one_reader(graph, value)) {
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return false;
    const Op& op = graph.op(producer);
    if (op.is(ops::kLinear) || op.is(ops::kConv)) return is_known_constant(graph, op.operands[1]);
    if (!op.is(ops::kReshape) && !op.is(ops::kPermute)) return false;
    value = op.operands[0];
  }
  return false;
}

struct ScaleFirst {
  ValueId result, x;
  OpName move;
  std::vector<NamedAttr> move_attrs;
  double factor;
};

// mul(permute(linear(x)), 0.5) -> permute(mul(linear(x), 0.5))         likewise reshape
Match<ScaleFirst> match_scale_after_move(const Graph& graph, OpId root) {
  const Op& mul = graph.op(root);
  for (const size_t side : {size_t{0}, size_t{1}}) {
    const std::optional<double> factor = uniform_value(graph, mul.operands[1 - side]);
    const ValueId moved = mul.operands[side];
    const OpId move = graph.producer(moved);
    if (!factor.has_value() || !move.valid() || !same_type(graph, moved, mul.result())) continue;
    const Op& op = graph.op(move);
    if (!op.is(ops::kReshape) && !op.is(ops::kPermute)) continue;
    if (!is_floating(graph, moved) || !comes_from_layer(graph, moved)) continue;
    return ScaleFirst{mul.result(), op.operands[0], OpName{op.def->name}, attrs_of(op), *factor};
  }
  return std::nullopt;
}
void scale_first(Rewriter& rewriter, const ScaleFirst& found) {
  const ValueId factor = rewriter.scalar(rewriter.graph().type(found.x).dtype, found.factor);
  const ValueId scaled = rewriter.create(ops::kMul, {found.x, factor});
  const ValueId operands[] = {scaled};
  rewriter.replace_value(found.result, rewriter.create(found.move, operands, found.move_attrs));
}

// matmul(x, constant [I, O]) -> linear(x, the constant turned)
Match<OneOp> match_matmul_by_constant(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const ValueId weight = op.operands[1];
  const bool fits = is_known_constant(graph, weight) && graph.type(weight).rank() == 2 &&
                    is_floating(graph, weight) && graph.type(op.operands[0]).rank() >= 2 &&
                    !graph.is_constant(op.operands[0]);
  if (!fits) return std::nullopt;
  return OneOp{op.result(),
               ops::kLinear,
               {op.operands[0]},
               {},
               graph.constant(weight).permuted({1, 0}),
               graph.value(weight).name};
}

}  // namespace

Pass fuse_affine() {
  return rewrite_pass(
      "fuse_affine", "constant factors and offsets along channels into the layers around them",
      {make_rule("matmul_by_constant", {ops::kMatmul}, match_matmul_by_constant),
       make_rule<ScaleFirst>("scale_after_move", {ops::kMul}, match_scale_after_move, scale_first),
       make_rule<AbsorbIntoLayer>("constants_after_layer", affine_ops(), match_affine_after_layer,
                                  absorb_into_layer, "constants folded into the layer before them"),
       make_rule<AbsorbIntoLayer>("constants_before_layer",
                                  {ops::kConv, ops::kConvTranspose, ops::kLinear},
                                  match_constants_before_layer, absorb_into_layer,
                                  "constants folded into the layer after them")});
}

Pass fuse_norm_affine() {
  return rewrite_pass(
      "fuse_norm_affine", "weight and bias of a norm into the linear layers that read it",
      {make_rule<NormIntoReaders>("norm_before_linear", {ops::kLayerNorm, ops::kRmsNorm},
                                  match_norm_before_linear, absorb_norm,
                                  "weight and bias folded into the linear layers after it")});
}

}  // namespace ferryman
