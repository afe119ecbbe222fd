#include "ops/spatial/resize_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/spatial/resample_free.h"

namespace ferryman {

namespace {

// "upsample_nearest2d.vec" gives sizes or factors; "upsample_nearest2d.default" sizes, and the
// factors that they came from, which torch then computes with.
struct Resize {
  ValueId x;
  Dims in_size;
  Dims output_size;
  Floats scales;  // empty: from the sizes
};

Result<Floats> read_scale_list(ImportContext& call, size_t rank) {
  if (!call.given("scale_factors")) return Floats();
  const auto* list = std::get_if<ImportArgs>(&call.find("scale_factors")->value);
  if (list == nullptr || list->size() != rank) return call.unsupported("scale_factors do not fit");
  Floats scales;
  for (const ImportArg& item : *list) {
    const auto* real = std::get_if<double>(&item.value);
    const auto* integer = std::get_if<int64_t>(&item.value);
    if (real == nullptr && integer == nullptr) return call.unsupported("a scale that is no number");
    scales.push_back(real != nullptr ? *real : static_cast<double>(*integer));
  }
  return scales;
}

// One optional number for each axis; 0 where there is none.
Result<Floats> read_scale_numbers(ImportContext& call, size_t rank) {
  constexpr std::array<std::string_view, 3> kNames = {"scales_d", "scales_h", "scales_w"};
  Floats scales;
  for (size_t axis = 0; axis < rank; ++axis) {
    const std::string_view name = rank == 1 ? "scales" : kNames[axis + kNames.size() - rank];
    FERRYMAN_TRY(const double scale, call.number(name, 0.0));
    scales.push_back(scale);
  }
  return scales;
}

bool usable(double scale) {
  return std::isfinite(scale) && scale > 0 && scale < 1e6;
}

Result<Dims> read_sizes(ImportContext& call, const Resize& resize) {
  const size_t rank = resize.in_size.size();
  if (call.given("output_size")) {
    FERRYMAN_TRY(Dims sizes, call.sizes("output_size"));
    if (sizes.size() == 1) sizes.resize(rank, sizes.front());
    if (sizes.size() != rank) return call.unsupported("output_size does not fit");
    return sizes;
  }
  const Dims& recorded = call.result_type(0).dims;
  Dims sizes;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (resize.scales.empty() || !usable(resize.scales[axis]))
      return call.unsupported("neither output_size nor scale_factors");
    if (!resize.in_size[axis].is_static()) {
      sizes.push_back(recorded[recorded.size() - rank + axis]);
      continue;
    }
    sizes.push_back(static_cast<int64_t>(static_cast<double>(resize.in_size[axis].size()) *
                                         resize.scales[axis]));
  }
  return sizes;
}

// Factors that say the same as the sizes are dropped; a missing one is what the sizes say.
Floats significant_scales(SymbolTable& symbols, const Resize& resize) {
  bool significant = false;
  Floats scales = resize.scales;
  for (size_t axis = 0; axis < scales.size(); ++axis) {
    const double scale = scales[axis];
    const bool is_whole = usable(scale) && scale == std::trunc(scale);
    const bool multiplies =
        is_whole &&
        symbols.mul(resize.in_size[axis], static_cast<int64_t>(scale)) == resize.output_size[axis];
    const bool is_free = !resize.in_size[axis].is_static() || !resize.output_size[axis].is_static();
    if (multiplies || (is_free && !usable(scale))) continue;
    if (is_free) {  // what it leaves of the size is not known
      significant = true;
      continue;
    }
    const auto in = static_cast<double>(resize.in_size[axis].size());
    const auto out = static_cast<double>(resize.output_size[axis].size());
    if (!usable(scales[axis])) scales[axis] = out / in;
    if (in * scales[axis] != out) significant = true;
  }
  return significant ? scales : Floats();
}

Result<Resize> read_resize(ImportContext& call) {
  const bool vec = call.target().ends_with(".vec");
  Resize resize;
  FERRYMAN_TRY(resize.x, call.tensor(vec ? "input" : "self"));
  const Dims dims = call.writer().dims(resize.x);
  const Dims spatial(dims.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(2, dims.size())),
                     dims.end());
  if (spatial.empty() || spatial.size() > 3)
    return call.unsupported(fmt::format("an input with {} axes", dims.size()));
  resize.in_size = spatial;
  if (vec) {
    FERRYMAN_TRY(resize.scales, read_scale_list(call, spatial.size()));
  } else {
    FERRYMAN_TRY(resize.scales, read_scale_numbers(call, spatial.size()));
  }
  FERRYMAN_TRY(resize.output_size, read_sizes(call, resize));
  resize.scales = significant_scales(call.writer().symbols(), resize);
  return resize;
}

