// Normalisations as arithmetic. Two passes over the data, mean before variance: E[x^2] - E[x]^2
// would be a little faster, and wrong for large means.
#include <cmath>

#include "ops/attrs.h"
#include "ops/layers/norm.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"
#include "passes/fuse/affine.h"

namespace ferryman {

namespace {

// (x - mean(x)) * rsqrt(mean((x - mean(x))^2) + eps)
ValueId write_centred_norm(CoreWriter write, ValueId x, const Ints& axes, double eps) {
  const NormStatistics of_x = write_statistics(write, x, axes, eps);
  return write.mul(of_x.centred, of_x.scale);
}

// layer_norm(x, w, b) -> (x - mean) * rsqrt(variance + eps) * w + b
ValueId layer_norm(CoreWriter write, const Op& norm) {
  ValueId result = write_centred_norm(write, norm.operands[0], norm.attr(attr::kAxes).values,
                                      norm.attr(attr::kEps));
  if (norm.has_operand(1)) result = write.mul(result, norm.operands[1]);
  if (norm.has_operand(2)) result = write.add(result, norm.operands[2]);
  return result;
}

// rms_norm(x, w) -> x * rsqrt(mean(x^2) + eps) * w
ValueId rms_norm(CoreWriter write, const Op& norm) {
  const ValueId x = norm.operands[0];
  const ValueId power =
      write.reduce(ops::kMean, write.square(x), norm.attr(attr::kAxes).values, /*keepdim=*/true);
  ValueId result = write.mul(x, write.unary(ops::kRsqrt, write.add(power, norm.attr(attr::kEps))));
  if (norm.has_operand(1)) result = write.mul(result, norm.operands[1]);
  return result;
}

Dims along_channels(const Dims& dims) {
  Dims result(dims.size(), Dim(1));
  result[1] = dims[1];
  return result;
}

// w and b of a group norm, along some shape of the channels; 1 and 0 cost nothing.
ValueId times_weight(CoreWriter write, const Op& norm, ValueId value, const Dims& dims) {
  return norm.has_operand(1) ? write.mul(value, write.reshape(norm.operands[1], dims)) : value;
}

ValueId plus_bias(CoreWriter write, const Op& norm, ValueId value, const Dims& dims) {
  return norm.has_operand(2) ? write.add(value, write.reshape(norm.operands[2], dims)) : value;
}

// Where a group is one channel or all of them:
//   group_norm(x [N, C, ...]) -> (x - mean) * (rsqrt(variance + eps) * w) + b
// Whole means are those of each channel or image, so the weight costs nothing of the size of x.
ValueId write_plain_group_norm(CoreWriter write, const Op& norm, const Ints& axes) {
  const ValueId x = norm.operands[0];
  const Dims channels = along_channels(write.dims(x));
  const NormStatistics of_x = write_statistics(write, x, axes, norm.attr(attr::kEps));
  const ValueId scale = times_weight(write, norm, of_x.scale, channels);
  return plus_bias(write, norm, write.mul(of_x.centred, scale), channels);
}

// x [N, C]: where each channel is a group, every element is its own mean.
ValueId write_group_norm_of_rows(CoreWriter write, const Op& norm, int64_t per_group) {
  const ValueId x = norm.operands[0];
  const Dims dims = write.dims(x);
  const Dims split = {dims[0], Dim(norm.attr(attr::kGroups)), Dim(per_group)};
  const ValueId normed = per_group == 1
                             ? write.sub(x, x)
                             : write.reshape(write_centred_norm(write, write.reshape(x, split), {2},
                                                                norm.attr(attr::kEps)),
                                             dims);
  const Dims channels = along_channels(dims);
  return plus_bias(write, norm, times_weight(write, norm, normed, channels), channels);
}

// Several channels to a group, with channels last: sums over positions and over part of the
// channels at once are slow, and so is arithmetic that repeats a number for each group. So each
// channel is centred by itself, and the rest is arithmetic on one number for each channel:
//   offset = channel's mean - group's mean
//   variance = group's mean of (mean of squares + offset^2)
//   group_norm(x [N, C, ...]) -> (x - channel's mean) * scale + (offset * scale + b)
ValueId write_group_norm_by_channels(CoreWriter write, const Op& norm) {
  const ValueId x = norm.operands[0];
  const Dims dims = write.dims(x);
  const int64_t groups = norm.attr(attr::kGroups);
  const int64_t per_group = dims[1].size() / groups;
  const Dims by_group = {dims[0], Dim(groups), Dim(per_group)};
  const Dims parameter_dims = {Dim(1), Dim(groups), Dim(per_group)};
  Dims by_channel(dims.size(), Dim(1));
  by_channel[0] = dims[0];
  by_channel[1] = dims[1];
  Ints positions = iota_axes(dims.size());
  positions.erase(positions.begin(), positions.begin() + 2);
  const auto mean = [&](ValueId value, const Ints& axes) {
    return write.reduce(ops::kMean, value, axes, /*keepdim=*/true);
  };
  const ValueId means = mean(x, positions);
  const ValueId centred = write.sub(x, means);
  const ValueId squares = mean(write.square(centred), positions);
  const ValueId channel_means = write.reshape(means, by_group);
  const ValueId offset = write.sub(channel_means, mean(channel_means, {2}));
  const ValueId variance =
      mean(write.add(write.reshape(squares, by_group), write.square(offset)), {2});
  const ValueId weight =
      norm.has_operand(1)
          ? write.reshape(norm.operands[1], parameter_dims)
          : write.constant(write.type(x).dtype, {1, groups, per_group},
                           std::vector<double>(static_cast<size_t>(dims[1].size()), 1.0), "ones");
  const ValueId scale =
      write.mul(write.unary(ops::kRsqrt, write.add(variance, norm.attr(attr::kEps))), weight);
  const ValueId shift = plus_bias(write, norm, write.mul(offset, scale), parameter_dims);
  const ValueId scaled = write.mul(centred, write.reshape(scale, by_channel));
  return write.add(scaled, write.reshape(shift, by_channel));
}

ValueId group_norm(CoreWriter write, const Op& norm) {
  const Dims dims = write.dims(norm.operands[0]);
  const int64_t groups = norm.attr(attr::kGroups);
  const int64_t per_group = dims[1].size() / groups;
  Ints axes = iota_axes(dims.size());
  axes.erase(axes.begin(), axes.begin() + (groups == 1 ? 1 : 2));
  if (axes.empty()) return write_group_norm_of_rows(write, norm, per_group);
  if (groups == 1 || per_group == 1) return write_plain_group_norm(write, norm, axes);
  return write_group_norm_by_channels(write, norm);
}

// batch_norm(x) -> x * scale + shift, along axis 1
ValueId write_affine(CoreWriter write, ValueId x, const Affine& affine) {
  const DType dtype = write.type(x).dtype;
  const Ints shape = static_sizes(along_channels(write.dims(x)));
  const ValueId scaled =
      write.mul(x, write.constant(dtype, shape, affine.scale, "batch_norm_scale"));
  return write.add(scaled, write.constant(dtype, shape, affine.shift, "batch_norm_shift"));
}

// With statistics that are computed: (x - mean) * rsqrt(variance + eps) * w + b
ValueId write_batch_norm(CoreWriter write, const Op& norm) {
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

ValueId batch_norm(CoreWriter write, const Op& norm) {
  const std::optional<Affine> affine = affine_of_batch_norm(write.graph(), norm);
  if (affine.has_value()) return write_affine(write, norm.operands[0], *affine);
  return write_batch_norm(write, norm);
}

}  // namespace

std::vector<Rule> norm_decompositions() {
  return {decomposition("batch_norm_to_arithmetic", {ops::kBatchNorm}, batch_norm),
          decomposition("layer_norm_to_arithmetic", {ops::kLayerNorm}, layer_norm),
          decomposition("rms_norm_to_arithmetic", {ops::kRmsNorm}, rms_norm),
          decomposition("group_norm_to_arithmetic", {ops::kGroupNorm}, group_norm)};
}

}  // namespace ferryman
