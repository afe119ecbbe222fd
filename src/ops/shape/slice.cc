// Taking parts and putting parts together: slice, concat, flip, tile.
#include <algorithm>
#include <array>
#include <cstring>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/index/index_arrays.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/computed_range.h"
#include "ops/shape/move_elems.h"
#include "ops/shape/size_range.h"

namespace ferryman {

namespace {

// ---- slice ----

InferResult slice_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Dims& starts = args.attrs[attr::kStarts].values;
  const Dims& ends = args.attrs[attr::kEnds].values;
  const Ints& steps = args.attrs[attr::kSteps].values;
  SymbolTable& symbols = args.symbols;
  // Of free sizes only what cannot be is refused: the program knows more of them.
  const auto is_beyond = [&](Dim a, Dim b) {
    return symbols.range(symbols.of(a) - symbols.of(b)).min > 0;
  };
  if (starts.size() != x.rank() || ends.size() != x.rank() || steps.size() != x.rank())
    return shape_error("a slice names as many axes as the tensor has");
  TensorType type = x;
  for (size_t i = 0; i < x.rank(); ++i) {
    const bool inside =
        steps[i] >= 1 && !is_beyond(starts[i], ends[i]) && !is_beyond(ends[i], x.dims[i]);
    if (!inside) return shape_error("a slice that reaches outside the tensor");
    const SizeExpr reach = symbols.of(ends[i]) - symbols.of(starts[i]);
    type.dims[i] = symbols.dim(symbols.quotient(reach + (steps[i] - 1), steps[i]));
  }
  return std::vector{type};
}

EvalResult eval_slice(const EvalArgs& args) {
  const Ints starts = static_sizes(args.attrs[attr::kStarts].values);
  const Ints& steps = args.attrs[attr::kSteps].values;
  const Ints& shape = args.operand(0).shape();
  Ints from(shape.size());
  return one(move_elems(args.operand(0), args.results[0], [&](const Ints& index) {
    for (size_t i = 0; i < index.size(); ++i) from[i] = starts[i] + index[i] * steps[i];
    return flat_index(shape, from);
  }));
}

// ---- concat ----

InferResult concat_type(const InferArgs& args) {
  TensorType type = args.operand(0);
  const int64_t axis = args.attrs[attr::kAxis].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, type.rank()));
  Dim& along = type.dims[static_cast<size_t>(axis)];
  for (size_t i = 1; i < args.operands.size(); ++i) {
    TensorType next = args.operand(i);
    if (next.dtype != type.dtype) return shape_error("parts of several dtypes");
    if (next.rank() != type.rank()) return shape_error("parts of several ranks");
    const Dim size = next.dims[static_cast<size_t>(axis)];
    next.dims[static_cast<size_t>(axis)] = along;
    if (next.dims != type.dims) {
      return shape_error("shapes " + print_dims(type.dims, args.symbols) + " and " +
                         print_dims(args.operand(i).dims, args.symbols) + " do not join");
    }
    along = args.symbols.add(along, size);
  }
  return std::vector{type};
}

// Row by row: what one part holds of an outer index lies together.
EvalResult eval_concat(const EvalArgs& args) {
  const TensorType& type = args.results[0];
  const Ints shape = static_sizes(type.dims);
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const int64_t outer = product(Ints(shape.begin(), shape.begin() + static_cast<int64_t>(axis)));
  std::vector<std::byte> bytes(static_cast<size_t>(product(shape) * byte_size(type.dtype)));
  size_t row_bytes = outer == 0 ? 0 : bytes.size() / static_cast<size_t>(outer);
  size_t offset = 0;
  for (size_t i = 0; i < args.operands.size(); ++i) {
    const TensorData& part = args.operand(i);
    std::vector<std::byte> from(static_cast<size_t>(part.num_bytes()));
    part.read(0, from);
    const size_t length = outer == 0 ? 0 : from.size() / static_cast<size_t>(outer);
    for (int64_t row = 0; length > 0 && row < outer; ++row) {
      std::memcpy(&bytes[static_cast<size_t>(row) * row_bytes + offset],
                  &from[static_cast<size_t>(row) * length], length);
    }
    offset += length;
  }
  return one(TensorData::contiguous(owned_blob(std::move(bytes)), type.dtype, shape));
}

// ---- flip and tile ----

InferResult flip_type(const InferArgs& args) {
  for (const int64_t axis : args.attrs[attr::kAxes].values)
    FERRYMAN_TRY_STATUS(check_axis(axis, args.operand(0).rank()));
  return same_as_first(args);
}

