// Transposed convolution with a kernel that is computed: nothing can be rearranged beforehand, so
// zeros are put between the elements of x, and the kernel is turned at run time.
//
//   conv_transpose(x, w) {stride=s} -> conv(pad(zeros between x), flip(w turned)) {stride=1}
#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

bool has_computed_kernel(const Graph& graph, const Op& op) {
  const bool is_static =
      all_static(graph.type(op.operands[0]).dims) && all_static(graph.type(op.operands[1]).dims);
  return is_static && !graph.is_constant(op.operands[1]);
}

// stride - 1 zeros between neighbours along one axis.
ValueId spread(CoreWriter write, ValueId x, size_t axis, int64_t stride) {
  if (stride == 1) return x;
  const Ints sizes = static_sizes(write.dims(x));
  int64_t outer = 1;
  int64_t inner = 1;
  for (size_t i = 0; i < axis; ++i) outer *= sizes[i];
  for (size_t i = axis + 1; i < sizes.size(); ++i) inner *= sizes[i];
  const ValueId apart = write.reshape(x, to_dims({outer, sizes[axis], 1, inner}));
  const ValueId padded = write.pad(apart, {0, 0, 0, 0}, {0, 0, stride - 1, 0}, 0);
  Ints wide = sizes;
  wide[axis] *= stride;
  return write.slice_axis(write.reshape(padded, to_dims(wide)), axis, 0, wide[axis] - (stride - 1));
}

// [C, O / groups, *K] -> [O, C / groups, *K], its windows reversed.
ValueId turned_kernel(CoreWriter write, ValueId weight, int64_t groups) {
  Ints sizes = static_sizes(write.dims(weight));
  const int64_t inputs = sizes[0] / groups;
  const int64_t outputs = sizes[1];
  Ints grouped = {groups, inputs, outputs};
  grouped.insert(grouped.end(), sizes.begin() + 2, sizes.end());
  Ints perm(grouped.size());
  Axes window;
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[1], perm[2]);
  for (size_t axis = 2; axis < sizes.size(); ++axis)
    window.values.push_back(static_cast<int64_t>(axis));
  const ValueId swapped = write.permute(write.reshape(weight, to_dims(grouped)), perm);
  sizes[0] = groups * outputs;
  sizes[1] = inputs;
  const ValueId turned = write.reshape(swapped, to_dims(sizes));
  return write.op(ops::kFlip, {turned}, {{attr::kAxes, window}});
}

// Zeros around; where a number is negative, elements are cut off instead.
ValueId padded_or_cut(CoreWriter write, ValueId x, const Ints& before, const Ints& after) {
  Ints starts, ends, zeros_before, zeros_after;
  const Ints sizes = static_sizes(write.dims(x));
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    starts.push_back(std::max<int64_t>(-before[axis], 0));
    ends.push_back(sizes[axis] - std::max<int64_t>(-after[axis], 0));
    zeros_before.push_back(std::max<int64_t>(before[axis], 0));
    zeros_after.push_back(std::max<int64_t>(after[axis], 0));
  }
  return write.pad(write.slice(x, to_dims(starts), to_dims(ends)), zeros_before, zeros_after, 0);
}

ValueId computed_kernel_to_conv(CoreWriter write, const Op& op) {
  ValueId x = op.operands[0];
  const Ints kernel = static_sizes(write.dims(op.operands[1]));
  const Ints result = static_sizes(write.dims(op.result()));
  const Ints& dilation = op.attr(attr::kDilation);
  const size_t spatial = kernel.size() - 2;
  Ints before(kernel.size(), 0);
  Ints after(kernel.size(), 0);
  for (size_t i = 0; i < spatial; ++i) {
    x = spread(write, x, i + 2, op.attr(attr::kStride)[i]);
    const int64_t reach = dilation[i] * (kernel[i + 2] - 1);
    const int64_t size = write.dims(x)[i + 2].size();
    before[i + 2] = reach - op.attr(attr::kPaddingBefore)[i];
    after[i + 2] = result[i + 2] + reach - size - before[i + 2];
  }
  const int64_t groups = op.attr(attr::kGroups);
  std::vector<ValueId> operands = {padded_or_cut(write, x, before, after),
                                   turned_kernel(write, op.operands[1], groups)};
  if (op.has_operand(2)) operands.push_back(op.operands[2]);
  const Ints ones(spatial, 1);
  const Ints zeros(spatial, 0);
  const std::vector<NamedAttr> attrs = {{attr::kStride, ones},
                                        {attr::kPaddingBefore, zeros},
                                        {attr::kPaddingAfter, zeros},
                                        {attr::kDilation, dilation},
                                        {attr::kGroups, groups}};
  return write.op(ops::kConv, operands, attrs);
}

}  // namespace

std::vector<Rule> computed_kernel_decompositions() {
  return {only_where(
      has_computed_kernel,
      decomposition("computed_kernel_to_conv", {ops::kConvTranspose}, computed_kernel_to_conv))};
}

}  // namespace ferryman
