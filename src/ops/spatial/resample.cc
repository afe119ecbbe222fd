#include "ops/spatial/resample.h"

#include <algorithm>
#include <cmath>

namespace ferryman {

double ResizeAxis::step() const {
  if (align_corners) {
    if (out_size <= 1) return 0;
    return static_cast<double>(in_size - 1) / static_cast<double>(out_size - 1);
  }
  if (scale > 0) return 1.0 / scale;
  return static_cast<double>(in_size) / static_cast<double>(out_size);
}

// In float, like torch: the rounding decides which element is nearest.
int64_t nearest_source(const ResizeAxis& axis, NearestRule rule, int64_t index) {
  const auto step = axis.scale > 0
                        ? static_cast<float>(1.0 / axis.scale)
                        : static_cast<float>(axis.in_size) / static_cast<float>(axis.out_size);
  const float position = static_cast<float>(index) + (rule == NearestRule::kExact ? 0.5F : 0.0F);
  const auto source = static_cast<int64_t>(std::floor(position * step));
  return std::clamp<int64_t>(source, 0, axis.in_size - 1);
}

LinearTap linear_source(const ResizeAxis& axis, int64_t index) {
  const auto at = static_cast<double>(index);
  const double source =
      axis.align_corners ? at * axis.step() : std::max(0.0, (at + 0.5) * axis.step() - 0.5);
  const int64_t low = std::min(static_cast<int64_t>(source), axis.in_size - 1);
  const double high_weight = std::clamp(source - static_cast<double>(low), 0.0, 1.0);
  return {low, std::min(low + 1, axis.in_size - 1), high_weight};
}

namespace {

constexpr double kCubicCoefficient = -0.75;            // torch's bicubic
constexpr double kCubicAntialiasedCoefficient = -0.5;  // and Pillow's, for antialias

double cubic_filter(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double triangle_filter(double x) {
  return std::max(0.0, 1 - std::abs(x));
}

void add_cubic_row(const ResizeAxis& axis, int64_t index, std::vector<double>& row) {
  const auto at = static_cast<double>(index);
  const double source = axis.align_corners ? at * axis.step() : (at + 0.5) * axis.step() - 0.5;
  const auto base = static_cast<int64_t>(std::floor(source));
  for (int64_t tap = base - 1; tap <= base + 2; ++tap) {
    const int64_t inside = std::clamp<int64_t>(tap, 0, axis.in_size - 1);
    row[static_cast<size_t>(inside)] +=
        cubic_filter(source - static_cast<double>(tap), kCubicCoefficient);
  }
}

void add_linear_row(const ResizeAxis& axis, int64_t index, std::vector<double>& row) {
  const LinearTap tap = linear_source(axis, index);
  row[static_cast<size_t>(tap.low)] += 1 - tap.high_weight;
  row[static_cast<size_t>(tap.high)] += tap.high_weight;
}

// When shrinking, the filter is as wide as the elements that it replaces.
void add_antialiased_row(const ResizeAxis& axis, int64_t index, Resampling kind,
                         std::vector<double>& row) {
  const double step = axis.step();
  const double width = std::max(step, 1.0);
  const double support = (kind == Resampling::kCubicAntialiased ? 2.0 : 1.0) * width;
  const double centre = step * (static_cast<double>(index) + 0.5);
  const auto first = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
  const auto last = std::min<int64_t>(static_cast<int64_t>(centre + support + 0.5), axis.in_size);
  double sum = 0;
  for (int64_t i = first; i < last; ++i) {
    const double x = (static_cast<double>(i) - centre + 0.5) / width;
    const double weight = kind == Resampling::kCubicAntialiased
                              ? cubic_filter(x, kCubicAntialiasedCoefficient)
                              : triangle_filter(x);
    row[static_cast<size_t>(i)] = weight;
    sum += weight;
  }
  if (sum == 0) return;
  for (double& weight : row) weight /= sum;
}

void add_row(const ResizeAxis& axis, int64_t index, Resampling kind, std::vector<double>& row) {
  switch (kind) {
    case Resampling::kLinear:
      return add_linear_row(axis, index, row);
    case Resampling::kCubic:
      return add_cubic_row(axis, index, row);
    case Resampling::kLinearAntialiased:
    case Resampling::kCubicAntialiased:
      return add_antialiased_row(axis, index, kind, row);
  }
}

}  // namespace

std::vector<double> resample_weights(const ResizeAxis& axis, Resampling kind) {
  std::vector<double> matrix;
  matrix.reserve(static_cast<size_t>(axis.in_size * axis.out_size));
  for (int64_t index = 0; index < axis.out_size; ++index) {
    std::vector<double> row(static_cast<size_t>(axis.in_size), 0.0);
    add_row(axis, index, kind, row);
    matrix.insert(matrix.end(), row.begin(), row.end());
  }
  return matrix;
}

std::vector<float> resample_matrix(const ResizeAxis& axis, Resampling kind) {
  const std::vector<double> weights = resample_weights(axis, kind);
  std::vector<float> matrix;
  matrix.reserve(weights.size());
  for (const double weight : weights) matrix.push_back(static_cast<float>(weight));
  return matrix;
}

// As many bits as the largest weight leaves in a signed number of 16.
ByteWeights byte_weights(const ResizeAxis& axis, Resampling kind) {
  constexpr int kMostBits = 21;
  const std::vector<double> weights = resample_weights(axis, kind);
  const double largest = weights.empty() ? 0 : *std::max_element(weights.begin(), weights.end());
  ByteWeights bytes;
  for (; bytes.precision < kMostBits; ++bytes.precision) {
    if (std::ldexp(largest, bytes.precision + 1) + 0.5 >= 0x1p15) break;
  }
  for (const double weight : weights) {
    const double scaled = std::ldexp(weight, bytes.precision);
    bytes.weights.push_back(static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
  }
  return bytes;
}

}  // namespace ferryman