EvalResult eval_flip(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  const Ints& axes = args.attrs[attr::kAxes].values;
  return one(move_elems(args.operand(0), args.results[0], [&](Ints index) {
    for (const int64_t axis : axes) {
      int64_t& position = index[static_cast<size_t>(axis)];
      position = shape[static_cast<size_t>(axis)] - 1 - position;
    }
    return flat_index(shape, index);
  }));
}

InferResult tile_type(const InferArgs& args) {
  TensorType type = args.operand(0);
  const Ints& repeats = args.attrs[attr::kRepeats].values;
  if (repeats.size() != type.rank()) return shape_error("one repeat count for each axis");
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) return shape_error("a negative repeat count");
    type.dims[i] = args.symbols.mul(type.dims[i], Dim(repeats[i]));
  }
  return std::vector{type};
}

EvalResult eval_tile(const EvalArgs& args) {
  const Ints& shape = args.operand(0).shape();
  return one(move_elems(args.operand(0), args.results[0], [&](Ints index) {
    for (size_t i = 0; i < index.size(); ++i) index[i] %= shape[i];
    return flat_index(shape, index);
  }));
}

void define_slice_rows(Ops& ops) {
  ops.set.define(ops::kSlice)
      .doc("x[starts:ends:steps] on every axis; 0 <= start <= end <= size, step >= 1")
      .operand("x")
      .attr(attr::kStarts)
      .attr(attr::kEnds)
      .attr(attr::kSteps)
      .result(slice_type)
      .axes(AxisRule::kWindowed)
      .eval(eval_slice);
  ops.set.define(ops::kConcat)
      .doc("the parts one after the other along an axis")
      .variadic_operand("parts")
      .attr(attr::kAxis)
      .result(concat_type)
      .axes(AxisRule::kAlong)
      .eval(eval_concat);
  ops.set.define(ops::kFlip)
      .doc("the order along some axes reversed")
      .operand("x")
      .attr(attr::kAxes)
      .result(flip_type)
      .axes(AxisRule::kWindowed)
      .eval(eval_flip);
  ops.set.define(ops::kTile)
      .doc("the whole repeated along each axis")
      .operand("x")
      .attr(attr::kRepeats)
      .result(tile_type)
      .axes(AxisRule::kWindowed)
      .eval(eval_tile);
}

// ---- import: parts ----

// A tensor argument with at least one axis.
Result<ValueId> ranked(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const ValueId x, call.tensor(name));
  if (call.writer().rank(x) == 0) return call.unsupported("a tensor without axes");
  return x;
}

Imported import_slice(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), 0));
  if (is_computed(call, "start") || is_computed(call, "end"))
    return take_computed_slice(call, x, axis);
  FERRYMAN_TRY(const SizeRange range, read_size_range(call, write.dim(x, axis)));
  return one_result(
      write.slice_axis(x, static_cast<size_t>(axis), range.begin, range.end, range.step));
}

Result<Dim> read_index(ImportContext& call, std::string_view name, Dim size) {
  FERRYMAN_TRY(const Dim index, call.position(name, size));
  const bool is_outside = index.is_static() && size.is_static() && index.size() >= size.size();
  if (is_outside) return call.unsupported("an index outside the tensor");
  return index;
}

Imported import_select(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  if (std::holds_alternative<RunTimeNumber>(call.find("index")->value)) {
    FERRYMAN_TRY(ValueId place, tensor_as(call, "index", DType::kI64));
    place = wrap_negative(write, place, write.dim(x, axis));
    return one_result(write.gather(x, axis, place));
  }
  FERRYMAN_TRY(const Dim index, read_index(call, "index", write.dim(x, axis)));
  return one_result(write.select(x, axis, index));
}

Imported import_narrow(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  if (is_computed(call, "start")) return take_computed_narrow(call, x, axis);
  const Dim size = write.dim(x, axis);
  FERRYMAN_TRY(const Dim start, call.position("start", size));
  FERRYMAN_TRY(const Dim length, call.size("length"));
  const Dim end = write.symbols().add(start, length);
  if (end.is_static() && size.is_static() && end.size() > size.size())
    return call.unsupported("a part outside the tensor");
  return one_result(write.slice_axis(x, axis, start, end));
}

// Consecutive parts of the given sizes. A part that nobody reads is not made.
Imported emit_parts(ImportContext& call, ValueId x, int64_t axis, const Dims& lengths) {
  std::vector<ValueId> parts;
  Dim begin = 0;
  const CoreWriter write = call.writer();
  const Dim size = write.dim(x, axis);
  for (const Dim length : lengths) {
    const Dim end = write.symbols().add(begin, length);
    if (end.is_static() && size.is_static() && end.size() > size.size())
      return call.unsupported("a part outside the tensor");
    ValueId part;
    if (call.is_result_read(parts.size())) part = write.slice_axis(x, axis, begin, end);
    parts.push_back(part);
    begin = end;
  }
  return parts;
}

