// Sampling an image or a volume at positions that are computed: grid_sampler of torch, all modes.
// Formulas: ATen/native/GridSamplerUtils.h of PyTorch.
//
// The image becomes rows of channels with a border of zeros where positions outside count as 0, so
// that each corner of a sample is one GATHER of whole rows and no position needs a mask.
#include <array>
#include <functional>

#include "ops/attrs.h"
#include "ops/expression.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/spatial/resample_free.h"

namespace ferryman {

namespace {

enum class Interpolation : int64_t { kLinear = 0, kNearest = 1, kCubic = 2 };
enum class Outside : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

struct Sampling {
  Interpolation interpolation;
  Outside outside;
  bool align_corners;
};

// The size of an axis is a number, or one of run time as an expression.
//
// From [-1, 1] to indices of an axis.
template <typename Size>
Expression to_index(const Expression& x, const Size& size, bool align_corners) {
  if (align_corners) return (x + 1.0) * ((size - 1) / 2);
  return (x + 1.0) * (size / 2) - 0.5;
}

// Back and forth between the centres of the first and last element, or their outer edges.
template <typename Size>
Expression reflected_in(const Expression& x, const Size& span, bool align_corners) {
  const double low = align_corners ? 0.0 : -0.5;
  const Expression turns = (x - low) / span;
  const Expression phase = turns - floor(turns * 0.5) * 2.0;
  return (1.0 - abs(1.0 - phase)) * span + low;
}

Expression reflected(const Expression& x, double size, bool align_corners) {
  const double span = align_corners ? size - 1 : size;
  return span == 0 ? x * 0.0 : reflected_in(x, span, align_corners);
}

// Where there is one element, all positions are limited to it afterwards.
Expression reflected(const Expression& x, const Expression& size, bool align_corners) {
  return reflected_in(x, align_corners ? fmax(size - 1.0, 1.0) : size, align_corners);
}

template <typename Size>
Expression limited(const Expression& x, double low, const Size& high) {
  return fmin(fmax(x, low), high);
}

// A position where there is an element or, one step outside, a zero.
template <typename Size>
Expression inside(const Expression& x, const Size& size, const Sampling& how) {
  if (how.outside == Outside::kZeros) return limited(x, -1, size);
  if (how.outside == Outside::kBorder) return limited(x, 0, size - 1);
  return limited(reflected(x, size, how.align_corners), 0, size - 1);
}

// One index along an axis, as a float, and its weight; a missing weight is 1.
struct SampleTap {
  Expression index;
  std::optional<Expression> weight;
};

template <typename Size>
std::vector<SampleTap> taps_of(const Expression& given, const Size& size, const Sampling& how) {
  const Expression position = to_index(given, size, how.align_corners);
  if (how.interpolation == Interpolation::kNearest)
    return {{nearbyint(inside(position, size, how)), {}}};
  if (how.interpolation == Interpolation::kLinear) {
    const Expression x = inside(position, size, how);
    const Expression left = floor(x);
    const Expression share = x - left;
    const Size last = how.outside == Outside::kZeros ? size : size - 1.0;
    return {{left, 1.0 - share}, {fmin(left + 1.0, last), share}};
  }
  const Expression left = floor(position);
  const std::array<Expression, 4> weights = cubic_weights(position - left);
  std::vector<SampleTap> taps;
  for (size_t i = 0; i < weights.size(); ++i)
    // Rounded: a whole number is not quite one after being reflected.
    taps.push_back({nearbyint(inside(left + (static_cast<double>(i) - 1), size, how)), weights[i]});
  return taps;
}

// [N, C, *sizes] as rows of channels, with zeros around if positions outside count as 0.
struct ImageRows {
  ValueId values;  // [N * product of sizes, C]
  Dims sizes;      // of the spatial axes, border included
};

ImageRows rows_of(CoreWriter write, ValueId image, Outside outside) {
  Ints perm = {0};
  for (size_t axis = 2; axis < write.rank(image); ++axis)
    perm.push_back(static_cast<int64_t>(axis));
  perm.push_back(1);
  ValueId rows = write.permute(image, perm);
  if (outside == Outside::kZeros) {
    Ints border(perm.size(), 1);
    border.front() = border.back() = 0;
    rows = write.pad(rows, border, border, 0);
  }
  const Dims padded = write.dims(rows);
  const Dims sizes(padded.begin() + 1, padded.end() - 1);
  const Dim count = write.symbols().product(Dims(padded.begin(), padded.end() - 1));
  rows = write.reshape(rows, Dims{count, padded.back()});
  return ImageRows{rows, sizes};
}

// The taps of all axes, and what is made of one choice among them.
class Sampler {
 public:
  Sampler(CoreWriter write, const ImageRows& rows, ValueId first_rows, int64_t border)
      : write_(write), rows_(rows), first_rows_(first_rows), border_(border) {}

  // The outermost axis first.
  void add_axis(std::vector<SampleTap> taps) { axes_.push_back(std::move(taps)); }

  ValueId run() {
    visit(0, first_rows_, std::nullopt);
    return sum_;
  }