Imported import_nearest(ImportContext& call) {
  FERRYMAN_TRY(const Resize resize, read_resize(call));
  const bool exact = call.target().find("exact") != std::string_view::npos;
  return one_result(call.writer().op(ops::kResizeNearest, {resize.x},
                                     {{attr::kResizedTo, ShapeAttr{resize.output_size}},
                                      {attr::kScales, resize.scales},
                                      {attr::kExact, exact}}));
}

// ---- resampling: linear in each axis, so a product with a matrix ----

FreeResize axis_of(const Resize& resize, size_t i, bool align_corners) {
  FreeResize axis = {resize.in_size[i], resize.output_size[i]};
  if (!resize.scales.empty()) axis.scale = resize.scales[i];
  axis.align_corners = align_corners;
  return axis;
}

// Columns [in, out] on the right of the image, or rows [out, in] on its left.
enum class ResampledAxis : uint8_t { kRows, kColumns };

ValueId multiplied(CoreWriter write, ValueId x, ResampledAxis side, const TensorData& matrix) {
  if (side == ResampledAxis::kRows)
    return write.binary(ops::kMatmul, write.constant(matrix, "resample_rows"), x);
  return write.binary(ops::kMatmul, x, write.constant(matrix.permuted({1, 0}), "resample_columns"));
}

// Bits of a weight with which the sum of products with bytes stays exact in float32.
constexpr int kExactBits = 14;

TensorData bits_of(const ResizeAxis& axis, const ByteWeights& bytes, int shift, int32_t mask) {
  std::vector<float> numbers;
  for (const int32_t weight : bytes.weights)
    numbers.push_back(static_cast<float>((weight >> shift) & mask));
  return TensorData::of<float>({axis.out_size, axis.in_size}, numbers);
}

// (sum of weight * byte + half) >> precision, as a byte in float32. Precise weights are taken in
// two parts, which are put together as int32.
ValueId resampled_bytes(CoreWriter write, ValueId x, ResampledAxis side, const ResizeAxis& axis,
                        Resampling kind) {
  const ByteWeights bytes = byte_weights(axis, kind);
  const int rest = std::max(bytes.precision - kExactBits, 0);
  const double half = std::ldexp(0.5, bytes.precision);
  ValueId sum = multiplied(write, x, side, bits_of(axis, bytes, rest, -1));
  if (rest == 0) {
    sum = write.add(sum, half);
    const ValueId unit = write.scalar(sum, std::ldexp(1.0, -bytes.precision));
    sum = write.mul(sum, unit);
    sum = write.unary(ops::kFloor, sum);
  } else {
    const int32_t mask = (1 << rest) - 1;
    ValueId low = multiplied(write, x, side, bits_of(axis, bytes, 0, mask));
    low = write.cast(low, DType::kI32);
    sum = write.cast(sum, DType::kI32);
    sum = write.mul(sum, std::ldexp(1.0, rest));
    sum = write.add(sum, low);
    sum = write.add(sum, half);
    const ValueId unit = write.scalar(sum, std::ldexp(1.0, bytes.precision));
    sum = write.binary(ops::kFloorDivide, sum, unit);
    sum = write.cast(sum, DType::kF32);
  }
  return write.op(ops::kClamp, {sum}, {{attr::kMin, 0.0}, {attr::kMax, 255.0}});
}

