// The calls of torch that write at positions.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/index/index_arrays.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

std::optional<Combine> combine_of(std::string_view word) {
  if (word.empty()) return Combine::kSet;
  if (word == "sum" || word == "add") return Combine::kSum;
  if (word == "prod" || word == "multiply") return Combine::kProd;
  if (word == "mean") return Combine::kMean;
  if (word == "amax") return Combine::kAmax;
  if (word == "amin") return Combine::kAmin;
  return std::nullopt;
}

// The rule that "reduce" and "include_self" state; without them, that each write replaces.
Result<ScatterRule> read_rule(ImportContext& call) {
  FERRYMAN_TRY(const std::string word, call.text("reduce", ""));
  FERRYMAN_TRY(const bool include_self, call.flag("include_self", true));
  const std::optional<Combine> combine = combine_of(word);
  if (!combine.has_value()) return call.unsupported("an unknown reduction '" + word + "'");
  return ScatterRule{*combine, include_self ? IncludeSelf::kYes : IncludeSelf::kNo};
}

// At least one axis: torch takes a number for a vector of one.
ValueId with_axis(CoreWriter write, ValueId x) {
  if (write.rank(x) > 0) return x;
  return write.reshape(x, {1});
}

// ---- one position for each element ----

// What is written: a number, or the part of src that the index covers.
Result<ValueId> read_updates(ImportContext& call, const Dims& shape, DType dtype) {
  const CoreWriter write = call.writer();
  if (call.given("value")) {
    FERRYMAN_TRY(const ValueId value, tensor_as(call, "value", dtype));
    return write.expand(value, shape);
  }
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  src = with_axis(write, src);
  if (write.rank(src) != shape.size()) return call.unsupported("a source of another rank");
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Dim given = write.dims(src)[axis];
    if (given.is_static() && shape[axis].is_static() && shape[axis].size() > given.size())
      return call.unsupported("a source that is smaller");
    src = write.slice_axis(src, axis, 0, shape[axis]);
  }
  return write.cast(src, dtype);
}

Imported import_scatter_by(ImportContext& call, ScatterRule rule) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("index"));
  const CoreWriter write = call.writer();
  const Dims shape = write.dims(self);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", shape.size()));
  if (write.num_elements(index) == Dim(0)) {
    call.ignore("src");
    call.ignore("value");
    return std::vector{self};
  }
  const ValueId x = with_axis(write, self);
  index = with_axis(write, index);
  if (write.rank(x) != write.rank(index)) return call.unsupported("an index of another rank");
  FERRYMAN_TRY(ValueId updates, read_updates(call, write.dims(index), write.dtype(self)));
  ValueId positions = flat_positions(write, x, index, axis);
  positions = write.reshape(positions, {-1});
  updates = write.reshape(updates, {-1});
  const ValueId result = emit_scatter(write, write.reshape(x, {-1}), 0, positions, updates, rule);
  return one_result(write.reshape(result, shape));
}

Imported import_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ScatterRule rule, read_rule(call));
  return import_scatter_by(call, rule);
}

Imported import_scatter_add(ImportContext& call) {
  return import_scatter_by(call, {Combine::kSum, IncludeSelf::kYes});
}

Imported import_put(ImportContext& call) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("index"));
  FERRYMAN_TRY(ValueId source, call.tensor("source"));
  FERRYMAN_TRY(const bool accumulate, call.flag("accumulate", false));
  const CoreWriter write = call.writer();
  if (write.num_elements(index) == Dim(0)) return std::vector{self};
  const ValueId flat = write.reshape(self, {-1});
  index = write.reshape(index, {-1});
  source = write.reshape(source, {-1});
  index = wrap_negative(write, index, write.dim(flat, 0));
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  const ValueId result = emit_scatter(write, flat, 0, index, source, rule);
  return one_result(write.reshape(result, write.dims(self)));
}

// ---- one position for each line along an axis ----

struct LineWrite {
  ValueId self, x, index;
  int64_t axis = 0;
};

