// Ops that keep every element and change the axes: reshape, permute, expand.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/special/special_names.h"

namespace ferryman {

namespace {

// ---- rows ----

InferResult reshape_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Dims& dims = args.attrs[attr::kShape].dims;
  // Free sizes may be equal for reasons that only the program knows: that one divides another.
  const SizeExpr difference =
      args.symbols.of(args.symbols.product(x.dims)) - args.symbols.of(args.symbols.product(dims));
  const SymbolRange off = args.symbols.range(difference);
  if (off.min > 0 || off.max < 0) {
    return shape_error("a reshape from " + print_dims(x.dims, args.symbols) + " to " +
                       print_dims(dims, args.symbols));
  }
  return std::vector{TensorType{x.dtype, dims}};
}

InferResult permute_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Ints& perm = args.attrs[attr::kPerm].values;
  std::vector<bool> seen(x.rank(), false);
  TensorType type{x.dtype, {}};
  for (const int64_t axis : perm) {
    FERRYMAN_TRY_STATUS(check_axis(axis, x.rank()));
    if (seen[static_cast<size_t>(axis)]) return shape_error("an axis occurs twice");
    seen[static_cast<size_t>(axis)] = true;
    type.dims.push_back(x.dims[static_cast<size_t>(axis)]);
  }
  if (perm.size() != x.rank()) return shape_error("a permutation of another rank");
  return std::vector{type};
}

InferResult expand_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Dims& dims = args.attrs[attr::kShape].dims;
  if (dims.size() != x.rank()) return shape_error("expanded to another number of axes");
  for (size_t i = 0; i < dims.size(); ++i) {
    if (x.dims[i] == dims[i] || x.dims[i] == Dim(1)) continue;
    return shape_error("an axis of " + print_dims(x.dims, args.symbols) + " does not expand to " +
                       print_dims(dims, args.symbols));
  }
  return std::vector{TensorType{x.dtype, dims}};
}

void define_shape_rows(Ops& ops) {
  ops.set.define(ops::kReshape)
      .doc("the same elements in row-major order under another shape")
      .operand("x")
      .attr(attr::kShape)
      .result(reshape_type)
      .axes(AxisRule::kReshape)
      .eval([](const EvalArgs& args) -> EvalResult {
        return one(args.operand(0).reshaped(static_sizes(args.results[0].dims)));
      });
  ops.set.define(ops::kPermute)
      .doc("axes in another order; perm maps new to old")
      .operand("x")
      .attr(attr::kPerm)
      .result(permute_type)
      .axes(AxisRule::kPermute)
      .eval([](const EvalArgs& args) -> EvalResult {
        return one(args.operand(0).permuted(args.attrs[attr::kPerm].values).materialised());
      });
  ops.set.define(ops::kExpand)
      .doc("axes of size 1 repeated to a shape of the same rank")
      .operand("x")
      .attr(attr::kShape)
      .result(expand_type)
      .axes(AxisRule::kExpand)
      .eval([](const EvalArgs& args) -> EvalResult {
        return one(args.operand(0).broadcast_to(static_sizes(args.results[0].dims)));
      });
}

// ---- reshapes ----

Imported import_view(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  call.ignore("stride");  // of the alias; the elements are the same
  FERRYMAN_TRY(const auto shape, call.shape(call.given("shape") ? "shape" : "size"));
  return one_result(call.writer().reshape_to(x, shape));
}

Imported import_view_as(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId other, call.tensor("other"));
  const CoreWriter write = call.writer();
  return one_result(write.reshape(x, write.dims(other)));
}

Imported import_view_dtype(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", write.dtype(x)));
  const DType from = write.dtype(x);
  if (dtype == from) return std::vector{x};
  const bool same_width = byte_size(from) == byte_size(dtype);
  if (!same_width || from == DType::kBool || dtype == DType::kBool)
    return call.unsupported("bits read as a dtype of another width");
  return one_result(write.op(ops::kBitcast, {x}, {{attr::kDType, dtype}}));
}