// Bytes are rounded after each axis, the last of which comes first. Half precision is computed in
// float32.
Imported import_resampling(ImportContext& call, Resampling kind) {
  FERRYMAN_TRY(const Resize resize, read_resize(call));
  FERRYMAN_TRY(const bool align_corners, call.flag("align_corners", false));
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(resize.x);
  const bool of_bytes = dtype == DType::kU8;
  if ((!of_bytes && !is_floating(dtype)) || resize.in_size.size() != 2)
    return call.unsupported("resampling of other than images of bytes or floats");
  const DType computed = dtype == DType::kF64 ? DType::kF64 : DType::kF32;
  ValueId x = write.cast(resize.x, computed);
  for (const ResampledAxis side : {ResampledAxis::kColumns, ResampledAxis::kRows}) {
    const size_t number = side == ResampledAxis::kColumns ? 1 : 0;
    const FreeResize resized = axis_of(resize, number, align_corners);
    if (!resized.is_static() && !of_bytes) {
      x = resample_along(write, x, 2 + number, resized, kind);
      continue;
    }
    const ResizeAxis axis = resized.as_numbers();
    if (of_bytes) {
      x = resampled_bytes(write, x, side, axis, kind);
      continue;
    }
    const Ints shape = {axis.out_size, axis.in_size};
    const TensorData matrix = computed == DType::kF64
                                  ? TensorData::of<double>(shape, resample_weights(axis, kind))
                                  : TensorData::of<float>(shape, resample_matrix(axis, kind));
    x = multiplied(write, x, side, matrix);
  }
  return one_result(write.cast(x, dtype));
}

Imported import_linear_resize(ImportContext& call) {
  FERRYMAN_TRY(const Resize resize, read_resize(call));
  FERRYMAN_TRY(const bool align_corners, call.flag("align_corners", false));
  const CoreWriter write = call.writer();
  if (write.dtype(resize.x) == DType::kU8) return import_resampling(call, Resampling::kLinear);
  return one_result(write.op(ops::kResizeBilinear, {resize.x},
                             {{attr::kResizedTo, ShapeAttr{resize.output_size}},
                              {attr::kScales, align_corners ? Floats() : resize.scales},
                              {attr::kAlignCorners, align_corners}}));
}

Imported import_bicubic(ImportContext& call) {
  return import_resampling(call, Resampling::kCubic);
}
Imported import_bilinear_antialiased(ImportContext& call) {
  return import_resampling(call, Resampling::kLinearAntialiased);
}
Imported import_bicubic_antialiased(ImportContext& call) {
  return import_resampling(call, Resampling::kCubicAntialiased);
}

// [..., C, H, W] as [N, C, H, W] and back.
Imported make_shuffle(ImportContext& call, OpName name, std::string_view factor_name) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t factor, call.integer(factor_name));
  const CoreWriter write = call.writer();
  const Dims dims = write.dims(x);
  if (dims.size() < 3) return call.unsupported("an input without [C, H, W]");
  const auto leading = dims.end() - 3;
  Dim batch(1);
  for (auto dim = dims.begin(); dim != leading; ++dim)
    batch = call.builder().symbols().mul(batch, *dim);
  Dims image = {batch};
  image.insert(image.end(), leading, dims.end());
  const ValueId shuffled = write.op(name, {write.reshape(x, image)}, {{attr::kFactor, factor}});
  const Dims& out = write.dims(shuffled);
  Dims result(dims.begin(), leading);
  result.insert(result.end(), out.begin() + 1, out.end());
  return one_result(write.reshape(shuffled, std::move(result)));
}

