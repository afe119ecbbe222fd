// Calls that move, pick or join complex numbers, and all others that are linear: the real import
// gives the parts of the result from the parts of the operands.
#include "frontend/complex/complex_table.h"
#include "frontend/complex/formula.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

ComplexImported import_parts(ComplexCall& call) {
  FERRYMAN_TRY(const std::vector<ComplexValue> results, call.run_on_parts());
  if (call.gives_complex()) return std::vector<RealOrComplex>(results.begin(), results.end());
  // Asked for real numbers (zeros_like of another dtype).
  std::vector<RealOrComplex> real;
  for (const ComplexValue& result : results) real.emplace_back(result.real);
  return real;
}

ComplexImported import_parts_conjugated(ComplexCall& call) {
  FERRYMAN_TRY(const std::vector<ComplexValue> results, call.run_on_parts());
  const Formula f(call.writer());
  return complex_result(f.conj(results.front()));
}

ComplexImported import_conj(ComplexCall& call) {
  if (!call.is_complex("self")) return real_result(call.context().tensor("self"));
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  return complex_result(f.conj(z));
}

// The value itself; where it lies in memory is of no concern.
ComplexImported import_same(ComplexCall& call) {
  call.context().ignore("memory_format");
  if (!call.is_complex("self")) return real_result(call.context().tensor("self"));
  return complex_result(call.complex("self"));
}

ComplexImported import_ones_like(ComplexCall& call) {
  ImportContext& context = call.context();
  for (const std::string_view name :
       {"self", "size", "dtype", "layout", "device", "pin_memory", "memory_format"})
    context.ignore(name);
  const Ints shape = static_sizes(context.result_type(0).dims);
  const DType dtype = call.gives_complex() ? call.part_dtype() : context.result_type(0).dtype;
  const auto filled = [&](double number) {
    return call.writer().constant(TensorData::filled(dtype, shape, number), "ones");
  };
  if (!call.gives_complex()) return real_result(filled(1));
  return complex_result(ComplexValue{filled(1), filled(0), {}});
}

// The spread of both parts together: variances add up.
ComplexImported import_var(ComplexCall& call) {
  FERRYMAN_TRY(const std::vector<ComplexValue> results, call.run_on_parts());
  const Formula f(call.writer());
  return real_result(f.add(results.front().real, results.front().imag));
}

ComplexImported import_std(ComplexCall& call) {
  FERRYMAN_TRY(const std::vector<ComplexValue> results, call.run_on_parts());
  const Formula f(call.writer());
  return real_result(f.abs(results.front()));
}

// ---- between complex and real ----

ComplexImported import_view_as_real(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  return real_result(f.pair(z));
}

ComplexImported import_view_as_complex(ComplexCall& call) {
  FERRYMAN_TRY(const ValueId pair, call.context().tensor("self"));
  const Formula f(call.writer());
  if (f.rank(pair) == 0 || f.sizes(pair).back() != 2)
    return call.context().unsupported("the last axis of pairs of numbers has two entries");
  return complex_result(f.unpacked(pair));
}

ComplexImported import_complex(ComplexCall& call) {
  FERRYMAN_TRY(const ValueId real, call.context().tensor("real"));
  FERRYMAN_TRY(const ValueId imag, call.context().tensor("imag"));
  const Formula f(call.writer());
  const Ints shape = static_sizes(call.context().result_type(0).dims);
  return complex_result(ComplexValue{f.expand(real, shape), f.expand(imag, shape), {}});
}

ComplexImported import_polar(ComplexCall& call) {
  FERRYMAN_TRY(const ValueId radius, call.context().tensor("abs"));
  FERRYMAN_TRY(const ValueId angle, call.context().tensor("angle"));
  const Formula f(call.writer());
  return complex_result(f.polar(radius, angle));
}

ComplexImported import_real(ComplexCall& call) {
  if (!call.is_complex("self")) return real_result(call.context().tensor("self"));
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  return real_result(z.real);
}

ComplexImported import_imag(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  return real_result(z.imag);
}

// To complex of another precision, from real numbers, or to the real part.
ComplexImported import_to(ComplexCall& call) {
  ImportContext& context = call.context();
  for (const std::string_view name : {"dtype", "copy", "non_blocking", "layout", "device",
                                      "pin_memory", "memory_format", "other"})
    context.ignore(name);
  const TensorType& type = context.result_type(0);
  if (call.gives_complex()) return complex_result(call.complex("self"));
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  if (type.dtype == DType::kBool) {
    const Formula f(context.writer());
    const ValueId zero = f.scalar(z.real, 0);
    return real_result(f.binary(ops::kLogicalOr, f.binary(ops::kNe, z.real, zero),
                                f.binary(ops::kNe, z.imag, zero)));
  }
  return real_result(call.writer().cast(z.real, type.dtype));
}

void add_conversions(ComplexTable& table) {
  table.add({"view_as_real.default", "view_as_real_copy.default"}, import_view_as_real);
  table.add({"view_as_complex.default", "view_as_complex_copy.default"}, import_view_as_complex);
  table.add({"complex.default"}, import_complex, {"real", "imag"});
  table.add({"polar.default"}, import_polar, {"abs", "angle"});
  table.add({"real.default"}, import_real);
  table.add({"imag.default"}, import_imag);
  table.add({"to.dtype", "to.dtype_layout", "to.device", "to.other", "type_as.default",
             "_to_copy.default", "cfloat.default", "cdouble.default"},
            import_to);
  table.add({"_conj.default", "conj.default", "_conj_copy.default", "conj_physical.default",
             "_conj_physical.default"},
            import_conj);
  table.add({"clone.default", "contiguous.default", "alias.default", "alias_copy.default",
             "detach.default", "detach_copy.default", "lift_fresh_copy.default", "positive.default",
             "lift_fresh.default", "resolve_conj.default", "resolve_neg.default"},
            import_same);
  table.add({"ones_like.default", "new_ones.default", "ones.default"}, import_ones_like);
}

