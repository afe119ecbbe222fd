// Products: the linear layer, and one batched matmul for mm, bmm, addmm, dot, outer and their kin.
#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/linalg/linalg.h"
#include "ops/names.h"
#include "ops/product/einsum.h"
#include "ops/product/product.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

Status check_same_dtype(const InferArgs& args) {
  for (size_t i = 1; i < args.operands.size(); ++i) {
    if (!args.has(i) || args.operand(i).dtype == args.operand(0).dtype) continue;
    return shape_error(fmt::format("operands are {} and {}", torch_name(args.operand(0).dtype),
                                   torch_name(args.operand(i).dtype)));
  }
  return {};
}

InferResult infer_linear(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_same_dtype(args));
  const TensorType& x = args.operand(0);
  const TensorType& weight = args.operand(1);
  if (x.rank() < 1 || weight.rank() != 2 || !(x.dims.back() == weight.dims[1])) {
    return shape_error(fmt::format("input {} and weight {}", print_dims(x.dims, args.symbols),
                                   print_dims(weight.dims, args.symbols)));
  }
  if (args.has(2) && !(args.operand(2).dims == Dims{weight.dims[0]})) {
    return shape_error(fmt::format("bias {} with weight {}",
                                   print_dims(args.operand(2).dims, args.symbols),
                                   print_dims(weight.dims, args.symbols)));
  }
  Dims dims = x.dims;
  dims.back() = weight.dims[0];
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

InferResult infer_matmul(const InferArgs& args) {
  FERRYMAN_TRY_STATUS(check_same_dtype(args));
  const Dims& a = args.operand(0).dims;
  const Dims& b = args.operand(1).dims;
  const bool fits = a.size() >= 2 && b.size() >= 2 && a.back() == b[b.size() - 2];
  if (!fits) {
    return shape_error(fmt::format("matrices {} and {}", print_dims(a, args.symbols),
                                   print_dims(b, args.symbols)));
  }
  const Dims a_batch(a.begin(), a.end() - 2);
  const Dims b_batch(b.begin(), b.end() - 2);
  FERRYMAN_TRY(Dims dims, broadcast_dims(a_batch, b_batch, args.symbols));
  dims.push_back(a[a.size() - 2]);
  dims.push_back(b.back());
  return std::vector{TensorType{args.operand(0).dtype, std::move(dims)}};
}

// result[n, o] = bias[o] + sum of x[n, k] * weight[o, k]
EvalResult eval_linear(const EvalArgs& args) {
  const std::vector<double> x = args.operand(0).to_doubles();
  const std::vector<double> weight = args.operand(1).to_doubles();
  const auto out = static_cast<size_t>(args.operand(1).shape()[0]);
  const auto inner = static_cast<size_t>(args.operand(1).shape()[1]);
  std::vector<double> bias(out, 0.0);
  if (args.has(2)) bias = args.operand(2).to_doubles();
  std::vector<double> values(static_cast<size_t>(product(static_sizes(args.results[0].dims))));
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t row = i / out;
    const size_t column = i % out;
    double sum = bias[column];
    for (size_t k = 0; k < inner; ++k) sum += x[row * inner + k] * weight[column * inner + k];
    values[i] = sum;
  }
  std::vector<TensorData> results;
  results.push_back(store_doubles(args.results[0], values));
  return results;
}

// Sizes of batched matrices, row-major and without broadcasting.
struct MatmulSizes {
  size_t batches, rows, inner, columns;
};

template <typename T>
std::vector<T> multiply(const std::vector<T>& a, const std::vector<T>& b,
                        const MatmulSizes& sizes) {
  std::vector<T> values(sizes.batches * sizes.rows * sizes.columns, T{0});
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t row = i / sizes.columns;  // over all batches
    const size_t batch = row / sizes.rows;
    const size_t column = i % sizes.columns;
    for (size_t k = 0; k < sizes.inner; ++k)
      values[i] += a[row * sizes.inner + k] * b[(batch * sizes.inner + k) * sizes.columns + column];
  }
  return values;
}

EvalResult eval_matmul(const EvalArgs& args) {
  const Ints shape = static_sizes(args.results[0].dims);
  const int64_t inner = args.operand(0).shape().back();
  const int64_t rows = shape[shape.size() - 2];
  const int64_t columns = shape.back();
  Ints a_shape = shape;
  a_shape.back() = inner;
  Ints b_shape = shape;
  b_shape[shape.size() - 2] = inner;
  const TensorData a = args.operand(0).broadcast_to(a_shape);
  const TensorData b = args.operand(1).broadcast_to(b_shape);
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  const MatmulSizes sizes = {size(product(Ints(shape.begin(), shape.end() - 2))), size(rows),
                             size(inner), size(columns)};
  std::vector<TensorData> results;
  if (is_integer(a.dtype())) {
    results.push_back(store_ints(args.results[0], multiply(a.to_ints(), b.to_ints(), sizes)));
  } else {
    results.push_back(
        store_doubles(args.results[0], multiply(a.to_doubles(), b.to_doubles(), sizes)));
  }
  return results;
}

Imported import_matmul(ImportContext& call) {
  FERRYMAN_TRY(const ValueId a, call.tensor("self"));
  const bool named_mat2 = call.target().starts_with("mm.") || call.target().starts_with("bmm.");
  FERRYMAN_TRY(const ValueId b, call.tensor(named_mat2 ? "mat2" : "other"));
  const ValueId product = multiply_any_rank(call.writer(), a, b);
  return std::vector{product};
}

