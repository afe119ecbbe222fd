#include "ops/eval.h"

#include <cmath>

namespace ferryman {

namespace {

// The operand with the result's shape, so that elements correspond one to one.
TensorData aligned(const EvalArgs& args, size_t index) {
  return args.operand(index).broadcast_to(static_sizes(args.results[0].dims));
}

template <typename T, typename Store>
TensorData store(const TensorType& type, const std::vector<T>& values, Store store_one) {
  const auto width = static_cast<size_t>(byte_size(type.dtype));
  std::vector<std::byte> bytes(values.size() * width);
  for (size_t i = 0; i < values.size(); ++i) store_one(type.dtype, values[i], &bytes[i * width]);
  return TensorData::contiguous(owned_blob(std::move(bytes)), type.dtype, static_sizes(type.dims));
}

template <typename T, typename Fn>
std::vector<T> zip(const std::vector<T>& a, const std::vector<T>& b, Fn fn) {
  std::vector<T> result(a.size());
  for (size_t i = 0; i < a.size(); ++i) result[i] = static_cast<T>(fn(a[i], b[i]));
  return result;
}

}  // namespace

bool computes_in_integers(DType dtype) {
  return is_integer(dtype) || dtype == DType::kBool;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

EvalResult one(TensorData data) {
  std::vector<TensorData> results;
  results.push_back(std::move(data));
  return results;
}

TensorData store_doubles(const TensorType& type, const std::vector<double>& values) {
  return store(type, values, store_double);
}

TensorData store_ints(const TensorType& type, const std::vector<int64_t>& values) {
  return store(type, values, store_int);
}

EvalFn eval_unary_with_attrs(std::function<double(double, const AttrsView&)> real) {
  return [real = std::move(real)](const EvalArgs& args) -> EvalResult {
    std::vector<double> values = args.operand(0).to_doubles();
    for (double& value : values) value = real(value, args.attrs);
    return one(store_doubles(args.results[0], values));
  };
}

EvalFn eval_unary(double (*real)(double)) {
  return eval_unary_with_attrs([real](double x, const AttrsView&) { return real(x); });
}

EvalFn eval_unary(double (*real)(double), int64_t (*integer)(int64_t)) {
  return [=](const EvalArgs& args) -> EvalResult {
    if (!computes_in_integers(args.operand(0).dtype())) return eval_unary(real)(args);
    Ints values = args.operand(0).to_ints();
    for (int64_t& value : values) value = integer(value);
    return one(store_ints(args.results[0], values));
  };
}

EvalFn eval_binary(double (*real)(double, double), int64_t (*integer)(int64_t, int64_t)) {
  return [=](const EvalArgs& args) -> EvalResult {
    const TensorData a = aligned(args, 0);
    const TensorData b = aligned(args, 1);
    if (computes_in_integers(a.dtype())) {
      return one(store_ints(args.results[0], zip(a.to_ints(), b.to_ints(), integer)));
    }
    return one(store_doubles(args.results[0], zip(a.to_doubles(), b.to_doubles(), real)));
  };
}

EvalFn eval_compare(bool (*real)(double, double), bool (*integer)(int64_t, int64_t)) {
  return [=](const EvalArgs& args) -> EvalResult {
    const TensorData a = aligned(args, 0);
    const TensorData b = aligned(args, 1);
    if (computes_in_integers(a.dtype())) {
      return one(store_ints(args.results[0], zip(a.to_ints(), b.to_ints(), integer)));
    }
    return one(store_doubles(args.results[0], zip(a.to_doubles(), b.to_doubles(), real)));
  };
}

void for_each_index(const Ints& shape, const std::function<void(const Ints&)>& visit) {
  Ints index(shape.size(), 0);
  for (int64_t remaining = product(shape); remaining > 0; --remaining) {
    visit(index);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

int64_t flat_index(const Ints& shape, const Ints& index) {
  int64_t position = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    position = position * shape[axis] + index[axis];
  return position;
}

}  // namespace ferryman
