// Fake quantisation: float numbers rounded to those that a scale and a zero point can say, computed
// in float exactly as torch does. Round is half to even.
//
//   q = clamp(round(x / scale) + zero_point, quant_min, quant_max);  x' = (q - zero_point) * scale
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// What the numbers of each element's group are: constants or computed, shaped to broadcast.
struct Grid {
  ValueId scale, inverse_scale, zero_point;  // float32
  double lowest = 0, highest = 0;
};

enum class Precision : uint8_t { kSingle, kDouble };  // in which torch takes 1 / scale

// A vector for the entries of an axis, beside a tensor of that rank.
ValueId along_axis(CoreWriter write, ValueId vector, size_t rank, int64_t axis) {
  Ints shape(rank, 1);
  shape[static_cast<size_t>(axis)] = write.size(vector, 0);
  return write.reshape(vector, shape);
}

Status read_range(ImportContext& call, Grid& grid) {
  const CoreWriter write = call.writer();
  for (const auto& [name, bound] :
       {std::pair{"quant_min", &grid.lowest}, std::pair{"quant_max", &grid.highest}}) {
    const ImportArg* arg = call.find(name);
    const auto* value = arg == nullptr ? nullptr : std::get_if<ValueId>(&arg->value);
    if (value != nullptr && write.is_constant(*value)) {
      *bound = write.graph().constant(*value).to_doubles().at(0);
      continue;
    }
    FERRYMAN_TRY(*bound, call.number(name));
  }
  return {};
}

// The scale and zero point of all elements: numbers, or tensors of one element.
Result<Grid> read_grid(ImportContext& call, Precision precision) {
  Grid grid;
  FERRYMAN_TRY_STATUS(read_range(call, grid));
  FERRYMAN_TRY(grid.zero_point, tensor_as(call, "zero_point", DType::kF32));
  const CoreWriter write = call.writer();
  grid.zero_point = write.reshape(grid.zero_point, {});
  FERRYMAN_TRY(grid.scale, tensor_as(call, "scale", DType::kF32));
  grid.scale = write.reshape(grid.scale, {});
  const ImportArg* scale = call.find("scale");
  if (const auto* number = std::get_if<double>(&scale->value)) {
    const double inverse = precision == Precision::kDouble
                               ? 1.0 / *number
                               : double{1.0F / static_cast<float>(*number)};
    grid.inverse_scale = write.scalar(DType::kF32, inverse);
    return grid;
  }
  grid.inverse_scale = write.unary(ops::kReciprocal, grid.scale);
  return grid;
}

// One for each entry of an axis.
Result<Grid> read_channel_grid(ImportContext& call, std::string_view scales,
                               std::string_view zero_points, size_t rank) {
  Grid grid;
  FERRYMAN_TRY_STATUS(read_range(call, grid));
  FERRYMAN_TRY(const int64_t axis, call.axis("axis", rank));
  FERRYMAN_TRY(const ValueId scale, tensor_as(call, scales, DType::kF32));
  const CoreWriter write = call.writer();
  grid.scale = along_axis(write, scale, rank, axis);
  grid.inverse_scale = write.unary(ops::kReciprocal, grid.scale);
  grid.zero_point = write.scalar(DType::kF32, 0);
  if (call.given(zero_points)) {
    FERRYMAN_TRY(const ValueId zero_point, tensor_as(call, zero_points, DType::kF32));
    grid.zero_point = along_axis(write, zero_point, rank, axis);
  }
  return grid;
}

// clamp(round(x / scale) + zero_point, …), in float32.
ValueId emit_quantized(CoreWriter write, ValueId x, const Grid& grid) {
  x = write.cast(x, DType::kF32);
  x = write.mul(x, grid.inverse_scale);
  x = write.unary(ops::kRound, x);
  x = write.add(x, grid.zero_point);
  return write.op(ops::kClamp, {x}, {{attr::kMin, grid.lowest}, {attr::kMax, grid.highest}});
}

ValueId emit_dequantized(CoreWriter write, ValueId q, const Grid& grid) {
  return write.mul(write.sub(q, grid.zero_point), grid.scale);
}

// The rounded numbers, and where nothing was cut off (for gradients).
Imported import_fake(ImportContext& call, ValueId x, const Grid& grid) {
  const CoreWriter write = call.writer();
  const DType dtype = write.dtype(x);
  const ValueId q = emit_quantized(write, x, grid);
  const ValueId y = emit_dequantized(write, q, grid);
  const ValueId result = write.cast(y, dtype);
  std::vector<ValueId> results = {result};
  if (call.num_results() > 1) results.emplace_back();
  return results;
}