Imported import_flatten(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  FERRYMAN_TRY(const int64_t first, call.axis("start_dim", rank, 0));
  FERRYMAN_TRY(const int64_t last, call.axis("end_dim", rank, -1));
  if (last < first) return call.unsupported("start_dim lies after end_dim");
  const Dims sizes = write.dims(x);
  Dims shape(sizes.begin(), sizes.begin() + first);
  Dims merged;
  for (int64_t axis = first; axis <= last && axis < static_cast<int64_t>(rank); ++axis)
    merged.push_back(sizes[static_cast<size_t>(axis)]);
  shape.push_back(write.symbols().product(merged));
  if (last + 1 < static_cast<int64_t>(rank))
    shape.insert(shape.end(), sizes.begin() + last + 1, sizes.end());
  return one_result(write.reshape(x, shape));
}

Imported import_unflatten(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  FERRYMAN_TRY(const auto parts, call.shape("sizes"));
  std::vector<std::optional<Dim>> shape(write.dims(x).begin(), write.dims(x).end());
  if (shape.empty()) return call.unsupported("a tensor without axes");
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, parts.begin(), parts.end());
  return one_result(write.reshape_to(x, shape));
}

Imported import_ravel(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(call.writer().reshape(x, {-1}));
}

// Axes of size 1: all, or the named ones among them.
Imported import_squeeze(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const Dims sizes = write.dims(x);
  std::vector<bool> dropped(sizes.size(), !call.given("dim"));
  if (call.given("dim")) {
    FERRYMAN_TRY(const Ints axes, call.integers("dim"));
    for (const int64_t axis : axes) {
      FERRYMAN_TRY(const int64_t position, normalise_axis(axis, sizes.size()));
      if (!sizes.empty()) dropped[static_cast<size_t>(position)] = true;
    }
  }
  Dims shape;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (!dropped[i] || sizes[i] != Dim(1)) shape.push_back(sizes[i]);
  }
  return one_result(write.reshape(x, shape));
}

Imported import_unsqueeze(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  Dims shape = write.dims(x);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", shape.size() + 1));
  shape.insert(shape.begin() + axis, 1);
  return one_result(write.reshape(x, shape));
}

// numpy's rule: a row gets its new axes around it, a matrix a last one.
ValueId emit_atleast(CoreWriter write, ValueId x, size_t rank) {
  Dims shape = write.dims(x);
  if (rank >= 2 && shape.empty()) shape.push_back(1);
  if (rank >= 2 && shape.size() == 1) shape.insert(shape.begin(), 1);
  while (shape.size() < rank) shape.push_back(1);
  return write.reshape(x, shape);
}

template <size_t kRank>
Imported import_atleast(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(emit_atleast(call.writer(), x, kRank));
}

template <size_t kRank>
Imported import_atleast_each(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> values, call.tensors("tensors"));
  for (ValueId& value : values) {
    value = emit_atleast(call.writer(), value, kRank);
  }
  return values;
}

// ---- permutations ----

Imported import_permute(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(Ints perm, call.integers("dims"));
  const CoreWriter write = call.writer();
  for (int64_t& axis : perm) {
    FERRYMAN_TRY(axis, normalise_axis(axis, write.rank(x)));
  }
  return one_result(write.permute(x, perm));
}

Imported swap_axes(ImportContext& call, std::string_view first, std::string_view second) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  FERRYMAN_TRY(const int64_t a, call.axis(first, rank));
  FERRYMAN_TRY(const int64_t b, call.axis(second, rank));
  Ints perm = iota_axes(rank);
  if (rank > 0) std::swap(perm[static_cast<size_t>(a)], perm[static_cast<size_t>(b)]);
  return one_result(write.permute(x, perm));
}

Imported import_transpose(ImportContext& call) {
  return swap_axes(call, "dim0", "dim1");
}
Imported import_swapaxes(ImportContext& call) {
  return swap_axes(call, "axis0", "axis1");
}

