// Sampling an image or a volume at positions that are computed: grid_sampler of torch, all modes.
// Formulas: ATen/native/GridSamplerUtils.h of PyTorch.
//
// The image becomes rows of channels with a border of zeros where positions outside count as 0, so
// that each corner of a sample is one GATHER of whole rows and no position needs a mask.
#include <array>
#include <functional>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/expression.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

enum class Interpolation : int64_t { kLinear = 0, kNearest = 1, kCubic = 2 };
enum class Outside : int64_t { kZeros = 0, kBorder = 1, kReflection = 2 };

struct Sampling {
  Interpolation interpolation;
  Outside outside;
  bool align_corners;
};

// From [-1, 1] to indices of an axis.
Expression to_index(const Expression& x, double size, bool align_corners) {
  if (align_corners) return (x + 1.0) * ((size - 1) / 2);
  return (x + 1.0) * (size / 2) - 0.5;
}

// Back and forth between the centres of the first and last element, or their outer edges.
Expression reflected(const Expression& x, double size, bool align_corners) {
  const double low = align_corners ? 0.0 : -0.5;
  const double span = align_corners ? size - 1 : size;
  if (span == 0) return x * 0.0;
  const Expression turns = (x - low) / span;
  const Expression phase = turns - floor(turns * 0.5) * 2.0;
  return (1.0 - abs(1.0 - phase)) * span + low;
}

Expression limited(const Expression& x, double low, double high) {
  return fmin(fmax(x, low), high);
}

// A position where there is an element or, one step outside, a zero.
Expression inside(const Expression& x, double size, const Sampling& how) {
  if (how.outside == Outside::kZeros) return limited(x, -1, size);
  if (how.outside == Outside::kBorder) return limited(x, 0, size - 1);
  return limited(reflected(x, size, how.align_corners), 0, size - 1);
}

// One index along an axis, as a float, and its weight; a missing weight is 1.
struct SampleTap {
  Expression index;
  std::optional<Expression> weight;
};

