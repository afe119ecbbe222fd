#include "ops/index/index_arrays.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/index/scatter.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

ValueId wrap_negative(CoreWriter write, ValueId indices, Dim along) {
  if (write.is_constant(indices) && along.is_static()) {
    const int64_t size = along.size();
    Ints values = write.graph().constant(indices).to_ints();
    for (int64_t& value : values) {
      if (value < 0) value += size;
      if (value < 0 || value >= size) return write.refuse("an index outside the tensor");
    }
    return write.indices(write.sizes(indices), values);
  }
  const ValueId is_negative = write.binary(ops::kLt, indices, 0);
  const ValueId size = write.size_value(along, write.dtype(indices));
  return write.where(is_negative, write.add(indices, size), indices);
}

namespace {

// The same where sizes are free: numbers along each axis, times its stride.
ValueId positions_of_free_sizes(CoreWriter write, ValueId x, ValueId index, size_t along) {
  const Dims dims = write.dims(x);
  const DType dtype = write.dtype(index);
  ValueId own, others;
  Dim stride = 1;
  for (size_t axis = dims.size(); axis-- > 0;) {
    const ValueId step = write.size_value(stride, dtype);
    if (axis == along) {
      own = write.mul(index, step);
    } else {
      const ValueId numbers = write.numbers_along(write.dim(index, static_cast<int64_t>(axis)),
                                                  dims.size(), axis, "numbers");
      const ValueId offset = write.mul(write.cast(numbers, dtype), step);
      others = others.valid() ? write.add(others, offset) : offset;
    }
    stride = write.symbols().mul(stride, dims[axis]);
  }
  return others.valid() ? write.add(own, others) : own;
}

}  // namespace

// Positions in the flattened tensor of x[i][j]…[index]…: the index's own place for every axis but
// `axis`. One constant holds what does not depend on the index.
ValueId flat_positions(CoreWriter write, ValueId x, ValueId index, int64_t axis) {
  const auto along = static_cast<size_t>(axis);
  if (!all_static(write.dims(x)) || !all_static(write.dims(index)))
    return positions_of_free_sizes(write, x, index, along);
  const Ints strides = row_major_strides(write.sizes(x));
  Ints others = write.sizes(index);
  others[along] = 1;
  Ints offsets;
  for_each_index(others, [&](const Ints& at) {
    int64_t offset = 0;
    for (size_t i = 0; i < at.size(); ++i) offset += at[i] * strides[i];
    offsets.push_back(offset);
  });
  ValueId position = write.cast(index, DType::kI64);
  if (strides[along] != 1) position = write.mul(position, write.indices({}, {strides[along]}));
  if (std::all_of(offsets.begin(), offsets.end(), [](int64_t offset) { return offset == 0; }))
    return position;
  return write.add(position, write.indices(others, offsets));
}

ValueId gather_elements(CoreWriter write, ValueId x, ValueId index, int64_t axis) {
  if (write.rank(x) != write.rank(index)) return write.refuse("an index of another rank");
  const ValueId flat = write.reshape(x, {-1});
  const ValueId positions = flat_positions(write, x, index, axis);
  return write.gather(flat, 0, positions);
}

