// Regions of an image brought to one size: roi_align and ps_roi_align of torchvision.
// Formulas: torchvision/csrc/ops/cpu/roi_align_common.h.
//
// A region is sampled on a grid, so a sample's weight is the product of a row's and a column's, and
// its pixel the sum of a row's number and a column's. The image lies as rows of channels, so that
// each corner of all samples is one GATHER.
#include <array>
#include <functional>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/expression.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// How regions are cut into bins, and bins sampled, the same number of times along both axes.
struct Bins {
  double scale = 1;
  int64_t rows = 1, columns = 1;
  int64_t samples = 1;
  bool aligned = false;
};

// Samples along one axis of all regions, [regions, bins * samples].
struct Samples {
  std::array<ValueId, 2> indices;  // of the elements on both sides, int32
  std::array<Expression, 2> weights;
};

ValueId row_of(CoreWriter write, int64_t size, const std::function<double(int64_t)>& at) {
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(static_cast<float>(at(i)));
  return write.constant(TensorData::of<float>({1, size}, values), "bins");
}

Expression column_of(CoreWriter write, ValueId rois, int64_t column) {
  return {write, write.slice_axis(rois, 1, column, column + 1)};
}

// From where a region begins and ends, in pixels of an axis of `size`.
Samples sample_axis(CoreWriter write, const Expression& start, const Expression& end, int64_t bins,
                    int64_t size, const Bins& how) {
  Expression length = end - start;
  if (!how.aligned) length = fmax(length, 1.0);
  const Expression step = length / static_cast<double>(bins);
  const int64_t count = bins * how.samples;
  const auto samples = static_cast<double>(how.samples);
  const Expression bin(
      write, row_of(write, count, [&](int64_t i) { return static_cast<double>(i / how.samples); }));
  const Expression inside(write, row_of(write, count, [&](int64_t i) {
                            return static_cast<double>(i % how.samples) + 0.5;
                          }));
  const Expression position = start + bin * step + inside * step / samples;
  // Samples beyond the pixels around the image count as 0.
  const Condition exists = both(position >= -1.0, position <= static_cast<double>(size));
  const Expression at = fmin(fmax(position, 0.0), static_cast<double>(size - 1));
  const Expression low = floor(at);
  const Expression share = at - low;
  Samples samples_of_axis{{}, {where(exists, 1.0 - share, 0.0), where(exists, share, 0.0)}};
  const ValueId index = write.cast(low.value(), DType::kI32);
  const auto last = static_cast<double>(size - 1);
  for (size_t side = 0; side < 2; ++side) {  // whatever a NaN becomes stays inside
    const ValueId next = write.add(index, write.scalar(DType::kI32, static_cast<double>(side)));
    samples_of_axis.indices[side] =
        write.op(ops::kClamp, {next}, {{attr::kMin, 0.0}, {attr::kMax, last}});
  }
  return samples_of_axis;
}

// The number of the first row of each region's image, [regions, 1].
ValueId first_rows(CoreWriter write, ValueId rois, int64_t images, int64_t height) {
  ValueId image = write.cast(write.slice_axis(rois, 1, 0, 1), DType::kI32);
  image = write.op(ops::kClamp, {image},
                   {{attr::kMin, 0.0}, {attr::kMax, static_cast<double>(images - 1)}});
  return write.mul(image, write.scalar(DType::kI32, static_cast<double>(height)));
}

// [regions, n] as [regions, n, 1] or [regions, 1, n], with as many axes of 1 behind it.
ValueId spread(CoreWriter write, ValueId x, size_t axis, size_t rank) {
  const Ints sizes = write.sizes(x);
  Ints shape(rank, 1);
  shape[0] = sizes[0];
  shape[axis] = sizes[1];
  return write.reshape(x, shape);
}

// One corner of all samples with its weight, [regions, rows, columns, C].
ValueId corner(CoreWriter write, ValueId pixels, int64_t width, ValueId rows, ValueId columns,
               const Expression& row_weight, const Expression& column_weight) {
  const ValueId scaled = write.mul(rows, write.scalar(DType::kI32, static_cast<double>(width)));
  const ValueId down = spread(write, scaled, 1, 3);
  const ValueId across = spread(write, columns, 2, 3);
  const ValueId taken = write.gather(pixels, 0, write.add(down, across));
  const ValueId a = spread(write, row_weight.value(), 1, 4);
  const ValueId b = spread(write, column_weight.value(), 2, 4);
  return write.mul(taken, write.mul(a, b));
}

