// Resampling of the spatial axes, and the rearrangements between channels and space.
#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/op_axes.h"
#include "ops/spatial/resample.h"
#include "ops/spatial/resize_import.h"

namespace ferryman {

namespace {

InferResult infer_resize(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Dims& size = args.attrs[attr::kResizedTo].dims;
  const Floats& scales = args.attrs[attr::kScales];
  const Dims spatial(
      x.dims.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(x.rank())),
      x.dims.end());
  const auto is_filled = [](Dim dim) { return dim != Dim(0); };
  if (x.rank() < 3 || size.size() != spatial.size() || !std::ranges::all_of(size, is_filled))
    return shape_error("output_size does not fit");
  if (!scales.empty() && scales.size() != size.size()) return shape_error("scales do not fit");
  if (!std::ranges::all_of(spatial, is_filled)) return shape_error("resizing of an empty size");
  Dims dims = {x.dims[0], x.dims[1]};
  dims.insert(dims.end(), size.begin(), size.end());
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

std::vector<ResizeAxis> resize_axes(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  const Floats& scales = args.attrs[attr::kScales];
  std::vector<ResizeAxis> axes;
  for (size_t i = 0; i + 2 < shape.size(); ++i) {
    ResizeAxis axis = {shape[i + 2], args.attrs[attr::kResizedTo].dims[i].size()};
    if (!scales.empty()) axis.scale = scales[i];
    if (args.attrs.has(attr::kAlignCorners.name))
      axis.align_corners = args.attrs[attr::kAlignCorners];
    axes.push_back(axis);
  }
  return axes;
}

struct WeightedSource {
  int64_t position;  // flat over the spatial axes
  double weight;
};
// What one output position reads.
using SourcesAt = std::function<std::vector<WeightedSource>(const Ints& out_index)>;

EvalResult evaluate_resize(const EvalArgs& args, const SourcesAt& sources_at) {
  const Ints& in_shape = args.operand(0).shape();
  const Ints out_shape = static_sizes(args.results[0].dims);
  const Ints out_spatial(out_shape.begin() + 2, out_shape.end());
  const int64_t in_area = product(Ints(in_shape.begin() + 2, in_shape.end()));
  const int64_t out_area = product(out_spatial);
  const int64_t planes = in_shape[0] * in_shape[1];
  const std::vector<double> x = args.operand(0).to_doubles();
  std::vector<double> values(static_cast<size_t>(planes * out_area));
  int64_t position = 0;
  for_each_index(out_spatial, [&](const Ints& out_index) {
    const std::vector<WeightedSource> sources = sources_at(out_index);
    for (int64_t plane = 0; plane < planes; ++plane) {
      double sum = 0;
      for (const WeightedSource& source : sources)
        sum += source.weight * x[static_cast<size_t>(plane * in_area + source.position)];
      values[static_cast<size_t>(plane * out_area + position)] = sum;
    }
    ++position;
  });
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

EvalResult eval_resize_nearest(const EvalArgs& args) {
  const std::vector<ResizeAxis> axes = resize_axes(args);
  const NearestRule rule = args.attrs[attr::kExact] ? NearestRule::kExact : NearestRule::kFloor;
  return evaluate_resize(args, [&](const Ints& out_index) {
    int64_t position = 0;
    for (size_t i = 0; i < axes.size(); ++i)
      position = position * axes[i].in_size + nearest_source(axes[i], rule, out_index[i]);
    return std::vector{WeightedSource{position, 1.0}};
  });
}

EvalResult eval_resize_bilinear(const EvalArgs& args) {
  const std::vector<ResizeAxis> axes = resize_axes(args);
  return evaluate_resize(args, [&](const Ints& out_index) {
    std::vector<WeightedSource> sources = {{0, 1.0}};
    for (size_t i = 0; i < axes.size(); ++i) {
      const LinearTap tap = linear_source(axes[i], out_index[i]);
      std::vector<WeightedSource> extended;
      for (const WeightedSource& source : sources) {
        const int64_t row = source.position * axes[i].in_size;
        extended.push_back({row + tap.low, source.weight * (1 - tap.high_weight)});
        if (tap.high_weight > 0)
          extended.push_back({row + tap.high, source.weight * tap.high_weight});
      }
      sources = std::move(extended);
    }
    return sources;
  });
}

InferResult infer_pixel_shuffle(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const int64_t factor = args.attrs[attr::kFactor];
  const bool fits = x.rank() == 4 && factor >= 1 && x.dims[1].is_static() &&
                    x.dims[1].size() % (factor * factor) == 0;
  if (!fits) {
    return shape_error(
        fmt::format("input {} with factor {}", print_dims(x.dims, args.symbols), factor));
  }
  SymbolTable& symbols = args.symbols;
  return std::vector{
      TensorType{x.dtype,
                 {x.dims[0], Dim(x.dims[1].size() / (factor * factor)),
                  symbols.mul(x.dims[2], Dim(factor)), symbols.mul(x.dims[3], Dim(factor))}}};
}

InferResult infer_pixel_unshuffle(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const int64_t factor = args.attrs[attr::kFactor];
  const auto divides = [&](Dim dim) { return !dim.is_static() || dim.size() % factor == 0; };
  if (x.rank() != 4 || factor < 1 || !divides(x.dims[2]) || !divides(x.dims[3])) {
    return shape_error(
        fmt::format("input {} with factor {}", print_dims(x.dims, args.symbols), factor));
  }
  SymbolTable& symbols = args.symbols;
  return std::vector{TensorType{
      x.dtype,
      {x.dims[0], symbols.mul(x.dims[1], Dim(factor * factor)),
       symbols.floordiv(x.dims[2], Dim(factor)), symbols.floordiv(x.dims[3], Dim(factor))}}};
}

// A rearrangement: reshape, permute, reshape of the bytes.
TensorData rearranged(const TensorData& x, const Ints& split, const Ints& perm, Ints merged) {
  return x.reshaped(split).permuted(perm).materialised().reshaped(std::move(merged));
}

EvalResult eval_pixel_shuffle(const EvalArgs& args) {
  const Ints& in = args.operand(0).shape();
  const int64_t r = args.attrs[attr::kFactor];
  std::vector<TensorData> results;
  results.push_back(rearranged(args.operand(0), {in[0], in[1] / (r * r), r, r, in[2], in[3]},
                               {0, 1, 4, 2, 5, 3}, static_sizes(args.results[0].dims)));
  return results;
}

EvalResult eval_pixel_unshuffle(const EvalArgs& args) {
  const Ints& in = args.operand(0).shape();
  const int64_t r = args.attrs[attr::kFactor];
  std::vector<TensorData> results;
  results.push_back(rearranged(args.operand(0), {in[0], in[1], in[2] / r, r, in[3] / r, r},
                               {0, 1, 3, 5, 2, 4}, static_sizes(args.results[0].dims)));
  return results;
}

// The same with the position in the block as the outer part of the channel: (i, j, c), where pixel
// shuffle has (c, i, j).
EvalResult eval_depth_to_space(const EvalArgs& args) {
  const Ints& in = args.operand(0).shape();
  const int64_t r = args.attrs[attr::kFactor];
  std::vector<TensorData> results;
  results.push_back(rearranged(args.operand(0), {in[0], r, r, in[1] / (r * r), in[2], in[3]},
                               {0, 3, 4, 1, 5, 2}, static_sizes(args.results[0].dims)));
  return results;
}

EvalResult eval_space_to_depth(const EvalArgs& args) {
  const Ints& in = args.operand(0).shape();
  const int64_t r = args.attrs[attr::kFactor];
  std::vector<TensorData> results;
  results.push_back(rearranged(args.operand(0), {in[0], in[1], in[2] / r, r, in[3] / r, r},
                               {0, 3, 5, 1, 2, 4}, static_sizes(args.results[0].dims)));
  return results;
}

// packed [.., C * r * r, H, W] and wide [.., C, H * r, W * r] by their parts:
//   packed.C = (wide.C, rows, columns), wide.H = (packed.H, rows), wide.W = (packed.W, columns)
OpAxes shuffle_axes(const Graph& graph, const Op& op, bool packs) {
  AxesOfOp of(graph, op);
  const Dims& packed = of.dims(packs ? op.result() : op.operands[0]);
  const Dims& wide = of.dims(packs ? op.operands[0] : op.result());
  const size_t c = packed.size() - 3;
  const size_t height = c + 1, width = c + 2, rows = c + 3, columns = c + 4;
  const Dim block(op.attr(attr::kFactor));
  Relabelling relabelling;
  relabelling.parts = wide;
  relabelling.parts[height] = packed[height];
  relabelling.parts[width] = packed[width];
  relabelling.parts.insert(relabelling.parts.end(), {block, block});
  std::vector<DimParts> packed_parts;
  for (size_t d = 0; d < c; ++d) packed_parts.push_back({d});
  std::vector<DimParts> wide_parts = packed_parts;
  packed_parts.insert(packed_parts.end(), {{c, rows, columns}, {height}, {width}});
  wide_parts.insert(wide_parts.end(), {{c}, {height, rows}, {width, columns}});
  relabelling.operand_parts = packs ? wide_parts : packed_parts;
  relabelling.result_parts = packs ? packed_parts : wide_parts;
  return of.relabel(std::move(relabelling));
}

OpAxes pixel_shuffle_axes(const Graph& graph, const Op& op) {
  return shuffle_axes(graph, op, /*packs=*/false);
}

OpAxes pixel_unshuffle_axes(const Graph& graph, const Op& op) {
  return shuffle_axes(graph, op, /*packs=*/true);
}

// Which channels become neighbours depends on their positions.
OpAxes block_axes(const Graph& graph, const Op& op) {
  OpAxes axes = AxesOfOp(graph, op).image();
  if (axes.kind == OpAxes::Kind::kTied) axes.axes[1].positional = true;
  return axes;
}

}  // namespace

void add_resize_ops(Ops& ops) {
  ops.set.define(ops::kResizeNearest)
      .doc("Element floor(i / scale) of each spatial axis; floor((i + 0.5) / scale) with exact")
      .operand("x")
      .attr(attr::kResizedTo)
      .attr(attr::kScales, {})
      .attr(attr::kExact, false)
      .result(infer_resize)
      .axes(AxisRule::kAnchored)
      .eval(eval_resize_nearest);

  ops.set.define(ops::kResizeBilinear)
      .doc(
          "Linear interpolation along each spatial axis, at (i + 0.5) / scale - 0.5, or from "
          "corner to corner with align_corners")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kResizedTo)
      .attr(attr::kScales, {})
      .attr(attr::kAlignCorners, false)
      .result(infer_resize)
      .axes(AxisRule::kAnchored)
      .eval(eval_resize_bilinear);