// The last two axes swapped; a row stays.
Imported import_matrix_transpose(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  Ints perm = iota_axes(write.rank(x));
  if (is_complex(write.dtype(x))) return call.unsupported("of complex numbers");
  if (perm.size() >= 2) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return one_result(write.permute(x, perm));
}

Imported import_reverse_axes(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  Ints perm = iota_axes(write.rank(x));
  std::reverse(perm.begin(), perm.end());
  return one_result(write.permute(x, perm));
}

Imported import_movedim(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  FERRYMAN_TRY(Ints from, call.integers("source"));
  FERRYMAN_TRY(Ints to, call.integers("destination"));
  if (from.size() != to.size()) return call.unsupported("as many sources as destinations");
  Ints perm(rank, -1);
  std::vector<bool> moved(rank, false);
  for (size_t i = 0; i < from.size(); ++i) {
    FERRYMAN_TRY(const int64_t source, normalise_axis(from[i], rank));
    FERRYMAN_TRY(const int64_t destination, normalise_axis(to[i], rank));
    if (rank == 0) continue;
    if (moved[static_cast<size_t>(source)] || perm[static_cast<size_t>(destination)] != -1)
      return call.unsupported("an axis occurs twice");
    moved[static_cast<size_t>(source)] = true;
    perm[static_cast<size_t>(destination)] = source;
  }
  int64_t next = 0;
  for (int64_t& axis : perm) {
    while (next < static_cast<int64_t>(rank) && moved[static_cast<size_t>(next)]) ++next;
    if (axis == -1) axis = next++;
  }
  return one_result(write.permute(x, perm));
}

// ---- expansions ----

// A size of -1 stays as it is.
Imported import_expand(ImportContext& call) {
  call.ignore("implicit");
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(auto shape, call.shape("size"));
  const CoreWriter write = call.writer();
  const Dims sizes = write.dims(x);
  for (size_t i = 0; i < shape.size() && i < sizes.size(); ++i) {
    std::optional<Dim>& size = shape[shape.size() - 1 - i];
    if (!size.has_value()) size = sizes[sizes.size() - 1 - i];
  }
  Dims wide;
  for (const std::optional<Dim> size : shape) {
    if (!size.has_value()) return call.unsupported("a negative size");
    wide.push_back(*size);
  }
  return one_result(write.expand(x, wide));
}

Imported import_expand_as(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId other, call.tensor("other"));
  const CoreWriter write = call.writer();
  return one_result(write.expand(x, write.dims(other)));
}

// The source in place of a tensor: with its shape and dtype.
Imported import_copy(ImportContext& call) {
  call.ignore("non_blocking");
  FERRYMAN_TRY(const ValueId self, call.tensor("self"));
  FERRYMAN_TRY(const ValueId source, call.tensor("src"));
  const CoreWriter write = call.writer();
  return one_result(write.expand(write.cast(source, write.dtype(self)), write.dims(self)));
}

Result<Dims> broadcast_of_all(ImportContext& call, const std::vector<ValueId>& values) {
  Dims dims;
  for (const ValueId value : values) {
    FERRYMAN_TRY(dims, broadcast_dims(dims, call.writer().dims(value), call.graph().symbols()));
  }
  return dims;
}

Imported import_broadcast_tensors(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> inputs, call.tensors("tensors"));
  FERRYMAN_TRY(const Dims dims, broadcast_of_all(call, inputs));
  std::vector<ValueId> results;
  for (const ValueId input : inputs) {
    const ValueId result = call.writer().expand(input, dims);
    results.push_back(result);
  }
  return results;
}

