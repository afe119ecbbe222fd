// Which input elements a resized axis reads, exactly as torch computes it.
//
//   const ResizeAxis axis = {.in_size = 7, .out_size = 14};
//   const int64_t from = nearest_source(axis, NearestRule::kFloor, /*index=*/3);
//   const LinearTap tap = linear_source(axis, /*index=*/3);
//
// Invariants: all indices lie inside the input.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/attr.h"

namespace ferryman {

struct ResizeAxis {
  int64_t in_size = 1;
  int64_t out_size = 1;
  double scale = 0;  // torch's scale factor; 0: out_size / in_size
  bool align_corners = false;

  // Input elements for each output element.
  double step() const;
};

enum class NearestRule : uint8_t { kFloor, kExact };

int64_t nearest_source(const ResizeAxis& axis, NearestRule rule, int64_t index);

// (1 - high_weight) * input[low] + high_weight * input[high]
struct LinearTap {
  int64_t low = 0;
  int64_t high = 0;
  double high_weight = 0;
};
LinearTap linear_source(const ResizeAxis& axis, int64_t index);

enum class Resampling : uint8_t { kLinear, kCubic, kLinearAntialiased, kCubicAntialiased };

// The map as a matrix [out_size, in_size], row-major: every such resampling is linear in each axis.
std::vector<float> resample_matrix(const ResizeAxis& axis, Resampling kind);
std::vector<double> resample_weights(const ResizeAxis& axis, Resampling kind);

// The same for bytes: torch computes with weights of 16 bits, w = round(weight * 2^precision), and
// rounds the sum to a byte after each axis.
struct ByteWeights {
  std::vector<int32_t> weights;  // [out_size, in_size]
  int precision = 0;
};
ByteWeights byte_weights(const ResizeAxis& axis, Resampling kind);

}  // namespace ferryman