Dims equal_lengths(int64_t size, int64_t length) {
  Dims lengths(static_cast<size_t>(std::max<int64_t>((size + length - 1) / length, 1)), length);
  lengths.back() = size - length * (static_cast<int64_t>(lengths.size()) - 1);
  return lengths;
}

// Of a free size: as many as the program says there are, the last one what is left.
Dims lengths_of_free(CoreWriter write, Dim size, Dim length, size_t count) {
  Dims lengths(count, length);
  SymbolTable& symbols = write.symbols();
  if (count > 0)
    lengths.back() = symbols.sub(size, symbols.mul(length, static_cast<int64_t>(count) - 1));
  return lengths;
}

Imported import_split(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), 0));
  const Dim along = write.dim(x, axis);
  FERRYMAN_TRY(const Dim free_length, call.size("split_size"));
  if (!along.is_static() || !free_length.is_static())
    return emit_parts(call, x, axis,
                      lengths_of_free(write, along, free_length, call.num_results()));
  const int64_t length = free_length.size();
  const int64_t size = along.size();
  if (length < 0 || (length == 0 && size != 0)) return call.unsupported("parts of no size");
  return emit_parts(call, x, axis, length == 0 ? Dims{0} : equal_lengths(size, length));
}

Imported split_by_sizes(ImportContext& call, std::string_view name) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", call.writer().rank(x), 0));
  FERRYMAN_TRY(const Dims lengths, call.sizes(name));
  return emit_parts(call, x, axis, lengths);
}
Imported import_split_with_sizes(ImportContext& call) {
  return split_by_sizes(call, "split_sizes");
}
Imported import_split_sizes(ImportContext& call) {
  return split_by_sizes(call, "split_size");
}

// At most that many parts, all but the last of equal size.
Imported import_chunk(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), 0));
  FERRYMAN_TRY(const int64_t chunks, call.integer("chunks"));
  if (chunks < 1) return call.unsupported("no parts");
  const Dim along = write.dim(x, axis);
  if (!along.is_static()) {
    SymbolTable& symbols = write.symbols();
    const Dim length = symbols.floordiv(symbols.shift(along, chunks - 1), chunks);
    return emit_parts(call, x, axis, lengths_of_free(write, along, length, call.num_results()));
  }
  const int64_t size = along.size();
  if (size == 0) return emit_parts(call, x, axis, Dims(call.num_results(), 0));
  return emit_parts(call, x, axis, equal_lengths(size, (size + chunks - 1) / chunks));
}

// That many parts; the first ones are longer by one if it does not divide. Of a free size torch
// records which, and asks for sizes of which that is so.
Imported split_into(ImportContext& call, ValueId x, int64_t axis, int64_t sections) {
  if (sections < 1) return call.unsupported("no parts");
  const Dim size = call.writer().dim(x, axis);
  Dims lengths;
  if (!size.is_static()) {
    for (size_t i = 0; i < call.num_results(); ++i)
      lengths.push_back(call.result_type(i).dims[static_cast<size_t>(axis)]);
    return emit_parts(call, x, axis, lengths);
  }
  for (int64_t i = 0; i < sections; ++i)
    lengths.push_back(size.size() / sections + (i < size.size() % sections ? 1 : 0));
  return emit_parts(call, x, axis, lengths);
}

// The parts as they are recorded: torch has them as slices.
Imported split_before_of_free(ImportContext& call, ValueId x, int64_t axis, const Ints& indices) {
  const CoreWriter write = call.writer();
  SymbolTable& symbols = write.symbols();
  const Dim size = write.dim(x, axis);
  const auto bounded = [&](int64_t index) {
    if (index >= 0) return symbols.min(index, size);
    const SizeExpr from_end = symbols.of(size) + SizeExpr(index);
    return symbols.dim(symbols.extreme(SymbolTable::Kind::kMax, from_end, SizeExpr()));
  };
  std::vector<ValueId> parts;
  Dim begin = 0;
  for (size_t i = 0; i <= indices.size(); ++i) {
    const Dim given = i < indices.size() ? bounded(indices[i]) : size;
    const Dim end = symbols.max(given, begin);
    ValueId part;
    if (call.is_result_read(i)) part = write.slice_axis(x, static_cast<size_t>(axis), begin, end);
    parts.push_back(part);
    begin = given;
  }
  return parts;
}

