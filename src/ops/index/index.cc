// Reading at positions: gather and what is built on it.
#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/index/index_arrays.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/op_axes.h"
#include "ops/promote.h"
#include "ops/shape/move_elems.h"

namespace ferryman {

namespace {

// ---- gather ----

InferResult gather_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const Dims& indices = args.operand(1).dims;
  const int64_t axis = args.attrs[attr::kAxis].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, x.rank()));
  TensorType type = x;
  type.dims.erase(type.dims.begin() + axis);
  type.dims.insert(type.dims.begin() + axis, indices.begin(), indices.end());
  return std::vector{type};
}

EvalResult eval_gather(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const Ints positions = args.operand(1).to_ints();
  const Ints& index_shape = args.operand(1).shape();
  for (const int64_t position : positions) {
    if (position < 0 || position >= x.shape()[axis])
      return shape_error("an index outside the tensor");
  }
  std::vector<TensorData> results;
  Ints from(x.rank());
  results.push_back(move_elems(x, args.results[0], [&](const Ints& index) {
    int64_t flat = 0;
    for (size_t i = 0; i < index_shape.size(); ++i) flat = flat * index_shape[i] + index[axis + i];
    for (size_t i = 0; i < x.rank(); ++i) {
      if (i < axis) from[i] = index[i];
      if (i > axis) from[i] = index[i - 1 + index_shape.size()];
    }
    from[axis] = positions[static_cast<size_t>(flat)];
    return flat_index(x.shape(), from);
  }));
  return results;
}

// The dims of the indices take the place of the axis. Together they are one axis, whose positions
// come in the order of the indices.
OpAxes gather_axes(const Graph& graph, const Op& op) {
  AxesOfOp of(graph, op);
  OpAxes& axes = of.axes();
  const size_t axis = of.axis_attr();
  of.axes_from(op.operands[0], {});
  axes.axes[axis].positional = true;
  axes.operands[0] = of.aligned_right(axes.axes.size());
  const size_t index_rank = of.rank(op.operands[1]);
  for (const int a : axes.operands[0]) {
    const size_t count = a == static_cast<int>(axis) ? index_rank : 1;
    axes.results[0].insert(axes.results[0].end(), count, a);
  }
  if (index_rank > 0) axes.operands[1].assign(index_rank, of.add_axis({.positional = true}));
  return of.finish();
}

void define_index_rows(Ops& ops) {
  ops.set.define(ops::kGather)
      .doc(
          "entries of x along an axis at the indices, whose axes take its place; 0 <= index < size")
      .operand("x")
      .operand("indices", DTypeSet::kInteger)
      .attr(attr::kAxis)
      .result(gather_type)
      .axes(AxisRule::kAlong, gather_axes)
      .eval(eval_gather);
}

// ---- import ----

Imported import_index_select(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId indices, call.tensor("index"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  indices = write.reshape(indices, {-1});
  if (write.rank(x) != 0) return one_result(write.gather(x, axis, indices));
  x = write.reshape(x, {1});
  return one_result(write.reshape(write.gather(x, 0, indices), {}));
}

// Rows of the table. What concerns training only (padding_idx) does not change them.
Imported import_embedding(ImportContext& call) {
  for (const std::string_view name : {"padding_idx", "scale_grad_by_freq", "sparse"})
    call.ignore(name);
  FERRYMAN_TRY(const ValueId table, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId indices, call.tensor("indices"));
  return one_result(call.writer().gather(table, 0, indices));
}

Imported import_gather(ImportContext& call) {
  call.ignore("sparse_grad");
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("index"));
  const CoreWriter write = call.writer();
  const Dims shape = write.dims(index);
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  if (write.num_elements(index) == Dim(0)) {  // nothing is read; torch allows any rank here
    return std::vector{write.filled(write.dtype(x), shape, 0, "empty")};
  }
  if (write.rank(x) == 0) x = write.reshape(x, {1});
  if (shape.empty()) index = write.reshape(index, {1});
  const ValueId picked = gather_elements(write, x, index, axis);
  return one_result(write.reshape(picked, shape));
}

Imported import_take_along_dim(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("indices"));
  int64_t axis = 0;
  const CoreWriter write = call.writer();
  if (!call.given("dim")) {
    x = write.reshape(x, {-1});
    index = write.reshape(index, {-1});
  } else {
    FERRYMAN_TRY(axis, call.axis("dim", write.rank(x)));
    Dims x_shape = write.dims(x);
    Dims index_shape = write.dims(index);
    if (x_shape.size() != index_shape.size() || x_shape.empty())
      return call.unsupported("an index of another rank");
    const auto along = static_cast<size_t>(axis);
    for (size_t i = 0; i < x_shape.size(); ++i) {
      if (i != along)
        x_shape[i] = index_shape[i] = x_shape[i] == Dim(1) ? index_shape[i] : x_shape[i];
    }
    x = write.expand(x, x_shape);
    index = write.expand(index, index_shape);
  }
  index = wrap_negative(write, index, write.dim(x, axis));
  return one_result(gather_elements(write, x, index, axis));
}

Imported import_take(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId index, call.tensor("index"));
  const CoreWriter write = call.writer();
  x = write.reshape(x, {-1});
  index = wrap_negative(write, index, write.dim(x, 0));
  return one_result(write.gather(x, 0, index));
}

// ---- fixed positions ----

