// Normalisations as the arithmetic that the runtime executes in one partition. Two passes over the
// data, mean before variance: E[x^2] - E[x]^2 would be a little faster, and wrong for large means.
#include <cmath>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/affine.h"
#include "passes/match.h"
#include "target/tflite/legalise.h"

namespace ferryman::tflite {

namespace {

// (x - mean(x)) * rsqrt(mean((x - mean(x))^2) + eps)
ValueId write_centred_norm(CoreWriter& write, ValueId x, const Ints& axes, double eps) {
  const ValueId mean = write.reduce(ops::kMean, x, axes, /*keepdim=*/true);
  const ValueId centred = write.sub(x, mean);
  const ValueId variance =
      write.reduce(ops::kMean, write.unary(ops::kSquare, centred), axes, /*keepdim=*/true);
  return write.mul(centred, write.unary(ops::kRsqrt, write.add(variance, eps)));
}

Match<RootOp> match_any(const Graph&, OpId root) {
  return RootOp{root};
}

// layer_norm(x, w, b) -> (x - mean) * rsqrt(variance + eps) * w + b
void layer_norm_to_arithmetic(Rewriter& rewriter, const RootOp& found) {
  const Op norm = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  ValueId result = write_centred_norm(write, norm.operands[0], norm.attr(attr::kAxes).values,
                                      norm.attr(attr::kEps));
  if (norm.has_operand(1)) result = write.mul(result, norm.operands[1]);
  if (norm.has_operand(2)) result = write.add(result, norm.operands[2]);
  rewriter.replace_value(norm.result(), result);
}

// rms_norm(x, w) -> x * rsqrt(mean(x^2) + eps) * w
void rms_norm_to_arithmetic(Rewriter& rewriter, const RootOp& found) {
  const Op norm = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = norm.operands[0];
  const ValueId power = write.reduce(ops::kMean, write.unary(ops::kSquare, x),
                                     norm.attr(attr::kAxes).values, /*keepdim=*/true);
  ValueId result = write.mul(x, write.unary(ops::kRsqrt, write.add(power, norm.attr(attr::kEps))));
  if (norm.has_operand(1)) result = write.mul(result, norm.operands[1]);
  rewriter.replace_value(norm.result(), result);
}

Dims along_channels(const Dims& dims) {
  Dims result(dims.size(), Dim(1));
  result[1] = dims[1];
  return result;
}

// group_norm(x [N, C, ...]) -> reshape(norm(reshape(x) [N, G, C / G, ...] over axes 2...)) * w + b
// The middle axis is left out where a group has one channel, the group axis where there is one.
void group_norm_to_arithmetic(Rewriter& rewriter, const RootOp& found) {
  const Op norm = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = norm.operands[0];
  const Dims dims = write.dims(x);
  const int64_t groups = norm.attr(attr::kGroups);
  const int64_t per_group = dims[1].size() / groups;
  Dims split = dims;
  Ints axes = iota_axes(dims.size());
  axes.erase(axes.begin(), axes.begin() + (groups == 1 ? 1 : 2));
  if (groups > 1 && per_group > 1) {
    split[1] = Dim(groups);
    split.insert(split.begin() + 2, Dim(per_group));
    axes.push_back(static_cast<int64_t>(dims.size()));
  }
  ValueId result = write.reshape(x, split);
  if (axes.empty()) {  // [N, C] with a channel for each group: every element is its own mean
    result = write.sub(result, result);
  } else {
    result = write_centred_norm(write, result, axes, norm.attr(attr::kEps));
  }
  result = write.reshape(result, dims);
  const Dims parameter_dims = along_channels(dims);
  if (norm.has_operand(1))
    result = write.mul(result, write.reshape(norm.operands[1], parameter_dims));
  if (norm.has_operand(2))
    result = write.add(result, write.reshape(norm.operands[2], parameter_dims));
  rewriter.replace_value(norm.result(), result);
}

// batch_norm(x [N, C, H, W]) -> conv(x, scale [C, 1, 1, 1], shift) {groups=C}
// One delegated operator, with a place for the activation after it.
ValueId write_depthwise(Rewriter& rewriter, ValueId x, const Affine& affine) {
  CoreWriter write(rewriter);
  const DType dtype = write.type(x).dtype;
  const int64_t channels = write.dims(x)[1].size();
  const ValueId scale =
      write.constant(dtype, {channels, 1, 1, 1}, affine.scale, "batch_norm_scale");
  const ValueId shift = write.constant(dtype, {channels}, affine.shift, "batch_norm_shift");
  return rewriter.create(ops::kConv, {x, scale, shift},
                         {{attr::kStride, Ints{1, 1}},
                          {attr::kDilation, Ints{1, 1}},
                          {attr::kPaddingBefore, Ints{0, 0}},
                          {attr::kPaddingAfter, Ints{0, 0}},
                          {attr::kGroups, channels}});
}

// batch_norm(x) -> x * scale + shift, along axis 1
ValueId write_affine(CoreWriter& write, ValueId x, const Affine& affine) {
  const DType dtype = write.type(x).dtype;
  const Ints shape = static_sizes(along_channels(write.dims(x)));
  const ValueId scaled =
      write.mul(x, write.constant(dtype, shape, affine.scale, "batch_norm_scale"));
  return write.add(scaled, write.constant(dtype, shape, affine.shift, "batch_norm_shift"));
}

// With statistics that are computed: (x - mean) * rsqrt(variance + eps) * w + b
ValueId write_batch_norm(CoreWriter& write, const Op& norm) {
  const ValueId x = norm.operands[0];
  const Dims dims = along_channels(write.dims(x));
  const ValueId centred = write.sub(x, write.reshape(norm.operands[1], dims));
  const ValueId variance = write.add(norm.operands[2], norm.attr(attr::kEps));
  ValueId scale = write.unary(ops::kRsqrt, variance);
  if (norm.has_operand(3)) scale = write.mul(scale, norm.operands[3]);
  const ValueId scaled = write.mul(centred, write.reshape(scale, dims));
  if (!norm.has_operand(4)) return scaled;
  return write.add(scaled, write.reshape(norm.operands[4], dims));
}

void batch_norm_to_arithmetic(Rewriter& rewriter, const RootOp& found) {
  const Op norm = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = norm.operands[0];
  const std::optional<Affine> affine = affine_of_batch_norm(rewriter.graph(), norm);
  ValueId result;
  if (!affine.has_value()) {
    result = write_batch_norm(write, norm);
  } else if (write.dims(x).size() == 4) {
    result = write_depthwise(rewriter, x, *affine);
  } else {
    result = write_affine(write, x, *affine);
  }
  rewriter.replace_value(norm.result(), result);
}

}  // namespace

std::vector<Rule> legal_norm_rules() {
  std::vector<Rule> rules;
  rules.push_back(make_rule("batch_norm_to_arithmetic", {ops::kBatchNorm}, match_any,
                            batch_norm_to_arithmetic));
  rules.push_back(make_rule("layer_norm_to_arithmetic", {ops::kLayerNorm}, match_any,
                            layer_norm_to_arithmetic));
  rules.push_back(
      make_rule("rms_norm_to_arithmetic", {ops::kRmsNorm}, match_any, rms_norm_to_arithmetic));
  rules.push_back(make_rule("group_norm_to_arithmetic", {ops::kGroupNorm}, match_any,
                            group_norm_to_arithmetic));
  return rules;
}

}  // namespace ferryman::tflite
