// Grouped convolution over three spatial axes, in those over two: each tap of the depth is a
// convolution of frames, and they are summed.
//
//   y[d] = sum over k of conv2d(x[d * stride + k * dilation - padding], w[.., k])
#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

constexpr size_t kDepth = 2;  // of [N, C, D, H, W]

bool is_grouped_over_volumes(const Graph& graph, const Op& conv) {
  const TensorType& x = graph.type(conv.operands[0]);
  return x.rank() == 5 && conv.attr(attr::kGroups) != 1;
}

Ints without_first(const Ints& values) {
  return Ints(values.begin() + 1, values.end());
}

std::vector<NamedAttr> frame_attrs(const Op& conv) {
  std::vector<NamedAttr> attrs;
  for (const AttrKey<Ints> key :
       {attr::kStride, attr::kPaddingBefore, attr::kPaddingAfter, attr::kDilation})
    attrs.push_back({key, without_first(conv.attr(key))});
  attrs.push_back({attr::kGroups, conv.attr(attr::kGroups)});
  return attrs;
}

// [N, C, D, H, W] -> [N, D, C, H, W], padded along D: frames lie one after the other.
ValueId frames_of(CoreWriter write, const Op& conv) {
  const ValueId frames = write.permute(conv.operands[0], {0, 2, 1, 3, 4});
  const Ints before = {0, conv.attr(attr::kPaddingBefore)[0], 0, 0, 0};
  const Ints after = {0, conv.attr(attr::kPaddingAfter)[0], 0, 0, 0};
  return write.pad(frames, before, after, 0);
}

// The frames that the tap meets, as one batch of images.
ValueId frames_at(CoreWriter write, const Op& conv, ValueId frames, int64_t tap, Dim count) {
  const int64_t stride = conv.attr(attr::kStride)[0];
  const int64_t begin = tap * conv.attr(attr::kDilation)[0];
  SymbolTable& symbols = write.symbols();
  const Dim last = symbols.mul(symbols.shift(count, -1), stride);
  const ValueId met = write.slice_axis(frames, 1, begin, symbols.shift(last, begin + 1), stride);
  const Dims dims = write.dims(met);
  return write.reshape(met, {symbols.mul(dims[0], count), dims[2], dims[3], dims[4]});
}

ValueId kernel_at(CoreWriter write, ValueId weight, int64_t tap) {
  const Dims dims = write.dims(weight);
  return write.reshape(write.slice_axis(weight, kDepth, tap, tap + 1),
                       {dims[0], dims[1], dims[3], dims[4]});
}

ValueId grouped_conv3d_to_frames(CoreWriter write, const Op& conv) {
  const Dims out = write.dims(conv.result());
  const Dim count = out[kDepth];
  const ValueId frames = frames_of(write, conv);
  const int64_t taps = write.dims(conv.operands[1])[kDepth].size();
  ValueId sum;
  for (int64_t tap = 0; tap < taps; ++tap) {
    std::vector<ValueId> operands = {frames_at(write, conv, frames, tap, count),
                                     kernel_at(write, conv.operands[1], tap)};
    if (tap == 0 && conv.has_operand(2)) operands.push_back(conv.operands[2]);
    const ValueId part = write.op(ops::kConv, operands, frame_attrs(conv));
    sum = sum.valid() ? write.add(sum, part) : part;
  }
  const ValueId apart = write.reshape(sum, {out[0], out[2], out[1], out[3], out[4]});
  return write.permute(apart, {0, 2, 1, 3, 4});
}

}  // namespace

std::vector<Rule> conv3d_decompositions() {
  return {
      only_where(is_grouped_over_volumes,
                 decomposition("grouped_conv3d_to_frames", {ops::kConv}, grouped_conv3d_to_frames,
                               "grouped convolution of volumes computed frame by frame"))};
}

}  // namespace ferryman
