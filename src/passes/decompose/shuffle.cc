// Pixel shuffles as the block ops of channels-last frameworks, which have the channels in another
// order than torch: convolutions beside them absorb that order in their weights.
#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

bool has_blocks(const Graph& graph, const Op& op) {
  return op.attr(attr::kFactor) >= 2 && graph.type(op.operands[0]).rank() == 4;
}

// [N, a * b, H, W] -> [N, b * a, H, W]: a relabelling, which the weights beside it absorb.
ValueId swap_channel_parts(CoreWriter write, ValueId x, int64_t outer) {
  const Dims dims = write.dims(x);
  const Dim inner(dims[1].size() / outer);
  const ValueId split = write.reshape(x, {dims[0], Dim(outer), inner, dims[2], dims[3]});
  return write.reshape(write.permute(split, {0, 2, 1, 3, 4}), dims);
}

// pixel_shuffle(x)            channels (c, i, j)
// -> depth_to_space(swap(x))  channels (i, j, c)
ValueId pixel_shuffle(CoreWriter write, const Op& op) {
  const int64_t factor = op.attr(attr::kFactor);
  const int64_t channels = write.graph().type(op.result()).dims[1].size();
  const ValueId swapped = swap_channel_parts(write, op.operands[0], channels);
  return write.op(ops::kDepthToSpace, {swapped}, {{attr::kFactor, factor}});
}

// pixel_unshuffle(x) -> swap(space_to_depth(x))
ValueId pixel_unshuffle(CoreWriter write, const Op& op) {
  const int64_t factor = op.attr(attr::kFactor);
  const ValueId packed = write.op(ops::kSpaceToDepth, {op.operands[0]}, {{attr::kFactor, factor}});
  return swap_channel_parts(write, packed, factor * factor);
}

}  // namespace

std::vector<Rule> shuffle_decompositions() {
  return {only_where(has_blocks,
                     decomposition("pixel_shuffle_to_blocks", {ops::kPixelShuffle}, pixel_shuffle)),
          only_where(has_blocks, decomposition("pixel_unshuffle_to_blocks", {ops::kPixelUnshuffle},
                                               pixel_unshuffle))};
}

}  // namespace ferryman
