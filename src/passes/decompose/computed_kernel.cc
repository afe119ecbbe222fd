// Transposed convolution with a kernel that is computed: nothing can be rearranged beforehand, so
// zeros are put between the elements of x, and the kernel is turned at run time.
//
//   conv_transpose(x, w) {stride=s} -> conv(pad(zeros between x), flip(w turned)) {stride=1}
#include <algorithm>
#include <cstddef>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/decompose/decompositions.h"

namespace ferryman {

namespace {

bool has_computed_kernel(const Graph& graph, const Op& op) {
  return !graph.is_constant(op.operands[1]);
}

// stride - 1 zeros between neighbours along one axis.
ValueId spread(CoreWriter write, ValueId x, size_t axis, int64_t stride) {
  if (stride == 1) return x;
  SymbolTable& symbols = write.symbols();
  const Dims sizes = write.dims(x);
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(axis);
  const Dim outer = symbols.product(Dims(sizes.begin(), at));
  const Dim inner = symbols.product(Dims(at + 1, sizes.end()));
  const ValueId apart = write.reshape(x, {outer, sizes[axis], 1, inner});
  const ValueId padded = write.pad(apart, {0, 0, 0, 0}, {0, 0, stride - 1, 0}, 0);
  Dims wide = sizes;
  wide[axis] = symbols.mul(wide[axis], stride);
  return write.slice_axis(write.reshape(padded, wide), axis, 0,
                          symbols.shift(wide[axis], 1 - stride));
}

// [C, O / groups, *K] -> [O, C / groups, *K], its windows reversed.
ValueId turned_kernel(CoreWriter write, ValueId weight, int64_t groups) {
  Dims sizes = write.dims(weight);
  const Dim inputs = write.symbols().floordiv(sizes[0], groups);
  const Dim outputs = sizes[1];
  Dims grouped = {groups, inputs, outputs};
  grouped.insert(grouped.end(), sizes.begin() + 2, sizes.end());
  Ints perm(grouped.size());
  Axes window;
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(i);
  std::swap(perm[1], perm[2]);
  for (size_t axis = 2; axis < sizes.size(); ++axis)
    window.values.push_back(static_cast<int64_t>(axis));
  const ValueId swapped = write.permute(write.reshape(weight, grouped), perm);
  sizes[0] = write.symbols().mul(outputs, groups);
  sizes[1] = inputs;
  const ValueId turned = write.reshape(swapped, sizes);
  return write.op(ops::kFlip, {turned}, {{attr::kAxes, window}});
}

// Zeros around; where a number is negative, elements are cut off instead.
ValueId padded_or_cut(CoreWriter write, ValueId x, const Ints& before, const Ints& after) {
  Dims starts, ends;
  Ints zeros_before, zeros_after;
  const Dims sizes = write.dims(x);
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    starts.push_back(std::max<int64_t>(-before[axis], 0));
    ends.push_back(write.symbols().shift(sizes[axis], std::min<int64_t>(after[axis], 0)));
    zeros_before.push_back(std::max<int64_t>(before[axis], 0));
    zeros_after.push_back(std::max<int64_t>(after[axis], 0));
  }
  return write.pad(write.slice(x, starts, ends), zeros_before, zeros_after, 0);
}

// What is missing behind, which is a number: the result grows with x.
int64_t missing_after(SymbolTable& symbols, Dim wanted, Dim size, int64_t before) {
  const SizeExpr missing = symbols.of(wanted) - symbols.of(size) + SizeExpr(-before);
  if (!missing.number().has_value()) throw SizeError("a padding depends on a size that is free");
  return *missing.number();
}

ValueId computed_kernel_to_conv(CoreWriter write, const Op& op) {
  ValueId x = op.operands[0];
  const Dims kernel = write.dims(op.operands[1]);
  const Dims result = write.dims(op.result());
  const Ints& dilation = op.attr(attr::kDilation);
  const size_t spatial = kernel.size() - 2;
  Ints before(kernel.size(), 0);
  Ints after(kernel.size(), 0);
  for (size_t i = 0; i < spatial; ++i) {
    x = spread(write, x, i + 2, op.attr(attr::kStride)[i]);
    const int64_t reach = dilation[i] * (kernel[i + 2].size() - 1);
    before[i + 2] = reach - op.attr(attr::kPaddingBefore)[i];
    after[i + 2] =
        missing_after(write.symbols(), result[i + 2], write.dims(x)[i + 2], before[i + 2] - reach);
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