 private:
  // `row` counts the rows before this axis' index, `weight` is that of the axes so far.
  void visit(size_t axis, ValueId row, std::optional<Expression> weight) {
    if (axis == axes_.size()) return add_corner(row, weight);
    const ValueId scaled = write_.mul(row, write_.size_value(rows_.sizes[axis], DType::kI32));
    for (const SampleTap& tap : axes_[axis]) {
      const ValueId next = write_.add(scaled, index_of(tap, rows_.sizes[axis]));
      std::optional<Expression> product = weight;
      if (tap.weight.has_value()) product = weight ? *weight * *tap.weight : *tap.weight;
      visit(axis + 1, next, product);
    }
  }

  // As a whole number; whatever a NaN becomes stays inside.
  ValueId index_of(const SampleTap& tap, Dim size) {
    ValueId index = write_.cast(tap.index.value(), DType::kI32);
    if (border_ != 0) index = write_.add(index, static_cast<double>(border_));
    if (!size.is_static()) {
      const Dim last = write_.symbols().shift(size, -1);
      index = write_.binary(ops::kMinimum, index, write_.size_value(last, DType::kI32));
      return write_.binary(ops::kMaximum, index, 0);
    }
    const auto last = static_cast<double>(size.size() - 1);
    return write_.op(ops::kClamp, {index}, {{attr::kMin, 0.0}, {attr::kMax, last}});
  }

  void add_corner(ValueId row, const std::optional<Expression>& weight) {
    ValueId corner = write_.gather(rows_.values, 0, row);
    if (weight.has_value()) {
      Dims column = write_.dims(weight->value());
      column.push_back(1);
      corner = write_.mul(corner, write_.reshape(weight->value(), column));
    }
    sum_ = sum_.valid() ? write_.add(sum_, corner) : corner;
  }

  CoreWriter write_;
  const ImageRows& rows_;
  ValueId first_rows_;
  int64_t border_;
  std::vector<std::vector<SampleTap>> axes_;
  ValueId sum_;
};

// [batch, points]: the number of images before each.
ValueId image_numbers(CoreWriter write, Dim batch) {
  return write.numbers_along(batch, 2, 0, "image");
}

ValueId sample(CoreWriter write, ValueId image, ValueId grid, const Sampling& how) {
  const Dims sizes = write.dims(image);
  const Dims grid_sizes = write.dims(grid);
  const size_t num_axes = sizes.size() - 2;
  const ImageRows rows = rows_of(write, image, how.outside);
  const Dim count = write.symbols().product(Dims(grid_sizes.begin() + 1, grid_sizes.end() - 1));
  const ValueId points = write.reshape(grid, Dims{sizes[0], count, static_cast<int64_t>(num_axes)});
  Sampler sampler(write, rows, image_numbers(write, sizes[0]),
                  how.outside == Outside::kZeros ? 1 : 0);
  for (size_t axis = 0; axis < num_axes; ++axis) {
    // The last coordinate belongs to the first axis.
    const ValueId coordinate = write.select(points, 2, static_cast<int64_t>(num_axes - 1 - axis));
    const Expression given(write, coordinate);
    const Dim size = sizes[axis + 2];
    if (size.is_static()) {
      sampler.add_axis(taps_of(given, static_cast<double>(size.size()), how));
    } else {
      const ValueId number = write.size_value(size, write.dtype(coordinate));
      sampler.add_axis(taps_of(given, Expression(write, number), how));
    }
  }
  const ValueId sampled = sampler.run();
  const ValueId turned = write.permute(sampled, {0, 2, 1});
  Dims result = {sizes[0], sizes[1]};
  result.insert(result.end(), grid_sizes.begin() + 1, grid_sizes.end() - 1);
  return write.reshape(turned, result);
}

Imported import_grid_sampler(ImportContext& call) {
  FERRYMAN_TRY(const ValueId image, call.tensor("input"));
  FERRYMAN_TRY(const ValueId grid, call.tensor("grid"));
  FERRYMAN_TRY(const int64_t interpolation, call.integer("interpolation_mode"));
  FERRYMAN_TRY(const int64_t outside, call.integer("padding_mode"));
  FERRYMAN_TRY(const bool align_corners, call.flag("align_corners", false));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(image);
  const Dims grid_sizes = write.dims(grid);
  const bool fits = (rank == 4 || rank == 5) && grid_sizes.size() == rank &&
                    grid_sizes.back() == Dim(static_cast<int64_t>(rank) - 2);
  if (!fits) return call.unsupported("of other than images and volumes");
  if (interpolation < 0 || interpolation > 2 || outside < 0 || outside > 2)
    return call.unsupported("an unknown mode");
  const Sampling how{Interpolation{interpolation}, Outside{outside}, align_corners};
  return one_result(sample(write, image, grid, how));
}

}  // namespace

void add_grid_sample_ops(Ops& ops) {
  ops.imports.add({"grid_sampler.default", "grid_sampler_2d.default", "grid_sampler_3d.default"},
                  import_grid_sampler);
}

}  // namespace ferryman