void add_reshapes(ComplexTable& table) {
  table.add_lifted({"view.default",
                    "view_copy.default",
                    "reshape.default",
                    "_unsafe_view.default",
                    "_reshape_alias.default",
                    "_reshape_copy.default",
                    "flatten.using_ints",
                    "unflatten.int",
                    "ravel.default",
                    "squeeze.default",
                    "squeeze.dim",
                    "squeeze.dims",
                    "squeeze_copy.default",
                    "squeeze_copy.dim",
                    "squeeze_copy.dims",
                    "unsqueeze.default",
                    "unsqueeze_copy.default",
                    "atleast_1d.default",
                    "atleast_2d.default",
                    "atleast_3d.default"},
                   import_parts);
  table.add_lifted({"reshape_as.default", "view_as.default", "expand_as.default"}, import_parts,
                   {"self", "other"});
  table.add_lifted({"atleast_1d.Sequence", "atleast_2d.Sequence", "atleast_3d.Sequence",
                    "broadcast_tensors.default", "meshgrid.default", "meshgrid.indexing"},
                   import_parts, {"tensors"});
  table.add_lifted({"permute.default",     "permute_copy.default", "transpose.int",
                    "transpose_copy.int",  "swapdims.default",     "swapaxes.default",
                    "t.default",           "t_copy.default",       "mT.default",
                    "numpy_T.default",     "movedim.int",          "movedim.intlist",
                    "moveaxis.int",        "moveaxis.intlist",     "expand.default",
                    "expand_copy.default", "broadcast_to.default", "repeat_interleave.self_int",
                    "repeat.default",      "tile.default"},
                   import_parts);
  table.add_lifted({"mH.default", "adjoint.default", "matrix_H.default"}, import_parts_conjugated);
}

void add_parts_and_joins(ComplexTable& table) {
  table.add_lifted({"slice.Tensor",
                    "slice_copy.Tensor",
                    "select.int",
                    "select_copy.int",
                    "narrow.default",
                    "narrow_copy.default",
                    "split.Tensor",
                    "split_copy.Tensor",
                    "unsafe_split.Tensor",
                    "split.sizes",
                    "split_with_sizes.default",
                    "split_with_sizes_copy.default",
                    "unsafe_split_with_sizes.default",
                    "chunk.default",
                    "unsafe_chunk.default",
                    "tensor_split.sections",
                    "tensor_split.indices",
                    "unbind.int",
                    "unbind_copy.int",
                    "flip.default",
                    "flipud.default",
                    "fliplr.default",
                    "roll.default",
                    "rot90.default",
                    "diagonal.default",
                    "diagonal_copy.default",
                    "unfold.default",
                    "unfold_copy.default",
                    "tril.default",
                    "triu.default",
                    "index_select.default",
                    "gather.default",
                    "take_along_dim.default",
                    "take.default",
                    "index.Tensor",
                    "_unsafe_index.Tensor",
                    "reflection_pad1d.default",
                    "reflection_pad2d.default",
                    "reflection_pad3d.default",
                    "_pad_circular.default"},
                   import_parts);
  table.add_lifted({"linalg_diagonal.default"}, import_parts, {"A"});
  table.add_lifted({"embedding.default"}, import_parts, {"weight"});
  table.add_lifted(
      {"cat.default", "concat.default", "concatenate.default", "stack.default", "hstack.default",
       "vstack.default", "row_stack.default", "dstack.default", "column_stack.default"},
      import_parts, {"tensors"});
  table.add_lifted({"slice_scatter.default", "select_scatter.default", "copy.default"},
                   import_parts, {"self", "src"});
  table.add_lifted({"diff.default"}, import_parts, {"self", "prepend", "append"});
  table.add_lifted({"index_put.default", "_unsafe_index_put.default"}, import_parts,
                   {"self", "values"});
  table.add_lifted({"constant_pad_nd.default", "pad.default", "masked_fill.Scalar",
                    "masked_fill.Tensor", "fill.Scalar", "fill.Tensor"},
                   import_parts, {"self", "value"});
  table.add_lifted({"where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar"},
                   import_parts, {"self", "other"});
  table.add_lifted({"full.default", "full_like.default", "new_full.default"}, import_parts,
                   {"self", "fill_value"});
  table.add_lifted({"scalar_tensor.default"}, import_parts, {"s"});
  table.add_lifted(
      {"zeros.default", "new_zeros.default", "empty.memory_format", "new_empty.default",
       "zeros_like.default", "empty_like.default", "zero.default"},
      import_parts);
}

void add_sums(ComplexTable& table) {
  table.add_lifted({"neg.default", "negative.default", "sum.default", "sum.dim_IntList",
                    "mean.default", "mean.dim", "cumsum.default", "trace.default"},
                   import_parts);
  table.add_lifted({"add.Tensor", "add.Scalar", "sub.Tensor", "sub.Scalar", "subtract.Tensor",
                    "subtract.Scalar", "rsub.Tensor", "rsub.Scalar"},
                   import_parts, {"self", "other"});
  table.add_lifted({"var.default", "var.dim", "var.correction"}, import_var);
  table.add_lifted({"std.default", "std.dim", "std.correction"}, import_std);
  table.add_lifted({"lerp.Scalar", "lerp.Tensor"}, import_parts, {"self", "end"});
}

}  // namespace

void add_complex_moves(ComplexTable& table) {
  add_conversions(table);
  add_reshapes(table);
  add_parts_and_joins(table);
  add_sums(table);
}

}  // namespace ferryman::frontend
