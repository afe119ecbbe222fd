// Conversions of dtype, and the calls of ATen that only may convert.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

InferResult cast_type(const InferArgs& args) {
  return std::vector{TensorType{args.attrs[attr::kDType], args.operand(0).dims}};
}

EvalResult eval_cast(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const bool is_whole = is_integer(x.dtype()) || x.dtype() == DType::kBool;
  // An i64 holds no large u64, a double holds it nearly.
  const bool whole = is_whole && !(x.dtype() == DType::kU64 && is_floating(args.results[0].dtype));
  std::vector<TensorData> results;
  results.push_back(whole ? store_ints(args.results[0], x.to_ints())
                          : store_doubles(args.results[0], x.to_doubles()));
  return results;
}

Imported import_to(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", write.dtype(x)));
  return std::vector{write.cast(x, dtype)};
}

Imported import_to_other(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId other, call.tensor("other"));
  const CoreWriter write = call.writer();
  return std::vector{write.cast(x, write.dtype(other))};
}

template <DType kTo>
Imported import_cast(ImportContext& call) {
  call.ignore_placement();
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const ValueId y = call.writer().cast(x, kTo);
  return std::vector{y};
}

}  // namespace

void add_cast_ops(Ops& ops) {
  ops.set.define(ops::kCast)
      .doc("x converted: to integers by truncation, to bool by x != 0")
      .operand("x", DTypeSet::kReal)
      .attr(attr::kDType)
      .result(cast_type)
      .axes(AxisRule::kElementwise)
      .eval(eval_cast);

  ops.imports.add({"to.dtype", "to.dtype_layout", "to.device", "_to_copy.default"}, import_to);
  ops.imports.add({"to.other", "type_as.default"}, import_to_other);
  ops.imports.add("_cast_Float.default", import_cast<DType::kF32>);
  ops.imports.add("_cast_Double.default", import_cast<DType::kF64>);
  ops.imports.add("_cast_Half.default", import_cast<DType::kF16>);
  ops.imports.add("_cast_Int.default", import_cast<DType::kI32>);
  ops.imports.add("_cast_Long.default", import_cast<DType::kI64>);
}

}  // namespace ferryman
