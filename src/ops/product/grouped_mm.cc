// Mixtures of experts: rows grouped by expert, each group times the matrix of its expert.
//
//   grouped_mm(x [rows, K], weight [experts, K, N], offs [experts])    offs: where each group ends
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// For each row, how many groups end at or before it: its expert, or their number after the last
// one.
ValueId expert_of_rows(CoreWriter write, ValueId ends, int64_t rows) {
  Ints numbers;
  for (int64_t row = 0; row < rows; ++row) numbers.push_back(row);
  const ValueId row = write.indices({rows, 1}, numbers);
  const ValueId is_past = write.binary(ops::kLe, write.cast(ends, DType::kI64), row);
  return write.reduce(ops::kSum, write.cast(is_past, DType::kI64), {1}, /*keepdim=*/false);
}

// Each row times the matrix of its expert: as many products as there are rows. Rows of no group are
// zero.
ValueId emit_grouped_mm(CoreWriter write, ValueId x, ValueId weight, ValueId ends) {
  const Ints sizes = write.sizes(x);
  const Ints weights = write.sizes(weight);
  if (sizes.size() != 2 || weights.size() != 3 || write.rank(ends) != 1)
    return write.refuse("of other than rows and one matrix for each expert");
  const ValueId expert = expert_of_rows(write, ends, sizes[0]);
  const auto int64 = [&](int64_t number) {
    return write.scalar(DType::kI64, static_cast<double>(number));
  };
  const ValueId known = write.binary(ops::kMinimum, expert, int64(weights[0] - 1));
  const ValueId matrices = write.gather(weight, 0, known);
  const ValueId rows = write.reshape(x, {sizes[0], 1, sizes[1]});
  const ValueId products = write.binary(ops::kMatmul, rows, matrices);
  const ValueId result = write.reshape(products, {sizes[0], weights[2]});
  const ValueId in_group = write.binary(ops::kLt, expert, int64(weights[0]));
  return write.mul(result, write.reshape(write.cast(in_group, write.dtype(x)), {sizes[0], 1}));
}

Imported import_grouped_mm_fallback(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId ends, call.tensor("offs"));
  return one_result(emit_grouped_mm(call.writer(), x, weight, ends));
}

Imported import_grouped_mm(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("mat2"));
  if (!call.given("offs")) return call.unsupported("without groups of rows");
  FERRYMAN_TRY(const ValueId ends, call.tensor("offs"));
  if (call.given("bias")) return call.unsupported("with a bias");
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const DType dtype, call.dtype("out_dtype", write.dtype(x)));
  const ValueId result = emit_grouped_mm(write, x, weight, ends);
  return one_result(write.cast(result, dtype));
}

}  // namespace

void add_grouped_mm_ops(Ops& ops) {
  // The first is transformers' own operator, for types that torch's does not take.
  ops.imports.add("transformers.grouped_mm_fallback.default", import_grouped_mm_fallback);
  ops.imports.add("_grouped_mm.default", import_grouped_mm);
}

}  // namespace ferryman