// Keys' cubic with A = -0.75, for the taps at distances 1 + t, t, 1 - t and 2 - t.
std::array<Expression, 4> cubic_weights(const Expression& t) {
  constexpr double kA = -0.75;
  const auto near = [](const Expression& x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1.0; };
  const auto far = [](const Expression& x) {
    return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA;
  };
  return {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
}

std::vector<SampleTap> taps_of(const Expression& given, double size, const Sampling& how) {
  const Expression position = to_index(given, size, how.align_corners);
  if (how.interpolation == Interpolation::kNearest)
    return {{nearbyint(inside(position, size, how)), {}}};
  if (how.interpolation == Interpolation::kLinear) {
    const Expression x = inside(position, size, how);
    const Expression left = floor(x);
    const Expression share = x - left;
    const double last = how.outside == Outside::kZeros ? size : size - 1;
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
  Ints sizes;      // of the spatial axes, border included
};

Result<ImageRows> rows_of(ImportContext& call, ValueId image, Outside outside) {
  Ints perm = {0};
  for (size_t axis = 2; axis < rank_of(call, image); ++axis)
    perm.push_back(static_cast<int64_t>(axis));
  perm.push_back(1);
  FERRYMAN_TRY(ValueId rows, emit_permute(call, image, perm));
  if (outside == Outside::kZeros) {
    PerAxis border{Ints(perm.size(), 1)};
    border.values.front() = border.values.back() = 0;
    FERRYMAN_TRY(rows,
                 call.emit(ops::kPad, {rows}, {{attr::kBefore, border}, {attr::kAfter, border}}));
  }
  const Ints padded = sizes_of(call, rows);
  const Ints sizes(padded.begin() + 1, padded.end() - 1);
  FERRYMAN_TRY(rows, emit_reshape(call, rows, {-1, padded.back()}));
  return ImageRows{rows, sizes};
}

// The taps of all axes, and what is made of one choice among them.
class Sampler {
 public:
  Sampler(ImportContext& call, const ImageRows& rows, ValueId first_rows, int64_t border)
      : call_(call), rows_(rows), first_rows_(first_rows), border_(border) {}

  // The outermost axis first.
  void add_axis(std::vector<SampleTap> taps) { axes_.push_back(std::move(taps)); }

  Result<ValueId> run() {
    FERRYMAN_TRY_STATUS(visit(0, first_rows_, std::nullopt));
    return sum_;
  }

 private:
  // `row` counts the rows before this axis' index, `weight` is that of the axes so far.
  Status visit(size_t axis, ValueId row, std::optional<Expression> weight) {
    if (axis == axes_.size()) return add_corner(row, weight);
    FERRYMAN_TRY(const ValueId scaled, call_.emit(ops::kMul, {row, int32(rows_.sizes[axis])}));
    for (const SampleTap& tap : axes_[axis]) {
      FERRYMAN_TRY(const ValueId index, index_of(tap, rows_.sizes[axis]));
      FERRYMAN_TRY(const ValueId next, call_.emit(ops::kAdd, {scaled, index}));
      std::optional<Expression> product = weight;
      if (tap.weight.has_value()) product = weight ? *weight * *tap.weight : *tap.weight;
      FERRYMAN_TRY_STATUS(visit(axis + 1, next, product));
    }
    return {};
  }

  // As a whole number; whatever a NaN becomes stays inside.
  Result<ValueId> index_of(const SampleTap& tap, int64_t size) {
    FERRYMAN_TRY(ValueId index, as_dtype(call_, tap.index.value(), DType::kI32));
    if (border_ != 0) {
      FERRYMAN_TRY(index, call_.emit(ops::kAdd, {index, int32(border_)}));
    }
    return call_.emit(ops::kClamp, {index},
                      {{attr::kMin, 0.0}, {attr::kMax, static_cast<double>(size - 1)}});
  }

  Status add_corner(ValueId row, const std::optional<Expression>& weight) {
    FERRYMAN_TRY(ValueId corner, emit_gather(call_, rows_.values, row, 0));
    if (weight.has_value()) {
      Ints column = sizes_of(call_, weight->value());
      column.push_back(1);
      FERRYMAN_TRY(const ValueId factor, emit_reshape(call_, weight->value(), column));
      FERRYMAN_TRY(corner, call_.emit(ops::kMul, {corner, factor}));
    }
    if (sum_.valid()) {
      FERRYMAN_TRY(corner, call_.emit(ops::kAdd, {sum_, corner}));
    }
    sum_ = corner;
    return {};
  }

  ValueId int32(int64_t number) {
    return call_.builder().scalar(DType::kI32, static_cast<double>(number));
  }

  ImportContext& call_;
  const ImageRows& rows_;
  ValueId first_rows_;
  int64_t border_;
  std::vector<std::vector<SampleTap>> axes_;
  ValueId sum_;
};

// [batch, points]: the number of images before each.
ValueId image_numbers(ImportContext& call, int64_t batch) {
  std::vector<int32_t> numbers;
  for (int64_t i = 0; i < batch; ++i) numbers.push_back(static_cast<int32_t>(i));
  return call.builder().constant(TensorData::of<int32_t>({batch, 1}, numbers), "image");
}

Result<ValueId> sample(ImportContext& call, ValueId image, ValueId grid, const Sampling& how) {
  const Ints sizes = sizes_of(call, image);
  const Ints grid_sizes = sizes_of(call, grid);
  const size_t num_axes = sizes.size() - 2;
  FERRYMAN_TRY(const ImageRows rows, rows_of(call, image, how.outside));
  FERRYMAN_TRY(const ValueId points,
               emit_reshape(call, grid, {sizes[0], -1, static_cast<int64_t>(num_axes)}));
  Sampler sampler(call, rows, image_numbers(call, sizes[0]),
                  how.outside == Outside::kZeros ? 1 : 0);
  for (size_t axis = 0; axis < num_axes; ++axis) {
    // The last coordinate belongs to the first axis.
    FERRYMAN_TRY(const ValueId coordinate,
                 emit_select(call, points, 2, static_cast<int64_t>(num_axes - 1 - axis)));
    sampler.add_axis(
        taps_of(Expression(call.builder(), coordinate), static_cast<double>(sizes[axis + 2]), how));
  }
  FERRYMAN_TRY(const ValueId sampled, sampler.run());
  FERRYMAN_TRY(const ValueId turned, emit_permute(call, sampled, {0, 2, 1}));
  Ints result = {sizes[0], sizes[1]};
  result.insert(result.end(), grid_sizes.begin() + 1, grid_sizes.end() - 1);
  return emit_reshape(call, turned, result);
}

Imported import_grid_sampler(ImportContext& call) {
  FERRYMAN_TRY(const ValueId image, call.tensor("input"));
  FERRYMAN_TRY(const ValueId grid, call.tensor("grid"));
  FERRYMAN_TRY(const int64_t interpolation, call.integer("interpolation_mode"));
  FERRYMAN_TRY(const int64_t outside, call.integer("padding_mode"));
  FERRYMAN_TRY(const bool align_corners, call.flag("align_corners", false));
  const size_t rank = rank_of(call, image);
  const Ints grid_sizes = sizes_of(call, grid);
  const bool fits = (rank == 4 || rank == 5) && grid_sizes.size() == rank &&
                    grid_sizes.back() == static_cast<int64_t>(rank) - 2;
  if (!fits) return call.unsupported("of other than images and volumes");
  if (interpolation < 0 || interpolation > 2 || outside < 0 || outside > 2)
    return call.unsupported("an unknown mode");
  const Sampling how{Interpolation{interpolation}, Outside{outside}, align_corners};
  return one_result(sample(call, image, grid, how));
}

}  // namespace

void add_grid_sample_ops(Ops& ops) {
  ops.imports.add({"grid_sampler.default", "grid_sampler_2d.default", "grid_sampler_3d.default"},
                  import_grid_sampler);
}

}  // namespace ferryman