// Each tensor along its own axis of the grid of all; "xy" swaps the first two axes.
Imported import_meshgrid(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> inputs, call.tensors("tensors"));
  FERRYMAN_TRY(const std::string indexing, call.text("indexing", "ij"));
  Dims grid;
  const CoreWriter write = call.writer();
  for (const ValueId input : inputs) grid.push_back(write.num_elements(input));
  const bool swapped = indexing == "xy" && inputs.size() >= 2;
  if (swapped) std::swap(grid[0], grid[1]);
  std::vector<ValueId> results;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const size_t axis = swapped && i < 2 ? 1 - i : i;
    Dims shape(inputs.size(), 1);
    shape[axis] = grid[axis];
    results.push_back(write.expand(write.reshape(inputs[i], shape), grid));
  }
  return results;
}

// [a, b] with n repeats each -> [a, a, b, b]: a new axis, expanded and merged again.
Imported import_repeat_interleave(ImportContext& call) {
  call.ignore("output_size");
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t repeats, call.integer("repeats"));
  int64_t axis = 0;
  const CoreWriter write = call.writer();
  if (call.given("dim")) {
    FERRYMAN_TRY(axis, call.axis("dim", write.rank(x)));
  } else {
    x = write.reshape(x, {-1});
  }
  if (repeats < 0 || write.rank(x) == 0) return call.unsupported("of a tensor without axes");
  const Dims sizes = write.dims(x);
  Dims shape = sizes;
  shape.insert(shape.begin() + axis + 1, 1);
  const ValueId apart = write.reshape(x, shape);
  shape[static_cast<size_t>(axis) + 1] = repeats;
  const ValueId expanded = write.expand(apart, shape);
  Dims merged = sizes;
  Dim& along = merged[static_cast<size_t>(axis)];
  along = write.symbols().mul(along, repeats);
  return one_result(write.reshape(expanded, merged));
}

void add_reshape_imports(ImportTable& imports) {
  imports.add({"view.default", "view_copy.default", "reshape.default", "_unsafe_view.default",
               "_reshape_alias.default", "_reshape_copy.default"},
              import_view);
  imports.add({"reshape_as.default", "view_as.default"}, import_view_as);
  imports.add("view.dtype", import_view_dtype);
  imports.add("flatten.using_ints", import_flatten);
  imports.add("unflatten.int", import_unflatten);
  imports.add("ravel.default", import_ravel);
  imports.add({"squeeze.default", "squeeze.dim", "squeeze.dims", "squeeze_copy.default",
               "squeeze_copy.dim", "squeeze_copy.dims"},
              import_squeeze);
  imports.add({"unsqueeze.default", "unsqueeze_copy.default"}, import_unsqueeze);
  imports.add("atleast_1d.default", import_atleast<1>);
  imports.add("atleast_1d.Sequence", import_atleast_each<1>);
  imports.add("atleast_2d.default", import_atleast<2>);
  imports.add("atleast_2d.Sequence", import_atleast_each<2>);
  imports.add("atleast_3d.default", import_atleast<3>);
  imports.add("atleast_3d.Sequence", import_atleast_each<3>);
}

}  // namespace

void add_shape_ops(Ops& ops) {
  define_shape_rows(ops);
  ImportTable& imports = ops.imports;
  add_reshape_imports(imports);
  imports.add({"permute.default", "permute_copy.default"}, import_permute);
  imports.add({"transpose.int", "transpose_copy.int", "swapdims.default"}, import_transpose);
  imports.add("swapaxes.default", import_swapaxes);
  imports.add({"t.default", "t_copy.default", "mT.default", "mH.default", "adjoint.default",
               "matrix_H.default"},
              import_matrix_transpose);
  imports.add("numpy_T.default", import_reverse_axes);
  imports.add({"movedim.int", "movedim.intlist", "moveaxis.int", "moveaxis.intlist"},
              import_movedim);
  imports.add({"expand.default", "expand_copy.default", "broadcast_to.default"}, import_expand);
  imports.add("expand_as.default", import_expand_as);
  imports.add("copy.default", import_copy);
  imports.add("broadcast_tensors.default", import_broadcast_tensors);
  imports.add({"meshgrid.default", "meshgrid.indexing"}, import_meshgrid);
  imports.add("repeat_interleave.self_int", import_repeat_interleave);
}

}  // namespace ferryman