Imported import_dot(ImportContext& call) {
  FERRYMAN_TRY(const ValueId a, call.tensor("self"));
  FERRYMAN_TRY(const ValueId b,
               call.tensor(call.target().starts_with("dot.") ? "tensor" : "other"));
  const ValueId product = multiply_any_rank(call.writer(), a, b);
  return std::vector{product};
}

Imported import_mv(ImportContext& call) {
  FERRYMAN_TRY(const ValueId a, call.tensor("self"));
  FERRYMAN_TRY(const ValueId b, call.tensor("vec"));
  const ValueId product = multiply_any_rank(call.writer(), a, b);
  return std::vector{product};
}

// Whole numbers, and a single row of weights, are plain products.
Imported import_linear(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId bias, call.optional_tensor("bias"));
  const CoreWriter write = call.writer();
  const bool is_matrix = write.rank(weight) == 2;
  if (is_floating(write.dtype(x)) && is_matrix)
    return one_result(write.op(ops::kLinear, {x, weight, bias}));
  ValueId turned = weight;
  if (is_matrix) turned = write.permute(weight, {1, 0});
  const ValueId product = multiply_any_rank(write, x, turned);
  if (!bias.valid()) return std::vector{product};
  return one_result(write.add(product, bias));
}

// Column times row: a broadcasting product.
Imported import_outer(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "vec2"}));
  const CoreWriter write = call.writer();
  if (write.rank(x[0]) != 1) return call.unsupported("an operand that is not a vector");
  const ValueId column = write.reshape(x[0], {-1, 1});
  const bool is_bool = write.dtype(column) == DType::kBool;
  return one_result(write.binary(is_bool ? ops::kLogicalAnd : ops::kMul, column, x[1]));
}

// beta * self + alpha * (product of the two others, summed over the batch for addbmm)
struct AddedProduct {
  std::string_view left, right;
};

Imported import_added(ImportContext& call, const AddedProduct& names) {
  FERRYMAN_TRY(const ValueId added, call.tensor("self"));
  FERRYMAN_TRY(const ValueId left, call.tensor(names.left));
  FERRYMAN_TRY(const ValueId right, call.tensor(names.right));
  const CoreWriter write = call.writer();
  ValueId product = multiply_any_rank(write, left, right);
  if (call.target().starts_with("addbmm."))
    product = write.reduce(ops::kSum, product, {0}, /*keepdim=*/false);
  FERRYMAN_TRY(product, scaled_by(call, product, "alpha"));
  if (!call.is_of_run_time("beta")) {
    FERRYMAN_TRY(const double beta, call.number("beta", 1.0));
    if (beta == 0.0) return std::vector{product};  // torch does not read self then, NaN or not
  }
  FERRYMAN_TRY(const ValueId scaled, scaled_by(call, added, "beta"));
  return one_result(write.add(product, scaled));
}

Imported import_addmm(ImportContext& call) {
  return import_added(call, {"mat1", "mat2"});
}
Imported import_addbmm(ImportContext& call) {
  return import_added(call, {"batch1", "batch2"});
}
Imported import_addmv(ImportContext& call) {
  return import_added(call, {"mat", "vec"});
}

}  // namespace

// A vector on the left becomes a row, on the right a column; the added axis is dropped again.
ValueId multiply_any_rank(CoreWriter write, ValueId a, ValueId b) {
  const Dims a_dims = write.dims(a);
  const Dims b_dims = write.dims(b);
  if (a_dims.empty() || b_dims.empty()) return write.refuse("a product with a scalar tensor");
  if (a_dims.size() == 1) a = write.reshape(a, Dims{Dim(1), a_dims[0]});
  if (b_dims.size() == 1) b = write.reshape(b, Dims{b_dims[0], Dim(1)});
  const ValueId product = write.binary(ops::kMatmul, a, b);
  Dims dims = write.dims(product);
  if (b_dims.size() == 1) dims.erase(dims.end() - 1);
  if (a_dims.size() == 1) dims.erase(dims.end() - (b_dims.size() == 1 ? 1 : 2));
  return write.reshape(product, std::move(dims));
}

void add_linear_ops(Ops& ops) {
  ops.set.define(ops::kLinear)
      .doc("x [..., I] times weight [O, I] transposed, plus bias [O]")
      .operand("x", DTypeSet::kFloating)
      .operand("weight", DTypeSet::kFloating)
      .optional_operand("bias", DTypeSet::kFloating)
      .result(infer_linear)
      .contract("*k,nk,n->*n")
      .eval(eval_linear);
  ops.imports.add("linear.default", import_linear);

  ops.set.define(ops::kMatmul)
      .doc("Matrix product of the last two axes; the axes before them broadcast")
      .operand("a", DTypeSet::kReal)
      .operand("b", DTypeSet::kReal)
      .result(infer_matmul)
      .contract("*mk,*kn->*mn")
      .eval(eval_matmul);

  ops.imports.add({"mm.default", "bmm.default", "matmul.default"}, import_matmul);
  ops.imports.add({"dot.default", "vdot.default"}, import_dot);
  ops.imports.add("mv.default", import_mv);
  ops.imports.add({"outer.default", "ger.default"}, import_outer);
  ops.imports.add("addmm.default", import_addmm);
  ops.imports.add({"baddbmm.default", "addbmm.default"}, import_addbmm);
  ops.imports.add("addmv.default", import_addmv);
  ops.imports.add("einsum.default", import_einsum);
  ops.imports.add("tensordot.default", import_tensordot);
  ops.imports.add("inner.default", import_inner);
  ops.imports.add("bilinear.default", import_bilinear);
  add_linalg_imports(ops.imports);
}

}  // namespace ferryman