// The mean of the samples of each bin, [regions, rows, columns, C].
ValueId average_bins(CoreWriter write, ValueId image, ValueId rois, const Bins& how) {
  const Ints sizes = write.sizes(image);
  const double offset = how.aligned ? 0.5 : 0.0;
  std::vector<Expression> edges;  // left, top, right, bottom
  for (int64_t column = 1; column <= 4; ++column) {
    const Expression edge = column_of(write, rois, column);
    edges.push_back(edge * how.scale - offset);
  }
  const Samples y = sample_axis(write, edges[1], edges[3], how.rows, sizes[2], how);
  const Samples x = sample_axis(write, edges[0], edges[2], how.columns, sizes[3], how);
  const ValueId first = first_rows(write, rois, sizes[0], sizes[2]);
  ValueId pixels = write.permute(image, {0, 2, 3, 1});
  pixels = write.reshape(pixels, {-1, sizes[1]});
  ValueId sum;
  for (size_t i = 0; i < 4; ++i) {
    const size_t down = i / 2, across = i % 2;
    const ValueId row = write.add(first, y.indices[down]);
    const ValueId part =
        corner(write, pixels, sizes[3], row, x.indices[across], y.weights[down], x.weights[across]);
    sum = i == 0 ? part : write.add(sum, part);
  }
  const int64_t regions = write.size(rois, 0);
  sum = write.reshape(sum, {regions, how.rows, how.samples, how.columns, how.samples, sizes[1]});
  return write.reduce(ops::kMean, sum, {2, 4}, /*keepdim=*/false);
}

Result<Bins> read_bins(ImportContext& call) {
  Bins how;
  FERRYMAN_TRY(how.scale, call.number("spatial_scale"));
  FERRYMAN_TRY(how.rows, call.integer("pooled_height"));
  FERRYMAN_TRY(how.columns, call.integer("pooled_width"));
  FERRYMAN_TRY(how.samples, call.integer("sampling_ratio"));
  if (how.samples > 0 && how.rows > 0 && how.columns > 0) return how;
  return call.unsupported("with as many samples as each region's size asks for")
      .because("that number is only known when the model runs")
      .hint("pass a sampling_ratio above 0; torchvision's own detectors use 2");
}

struct Regions {
  ValueId image, rois;
};

Result<Regions> read_regions(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> both, promoted(call, {"input", "rois"}));
  const CoreWriter write = call.writer();
  const bool fits =
      write.rank(both[0]) == 4 && write.rank(both[1]) == 2 && write.size(both[1], 1) == 5;
  if (!fits) return call.unsupported("an image that is not [N, C, H, W], or regions not [K, 5]");
  return Regions{both[0], both[1]};
}

Imported import_roi_align(ImportContext& call) {
  FERRYMAN_TRY(const Regions regions, read_regions(call));
  FERRYMAN_TRY(Bins how, read_bins(call));
  FERRYMAN_TRY(how.aligned, call.flag("aligned", false));
  const CoreWriter write = call.writer();
  const ValueId bins = average_bins(write, regions.image, regions.rois, how);
  return one_result(write.permute(bins, {0, 3, 1, 2}));
}

// Each bin has channels of its own: of all bins' means of all channels, those are kept.
Imported import_ps_roi_align(ImportContext& call) {
  FERRYMAN_TRY(const Regions regions, read_regions(call));
  FERRYMAN_TRY(Bins how, read_bins(call));
  how.aligned = true;
  if (call.is_result_read(1)) return call.unsupported("the mapping of channels");
  const int64_t bins = how.rows * how.columns;
  const CoreWriter write = call.writer();
  const int64_t count = write.size(regions.rois, 0);
  const int64_t channels = write.size(regions.image, 1) / bins;
  ValueId means = average_bins(write, regions.image, regions.rois, how);
  means = write.reshape(means, {count, bins, channels, bins});
  Ints own(static_cast<size_t>(bins * bins), 0);
  for (int64_t i = 0; i < bins; ++i) own[static_cast<size_t>(i * bins + i)] = 1;
  const ValueId mask =
      write.constant(store_ints({DType::kBool, to_dims({bins, 1, bins})}, own), "own");
  means = write.where(mask, means, 0);
  means = write.reduce(ops::kSum, means, {3}, /*keepdim=*/false);
  means = write.permute(means, {0, 2, 1});
  means = write.reshape(means, {count, channels, how.rows, how.columns});
  return std::vector{means, ValueId()};
}

}  // namespace

void add_roi_ops(Ops& ops) {
  ops.imports.add("torchvision.roi_align.default", import_roi_align);
  ops.imports.add("torchvision.ps_roi_align.default", import_ps_roi_align);
}

}  // namespace ferryman
