#include "frontend/counted/one_index.h"

#include "ops/emit.h"
#include "ops/index_arrays.h"
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

bool is_mask(ImportContext& call, ValueId index) {
  const DType dtype = dtype_of(call, index);
  return dtype == DType::kBool || dtype == DType::kU8;
}

Result<ValueId> positions_of(CountedCall& call, ValueId x, const OneIndex& index) {
  ImportContext& context = call.context();
  const CountedAxis* counted = call.find(x);
  if (counted == nullptr || counted->axis != index.axis) {
    const int64_t size = sizes_of(context, x)[static_cast<size_t>(index.axis)];
    return wrap_negative(context, index.tensor, size);
  }
  FERRYMAN_TRY(const ValueId whole, as_dtype(context, index.tensor, DType::kI64));
  FERRYMAN_TRY(const ValueId count, as_dtype(context, counted->count, DType::kI64));
  FERRYMAN_TRY(const ValueId wrapped, context.emit(ops::kAdd, {whole, count}));
  FERRYMAN_TRY(const ValueId negative,
               context.emit(ops::kLt, {whole, scalar_like(context, whole, 0)}));
  return context.emit(ops::kWhere, {negative, wrapped, whole});
}

}  // namespace ferryman::frontend
