#include "passes/fuse/fuse_affine.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/fold/constants.h"
#include "passes/fuse/absorb_rules.h"
#include "passes/fuse/norm_operands.h"
#include "passes/fuse/stored_twice.h"
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

// A linear layer behind a norm, and the relabelling ops between, the first first.
struct NormReader {
  OpId layer;
  std::vector<OpId> between;
};

struct NormIntoReaders {
  ValueId result, x;
  OpName norm;
  std::vector<NamedAttr> attrs;
  std::vector<NormReader> readers;
  std::vector<Absorbed> absorbed;  // for each reader
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

// Whether a reshape or permute leaves the last axis alone.
bool keeps_last_axis(const Graph& graph, const Op& op) {
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  if (from.empty() || to.empty() || !(from.back() == to.back())) return false;
  if (op.is(ops::kReshape)) return true;
  return op.is(ops::kPermute) &&
         op.attr(attr::kPerm).values.back() == static_cast<int64_t>(from.size()) - 1;
}

// All readers of the value, if they are linear layers, behind relabelling ops or not.
bool find_readers(const Graph& graph, ValueId value, std::vector<OpId>& between,
                  std::vector<NormReader>& found) {
  const Uses& uses = graph.value(value).uses;
  if (uses.empty() || uses.size() != graph.num_readers(value)) return false;
  for (const Use& use : uses) {
    const Op& reader = graph.op(use.op);
    if (reader.is(ops::kLinear) && use.operand == 0) {
      if (!is_weighted(graph, reader) || !is_known_constant(graph, reader.operands[1]))
        return false;
      found.push_back({use.op, between});
      continue;
    }
    if (!keeps_last_axis(graph, reader)) return false;
    between.push_back(use.op);
    const bool all_fit = find_readers(graph, reader.result(), between, found);
    between.pop_back();
    if (!all_fit) return false;
  }
  return true;
}

// A norm whose weight and bias all its readers can take.
struct FoldableNorm {
  Affine affine;
  std::vector<NormReader> readers;
};

std::optional<FoldableNorm> foldable_norm(const Graph& graph, const Op& norm) {
  if (!norm.has_operand(kNormWeight) && !norm.has_operand(kNormBias)) return std::nullopt;
  std::optional<Affine> affine = affine_of_norm(graph, norm);
  if (!affine.has_value()) return std::nullopt;
  FoldableNorm found{*std::move(affine), {}};
  std::vector<OpId> between;
  if (!find_readers(graph, norm.result(), between, found.readers)) return std::nullopt;
  return found;
}

// The norm before a linear layer, relabelling ops in between.
OpId norm_in_front(const Graph& graph, OpId layer) {
  ValueId value = graph.op(layer).operands[0];
  for (OpId id = graph.producer(value); id.valid(); id = graph.producer(value)) {
    const Op& op = graph.op(id);
    if (op.is(ops::kLayerNorm) || op.is(ops::kRmsNorm)) return id;
    if (!keeps_last_axis(graph, op)) break;
    value = op.operands[0];
  }
  return OpId();
}

// Another layer with the same weight, behind a norm that does the same.
bool is_scaled_alike(const Graph& graph, OpId layer, const Affine& affine) {
  if (!graph.op(layer).is(ops::kLinear)) return false;
  const OpId norm = norm_in_front(graph, layer);
  if (!norm.valid()) return false;
  const std::optional<FoldableNorm> found = foldable_norm(graph, graph.op(norm));
  return found.has_value() && found->affine.scale == affine.scale;
}

std::optional<std::string> why_not_folded(const Graph& graph, const Op& norm,
                                          const FoldableNorm& found) {
  if (!found.affine.has_scale()) return std::nullopt;
  // A product, and a sum where there is a bias.
  const int64_t operators = found.affine.has_shift() ? 2 : 1;
  const int64_t moved = operators * moved_bytes(graph, norm.result());
  for (const NormReader& reader : found.readers) {
    auto why = why_not_twice(graph, reader.layer, moved, [&](OpId other) {
      return is_scaled_alike(graph, other, found.affine);
    });
    if (why.has_value()) return why;
  }
  return std::nullopt;
}

// layer_norm(x, weight, bias) -> linear, linear      =>   layer_norm(x) -> linear', linear'
Match<NormIntoReaders> match_norm_before_linear(const Graph& graph, OpId root) {
  const Op& norm = graph.op(root);
  std::optional<FoldableNorm> found = foldable_norm(graph, norm);
  if (!found.has_value()) return std::nullopt;
  if (auto why = why_not_folded(graph, norm, *found)) return Refused{*std::move(why)};
  NormIntoReaders fold{norm.result(),  norm.operands[0],          OpName{norm.def->name},
                       attrs_of(norm), std::move(found->readers), {}};
  for (const NormReader& reader : fold.readers) {
    std::optional<Absorbed> absorbed = scale_operand(graph, graph.op(reader.layer), found->affine);
    if (!absorbed.has_value()) return std::nullopt;
    fold.absorbed.push_back(*std::move(absorbed));
  }
  return fold;
}

// The plain norm's value seen through the same relabellings. New ones: the old ones' names stand
// for values with weight and bias.
ValueId relabelled(Rewriter& rewriter, ValueId value, const std::vector<OpId>& ops) {
  for (const OpId id : ops) {
    const Op op = rewriter.graph().op(id);
    const ValueId operands[] = {value};
    value = rewriter.create(OpName{op.def->name}, operands, attrs_of(op));
  }
  return value;
}

void absorb_norm(Rewriter& rewriter, const NormIntoReaders& found) {
  const ValueId operands[] = {found.x};
  const ValueId plain = rewriter.create(found.norm, operands, found.attrs);
  for (size_t i = 0; i < found.readers.size(); ++i) {
    const auto& [layer, between] = found.readers[i];
    rewriter.insert_before(layer);
    Absorbed absorbed = found.absorbed[i];
    absorbed.x = relabelled(rewriter, plain, between);
    rewriter.replace_value(rewriter.graph().op(layer).result(),
                           create_absorbed(rewriter, absorbed));
    rewriter.erase_dead(layer);
  }
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
