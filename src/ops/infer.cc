#include "ops/infer.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/attrs.h"

namespace ferryman {

Diag shape_error(std::string what) {
  return Diag::error(DiagCode::kUnsupportedForm, std::move(what));
}

std::string print_dims(const Dims& dims, const SymbolTable& symbols) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ", ";
    text += symbols.print(dims[i]);
  }
  return text + "]";
}

Result<Dims> broadcast_dims(const Dims& a, const Dims& b, const SymbolTable& symbols) {
  Dims result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {
    const Dim da = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim db = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    if (!(da == db) && !(da == Dim(1)) && !(db == Dim(1))) {
      return shape_error(fmt::format("shapes {} and {} do not broadcast", print_dims(a, symbols),
                                     print_dims(b, symbols)));
    }
    result[result.size() - 1 - i] = da == Dim(1) ? db : da;
  }
  return result;
}

Status check_axis(int64_t axis, size_t rank) {
  if (axis >= 0 && axis < static_cast<int64_t>(rank)) return {};
  return shape_error(fmt::format("axis {} of a tensor with {} axes", axis, rank));
}

Result<Dims> reduced_dims(const Dims& dims, const Ints& axes, bool keepdim) {
  Dims result;
  for (const int64_t axis : axes) FERRYMAN_TRY_STATUS(check_axis(axis, dims.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (!reduced) result.push_back(dims[i]);
    if (reduced && keepdim) result.push_back(Dim(1));
  }
  return result;
}

InferResult same_as_first(const InferArgs& args) {
  return std::vector{args.operand(0)};
}

InferResult same_shape_bool(const InferArgs& args) {
  return std::vector{TensorType{DType::kBool, args.operand(0).dims}};
}

namespace {

Result<Dims> broadcast_all(const InferArgs& args) {
  Dims dims = args.operand(0).dims;
  for (size_t i = 1; i < args.operands.size(); ++i) {
    FERRYMAN_TRY(dims, broadcast_dims(dims, args.operand(i).dims, args.symbols));
  }
  return dims;
}

}  // namespace

InferResult broadcast(const InferArgs& args) {
  for (size_t i = 1; i < args.operands.size(); ++i) {
    if (args.operand(i).dtype == args.operand(0).dtype) continue;
    return shape_error(fmt::format("operands are {} and {}", torch_name(args.operand(0).dtype),
                                   torch_name(args.operand(i).dtype)));
  }
  FERRYMAN_TRY(Dims dims, broadcast_all(args));
  return std::vector{TensorType{args.operand(0).dtype, std::move(dims)}};
}

InferResult broadcast_bool(const InferArgs& args) {
  FERRYMAN_TRY(std::vector<TensorType> types, broadcast(args));
  types.front().dtype = DType::kBool;
  return types;
}

InferResult reduce_axes(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  FERRYMAN_TRY(Dims dims,
               reduced_dims(x.dims, args.attrs[attr::kAxes].values, args.attrs[attr::kKeepDim]));
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

}  // namespace ferryman
