// The calls of torch that write at positions.
#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/index_arrays.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

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
Result<ValueId> with_axis(ImportContext& call, ValueId x) {
  if (rank_of(call, x) > 0) return x;
  return emit_reshape(call, x, {1});
}

// ---- one position for each element ----

// What is written: a number, or the part of src that the index covers.
Result<ValueId> read_updates(ImportContext& call, const Ints& shape, DType dtype) {
  if (call.given("value")) {
    FERRYMAN_TRY(const ValueId value, tensor_as(call, "value", dtype));
    return emit_expand(call, value, shape);
  }
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  FERRYMAN_TRY(src, with_axis(call, src));
  if (rank_of(call, src) != shape.size()) return call.unsupported("a source of another rank");
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] > sizes_of(call, src)[axis])
      return call.unsupported("a source that is smaller");
    FERRYMAN_TRY(src, emit_slice(call, src, static_cast<int64_t>(axis), 0, shape[axis]));
  }
  return as_dtype(call, src, dtype);
}

Imported import_scatter_by(ImportContext& call, ScatterRule rule) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("index"));
  const Ints shape = sizes_of(call, self);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", shape.size()));
  if (product(sizes_of(call, index)) == 0) {
    call.ignore("src");
    call.ignore("value");
    return std::vector{self};
  }
  FERRYMAN_TRY(const ValueId x, with_axis(call, self));
  FERRYMAN_TRY(index, with_axis(call, index));
  if (rank_of(call, x) != rank_of(call, index)) return call.unsupported("an index of another rank");
  FERRYMAN_TRY(ValueId updates, read_updates(call, sizes_of(call, index), dtype_of(call, self)));
  FERRYMAN_TRY(ValueId positions, flat_positions(call, x, index, axis));
  FERRYMAN_TRY(positions, emit_reshape(call, positions, {-1}));
  FERRYMAN_TRY(updates, emit_reshape(call, updates, {-1}));
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, x, {-1}));
  FERRYMAN_TRY(const ValueId result, emit_scatter(call, flat, 0, positions, updates, rule));
  return one_result(emit_reshape(call, result, shape));
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
  if (product(sizes_of(call, index)) == 0) return std::vector{self};
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, self, {-1}));
  FERRYMAN_TRY(index, emit_reshape(call, index, {-1}));
  FERRYMAN_TRY(source, emit_reshape(call, source, {-1}));
  FERRYMAN_TRY(index, wrap_negative(call, index, sizes_of(call, flat)[0]));
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  FERRYMAN_TRY(const ValueId result, emit_scatter(call, flat, 0, index, source, rule));
  return one_result(emit_reshape(call, result, sizes_of(call, self)));
}

// ---- one position for each line along an axis ----

struct LineWrite {
  ValueId self, x, index;
  int64_t axis = 0;
};

Result<LineWrite> read_line_write(ImportContext& call) {
  LineWrite write;
  FERRYMAN_TRY(write.self, call.tensor("self"));
  FERRYMAN_TRY(write.index, call.tensor("index"));
  FERRYMAN_TRY(write.axis, call.axis("dim", rank_of(call, write.self)));
  FERRYMAN_TRY(write.x, with_axis(call, write.self));
  FERRYMAN_TRY(write.index, emit_reshape(call, write.index, {-1}));
  return write;
}

// The shape of what a write along an axis takes.
Ints line_shape(ImportContext& call, const LineWrite& write) {
  Ints shape = sizes_of(call, write.x);
  shape[static_cast<size_t>(write.axis)] = sizes_of(call, write.index)[0];
  return shape;
}

Result<ValueId> write_lines(ImportContext& call, const LineWrite& write, ValueId updates,
                            ScatterRule rule) {
  FERRYMAN_TRY(const ValueId result,
               emit_scatter(call, write.x, write.axis, write.index, updates, rule));
  return emit_reshape(call, result, sizes_of(call, write.self));
}

Result<ValueId> read_source(ImportContext& call, const LineWrite& write) {
  FERRYMAN_TRY(const ValueId source, call.tensor("source"));
  FERRYMAN_TRY(const ValueId same, as_dtype(call, source, dtype_of(call, write.x)));
  return emit_reshape(call, same, line_shape(call, write));
}

Imported import_index_add(ImportContext& call) {
  FERRYMAN_TRY(const LineWrite write, read_line_write(call));
  FERRYMAN_TRY(ValueId source, read_source(call, write));
  if (call.given("alpha")) {
    const bool of_bools = dtype_of(call, source) == DType::kBool;
    FERRYMAN_TRY(
        const ValueId alpha,
        call.number_constant(*call.find("alpha"), of_bools ? DType::kI64 : dtype_of(call, source)));
    const double factor = call.graph().constant(alpha).to_doubles().front();
    if (of_bools && factor == 0) return std::vector{write.self};
    if (!of_bools && factor != 1) {
      FERRYMAN_TRY(source, call.emit(ops::kMul, {source, alpha}));
    }
  }
  return one_result(write_lines(call, write, source, {Combine::kSum, IncludeSelf::kYes}));
}