Imported split_before(ImportContext& call, ValueId x, int64_t axis, const Ints& indices) {
  const Dim along = call.writer().dim(x, axis);
  if (!along.is_static()) return split_before_of_free(call, x, axis, indices);
  const int64_t size = along.size();
  Dims lengths;
  int64_t begin = 0;
  for (const int64_t index : indices) {
    const int64_t bound = std::clamp<int64_t>(index < 0 ? index + size : index, 0, size);
    if (bound < begin) return call.unsupported("indices that do not ascend");
    lengths.push_back(bound - begin);
    begin = bound;
  }
  lengths.push_back(size - begin);
  return emit_parts(call, x, axis, lengths);
}

Imported import_tensor_split(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), 0));
  if (call.given("sections")) {
    FERRYMAN_TRY(const int64_t sections, call.integer("sections"));
    return split_into(call, x, axis, sections);
  }
  if (call.given("indices")) {
    FERRYMAN_TRY(const Ints indices, call.integers("indices"));
    return split_before(call, x, axis, indices);
  }
  FERRYMAN_TRY(const ValueId where, call.tensor("tensor_indices_or_sections"));
  if (!write.is_constant(where))
    return call.unsupported("parts whose sizes are only known at run time");
  const Ints known = write.graph().constant(where).to_ints();
  return write.rank(where) == 0 ? split_into(call, x, axis, known.front())
                                : split_before(call, x, axis, known);
}

Imported import_unbind(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, ranked(call, "self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), 0));
  std::vector<ValueId> parts;
  for (int64_t i = 0; i < write.size(x, axis); ++i) {
    ValueId part;
    if (call.is_result_read(parts.size())) {
      part = write.select(x, axis, i);
    }
    parts.push_back(part);
  }
  return parts;
}

// ---- import: flip ----

ValueId emit_flip(CoreWriter write, ValueId x, Ints axes) {
  std::sort(axes.begin(), axes.end());
  if (axes.empty() || write.rank(x) == 0) return x;
  return write.op(ops::kFlip, {x}, {{attr::kAxes, Axes{axes}}});
}

Imported import_flip(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(Ints axes, call.integers("dims"));
  const CoreWriter write = call.writer();
  for (int64_t& axis : axes) {
    FERRYMAN_TRY(axis, normalise_axis(axis, write.rank(x)));
  }
  return one_result(emit_flip(write, x, axes));
}

template <int64_t kAxis>
Imported import_flip_one(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(emit_flip(call.writer(), x, {kAxis}));
}

// A quarter turn is a flip and a transpose.
Imported import_rot90(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t turns, call.integer("k", 1));
  FERRYMAN_TRY(const Ints dims, call.integers("dims", Ints{0, 1}));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  if (dims.size() != 2 || rank < 2) return call.unsupported("a turn needs two axes");
  FERRYMAN_TRY(const int64_t a, normalise_axis(dims[0], rank));
  FERRYMAN_TRY(const int64_t b, normalise_axis(dims[1], rank));
  const int64_t quarter = ((turns % 4) + 4) % 4;
  if (quarter == 0) return std::vector{x};
  if (quarter == 2) return one_result(emit_flip(write, x, {a, b}));
  Ints perm = iota_axes(rank);
  std::swap(perm[static_cast<size_t>(a)], perm[static_cast<size_t>(b)]);
  const ValueId turned = write.permute(x, perm);
  return one_result(emit_flip(write, turned, {quarter == 1 ? a : b}));
}

}  // namespace

void add_slice_ops(Ops& ops) {
  define_slice_rows(ops);
  ImportTable& imports = ops.imports;
  imports.add({"slice.Tensor", "slice_copy.Tensor"}, import_slice);
  imports.add({"select.int", "select_copy.int"}, import_select);
  imports.add({"narrow.default", "narrow_copy.default"}, import_narrow);
  imports.add({"split.Tensor", "split_copy.Tensor", "unsafe_split.Tensor"}, import_split);
  imports.add("split.sizes", import_split_sizes);
  imports.add({"split_with_sizes.default", "split_with_sizes_copy.default",
               "unsafe_split_with_sizes.default"},
              import_split_with_sizes);
  imports.add({"chunk.default", "unsafe_chunk.default"}, import_chunk);
  imports.add(
      {"tensor_split.sections", "tensor_split.indices", "tensor_split.tensor_indices_or_sections"},
      import_tensor_split);
  imports.add({"unbind.int", "unbind_copy.int"}, import_unbind);
  imports.add("flip.default", import_flip);
  imports.add("flipud.default", import_flip_one<0>);
  imports.add("fliplr.default", import_flip_one<1>);
  imports.add("rot90.default", import_rot90);
}

}  // namespace ferryman
