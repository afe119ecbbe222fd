#include "ops/spatial/whole_windows.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/names.h"

namespace ferryman {

namespace {

Ints spatial_of(const Ints& sizes) {
  return Ints(sizes.begin() + 2, sizes.end());
}

// Where in a flattened plane the elements under the windows stand, [window, position of the
// result]; `nothing` where a window reaches outside.
Ints positions_under(const TapsAt& taps_at, const Ints& out_sizes, int64_t window_elems,
                     int64_t nothing) {
  const int64_t num_out = product(out_sizes);
  Ints positions(static_cast<size_t>(window_elems * num_out), nothing);
  int64_t out = 0;
  for_each_index(out_sizes, [&](const Ints& out_index) {
    for (const Tap& tap : taps_at(out_index))
      positions[static_cast<size_t>(tap.kernel * num_out + out)] = tap.input;
    ++out;
  });
  return positions;
}

// [N * C, window * positions]: a plane of x, a zero behind it, and what is taken from there.
ValueId emit_columns(CoreWriter write, ValueId x, const TapsAt& taps_at, const Ints& out_sizes,
                     int64_t window_elems) {
  const Ints sizes = write.sizes(x);
  const int64_t plane = product(spatial_of(sizes));
  const int64_t rows = sizes[0] * sizes[1];
  const ValueId flat = write.reshape(x, {rows, plane});
  const ValueId zeros = write.constant(TensorData::filled(write.dtype(x), {rows, 1}, 0), "zeros");
  const ValueId padded = write.concat(std::array{flat, zeros}, 1);
  const Ints positions = positions_under(taps_at, out_sizes, window_elems, plane);
  const auto count = static_cast<int64_t>(positions.size());
  return write.gather(padded, 1, write.indices({count}, positions));
}

// [groups, outputs of a group, inputs of a group * window]
ValueId emit_grouped_weight(CoreWriter write, const WholeConv& conv) {
  const Ints sizes = write.sizes(conv.weight);
  const int64_t window_elems = product(spatial_of(sizes));
  if (conv.order == WholeConv::Weight::kOutIn)
    return write.reshape(conv.weight, {conv.groups, sizes[0] / conv.groups, -1});
  const int64_t inputs = sizes[0] / conv.groups;
  const ValueId grouped = write.reshape(conv.weight, {conv.groups, inputs, sizes[1], window_elems});
  const ValueId turned = write.permute(grouped, {0, 2, 1, 3});
  return write.reshape(turned, {conv.groups, sizes[1], inputs * window_elems});
}

}  // namespace

ValueId emit_whole_conv(CoreWriter write, const WholeConv& conv, const Ints& out_sizes,
                        const TapsAt& taps_at) {
  const Ints x = write.sizes(conv.x);
  const Ints weight = write.sizes(conv.weight);
  const int64_t inputs = weight[conv.order == WholeConv::Weight::kOutIn ? 1 : 0];
  const bool fits =
      conv.groups >= 1 && weight[0] % conv.groups == 0 && x.size() == weight.size() &&
      (conv.order == WholeConv::Weight::kOutIn ? inputs * conv.groups : inputs) == x[1];
  if (!fits) return write.refuse("channels that do not fit the weight");
  const int64_t window_elems = product(spatial_of(weight));
  const ValueId columns = emit_columns(write, conv.x, taps_at, out_sizes, window_elems);
  const int64_t num_out = product(out_sizes);
  const ValueId grouped =
      write.reshape(columns, {x[0], conv.groups, x[1] / conv.groups * window_elems, num_out});
  const ValueId kernel = emit_grouped_weight(write, conv);
  const ValueId product = write.binary(ops::kMatmul, kernel, grouped);
  const int64_t channels = write.size(product, 1) * write.size(product, 2);
  Ints shape = {x[0], channels};
  shape.insert(shape.end(), out_sizes.begin(), out_sizes.end());
  const ValueId result = write.reshape(product, shape);
  if (!conv.bias.valid()) return result;
  Ints bias_shape(shape.size() - 1, 1);
  bias_shape[0] = channels;
  const ValueId bias = write.reshape(conv.bias, bias_shape);
  return write.add(result, bias);
}

ValueId emit_whole_avg_pool(CoreWriter write, ValueId x, const Window& window,
                            const PoolDivisor& divisor, const Ints& out_sizes) {
  const Ints sizes = write.sizes(x);
  const Ints in_sizes = spatial_of(sizes);
  const int64_t window_elems = product(window.kernel);
  const int64_t num_out = product(out_sizes);
  const TapsAt taps_at = [&](const Ints& out) { return window.taps_at(in_sizes, out); };
  const ValueId columns = emit_columns(write, x, taps_at, out_sizes, window_elems);
  const ValueId grouped = write.reshape(columns, {sizes[0] * sizes[1], window_elems, num_out});
  const ValueId sums = write.reduce(ops::kSum, grouped, {1}, /*keepdim=*/false);
  Ints divisors;
  for_each_index(out_sizes,
                 [&](const Ints& out) { divisors.push_back(divisor.at(window, in_sizes, out)); });
  if (std::find(divisors.begin(), divisors.end(), 0) != divisors.end())
    return write.refuse("a mean of nothing");
  const ValueId counts = write.cast(write.indices({num_out}, divisors), write.dtype(x));
  const ValueId means = write.binary(ops::kTruncDivide, sums, counts);
  Ints shape = {sizes[0], sizes[1]};
  shape.insert(shape.end(), out_sizes.begin(), out_sizes.end());
  return write.reshape(means, shape);
}

}  // namespace ferryman
