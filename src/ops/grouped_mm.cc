// Mixtures of experts: rows grouped by expert, each group times the matrix of its expert.
//
//   grouped_mm(x [rows, K], weight [experts, K, N], offs [experts])    offs: where each group ends
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// For each row, how many groups end at or before it: its expert, or their number after the last
// one.
Result<ValueId> expert_of_rows(ImportContext& call, ValueId ends, int64_t rows) {
  Ints numbers;
  for (int64_t row = 0; row < rows; ++row) numbers.push_back(row);
  const ValueId row = int_constant(call, {rows, 1}, numbers);
  FERRYMAN_TRY(const ValueId wide, as_dtype(call, ends, DType::kI64));
  FERRYMAN_TRY(const ValueId is_past, call.emit(ops::kLe, {wide, row}));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_past, DType::kI64));
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{1}}}, {attr::kKeepDim, false}});
}

// Each row times the matrix of its expert: as many products as there are rows. Rows of no group are
// zero.
Result<ValueId> emit_grouped_mm(ImportContext& call, ValueId x, ValueId weight, ValueId ends) {
  const Ints sizes = sizes_of(call, x);
  const Ints weights = sizes_of(call, weight);
  if (sizes.size() != 2 || weights.size() != 3 || rank_of(call, ends) != 1)
    return call.unsupported("of other than rows and one matrix for each expert");
  FERRYMAN_TRY(const ValueId expert, expert_of_rows(call, ends, sizes[0]));
  const auto int64 = [&](int64_t number) {
    return call.builder().scalar(DType::kI64, static_cast<double>(number));
  };
  FERRYMAN_TRY(const ValueId known, call.emit(ops::kMinimum, {expert, int64(weights[0] - 1)}));
  FERRYMAN_TRY(const ValueId matrices, emit_gather(call, weight, known, 0));
  FERRYMAN_TRY(const ValueId rows, emit_reshape(call, x, {sizes[0], 1, sizes[1]}));
  FERRYMAN_TRY(const ValueId products, call.emit(ops::kMatmul, {rows, matrices}));
  FERRYMAN_TRY(const ValueId result, emit_reshape(call, products, {sizes[0], weights[2]}));
  FERRYMAN_TRY(const ValueId in_group, call.emit(ops::kLt, {expert, int64(weights[0])}));
  FERRYMAN_TRY(const ValueId factor, as_dtype(call, in_group, dtype_of(call, x)));
  FERRYMAN_TRY(const ValueId column, emit_reshape(call, factor, {sizes[0], 1}));
  return call.emit(ops::kMul, {result, column});
}

Imported import_grouped_mm_fallback(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId ends, call.tensor("offs"));
  return one_result(emit_grouped_mm(call, x, weight, ends));
}

Imported import_grouped_mm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("mat2"));
  if (!call.given("offs")) return call.unsupported("without groups of rows");
  FERRYMAN_TRY(const ValueId ends, call.tensor("offs"));
  if (call.given("bias")) return call.unsupported("with a bias");
  FERRYMAN_TRY(const DType dtype, call.dtype("out_dtype", dtype_of(call, x)));
  FERRYMAN_TRY(const ValueId result, emit_grouped_mm(call, x, weight, ends));
  return one_result(as_dtype(call, result, dtype));
}

}  // namespace

void add_grouped_mm_ops(Ops& ops) {
  // The first is transformers' own operator, for types that torch's does not take.
  ops.imports.add("transformers.grouped_mm_fallback.default", import_grouped_mm_fallback);
  ops.imports.add("_grouped_mm.default", import_grouped_mm);
}

}  // namespace ferryman