// Of channels whose number is free, which the program states to divide.
ValueId shuffle_freely(CoreWriter write, ValueId x, int64_t factor) {
  SymbolTable& symbols = write.symbols();
  const Dims dims = write.dims(x);
  const auto leading = dims.end() - 3;
  Dims split(dims.begin(), leading);
  const auto first = static_cast<int64_t>(split.size());
  Dims merged = split;
  split.insert(split.end(), {symbols.floordiv(leading[0], factor * factor), factor, factor,
                             leading[1], leading[2]});
  merged.insert(merged.end(), {split[split.size() - 5], symbols.mul(leading[1], factor),
                               symbols.mul(leading[2], factor)});
  Ints perm = iota_axes(static_cast<size_t>(first) + 1);
  for (const int64_t axis : {3, 1, 4, 2}) perm.push_back(first + axis);
  return write.reshape(write.permute(write.reshape(x, split), perm), merged);
}

Imported import_pixel_shuffle(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  if (rank >= 3 && !write.dims(x)[rank - 3].is_static()) {
    FERRYMAN_TRY(const int64_t factor, call.integer("upscale_factor"));
    if (factor < 1) return call.unsupported("a factor below 1");
    return one_result(shuffle_freely(write, x, factor));
  }
  return make_shuffle(call, ops::kPixelShuffle, "upscale_factor");
}
Imported import_pixel_unshuffle(ImportContext& call) {
  return make_shuffle(call, ops::kPixelUnshuffle, "downscale_factor");
}

// [N, g * c, ...] -> [N, g, c, ...] -> [N, c, g, ...] -> [N, c * g, ...]
Imported import_channel_shuffle(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t groups, call.integer("groups"));
  const CoreWriter write = call.writer();
  const Dims dims = write.dims(x);
  // Of a free size the program states that it divides.
  const bool fits =
      dims.size() >= 3 && groups >= 1 && (!dims[1].is_static() || dims[1].size() % groups == 0);
  if (!fits) return call.unsupported("channels that do not divide into groups");
  Dims split = dims;
  split[1] = Dim(groups);
  split.insert(split.begin() + 2, write.symbols().floordiv(dims[1], groups));
  Ints perm = iota_axes(split.size());
  std::swap(perm[1], perm[2]);
  return one_result(write.reshape(write.permute(write.reshape(x, split), perm), dims));
}

}  // namespace

void add_resize_imports(ImportTable& imports) {
  imports.add({"upsample_nearest1d.default", "upsample_nearest1d.vec", "upsample_nearest2d.default",
               "upsample_nearest2d.vec", "upsample_nearest3d.default", "upsample_nearest3d.vec",
               "_upsample_nearest_exact1d.default", "_upsample_nearest_exact1d.vec",
               "_upsample_nearest_exact2d.default", "_upsample_nearest_exact2d.vec",
               "_upsample_nearest_exact3d.default", "_upsample_nearest_exact3d.vec"},
              import_nearest);
  imports.add(
      {"upsample_linear1d.default", "upsample_linear1d.vec", "upsample_bilinear2d.default",
       "upsample_bilinear2d.vec", "upsample_trilinear3d.default", "upsample_trilinear3d.vec"},
      import_linear_resize);
  imports.add({"upsample_bicubic2d.default", "upsample_bicubic2d.vec"}, import_bicubic);
  imports.add({"_upsample_bilinear2d_aa.default", "_upsample_bilinear2d_aa.vec"},
              import_bilinear_antialiased);
  imports.add({"_upsample_bicubic2d_aa.default", "_upsample_bicubic2d_aa.vec"},
              import_bicubic_antialiased);
  imports.add("pixel_shuffle.default", import_pixel_shuffle);
  imports.add("pixel_unshuffle.default", import_pixel_unshuffle);
  imports.add({"channel_shuffle.default", "native_channel_shuffle.default"},
              import_channel_shuffle);
}

}  // namespace ferryman
