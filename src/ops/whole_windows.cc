#include "ops/whole_windows.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/emit.h"
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
Result<ValueId> emit_columns(ImportContext& call, ValueId x, const TapsAt& taps_at,
                             const Ints& out_sizes, int64_t window_elems) {
  const Ints sizes = sizes_of(call, x);
  const int64_t plane = product(spatial_of(sizes));
  const int64_t rows = sizes[0] * sizes[1];
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, x, {rows, plane}));
  const ValueId zeros =
      call.builder().constant(TensorData::filled(dtype_of(call, x), {rows, 1}, 0), "zeros");
  FERRYMAN_TRY(const ValueId padded, emit_concat(call, std::array{flat, zeros}, 1));
  const Ints positions = positions_under(taps_at, out_sizes, window_elems, plane);
  const auto count = static_cast<int64_t>(positions.size());
  return emit_gather(call, padded, int_constant(call, {count}, positions), 1);
}

// [groups, outputs of a group, inputs of a group * window]
Result<ValueId> emit_grouped_weight(ImportContext& call, const WholeConv& conv) {
  const Ints sizes = sizes_of(call, conv.weight);
  const int64_t window_elems = product(spatial_of(sizes));
  if (conv.order == WholeConv::Weight::kOutIn)
    return emit_reshape(call, conv.weight, {conv.groups, sizes[0] / conv.groups, -1});
  const int64_t inputs = sizes[0] / conv.groups;
  FERRYMAN_TRY(const ValueId grouped,
               emit_reshape(call, conv.weight, {conv.groups, inputs, sizes[1], window_elems}));
  FERRYMAN_TRY(const ValueId turned, emit_permute(call, grouped, {0, 2, 1, 3}));
  return emit_reshape(call, turned, {conv.groups, sizes[1], inputs * window_elems});
}

}  // namespace

Result<ValueId> emit_whole_conv(ImportContext& call, const WholeConv& conv, const Ints& out_sizes,
                                const TapsAt& taps_at) {
  const Ints x = sizes_of(call, conv.x);
  const Ints weight = sizes_of(call, conv.weight);
  const int64_t inputs = weight[conv.order == WholeConv::Weight::kOutIn ? 1 : 0];
  const bool fits =
      conv.groups >= 1 && weight[0] % conv.groups == 0 && x.size() == weight.size() &&
      (conv.order == WholeConv::Weight::kOutIn ? inputs * conv.groups : inputs) == x[1];
  if (!fits) return call.unsupported("channels that do not fit the weight");
  const int64_t window_elems = product(spatial_of(weight));
  FERRYMAN_TRY(const ValueId columns, emit_columns(call, conv.x, taps_at, out_sizes, window_elems));
  const int64_t num_out = product(out_sizes);
  FERRYMAN_TRY(
      const ValueId grouped,
      emit_reshape(call, columns, {x[0], conv.groups, x[1] / conv.groups * window_elems, num_out}));
  FERRYMAN_TRY(const ValueId kernel, emit_grouped_weight(call, conv));
  FERRYMAN_TRY(const ValueId product, call.emit(ops::kMatmul, {kernel, grouped}));
  const int64_t channels = sizes_of(call, product)[1] * sizes_of(call, product)[2];
  Ints shape = {x[0], channels};
  shape.insert(shape.end(), out_sizes.begin(), out_sizes.end());
  FERRYMAN_TRY(const ValueId result, emit_reshape(call, product, shape));
  if (!conv.bias.valid()) return result;
  Ints bias_shape(shape.size() - 1, 1);
  bias_shape[0] = channels;
  FERRYMAN_TRY(const ValueId bias, emit_reshape(call, conv.bias, bias_shape));
  return call.emit(ops::kAdd, {result, bias});
}

Result<ValueId> emit_whole_avg_pool(ImportContext& call, ValueId x, const Window& window,
                                    const PoolDivisor& divisor, const Ints& out_sizes) {
  const Ints sizes = sizes_of(call, x);
  const Ints in_sizes = spatial_of(sizes);
  const int64_t window_elems = product(window.kernel);
  const int64_t num_out = product(out_sizes);
  const TapsAt taps_at = [&](const Ints& out) { return window.taps_at(in_sizes, out); };
  FERRYMAN_TRY(const ValueId columns, emit_columns(call, x, taps_at, out_sizes, window_elems));
  FERRYMAN_TRY(const ValueId grouped,
               emit_reshape(call, columns, {sizes[0] * sizes[1], window_elems, num_out}));
  FERRYMAN_TRY(const ValueId sums, call.emit(ops::kSum, {grouped},
                                             {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, false}}));
  Ints divisors;
  for_each_index(out_sizes,
                 [&](const Ints& out) { divisors.push_back(divisor.at(window, in_sizes, out)); });
  if (std::find(divisors.begin(), divisors.end(), 0) != divisors.end())
    return call.unsupported("a mean of nothing");
  FERRYMAN_TRY(const ValueId counts,
               call.emit(ops::kCast, {int_constant(call, {num_out}, divisors)},
                         {{attr::kDType, dtype_of(call, x)}}));
  FERRYMAN_TRY(const ValueId means, call.emit(ops::kTruncDivide, {sums, counts}));
  Ints shape = {sizes[0], sizes[1]};
  shape.insert(shape.end(), out_sizes.begin(), out_sizes.end());
  return emit_reshape(call, means, shape);
}

}  // namespace ferryman
