// Pixel shuffle next to convolutions. TFLite's DEPTH_TO_SPACE has the channels in another order
// than torch; a convolution absorbs that order in its weights.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/match.h"
#include "passes/replace.h"
#include "target/tflite/legalise.h"

namespace ferryman::tflite {

namespace {

constexpr int kMaxPointwiseSteps = 8;

bool is_convolution(const ferryman::Op& op) {
  return op.is(ops::kConv) || op.is(ops::kConvTranspose);
}

// Whether `value` comes from a convolution, through pointwise ops at most: then it lies channels
// last, and may have its channels in any order for free.
bool comes_from_conv(const Graph& graph, ValueId value) {
  for (int step = 0; step < kMaxPointwiseSteps; ++step) {
    const OpId producer = graph.producer(value);
    if (!producer.valid()) return false;
    const ferryman::Op& op = graph.op(producer);
    if (is_convolution(op)) return true;
    if (op.def->axes != AxisRule::kElementwise) return false;
    value = op.operands[0];
  }
  return false;
}

bool goes_into_conv(const Graph& graph, ValueId value) {
  const std::vector<Use>& uses = graph.value(value).uses;
  return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
    return is_convolution(graph.op(use.op)) && use.operand == 0;
  });
}

// [N, a * b, H, W] -> [N, b * a, H, W]: a relabelling, which the weights beside it absorb.
ValueId swap_channel_parts(Rewriter& rewriter, ValueId x, int64_t outer) {
  CoreWriter write(rewriter);
  const Dims dims = write.dims(x);
  const Dim inner(dims[1].size() / outer);
  const ValueId split = write.reshape(x, {dims[0], Dim(outer), inner, dims[2], dims[3]});
  return write.reshape(write.permute(split, {0, 2, 1, 3, 4}), dims);
}

// pixel_shuffle(conv(x))    channels (c, i, j)
// -> depth_to_space(swap(conv(x)))    channels (i, j, c)
Match<RootOp> match_shuffle_after_conv(const Graph& graph, OpId root) {
  const ferryman::Op& op = graph.op(root);
  if (op.attr(attr::kFactor) < 2 || !comes_from_conv(graph, op.operands[0])) return std::nullopt;
  return RootOp{root};
}

void shuffle_after_conv(Rewriter& rewriter, const RootOp& found) {
  const ferryman::Op op = rewriter.graph().op(found.op);
  const int64_t factor = op.attr(attr::kFactor);
  const int64_t channels = rewriter.graph().type(op.result()).dims[1].size();
  const ValueId swapped = swap_channel_parts(rewriter, op.operands[0], channels);
  rewriter.replace_value(op.result(),
                         rewriter.create(ops::kDepthToSpace, {swapped}, {{attr::kFactor, factor}}));
}

// conv(pixel_unshuffle(conv(x))) -> conv(swap(space_to_depth(conv(x))))
Match<RootOp> match_unshuffle_between_convs(const Graph& graph, OpId root) {
  const ferryman::Op& op = graph.op(root);
  const bool fits = op.attr(attr::kFactor) >= 2 && comes_from_conv(graph, op.operands[0]) &&
                    goes_into_conv(graph, op.result());
  if (!fits) return std::nullopt;
  return RootOp{root};
}

void unshuffle_between_convs(Rewriter& rewriter, const RootOp& found) {
  const ferryman::Op op = rewriter.graph().op(found.op);
  const int64_t factor = op.attr(attr::kFactor);
  const ValueId packed =
      rewriter.create(ops::kSpaceToDepth, {op.operands[0]}, {{attr::kFactor, factor}});
  rewriter.replace_value(op.result(), swap_channel_parts(rewriter, packed, factor * factor));
}

}  // namespace

std::vector<Rule> legal_shuffle_rules() {
  std::vector<Rule> rules;
  rules.push_back(make_rule("shuffle_after_conv", {ops::kPixelShuffle}, match_shuffle_after_conv,
                            shuffle_after_conv));
  rules.push_back(make_rule("unshuffle_between_convs", {ops::kPixelUnshuffle},
                            match_unshuffle_between_convs, unshuffle_between_convs));
  return rules;
}

}  // namespace ferryman::tflite