// Entries (i, i + offset) of two axes, which become one, the last.
Imported import_diagonal(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor(call.find("A") != nullptr ? "A" : "self"));
  const bool of_matrix = call.find("A") != nullptr;  // linalg.diagonal: the last two axes
  FERRYMAN_TRY(const int64_t offset, call.integer("offset", 0));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  FERRYMAN_TRY(const int64_t first, call.axis("dim1", rank, of_matrix ? -2 : 0));
  FERRYMAN_TRY(const int64_t second, call.axis("dim2", rank, of_matrix ? -1 : 1));
  if (rank < 2 || first == second) return call.unsupported("a diagonal needs two axes");
  return one_result(emit_diagonal(write, x, first, second, offset));
}

// The entries at `positions` [windows, size], the second axis of which becomes the last.
ValueId windows_at(CoreWriter write, ValueId x, int64_t axis, ValueId positions) {
  Ints perm = iota_axes(write.rank(x) + 1);
  std::rotate(perm.begin() + axis + 1, perm.begin() + axis + 2, perm.end());
  return write.permute(write.gather(x, static_cast<size_t>(axis), positions), perm);
}

ValueId unfold_free(CoreWriter write, ValueId x, int64_t axis, int64_t size, int64_t step) {
  SymbolTable& symbols = write.symbols();
  if (size < 0 || step < 1) return write.refuse("a window outside the tensor");
  const SizeExpr room = symbols.of(write.dim(x, axis)) - SizeExpr(size);
  const Dim windows = symbols.dim(symbols.quotient(room, step) + 1);
  const ValueId first = write.mul(write.numbers(windows, "windows"), static_cast<double>(step));
  const ValueId places =
      write.add(write.reshape(first, Dims{windows, 1}), write.numbers(size, "places"));
  return windows_at(write, x, axis, places);
}

// Windows along an axis; their entries become a new last axis.
Imported import_unfold(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const size_t rank = write.rank(x);
  FERRYMAN_TRY(const int64_t axis, call.axis("dimension", rank));
  FERRYMAN_TRY(const int64_t size, call.integer("size"));
  FERRYMAN_TRY(const int64_t step, call.integer("step"));
  if (rank == 0) {  // one window of the one element, or none of it
    const ValueId line = write.reshape(x, {1});
    return one_result(write.slice_axis(line, 0, 0, std::clamp<int64_t>(size, 0, 1)));
  }
  if (!write.dim(x, axis).is_static()) return one_result(unfold_free(write, x, axis, size, step));
  const int64_t length = write.size(x, axis);
  if (size < 0 || step < 1 || size > length) return call.unsupported("a window outside the tensor");
  const int64_t windows = (length - size) / step + 1;
  Ints positions;
  for (int64_t window = 0; window < windows; ++window) {
    for (int64_t i = 0; i < size; ++i) positions.push_back(window * step + i);
  }
  return one_result(windows_at(write, x, axis, write.indices({windows, size}, positions)));
}

Imported import_one_hot(ImportContext& call) {
  FERRYMAN_TRY(const ValueId index, call.tensor("self"));
  FERRYMAN_TRY(const int64_t classes, call.integer("num_classes", -1));
  if (classes < 1)
    return call.unsupported("the number of classes depends on the values")
        .hint("pass num_classes to one_hot");
  const CoreWriter write = call.writer();
  Dims shape = write.dims(index);
  shape.push_back(1);
  const ValueId column = write.reshape(index, shape);
  Ints numbers = iota_axes(classes);
  const ValueId numbers_of_index =
      write.cast(write.indices({classes}, numbers), write.dtype(index));
  return one_result(write.cast(write.binary(ops::kEq, column, numbers_of_index), DType::kI64));
}

// Whether column - row is at most (at least) the diagonal.
ValueId triangle_of_free_size(CoreWriter write, const Dims& matrix, int64_t diagonal,
                              bool is_lower) {
  const ValueId rows = write.reshape(write.numbers(matrix[0], "rows"), Dims{matrix[0], 1});
  const ValueId columns = write.numbers(matrix[1], "columns");
  return write.binary(is_lower ? ops::kLe : ops::kGe, write.sub(columns, rows),
                      static_cast<double>(diagonal));
}

// Zeros above (below) a diagonal of the last two axes: chosen by a constant mask.
template <bool kLower>
Imported import_triangle(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t diagonal, call.integer("diagonal", 0));
  const CoreWriter write = call.writer();
  const Dims sizes = write.dims(x);
  if (sizes.size() < 2) return call.unsupported("a triangle needs two axes");
  const Dims both(sizes.end() - 2, sizes.end());
  if (!all_static(both)) {
    const ValueId mask = triangle_of_free_size(write, both, diagonal, kLower);
    return one_result(write.where(mask, x, 0));
  }
  const Ints matrix = static_sizes(both);
  Ints keeps;
  for_each_index(matrix, [&](const Ints& at) {
    const int64_t distance = at[1] - at[0];
    keeps.push_back(kLower ? distance <= diagonal : distance >= diagonal);
  });
  const ValueId mask =
      write.constant(store_ints({DType::kBool, to_dims(matrix)}, keeps), kLower ? "tril" : "triu");
  return one_result(write.where(mask, x, 0));
}

}  // namespace

void add_index_ops(Ops& ops) {
  define_index_rows(ops);
  add_index_array_imports(ops.imports);
  ImportTable& imports = ops.imports;
  imports.add("index_select.default", import_index_select);
  imports.add("embedding.default", import_embedding);
  imports.add("gather.default", import_gather);
  imports.add("take_along_dim.default", import_take_along_dim);
  imports.add("take.default", import_take);
  imports.add({"diagonal.default", "diagonal_copy.default", "linalg_diagonal.default"},
              import_diagonal);
  imports.add({"unfold.default", "unfold_copy.default"}, import_unfold);
  imports.add("one_hot.default", import_one_hot);
  imports.add("tril.default", import_triangle<true>);
  imports.add("triu.default", import_triangle<false>);
}

}  // namespace ferryman
