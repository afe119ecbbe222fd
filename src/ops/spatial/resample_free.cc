#include "ops/spatial/resample_free.h"

#include <utility>
#include <vector>

#include "ops/names.h"

namespace ferryman {

namespace {

Expression size_of(CoreWriter write, DType dtype, Dim size) {
  return {write, write.size_value(size, dtype)};
}

// Input elements for each output element.
Expression step_of(CoreWriter write, DType dtype, const FreeResize& axis) {
  if (axis.align_corners) {
    const Expression last = fmax(size_of(write, dtype, axis.out_size) - 1.0, 1.0);
    return (size_of(write, dtype, axis.in_size) - 1.0) / last;
  }
  if (axis.scale > 0) return {write, write.scalar(dtype, 1.0 / axis.scale)};
  return size_of(write, dtype, axis.in_size) / size_of(write, dtype, axis.out_size);
}

Expression out_numbers(CoreWriter write, DType dtype, Dim count) {
  return {write, write.cast(write.numbers(count, "resized"), dtype)};
}

// Brought into the axis, as positions for a gather.
ValueId position_of(const Expression& index, Dim in_size) {
  const CoreWriter write = index.writer();
  const ValueId whole = write.cast(index.value(), DType::kI32);
  const ValueId last = write.size_value(write.symbols().shift(in_size, -1), DType::kI32);
  return write.binary(ops::kMinimum, write.binary(ops::kMaximum, whole, 0), last);
}

// An element along the axis for each output element, and its weight.
struct FreeTap {
  Expression index;
  Expression weight;
};

Expression source_of(CoreWriter write, DType dtype, const FreeResize& axis) {
  const Expression step = step_of(write, dtype, axis);
  const Expression at = out_numbers(write, dtype, axis.out_size);
  return axis.align_corners ? at * step : (at + 0.5) * step - 0.5;
}

std::vector<FreeTap> linear_taps(CoreWriter write, DType dtype, const FreeResize& axis) {
  const Expression source = fmax(source_of(write, dtype, axis), 0.0);
  const Expression low = floor(source);
  const Expression share = source - low;
  return {{low, 1.0 - share}, {low + 1.0, share}};
}

std::vector<FreeTap> cubic_taps(CoreWriter write, DType dtype, const FreeResize& axis) {
  const Expression source = source_of(write, dtype, axis);
  const Expression base = floor(source);
  const std::array<Expression, 4> weights = cubic_weights(source - base);
  std::vector<FreeTap> taps;
  for (size_t i = 0; i < weights.size(); ++i)
    taps.push_back({base + (static_cast<double>(i) - 1.0), weights[i]});
  return taps;
}

ValueId gather_taps(CoreWriter write, ValueId x, size_t axis, const FreeResize& resize,
                    const std::vector<FreeTap>& taps) {
  ValueId sum;
  Dims beside(write.rank(x), 1);
  beside[axis] = resize.out_size;
  for (const FreeTap& tap : taps) {
    const ValueId elements = write.gather(x, axis, position_of(tap.index, resize.in_size));
    const ValueId part = write.mul(elements, write.reshape(tap.weight.value(), beside));
    sum = sum.valid() ? write.add(sum, part) : part;
  }
  return sum;
}

// 1 - |x| where that is positive.
Expression triangle(const Expression& x) {
  return fmax(1.0 - abs(x), 0.0);
}

// Keys' cubic with A = -0.5, as Pillow's.
Expression smooth(const Expression& given) {
  constexpr double kA = -0.5;
  const Expression x = abs(given);
  const Expression near = (x * (kA + 2) - (kA + 3)) * x * x + 1.0;
  const Expression far = ((x * kA - 5 * kA) * x + 8 * kA) * x - 4 * kA;
  return where(x < 1.0, near, where(x < 2.0, far, x * 0.0));
}

// [in, out]: every input element has a weight for every output element, most of them 0.
ValueId antialiased_weights(CoreWriter write, DType dtype, const FreeResize& axis,
                            Resampling kind) {
  const Expression step = step_of(write, dtype, axis);
  const Expression width = fmax(step, 1.0);
  const Expression centre = step * (out_numbers(write, dtype, axis.out_size) + 0.5);
  const ValueId rows = write.numbers_along(axis.in_size, 2, 0, "rows");
  const Expression x = (Expression(write, write.cast(rows, dtype)) - centre + 0.5) / width;
  const Expression weights = kind == Resampling::kCubicAntialiased ? smooth(x) : triangle(x);
  const ValueId sum = write.reduce(ops::kSum, weights.value(), {0}, /*keepdim=*/true);
  return write.div(weights.value(), sum);
}

}  // namespace

std::array<Expression, 4> cubic_weights(const Expression& t) {
  constexpr double kA = -0.75;
  const auto near = [](const Expression& x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1.0; };
  const auto far = [](const Expression& x) {
    return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA;
  };
  return {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
}

ValueId nearest_sources(CoreWriter write, const FreeResize& axis, NearestRule rule) {
  constexpr DType kComputed = DType::kF32;  // the rounding decides which element is nearest
  Expression at = out_numbers(write, kComputed, axis.out_size);
  if (rule == NearestRule::kExact) at = at + 0.5;
  return position_of(floor(at * step_of(write, kComputed, axis)), axis.in_size);
}

ValueId resample_along(CoreWriter write, ValueId x, size_t axis, const FreeResize& resize,
                       Resampling kind) {
  const DType dtype = write.dtype(x);
  switch (kind) {
    case Resampling::kLinear:
      return gather_taps(write, x, axis, resize, linear_taps(write, dtype, resize));
    case Resampling::kCubic:
      return gather_taps(write, x, axis, resize, cubic_taps(write, dtype, resize));
    case Resampling::kLinearAntialiased:
    case Resampling::kCubicAntialiased:
      break;
  }
  Ints swap = iota_axes(write.rank(x));
  std::swap(swap[axis], swap.back());
  const ValueId weights = antialiased_weights(write, dtype, resize, kind);
  return write.permute(write.binary(ops::kMatmul, write.permute(x, swap), weights), swap);
}

}  // namespace ferryman
