// Transposed convolution as a convolution on the small grid: every phase of the stride has its own
// kernel, and the phases are interleaved.
//
//   conv_transpose(x, w) {stride=[s, s]}
//     -> slice(pixel_shuffle(conv(x, w'), s))          w' [O * s * s, I, m, m], m = ceil(k / s)
//
// With full[q] = sum over i, k of x[i] * w[k] where i * s + k = q, and q = t * s + a:
//   full[t * s + a] = sum over u of x[t - u] * w[a + u * s]
// which is a convolution over x for each phase a, its window reversed. torch's padding crops q, its
// output_padding prolongs it.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/eval.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"
#include "passes/match.h"

namespace ferryman {

namespace {

// One spatial axis: the sizes of the convolution on the small grid.
struct PhasedAxis {
  int64_t stride = 1;    // phases
  int64_t dilation = 1;  // of the given kernel
  int64_t kernel = 1;    // of the given kernel
  int64_t taps = 1;      // of each phase
  int64_t tap_step = 1;  // dilation of the phase kernel
  int64_t before = 0;    // padding
  int64_t after = 0;
  int64_t crop = 0;  // elements of the interleaved result before the first that is wanted
  Dim out_size = 1;

  // The tap of the given kernel at position `u` of phase `phase`, counted from the last; -1: none.
  int64_t source_tap(int64_t phase, int64_t u) const {
    const int64_t position = phase + (taps - 1 - u) * tap_step * stride;
    if (position % dilation != 0 || position / dilation >= kernel) return -1;
    return position / dilation;
  }
};

// Of free sizes the padding must be a number all the same.
PhasedAxis phased_axis(SymbolTable& symbols, const Op& op, size_t axis, Dim in_size, int64_t kernel,
                       Dim out_size) {
  PhasedAxis result;
  result.stride = op.attr(attr::kStride)[axis];
  result.dilation = op.attr(attr::kDilation)[axis];
  result.kernel = kernel;
  result.out_size = out_size;
  const int64_t extent = (kernel - 1) * result.dilation + 1;
  // Without a stride there is one phase, and dilation can stay what it is.
  result.tap_step = result.stride == 1 ? result.dilation : 1;
  result.taps = result.stride == 1 ? kernel : (extent + result.stride - 1) / result.stride;
  const int64_t reach = (result.taps - 1) * result.tap_step;
  const int64_t padding = op.attr(attr::kPaddingBefore)[axis];
  // Grid positions [first, end) hold everything that is wanted.
  const int64_t first = std::min(padding / result.stride, reach);
  const SizeExpr wanted_end =
      symbols.quotient(symbols.of(out_size) + (padding + result.stride - 1), result.stride);
  const SizeExpr missing = wanted_end - symbols.of(in_size);
  if (!missing.number().has_value()) throw SizeError("a padding depends on a size that is free");
  result.before = reach - first;
  result.after = std::max<int64_t>(*missing.number(), 0);
  result.crop = padding - first * result.stride;
  return result;
}

struct SubPixel {
  OpId op;
  std::vector<PhasedAxis> axes;
};

Match<SubPixel> match_conv_transpose_to_conv(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const TensorType& x = graph.type(op.operands[0]);
  const TensorType& weight = graph.type(op.operands[1]);
  if (x.rank() < 4) return std::nullopt;
  if (!is_known_constant(graph, op.operands[1]))
    return Refused{"the kernel is not known before run time"};
  const Dims& out = graph.type(op.result()).dims;
  SubPixel found{root, {}};
  for (size_t i = 2; i < x.rank(); ++i) {
    found.axes.push_back(
        phased_axis(graph.symbols(), op, i - 2, x.dims[i], weight.dims[i].size(), out[i]));
  }
  return found;
}

Ints per_axis(const SubPixel& found, int64_t PhasedAxis::* member) {
  Ints values;
  for (const PhasedAxis& axis : found.axes) values.push_back(axis.*member);
  return values;
}

// For each phase and each tap of its kernel: the position in the window of the original kernel; -1
// where the phase has no tap.
Ints window_positions(const SubPixel& found, const Ints& kernel, const Ints& phases,
                      const Ints& taps) {
  Ints index_shape = phases;
  index_shape.insert(index_shape.end(), taps.begin(), taps.end());
  Ints positions;
  for_each_index(index_shape, [&](const Ints& index) {
    int64_t position = 0;
    for (size_t axis = 0; axis < kernel.size() && position >= 0; ++axis) {
      const int64_t tap = found.axes[axis].source_tap(index[axis], index[kernel.size() + axis]);
      position = tap < 0 ? -1 : position * kernel[axis] + tap;
    }
    positions.push_back(position);
  });
  return positions;
}

// [C, O / groups, k...] -> [O * phases, C / groups, taps...]; phases innermost among the channels.
TensorData phase_kernels(const SubPixel& found, const TensorData& weight, int64_t groups) {
  const Ints& shape = weight.shape();
  const Ints kernel(shape.begin() + 2, shape.end());
  const Ints phases = per_axis(found, &PhasedAxis::stride);
  const Ints taps = per_axis(found, &PhasedAxis::taps);
  const int64_t in = shape[0] / groups;
  const int64_t out = shape[1];
  const int64_t window = product(kernel);
  const Ints positions = window_positions(found, kernel, phases, taps);
  const int64_t num_taps = product(taps);
  const std::vector<double> source = weight.to_doubles();
  std::vector<double> values;
  values.reserve(static_cast<size_t>(groups * out * in) * positions.size());
  for (int64_t row = 0; row < groups * out * product(phases); ++row) {
    const int64_t phase = row % product(phases);
    const int64_t channel = row / product(phases);  // group * out + channel of the group
    const int64_t first_in = channel / out * in;
    for (int64_t i = first_in; i < first_in + in; ++i) {
      const int64_t base = (i * out + channel % out) * window;
      for (int64_t tap = 0; tap < num_taps; ++tap) {
        const int64_t position = positions[static_cast<size_t>(phase * num_taps + tap)];
        values.push_back(position < 0 ? 0.0 : source[static_cast<size_t>(base + position)]);
      }
    }
  }
  Ints result = {groups * out * product(phases), in};
  result.insert(result.end(), taps.begin(), taps.end());
  return store_doubles({weight.dtype(), to_dims(result)}, values);
}

// Each channel's bias for all of its phases.
TensorData repeated(const TensorData& bias, int64_t count) {
  const int64_t channels = bias.shape()[0];
  return bias.reshaped({channels, 1})
      .broadcast_to({channels, count})
      .materialised()
      .reshaped({channels * count});
}

// [N, C * phases, grid...] -> [N, C, grid * stride...]
ValueId interleave_phases(Rewriter& rewriter, ValueId x, const Ints& phases) {
  CoreWriter write(rewriter);
  const int64_t count = product(phases);
  if (count == 1) return x;
  const Dims dims = write.dims(x);
  const size_t rank = phases.size();
  if (rank == 2 && phases[0] == phases[1])
    return rewriter.create(ops::kPixelShuffle, {x}, {{attr::kFactor, phases[0]}});
  Dims split = {dims[0], Dim(dims[1].size() / count)};
  Ints perm = {0, 1};
  Dims merged = split;
  for (size_t axis = 0; axis < rank; ++axis) {
    split.push_back(Dim(phases[axis]));
    perm.push_back(static_cast<int64_t>(2 + rank + axis));
    perm.push_back(static_cast<int64_t>(2 + axis));
    merged.push_back(write.symbols().mul(dims[2 + axis], phases[axis]));
  }
  split.insert(split.end(), dims.begin() + 2, dims.end());
  return write.reshape(write.permute(write.reshape(x, split), perm), merged);
}

ValueId crop_to_result(CoreWriter& write, const SubPixel& found, ValueId x) {
  const Dims sizes = write.dims(x);
  Dims starts = {0, 0};
  Dims ends = {sizes[0], sizes[1]};
  for (const PhasedAxis& axis : found.axes) {
    starts.push_back(axis.crop);
    ends.push_back(write.symbols().shift(axis.out_size, axis.crop));
  }
  return write.slice(x, starts, ends);
}

void conv_transpose_to_conv(Rewriter& rewriter, const SubPixel& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const Ints phases = per_axis(found, &PhasedAxis::stride);
  const int64_t groups = op.attr(attr::kGroups);
  const Graph& graph = rewriter.graph();
  TensorData kernels = phase_kernels(found, graph.constant(op.operands[1]), groups);
  std::vector<ValueId> operands = {
      op.operands[0], rewriter.constant(std::move(kernels), graph.value(op.operands[1]).name),
      ValueId()};
  const bool constant_bias = op.has_operand(2) && is_known_constant(graph, op.operands[2]);
  if (constant_bias) {
    operands[2] = rewriter.constant(repeated(graph.constant(op.operands[2]), product(phases)),
                                    graph.value(op.operands[2]).name);
  }
  const std::vector<NamedAttr> attrs = {
      {attr::kStride, Ints(phases.size(), 1)},
      {attr::kDilation, per_axis(found, &PhasedAxis::tap_step)},
      {attr::kPaddingBefore, per_axis(found, &PhasedAxis::before)},
      {attr::kPaddingAfter, per_axis(found, &PhasedAxis::after)},
      {attr::kGroups, groups}};
  const ValueId grid = rewriter.create(ops::kConv, operands, attrs);
  ValueId result = crop_to_result(write, found, interleave_phases(rewriter, grid, phases));
  if (op.has_operand(2) && !constant_bias) {
    Dims channels(write.dims(result).size(), Dim(1));
    channels[1] = write.dims(result)[1];
    result = write.add(result, write.reshape(op.operands[2], channels));
  }
  rewriter.replace_value(op.result(), result);
}

}  // namespace

std::vector<Rule> conv_transpose_decompositions() {
  std::vector<Rule> rules;
  rules.push_back(make_rule("conv_transpose_to_conv", {ops::kConvTranspose},
                            match_conv_transpose_to_conv, conv_transpose_to_conv,
                            "transposed convolution computed as a convolution for each phase"));
  return rules;
}

}  // namespace ferryman
