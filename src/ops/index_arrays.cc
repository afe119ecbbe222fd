#include "ops/index_arrays.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

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

// Positions in the flattened tensor of x[i][j]…[index]…: the index's own place for every axis but
// `axis`. One constant holds what does not depend on the index.
Result<ValueId> flat_positions(ImportContext& call, ValueId x, ValueId index, int64_t axis) {
  const Ints strides = row_major_strides(sizes_of(call, x));
  const auto along = static_cast<size_t>(axis);
  Ints others = sizes_of(call, index);
  others[along] = 1;
  Ints offsets;
  for_each_index(others, [&](const Ints& at) {
    int64_t offset = 0;
    for (size_t i = 0; i < at.size(); ++i) offset += at[i] * strides[i];
    offsets.push_back(offset);
  });
  FERRYMAN_TRY(ValueId position, as_dtype(call, index, DType::kI64));
  if (strides[along] != 1) {
    FERRYMAN_TRY(position,
                 call.emit(ops::kMul, {position, int_constant(call, {}, {strides[along]})}));
  }
  if (std::all_of(offsets.begin(), offsets.end(), [](int64_t offset) { return offset == 0; }))
    return position;
  return call.emit(ops::kAdd, {position, int_constant(call, others, offsets)});
}

Result<ValueId> gather_elements(ImportContext& call, ValueId x, ValueId index, int64_t axis) {
  if (rank_of(call, x) != rank_of(call, index)) return call.unsupported("an index of another rank");
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, x, {-1}));
  FERRYMAN_TRY(const ValueId positions, flat_positions(call, x, index, axis));
  return emit_gather(call, flat, positions, 0);
}

Result<ValueId> number_mask(ImportContext& call, ValueId mask, int64_t count) {
  FERRYMAN_TRY(ValueId numbers, as_dtype(call, mask, DType::kI32));
  FERRYMAN_TRY(numbers, emit_reshape(call, numbers, {-1}));
  FERRYMAN_TRY(numbers, call.emit(ops::kCumsum, {numbers}, {{attr::kAxis, Axis{0}}}));
  FERRYMAN_TRY(numbers, call.emit(ops::kSub, {numbers, scalar_like(call, numbers, 1)}));
  FERRYMAN_TRY(numbers, call.emit(ops::kMaximum, {numbers, scalar_like(call, numbers, 0)}));
  const ValueId last = scalar_like(call, numbers, static_cast<double>(count - 1));
  return call.emit(ops::kMinimum, {numbers, last});
}

Ints axes_last(size_t rank, int64_t first, int64_t second) {
  Ints perm;
  for (int64_t axis = 0; axis < static_cast<int64_t>(rank); ++axis) {
    if (axis != first && axis != second) perm.push_back(axis);
  }
  perm.push_back(first);
  perm.push_back(second);
  return perm;
}

Ints diagonal_positions(int64_t rows, int64_t columns, int64_t offset) {
  Ints positions;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t column = row + offset;
    if (column >= 0 && column < columns) positions.push_back(row * columns + column);
  }
  return positions;
}