Result<LineWrite> read_line_write(ImportContext& call) {
  LineWrite line;
  FERRYMAN_TRY(line.self, call.tensor("self"));
  FERRYMAN_TRY(line.index, call.tensor("index"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(line.axis, call.axis("dim", write.rank(line.self)));
  line.x = with_axis(write, line.self);
  line.index = write.reshape(line.index, {-1});
  return line;
}

// The shape of what a write along an axis takes.
Dims line_shape(CoreWriter write, const LineWrite& line) {
  Dims shape = write.dims(line.x);
  shape[static_cast<size_t>(line.axis)] = write.dim(line.index, 0);
  return shape;
}

ValueId write_lines(CoreWriter write, const LineWrite& line, ValueId updates, ScatterRule rule) {
  const ValueId result = emit_scatter(write, line.x, line.axis, line.index, updates, rule);
  return write.reshape(result, write.dims(line.self));
}

Result<ValueId> read_source(ImportContext& call, const LineWrite& line) {
  FERRYMAN_TRY(const ValueId source, call.tensor("source"));
  const CoreWriter write = call.writer();
  const ValueId same = write.cast(source, write.dtype(line.x));
  return write.reshape(same, line_shape(write, line));
}

Imported import_index_add(ImportContext& call) {
  FERRYMAN_TRY(const LineWrite line, read_line_write(call));
  FERRYMAN_TRY(ValueId source, read_source(call, line));
  FERRYMAN_TRY(source, scaled_by(call, source, "alpha"));
  return one_result(write_lines(call.writer(), line, source, {Combine::kSum, IncludeSelf::kYes}));
}

// index_copy replaces; index_reduce has its rule.
Imported import_index_write(ImportContext& call) {
  FERRYMAN_TRY(const ScatterRule rule, read_rule(call));
  FERRYMAN_TRY(const LineWrite line, read_line_write(call));
  FERRYMAN_TRY(const ValueId source, read_source(call, line));
  return one_result(write_lines(call.writer(), line, source, rule));
}

Imported import_index_fill(ImportContext& call) {
  FERRYMAN_TRY(LineWrite line, read_line_write(call));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(ValueId value, tensor_as(call, "value", write.dtype(line.x)));
  line.index = wrap_negative(write, line.index, write.dim(line.x, line.axis));
  value = write.expand(value, line_shape(write, line));
  return one_result(write_lines(write, line, value, {}));
}

// ---- known places ----

Imported import_diagonal_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  FERRYMAN_TRY(const int64_t offset, call.integer("offset", 0));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(self);
  FERRYMAN_TRY(const int64_t first, call.axis("dim1", rank, 0));
  FERRYMAN_TRY(const int64_t second, call.axis("dim2", rank, 1));
  if (rank < 2 || first == second) return call.unsupported("a diagonal needs two axes");
  const Ints perm = axes_last(rank, first, second);
  ValueId x = write.permute(self, perm);
  const Dims turned = write.dims(x);
  const ValueId positions = diagonal_positions(write, turned[rank - 2], turned[rank - 1], offset);
  Dims merged(turned.begin(), turned.end() - 1);
  merged.back() = write.symbols().mul(merged.back(), turned.back());
  x = write.reshape(x, merged);
  merged.back() = write.dim(positions, 0);
  src = write.cast(src, write.dtype(x));
  src = write.expand(src, merged);
  x = emit_scatter(write, x, static_cast<int64_t>(rank) - 2, positions, src, {});
  x = write.reshape(x, turned);
  Ints back(rank);
  for (size_t i = 0; i < rank; ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return one_result(write.permute(x, back));
}

struct StridedPlaces {
  Ints shape;
  Ints positions;  // row-major, in the memory of a contiguous tensor
};

// The functionaliser has made self a tensor that fills its memory.
Result<StridedPlaces> read_strided(ImportContext& call, ValueId x) {
  StridedPlaces places;
  FERRYMAN_TRY(places.shape, call.integers("size"));
  FERRYMAN_TRY(const Ints strides, call.integers("stride"));
  FERRYMAN_TRY(const int64_t offset, call.integer("storage_offset", 0));
  const int64_t count = product(call.writer().sizes(x));
  if (strides.size() != places.shape.size())
    return call.unsupported("not one stride for each size");
  bool fits = true;
  for_each_index(places.shape, [&](const Ints& at) {
    int64_t position = offset;
    for (size_t i = 0; i < at.size(); ++i) position += at[i] * strides[i];
    fits = fits && position >= 0 && position < count;
    places.positions.push_back(position);
  });
  if (!fits) return call.unsupported("a view beyond its tensor");
  return places;
}

Imported import_as_strided(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const StridedPlaces places, read_strided(call, x));
  const CoreWriter write = call.writer();
  const ValueId flat = write.reshape(x, {-1});
  const auto count = static_cast<int64_t>(places.positions.size());
  const ValueId picked = write.gather(flat, 0, write.indices({count}, places.positions));
  return one_result(write.reshape(picked, places.shape));
}

Imported import_as_strided_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  FERRYMAN_TRY(const StridedPlaces places, read_strided(call, x));
  const CoreWriter write = call.writer();
  src = write.cast(src, write.dtype(x));
  src = write.expand(src, places.shape);
  src = write.reshape(src, {-1});
  const ValueId result = replace_at(write, write.reshape(x, {-1}), 0, places.positions, src);
  return one_result(write.reshape(result, write.sizes(x)));
}

}  // namespace

Imported import_masked_scatter(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId mask, call.tensor("mask"));
  FERRYMAN_TRY(ValueId source, call.tensor("source"));
  const Dims shape = call.result_type(0).dims;
  const CoreWriter write = call.writer();
  x = write.expand(x, shape);
  mask = write.expand(mask, shape);
  source = write.reshape(source, {-1});
  const Dim count = write.dim(source, 0);
  if (count == Dim(0) || write.num_elements(x) == Dim(0)) return std::vector{x};
  const ValueId numbers = number_mask(write, mask, count);
  ValueId picked = write.gather(source, 0, numbers);
  picked = write.reshape(picked, shape);
  mask = write.cast(mask, DType::kBool);
  return one_result(write.where(mask, picked, x));
}

void add_scatter_imports(ImportTable& imports) {
  imports.add({"scatter.src", "scatter.value", "scatter.reduce", "scatter.value_reduce",
               "scatter_reduce.two"},
              import_scatter);
  imports.add("scatter_add.default", import_scatter_add);
  imports.add("put.default", import_put);
  imports.add("index_add.default", import_index_add);
  imports.add({"index_copy.default", "index_reduce.default"}, import_index_write);
  imports.add({"index_fill.int_Scalar", "index_fill.int_Tensor"}, import_index_fill);
  imports.add("masked_scatter.default", import_masked_scatter);
  imports.add("diagonal_scatter.default", import_diagonal_scatter);
  imports.add("as_strided.default", import_as_strided);
  imports.add({"as_strided_scatter.default", "prims.as_strided_scatter.default"},
              import_as_strided_scatter);
}

}  // namespace ferryman