  ops.set.define(ops::kPixelShuffle)
      .doc("[N, C * r * r, H, W] to [N, C, H * r, W * r]")
      .operand("x")
      .attr(attr::kFactor)
      .result(infer_pixel_shuffle)
      .axes(AxisRule::kAnchored, pixel_shuffle_axes)
      .eval(eval_pixel_shuffle);

  ops.set.define(ops::kPixelUnshuffle)
      .doc("[N, C, H * r, W * r] to [N, C * r * r, H, W]")
      .operand("x")
      .attr(attr::kFactor)
      .result(infer_pixel_unshuffle)
      .axes(AxisRule::kAnchored, pixel_unshuffle_axes)
      .eval(eval_pixel_unshuffle);

  // What some targets have as one operator; pixel shuffle up to the order of the channels.
  ops.set.define(ops::kDepthToSpace)
      .doc("[N, r * r * C, H, W] to [N, C, H * r, W * r]")
      .operand("x")
      .attr(attr::kFactor)
      .result(infer_pixel_shuffle)
      .axes(AxisRule::kAnchored, block_axes)
      .eval(eval_depth_to_space);

  ops.set.define(ops::kSpaceToDepth)
      .doc("[N, C, H * r, W * r] to [N, r * r * C, H, W]")
      .operand("x")
      .attr(attr::kFactor)
      .result(infer_pixel_unshuffle)
      .axes(AxisRule::kAnchored, block_axes)
      .eval(eval_space_to_depth);

  add_resize_imports(ops.imports);
}

}  // namespace ferryman