Result<ValueId> emit_diagonal(ImportContext& call, ValueId x, int64_t first, int64_t second,
                              int64_t offset) {
  const size_t rank = rank_of(call, x);
  FERRYMAN_TRY(x, emit_permute(call, x, axes_last(rank, first, second)));
  Ints shape = sizes_of(call, x);
  const Ints positions = diagonal_positions(shape[rank - 2], shape[rank - 1], offset);
  const int64_t entries = shape[rank - 2] * shape[rank - 1];
  shape.resize(rank - 1);
  shape.back() = entries;
  FERRYMAN_TRY(x, emit_reshape(call, x, shape));
  const auto count = static_cast<int64_t>(positions.size());
  return emit_gather(call, x, int_constant(call, {count}, positions),
                     static_cast<int64_t>(rank) - 2);
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

// x with its indexed axes merged into one, and one index tensor over it. Indexed axes that are not
// neighbours come first, as numpy says.
struct Indexed {
  ValueId x;          // permuted
  ValueId merged;     // the same, axes [axis, axis + count) as one
  ValueId positions;  // not negative; invalid: nothing is indexed
  int64_t axis = 0;
  size_t count = 0;
  Ints perm;
};

Result<Indexed> merge_indexed(ImportContext& call, ValueId x, const std::vector<ValueId>& by_axis) {
  Ints axes, kept;
  std::vector<ValueId> indices;
  for (size_t axis = 0; axis < by_axis.size(); ++axis) {
    (by_axis[axis].valid() ? axes : kept).push_back(static_cast<int64_t>(axis));
    if (by_axis[axis].valid()) indices.push_back(by_axis[axis]);
  }
  Indexed indexed{
      .x = x, .merged = x, .positions = {}, .axis = 0, .count = axes.size(), .perm = {}};
  if (axes.empty()) return indexed;
  const bool neighbours = axes.back() - axes.front() + 1 == static_cast<int64_t>(axes.size());
  indexed.perm = axes;
  indexed.perm.insert(indexed.perm.end(), kept.begin(), kept.end());
  if (neighbours) {
    std::sort(indexed.perm.begin(), indexed.perm.end());
    indexed.axis = axes.front();
  }
  FERRYMAN_TRY(indexed.x, emit_permute(call, x, indexed.perm));
  const Ints sizes = sizes_of(call, indexed.x);
  const Ints indexed_sizes(sizes.begin() + indexed.axis,
                           sizes.begin() + indexed.axis + static_cast<int64_t>(indices.size()));
  FERRYMAN_TRY(indexed.positions, merged_index(call, indices, indexed_sizes));
  FERRYMAN_TRY(indexed.merged,
               merge_axes(call, indexed.x, static_cast<size_t>(indexed.axis), indices.size()));
  return indexed;
}

bool any_mask(ImportContext& call, const std::vector<ValueId>& by_axis) {
  return std::any_of(by_axis.begin(), by_axis.end(), [&](ValueId index) {
    return index.valid() && is_mask(dtype_of(call, index));
  });
}

Imported import_index(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, rank_of(call, x)));
  if (any_mask(call, by_axis)) {
    return call.unsupported("indexing with a mask, whose result has no fixed size")
        .hint("use torch.where, or multiply with the mask");
  }
  FERRYMAN_TRY(const Indexed indexed, merge_indexed(call, x, by_axis));
  if (!indexed.positions.valid()) return std::vector{x};
  return one_result(emit_gather(call, indexed.merged, indexed.positions, indexed.axis));
}

// ---- writing ----

// One mask over the axes [axis, axis + its rank) and nothing else.
struct MaskWrite {
  ValueId x;
  ValueId mask;  // with axes of size 1 for those that it does not cover
  int64_t axis = 0;
  size_t covered = 0;
};

// The value with one axis for all places of the mask, as x[mask] has it.
Result<ValueId> lined_up_value(ImportContext& call, const MaskWrite& write, ValueId value) {
  const size_t rank = rank_of(call, write.x) - write.covered + 1;
  Ints shape = sizes_of(call, value);
  if (shape.size() > rank) return call.unsupported("a value with more axes than the tensor");
  shape.insert(shape.begin(), rank - shape.size(), 1);
  return emit_reshape(call, value, shape);
}

// Element n of the value's axis goes to the n-th place where the mask holds.
Result<ValueId> spread_over_mask(ImportContext& call, const MaskWrite& write, ValueId value) {
  const int64_t count = sizes_of(call, value)[static_cast<size_t>(write.axis)];
  FERRYMAN_TRY(const ValueId numbers, number_mask(call, write.mask, count));
  return emit_gather(call, value, numbers, write.axis);
}