ValueId number_mask(CoreWriter write, ValueId mask, Dim count) {
  ValueId numbers = write.cast(mask, DType::kI32);
  numbers = write.reshape(numbers, {-1});
  numbers = write.op(ops::kCumsum, {numbers}, {{attr::kAxis, Axis{0}}});
  numbers = write.sub(numbers, 1);
  numbers = write.binary(ops::kMaximum, numbers, 0);
  const ValueId last = write.size_value(write.symbols().shift(count, -1), DType::kI32);
  return write.binary(ops::kMinimum, numbers, last);
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

namespace {

// The first one, and from each one entry and a row to the next.
ValueId diagonal_of_free_sizes(CoreWriter write, Dim rows, Dim columns, int64_t offset) {
  SymbolTable& symbols = write.symbols();
  const int64_t right = std::max<int64_t>(offset, 0);
  const int64_t down = std::max<int64_t>(-offset, 0);
  const auto left_over = [&](Dim size, int64_t taken) {
    return symbols.extreme(SymbolTable::Kind::kMax, symbols.of(size) - SizeExpr(taken), 0);
  };
  const Dim count =
      symbols.min(symbols.dim(left_over(rows, down)), symbols.dim(left_over(columns, right)));
  const ValueId step = write.size_value(symbols.shift(columns, 1), DType::kI32);
  const ValueId places = write.mul(write.numbers(count, "diagonal"), step);
  const Dim first = symbols.shift(symbols.mul(columns, down), right);
  return first == Dim(0) ? places : write.add(places, write.size_value(first, DType::kI32));
}

}  // namespace

ValueId diagonal_positions(CoreWriter write, Dim rows, Dim columns, int64_t offset) {
  if (!rows.is_static() || !columns.is_static())
    return diagonal_of_free_sizes(write, rows, columns, offset);
  Ints positions;
  for (int64_t row = 0; row < rows.size(); ++row) {
    const int64_t column = row + offset;
    if (column >= 0 && column < columns.size()) positions.push_back(row * columns.size() + column);
  }
  return write.indices({static_cast<int64_t>(positions.size())}, positions);
}

ValueId emit_diagonal(CoreWriter write, ValueId x, int64_t first, int64_t second, int64_t offset) {
  const size_t rank = write.rank(x);
  x = write.permute(x, axes_last(rank, first, second));
  Dims shape = write.dims(x);
  const ValueId positions = diagonal_positions(write, shape[rank - 2], shape[rank - 1], offset);
  const Dim entries = write.symbols().mul(shape[rank - 2], shape[rank - 1]);
  shape.resize(rank - 1);
  shape.back() = entries;
  x = write.reshape(x, shape);
  return write.gather(x, static_cast<int64_t>(rank) - 2, positions);
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
ValueId merge_axes(CoreWriter write, ValueId x, size_t first, size_t count) {
  Dims shape = write.dims(x);
  Dim merged = 1;
  for (size_t i = first; i < first + count; ++i) merged = write.symbols().mul(merged, shape[i]);
  shape.erase(shape.begin() + static_cast<int64_t>(first),
              shape.begin() + static_cast<int64_t>(first + count));
  shape.insert(shape.begin() + static_cast<int64_t>(first), merged);
  return write.reshape(x, shape);
}

// Several index tensors over neighbouring axes are one index tensor over the merged axis.
ValueId merged_index(CoreWriter write, const std::vector<ValueId>& indices, const Dims& sizes) {
  ValueId merged;
  for (size_t i = 0; i < indices.size(); ++i) {
    const ValueId wrapped = wrap_negative(write, write.cast(indices[i], DType::kI64), sizes[i]);
    if (!merged.valid()) {
      merged = wrapped;
      continue;
    }
    const ValueId width = sizes[i].is_static() ? write.indices({}, {sizes[i].size()})
                                               : write.size_value(sizes[i], DType::kI64);
    merged = write.add(write.mul(merged, width), wrapped);
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

Indexed merge_indexed(CoreWriter write, ValueId x, const std::vector<ValueId>& by_axis) {
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
  indexed.x = write.permute(x, indexed.perm);
  const Dims sizes = write.dims(indexed.x);
  const Dims indexed_sizes(sizes.begin() + indexed.axis,
                           sizes.begin() + indexed.axis + static_cast<int64_t>(indices.size()));
  indexed.positions = merged_index(write, indices, indexed_sizes);
  indexed.merged = merge_axes(write, indexed.x, static_cast<size_t>(indexed.axis), indices.size());
  return indexed;
}

bool any_mask(CoreWriter write, const std::vector<ValueId>& by_axis) {
  return std::any_of(by_axis.begin(), by_axis.end(),
                     [&](ValueId index) { return index.valid() && is_mask(write.dtype(index)); });
}

Imported import_index(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, write.rank(x)));
  if (any_mask(write, by_axis)) {
    return call.unsupported("indexing with a mask, whose result has no fixed size")
        .hint("use torch.where, or multiply with the mask");
  }
  const Indexed indexed = merge_indexed(write, x, by_axis);
  if (!indexed.positions.valid()) return std::vector{x};
  return one_result(write.gather(indexed.merged, indexed.axis, indexed.positions));
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
ValueId lined_up_value(CoreWriter write, const MaskWrite& place, ValueId value) {
  const size_t rank = write.rank(place.x) - place.covered + 1;
  Dims shape = write.dims(value);
  if (shape.size() > rank) return write.refuse("a value with more axes than the tensor");
  shape.insert(shape.begin(), rank - shape.size(), Dim(1));
  return write.reshape(value, shape);
}

// Element n of the value's axis goes to the n-th place where the mask holds.
ValueId spread_over_mask(CoreWriter write, const MaskWrite& place, ValueId value) {
  const Dim count = write.dim(value, place.axis);
  const ValueId numbers = number_mask(write, place.mask, count);
  return write.gather(value, place.axis, numbers);
}

ValueId write_masked(CoreWriter write, const MaskWrite& place, ValueId value, bool accumulate) {
  value = lined_up_value(write, place, value);
  const Dims sizes = write.dims(place.x);
  Dims shape = write.dims(value);
  const auto axis = static_cast<size_t>(place.axis);
  const bool is_spread = shape[axis] != Dim(1);
  if (is_spread) value = spread_over_mask(write, place, value);
  shape.erase(shape.begin() + place.axis);
  for (size_t i = place.covered; i-- > 0;)
    shape.insert(shape.begin() + place.axis, is_spread ? sizes[axis + i] : Dim(1));
  value = write.reshape(value, shape);
  if (!accumulate) return write.where(place.mask, value, place.x);
  if (write.dtype(value) == DType::kBool) {  // a sum of bools is "or"
    const ValueId set = write.binary(ops::kLogicalAnd, place.mask, value);
    return write.binary(ops::kLogicalOr, place.x, set);
  }
  return write.add(place.x, write.where(place.mask, value, 0));
}

Imported import_mask_put(ImportContext& call, ValueId x, const std::vector<ValueId>& by_axis,
                         ValueId value, bool accumulate) {
  MaskWrite place{.x = x, .mask = {}, .axis = 0, .covered = 0};
  for (size_t axis = 0; axis < by_axis.size(); ++axis) {
    if (!by_axis[axis].valid()) continue;
    if (place.mask.valid()) return call.unsupported("a mask beside other indices");
    place.mask = by_axis[axis];
    place.axis = static_cast<int64_t>(axis);
  }
  const CoreWriter write = call.writer();
  place.covered = write.rank(place.mask);
  const Dims sizes = write.dims(x);
  Dims shape(sizes.size(), Dim(1));
  const Dims covered = write.dims(place.mask);
  if (covered.empty() || static_cast<size_t>(place.axis) + covered.size() > sizes.size())
    return call.unsupported("a mask of another rank");
  std::copy(covered.begin(), covered.end(), shape.begin() + place.axis);
  place.mask = write.reshape(place.mask, shape);
  place.mask = write.cast(place.mask, DType::kBool);
  return one_result(write_masked(write, place, value, accumulate));
}

}  // namespace

// x[i, j] = value, at positions of run time.
Imported import_index_put(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const bool accumulate, call.flag("accumulate", false));
  FERRYMAN_TRY(ValueId value, call.tensor("values"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const std::vector<ValueId> by_axis, read_indices(call, write.rank(x)));
  value = write.cast(value, write.dtype(x));
  if (any_mask(write, by_axis)) return import_mask_put(call, x, by_axis, value, accumulate);
  const Indexed indexed = merge_indexed(write, x, by_axis);
  if (!indexed.positions.valid()) return call.unsupported("no index");
  const Dims merged = write.dims(indexed.merged);
  Dims shape = merged;
  const Dims index_shape = write.dims(indexed.positions);
  shape.erase(shape.begin() + indexed.axis);
  shape.insert(shape.begin() + indexed.axis, index_shape.begin(), index_shape.end());
  value = write.expand(value, shape);
  Dims lines = merged;
  lines[static_cast<size_t>(indexed.axis)] = write.num_elements(indexed.positions);
  value = write.reshape(value, lines);
  const ValueId positions = write.reshape(indexed.positions, {-1});
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  ValueId result = emit_scatter(write, indexed.merged, indexed.axis, positions, value, rule);
  result = write.reshape(result, write.dims(indexed.x));
  Ints back(indexed.perm.size());
  for (size_t i = 0; i < back.size(); ++i)
    back[static_cast<size_t>(indexed.perm[i])] = static_cast<int64_t>(i);
  return one_result(write.permute(result, back));
}

void add_index_array_imports(ImportTable& imports) {
  imports.add({"index.Tensor", "_unsafe_index.Tensor"}, import_index);
  imports.add({"index_put.default", "_unsafe_index_put.default"}, import_index_put);
}

}  // namespace ferryman
