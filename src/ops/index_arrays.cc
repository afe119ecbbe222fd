#include "ops/index_arrays.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

Result<ValueId> wrap_negative(ImportContext& call, ValueId indices, int64_t size) {
  if (call.graph().is_constant(indices)) {
    Ints values = call.graph().constant(indices).to_ints();
    for (int64_t& value : values) {
      if (value < 0) value += size;
      if (value < 0 || value >= size) return call.unsupported("an index outside the tensor");
    }
    return int_constant(call, sizes_of(call, indices), values);
  }
  FERRYMAN_TRY(const ValueId is_negative,
               call.emit(ops::kLt, {indices, scalar_like(call, indices, 0)}));
  FERRYMAN_TRY(
      const ValueId from_end,
      call.emit(ops::kAdd, {indices, scalar_like(call, indices, static_cast<double>(size))}));
  return call.emit(ops::kWhere, {is_negative, from_end, indices});
}

namespace {

// The index tensors by axis; an invalid id is a full slice.
Result<std::vector<ValueId>> read_indices(ImportContext& call, size_t rank) {
  const ImportArg* arg = call.find("indices");
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr || list->size() > rank) return call.unsupported("more indices than axes");
  std::vector<ValueId> indices(rank);
  for (size_t i = 0; i < list->size(); ++i) {
    const ImportArg& item = (*list)[i];
    if (item.is_none()) continue;
    const auto* value = std::get_if<ValueId>(&item.value);
    if (value == nullptr) return call.unsupported("an index that is no tensor");
    indices[i] = *value;
  }
  return indices;
}

// Axes [first, first + count) of x as one.
Result<ValueId> merge_axes(ImportContext& call, ValueId x, size_t first, size_t count) {
  Ints shape = sizes_of(call, x);
  int64_t merged = 1;
  for (size_t i = first; i < first + count; ++i) merged *= shape[i];
  shape.erase(shape.begin() + static_cast<int64_t>(first),
              shape.begin() + static_cast<int64_t>(first + count));
  shape.insert(shape.begin() + static_cast<int64_t>(first), merged);
  return emit_reshape(call, x, shape);
}

// Several index tensors over neighbouring axes are one index tensor over the merged axis.
Result<ValueId> merged_index(ImportContext& call, const std::vector<ValueId>& indices,
                             const Ints& sizes) {
  ValueId merged;
  for (size_t i = 0; i < indices.size(); ++i) {
    FERRYMAN_TRY(const ValueId whole, as_dtype(call, indices[i], DType::kI64));
    FERRYMAN_TRY(const ValueId wrapped, wrap_negative(call, whole, sizes[i]));
    if (!merged.valid()) {
      merged = wrapped;
      continue;
    }
    FERRYMAN_TRY(const ValueId scaled,
                 call.emit(ops::kMul, {merged, int_constant(call, {}, {sizes[i]})}));
    FERRYMAN_TRY(merged, call.emit(ops::kAdd, {scaled, wrapped}));
  }
  return merged;
}

bool is_mask(DType dtype) {
  return dtype == DType::kBool || dtype == DType::kU8;
}

// Indexed axes that are not neighbours come first, as numpy says.
Imported import_index(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const size_t rank = rank_of(call, x);
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, rank));
  Ints indexed, kept;
  std::vector<ValueId> indices;
  for (size_t axis = 0; axis < rank; ++axis) {
    (by_axis[axis].valid() ? indexed : kept).push_back(static_cast<int64_t>(axis));
    if (!by_axis[axis].valid()) continue;
    if (is_mask(dtype_of(call, by_axis[axis]))) {
      return call.unsupported("indexing with a mask, whose result has no fixed size")
          .hint("use torch.where, or multiply with the mask");
    }
    indices.push_back(by_axis[axis]);
  }
  if (indexed.empty()) return std::vector{x};
  const bool neighbours =
      indexed.back() - indexed.front() + 1 == static_cast<int64_t>(indexed.size());
  auto first = static_cast<size_t>(indexed.front());
  if (!neighbours) {
    Ints perm = indexed;
    perm.insert(perm.end(), kept.begin(), kept.end());
    FERRYMAN_TRY(x, emit_permute(call, x, perm));
    first = 0;
  }
  const Ints sizes = sizes_of(call, x);
  const Ints indexed_sizes(sizes.begin() + static_cast<int64_t>(first),
                           sizes.begin() + static_cast<int64_t>(first + indices.size()));
  FERRYMAN_TRY(const ValueId index, merged_index(call, indices, indexed_sizes));
  FERRYMAN_TRY(x, merge_axes(call, x, first, indices.size()));
  return one_result(emit_gather(call, x, index, static_cast<int64_t>(first)));
}

// x[mask] = value, for a value that is the same everywhere: a choice, no positions needed.
Imported import_index_put(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const bool accumulate, call.flag("accumulate", false));
  FERRYMAN_TRY(ValueId value, call.tensor("values"));
  const size_t rank = rank_of(call, x);
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, rank));
  const bool one_mask =
      rank > 0 && by_axis.front().valid() && dtype_of(call, by_axis.front()) == DType::kBool &&
      std::none_of(by_axis.begin() + 1, by_axis.end(), [](ValueId index) { return index.valid(); });
  if (!one_mask || accumulate || product(sizes_of(call, value)) != 1) {
    return call.unsupported("writing at positions that are only known at run time")
        .hint("use torch.where with a mask");
  }
  Ints shape = sizes_of(call, by_axis.front());
  if (shape.size() > rank) return call.unsupported("a mask with more axes than the tensor");
  shape.resize(rank, 1);
  FERRYMAN_TRY(const ValueId mask, emit_reshape(call, by_axis.front(), shape));
  FERRYMAN_TRY(value, emit_reshape(call, value, {}));
  FERRYMAN_TRY(value, as_dtype(call, value, dtype_of(call, x)));
  return one_result(call.emit(ops::kWhere, {mask, value, x}));
}

}  // namespace

void add_index_array_imports(ImportTable& imports) {
  imports.add({"index.Tensor", "_unsafe_index.Tensor"}, import_index);
  imports.add({"index_put.default", "_unsafe_index_put.default"}, import_index_put);
}

}  // namespace ferryman
