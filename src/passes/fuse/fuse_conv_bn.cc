#include "passes/fuse/fuse_conv_bn.h"

#include "ops/names.h"
#include "passes/fuse/absorb_rules.h"

namespace ferryman {

namespace {

// conv -> batch_norm                  =>   conv'
Match<AbsorbIntoLayer> match_bn_after_layer(const Graph& graph, OpId root) {
  return match_affine_after_layer(graph, root);
}

// batch_norm -> conv                  =>   conv'
Match<AbsorbIntoLayer> match_bn_before_layer(const Graph& graph, OpId root) {
  const OpId before = graph.producer_if(graph.op(root).operands[0], ops::kBatchNorm);
  if (!before.valid()) return std::nullopt;
  return match_affine_before_layer(graph, root);
}

}  // namespace

Pass fuse_conv_bn() {
  return rewrite_pass(
      "fuse_conv_bn", "batch_norm into the convolution or linear layer before or after it",
      {make_rule<AbsorbIntoLayer>("bn_after_layer", {ops::kBatchNorm}, match_bn_after_layer,
                                  absorb_into_layer, "batch_norm folded into the layer before it"),
       make_rule<AbsorbIntoLayer>(
           "bn_before_layer", {ops::kConv, ops::kConvTranspose, ops::kLinear},
           match_bn_before_layer, absorb_into_layer, "batch_norm folded into the layer after it")});
}

}  // namespace ferryman