// index_copy replaces; index_reduce has its rule.
Imported import_index_write(ImportContext& call) {
  FERRYMAN_TRY(const ScatterRule rule, read_rule(call));
  FERRYMAN_TRY(const LineWrite write, read_line_write(call));
  FERRYMAN_TRY(const ValueId source, read_source(call, write));
  return one_result(write_lines(call, write, source, rule));
}

Imported import_index_fill(ImportContext& call) {
  FERRYMAN_TRY(LineWrite write, read_line_write(call));
  FERRYMAN_TRY(ValueId value, tensor_as(call, "value", dtype_of(call, write.x)));
  const int64_t size = sizes_of(call, write.x)[static_cast<size_t>(write.axis)];
  FERRYMAN_TRY(write.index, wrap_negative(call, write.index, size));
  FERRYMAN_TRY(value, emit_expand(call, value, line_shape(call, write)));
  return one_result(write_lines(call, write, value, {}));
}

// ---- known places ----

Imported import_diagonal_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  FERRYMAN_TRY(const int64_t offset, call.integer("offset", 0));
  const size_t rank = rank_of(call, self);
  FERRYMAN_TRY(const int64_t first, call.axis("dim1", rank, 0));
  FERRYMAN_TRY(const int64_t second, call.axis("dim2", rank, 1));
  if (rank < 2 || first == second) return call.unsupported("a diagonal needs two axes");
  const Ints perm = axes_last(rank, first, second);
  FERRYMAN_TRY(ValueId x, emit_permute(call, self, perm));
  const Ints turned = sizes_of(call, x);
  const Ints positions = diagonal_positions(turned[rank - 2], turned[rank - 1], offset);
  Ints merged(turned.begin(), turned.end() - 1);
  merged.back() *= turned.back();
  FERRYMAN_TRY(x, emit_reshape(call, x, merged));
  merged.back() = static_cast<int64_t>(positions.size());
  FERRYMAN_TRY(src, as_dtype(call, src, dtype_of(call, x)));
  FERRYMAN_TRY(src, emit_expand(call, src, merged));
  FERRYMAN_TRY(x, replace_at(call, x, static_cast<int64_t>(rank) - 2, positions, src));
  FERRYMAN_TRY(x, emit_reshape(call, x, turned));
  Ints back(rank);
  for (size_t i = 0; i < rank; ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return one_result(emit_permute(call, x, back));
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
  const int64_t count = product(sizes_of(call, x));
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
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, x, {-1}));
  const auto count = static_cast<int64_t>(places.positions.size());
  FERRYMAN_TRY(const ValueId picked,
               emit_gather(call, flat, int_constant(call, {count}, places.positions), 0));
  return one_result(emit_reshape(call, picked, places.shape));
}

Imported import_as_strided_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId src, call.tensor("src"));
  FERRYMAN_TRY(const StridedPlaces places, read_strided(call, x));
  FERRYMAN_TRY(src, as_dtype(call, src, dtype_of(call, x)));
  FERRYMAN_TRY(src, emit_expand(call, src, places.shape));
  FERRYMAN_TRY(src, emit_reshape(call, src, {-1}));
  FERRYMAN_TRY(const ValueId flat, emit_reshape(call, x, {-1}));
  FERRYMAN_TRY(const ValueId result, replace_at(call, flat, 0, places.positions, src));
  return one_result(emit_reshape(call, result, sizes_of(call, x)));
}

}  // namespace

Imported import_masked_scatter(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId mask, call.tensor("mask"));
  FERRYMAN_TRY(ValueId source, call.tensor("source"));
  const Ints shape = static_sizes(call.result_type(0).dims);
  FERRYMAN_TRY(x, emit_expand(call, x, shape));
  FERRYMAN_TRY(mask, emit_expand(call, mask, shape));
  FERRYMAN_TRY(source, emit_reshape(call, source, {-1}));
  const int64_t count = sizes_of(call, source)[0];
  if (count == 0 || product(shape) == 0) return std::vector{x};
  FERRYMAN_TRY(const ValueId numbers, number_mask(call, mask, count));
  FERRYMAN_TRY(ValueId picked, emit_gather(call, source, numbers, 0));
  FERRYMAN_TRY(picked, emit_reshape(call, picked, shape));
  FERRYMAN_TRY(mask, as_dtype(call, mask, DType::kBool));
  return one_result(call.emit(ops::kWhere, {mask, picked, x}));
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
