// A batch norm of images as a depthwise convolution.
#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/fuse/affine.h"
#include "targets/tflite/legalise/legalise.h"

namespace ferryman::tflite {

namespace {

struct KnownNorm {
  OpId op;
  Affine affine;
};

Match<KnownNorm> match_batch_norm_of_image(const Graph& graph, OpId root) {
  const Op& norm = graph.op(root);
  const std::optional<Affine> affine = affine_of_batch_norm(graph, norm);
  if (!affine.has_value() || graph.type(norm.operands[0]).rank() != 4) return std::nullopt;
  return KnownNorm{root, *affine};
}

// batch_norm(x [N, C, H, W]) -> conv(x, scale [C, 1, 1, 1], shift) {groups=C}
// One delegated operator, with a place for the activation after it.
void batch_norm_to_depthwise(Rewriter& rewriter, const KnownNorm& found) {
  const Op norm = rewriter.graph().op(found.op);
  const ValueId x = norm.operands[0];
  CoreWriter write(rewriter);
  const DType dtype = write.type(x).dtype;
  const int64_t channels = write.dims(x)[1].size();
  const ValueId scale =
      write.constant(dtype, {channels, 1, 1, 1}, found.affine.scale, "batch_norm_scale");
  const ValueId shift = write.constant(dtype, {channels}, found.affine.shift, "batch_norm_shift");
  const ValueId conv = rewriter.create(ops::kConv, {x, scale, shift},
                                       {{attr::kStride, Ints{1, 1}},
                                        {attr::kDilation, Ints{1, 1}},
                                        {attr::kPaddingBefore, Ints{0, 0}},
                                        {attr::kPaddingAfter, Ints{0, 0}},
                                        {attr::kGroups, channels}});
  rewriter.replace_value(norm.result(), conv);
}

}  // namespace

std::vector<Rule> legal_norm_rules() {
  return {make_rule("batch_norm_to_depthwise", {ops::kBatchNorm}, match_batch_norm_of_image,
                    batch_norm_to_depthwise)};
}

}  // namespace ferryman::tflite