Imported import_fake_per_tensor(ImportContext& call) {
  call.ignore("grad_factor");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (call.given("fake_quant_enabled")) {
    FERRYMAN_TRY(const ValueId enabled, call.tensor("fake_quant_enabled"));
    if (!write.is_constant(enabled))
      return call.unsupported("a switch that is only known at run time");
    if (write.graph().constant(enabled).to_ints().at(0) != 1) {
      for (const std::string_view name : {"scale", "zero_point", "quant_min", "quant_max"})
        call.ignore(name);
      return std::vector{x, ValueId()};
    }
  }
  FERRYMAN_TRY(const Grid grid, read_grid(call, Precision::kSingle));
  return import_fake(call, x, grid);
}

Imported import_fake_per_channel(ImportContext& call) {
  call.ignore("grad_factor");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const Grid grid,
               read_channel_grid(call, "scale", "zero_point", call.writer().rank(x)));
  return import_fake(call, x, grid);
}

// ---- graphs of PT2E: whole numbers between the two ----

Result<ValueId> stored(ImportContext& call, Result<ValueId> q) {
  if (!q.ok()) return q;
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", DType::kI8));
  return call.writer().cast(*q, dtype);
}

Imported import_quantize(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid, read_grid(call, Precision::kDouble));
  return one_result(stored(call, emit_quantized(call.writer(), x, grid)));
}

Imported import_quantize_per_channel(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const Grid grid, read_channel_grid(call, "scales", "zero_points", write.rank(x)));
  return one_result(stored(call, emit_quantized(write, x, grid)));
}

Imported import_fake_pt2e(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid,
               read_channel_grid(call, "scales", "zero_points", call.writer().rank(x)));
  return import_fake(call, x, grid);
}

Imported dequantized(ImportContext& call, ValueId q, const Grid& grid) {
  call.ignore("dtype");
  const CoreWriter write = call.writer();
  q = write.cast(q, DType::kF32);
  const ValueId x = emit_dequantized(write, q, grid);
  FERRYMAN_TRY(const DType dtype, call.dtype("out_dtype", DType::kF32));
  return one_result(write.cast(x, dtype));
}

Imported import_dequantize(ImportContext& call) {
  FERRYMAN_TRY(const ValueId q, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid, read_grid(call, Precision::kDouble));
  return dequantized(call, q, grid);
}

Imported import_dequantize_per_channel(ImportContext& call) {
  FERRYMAN_TRY(const ValueId q, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid,
               read_channel_grid(call, "scales", "zero_points", call.writer().rank(q)));
  return dequantized(call, q, grid);
}

// One for each line along the last axis; scales and zero points have its shape, with 1 there.
Result<Grid> read_token_grid(ImportContext& call) {
  Grid grid;
  FERRYMAN_TRY_STATUS(read_range(call, grid));
  FERRYMAN_TRY(grid.scale, tensor_as(call, "scales", DType::kF32));
  grid.inverse_scale = call.writer().unary(ops::kReciprocal, grid.scale);
  FERRYMAN_TRY(grid.zero_point, tensor_as(call, "zero_points", DType::kF32));
  return grid;
}

Imported import_quantize_per_token(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid, read_token_grid(call));
  return one_result(stored(call, emit_quantized(call.writer(), x, grid)));
}

Imported import_dequantize_per_token(ImportContext& call) {
  FERRYMAN_TRY(const ValueId q, call.tensor("input"));
  FERRYMAN_TRY(const Grid grid, read_token_grid(call));
  call.ignore("output_dtype");
  return dequantized(call, q, grid);
}

}  // namespace

void add_quantize_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add(
      {"fake_quantize_per_tensor_affine.default", "fake_quantize_per_tensor_affine.tensor_qparams",
       "fake_quantize_per_tensor_affine_cachemask.default",
       "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default",
       "_fake_quantize_learnable_per_tensor_affine.default"},
      import_fake_per_tensor);
  imports.add({"fake_quantize_per_channel_affine.default",
               "fake_quantize_per_channel_affine_cachemask.default",
               "_fake_quantize_learnable_per_channel_affine.default"},
              import_fake_per_channel);
  imports.add({"quantized_decomposed.quantize_per_tensor.default",
               "quantized_decomposed.quantize_per_tensor.tensor",
               "quantized_decomposed.quantize_per_tensor.tensor2"},
              import_quantize);
  imports.add({"quantized_decomposed.dequantize_per_tensor.default",
               "quantized_decomposed.dequantize_per_tensor.tensor",
               "quantized_decomposed.dequantize_per_tensor.tensor2"},
              import_dequantize);
  imports.add("quantized_decomposed.quantize_per_channel.default", import_quantize_per_channel);
  imports.add("quantized_decomposed.dequantize_per_channel.default", import_dequantize_per_channel);
  imports.add("quantized_decomposed.fake_quant_per_channel.default", import_fake_pt2e);
  imports.add("quantized_decomposed.quantize_per_token.default", import_quantize_per_token);
  imports.add("quantized_decomposed.dequantize_per_token.default", import_dequantize_per_token);
}

}  // namespace ferryman