Result<ValueId> write_masked(ImportContext& call, const MaskWrite& write, ValueId value,
                             bool accumulate) {
  FERRYMAN_TRY(value, lined_up_value(call, write, value));
  const Ints sizes = sizes_of(call, write.x);
  Ints shape = sizes_of(call, value);
  const auto axis = static_cast<size_t>(write.axis);
  if (shape[axis] > 1) {
    FERRYMAN_TRY(value, spread_over_mask(call, write, value));
  }
  const bool is_spread = shape[axis] > 1;
  shape.erase(shape.begin() + write.axis);
  for (size_t i = write.covered; i-- > 0;)
    shape.insert(shape.begin() + write.axis, is_spread ? sizes[axis + i] : 1);
  FERRYMAN_TRY(value, emit_reshape(call, value, shape));
  if (!accumulate) return call.emit(ops::kWhere, {write.mask, value, write.x});
  if (dtype_of(call, value) == DType::kBool) {  // a sum of bools is "or"
    FERRYMAN_TRY(const ValueId set, call.emit(ops::kLogicalAnd, {write.mask, value}));
    return call.emit(ops::kLogicalOr, {write.x, set});
  }
  FERRYMAN_TRY(const ValueId added,
               call.emit(ops::kWhere, {write.mask, value, scalar_like(call, value, 0)}));
  return call.emit(ops::kAdd, {write.x, added});
}

Imported import_mask_put(ImportContext& call, ValueId x, const std::vector<ValueId>& by_axis,
                         ValueId value, bool accumulate) {
  MaskWrite write{.x = x, .mask = {}, .axis = 0, .covered = 0};
  for (size_t axis = 0; axis < by_axis.size(); ++axis) {
    if (!by_axis[axis].valid()) continue;
    if (write.mask.valid()) return call.unsupported("a mask beside other indices");
    write.mask = by_axis[axis];
    write.axis = static_cast<int64_t>(axis);
  }
  write.covered = rank_of(call, write.mask);
  const Ints sizes = sizes_of(call, x);
  Ints shape(sizes.size(), 1);
  const Ints covered = sizes_of(call, write.mask);
  if (covered.empty() || static_cast<size_t>(write.axis) + covered.size() > sizes.size())
    return call.unsupported("a mask of another rank");
  std::copy(covered.begin(), covered.end(), shape.begin() + write.axis);
  FERRYMAN_TRY(write.mask, emit_reshape(call, write.mask, shape));
  FERRYMAN_TRY(write.mask, as_dtype(call, write.mask, DType::kBool));
  return one_result(write_masked(call, write, value, accumulate));
}

}  // namespace

// x[i, j] = value, at positions of run time.
Imported import_index_put(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const bool accumulate, call.flag("accumulate", false));
  FERRYMAN_TRY(ValueId value, call.tensor("values"));
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, rank_of(call, x)));
  FERRYMAN_TRY(value, as_dtype(call, value, dtype_of(call, x)));
  if (any_mask(call, by_axis)) return import_mask_put(call, x, by_axis, value, accumulate);
  FERRYMAN_TRY(const Indexed indexed, merge_indexed(call, x, by_axis));
  if (!indexed.positions.valid()) return call.unsupported("no index");
  const Ints merged = sizes_of(call, indexed.merged);
  Ints shape = merged;
  const Ints index_shape = sizes_of(call, indexed.positions);
  shape.erase(shape.begin() + indexed.axis);
  shape.insert(shape.begin() + indexed.axis, index_shape.begin(), index_shape.end());
  FERRYMAN_TRY(value, emit_expand(call, value, shape));
  Ints lines = merged;
  lines[static_cast<size_t>(indexed.axis)] = product(index_shape);
  FERRYMAN_TRY(value, emit_reshape(call, value, lines));
  FERRYMAN_TRY(const ValueId positions, emit_reshape(call, indexed.positions, {-1}));
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  FERRYMAN_TRY(ValueId result,
               emit_scatter(call, indexed.merged, indexed.axis, positions, value, rule));
  FERRYMAN_TRY(result, emit_reshape(call, result, sizes_of(call, indexed.x)));
  Ints back(indexed.perm.size());
  for (size_t i = 0; i < back.size(); ++i)
    back[static_cast<size_t>(indexed.perm[i])] = static_cast<int64_t>(i);
  return one_result(emit_permute(call, result, back));
}

void add_index_array_imports(ImportTable& imports) {
  imports.add({"index.Tensor", "_unsafe_index.Tensor"}, import_index);
  imports.add({"index_put.default", "_unsafe_index_put.default"}, import_index_put);
}

}  // namespace ferryman
