#include "frontend/counted/one_index.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman::frontend {

Result<OneIndex> only_index(ImportContext& call) {
  const ImportArg* arg = call.find("indices");
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr) return call.unsupported("an index that is no list");
  OneIndex found;
  for (size_t i = 0; i < list->size(); ++i) {
    if ((*list)[i].is_none()) continue;
    const auto* value = std::get_if<ValueId>(&(*list)[i].value);
    if (value == nullptr || found.tensor.valid())
      return call.unsupported("several indices where entries are counted at run time");
    found.tensor = *value;
    found.axis = static_cast<int64_t>(i);
  }
  if (!found.tensor.valid()) return call.unsupported("no index");
  return found;
}

bool is_mask(CoreWriter write, ValueId index) {
  const DType dtype = write.dtype(index);
  return dtype == DType::kBool || dtype == DType::kU8;
}

Result<ValueId> positions_of(CountedCall& call, ValueId x, const OneIndex& index) {
  const CountedAxis* counted = call.find(x);
  const CoreWriter write = call.writer();
  if (counted == nullptr || counted->axis != index.axis) {
    return wrap_negative(write, index.tensor, write.dim(x, index.axis));
  }
  const ValueId whole = write.cast(index.tensor, DType::kI64);
  const ValueId count = write.cast(counted->count, DType::kI64);
  const ValueId wrapped = write.add(whole, count);
  return write.where(write.binary(ops::kLt, whole, 0), wrapped, whole);
}

ValueId brought_inside(CoreWriter write, ValueId positions, Dim size) {
  if (size.is_static()) {
    const auto last = static_cast<double>(std::max<int64_t>(size.size() - 1, 0));
    return write.op(ops::kClamp, {positions}, {{attr::kMin, 0.0}, {attr::kMax, last}});
  }
  const Dim last = write.symbols().shift(size, -1);
  const ValueId not_negative = write.binary(ops::kMaximum, positions, 0);
  return write.binary(ops::kMinimum, not_negative, write.size_value(last, write.dtype(positions)));
}

}  // namespace ferryman::frontend
