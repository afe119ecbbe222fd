#include "frontend/pt2/json_types.h"

#include <fmt/format.h>

#include "frontend/program/finish_program.h"
#include "frontend/pt2/enums.h"

namespace ferryman::frontend {

namespace {

DType read_dtype(const JsonCursor& number) {
  const ScalarTypeRow* row = find_scalar_type(number.integer());
  if (row == nullptr) {
    number.fail("unknown element type");
  } else if (!row->dtype) {
    number.fail(fmt::format("Ferryman does not know tensors of type {}", row->torch_name));
  } else {
    return *row->dtype;
  }
  return DType::kF32;
}

std::vector<SymSize> read_sizes(const JsonCursor& sizes) {
  std::vector<SymSize> result;
  for (const JsonCursor& size : sizes.items()) result.push_back(read_sym_number(size));
  return result;
}

}  // namespace

TensorMeta read_tensor_meta(const JsonCursor& type) {
  TensorMeta tensor;
  tensor.dtype = read_dtype(type["dtype"]);
  const JsonCursor layout = type.optional("layout");
  if (!layout.is_null() && layout_name(layout.integer()) != "strided") {
    layout.fail("the tensor is sparse; Ferryman knows dense tensors only");
  }
  tensor.sizes = read_sizes(type["sizes"]);
  tensor.strides = read_sizes(type["strides"]);
  return tensor;
}

SymSize read_sym_number(const JsonCursor& number) {
  SymSize size;
  const JsonCursor payload = number.alternative();
  if (payload.key() == "as_int") {
    size.value = payload.integer();
  } else if (payload.key() == "as_bool") {
    size.value = payload.boolean() ? 1 : 0;
  } else if (payload.key() == "as_float") {
    size.expr = print_number(payload.number());
  } else if (payload.key() == "as_expr") {
    size.expr = payload["expr_str"].text();
    if (size.expr.empty()) payload.fail("the expression is empty");
    const JsonCursor hint = payload.optional("hint");
    const JsonCursor example = hint.is_null() ? hint : hint.optional("as_int");
    if (!example.is_null()) size.value = example.integer();
  } else {
    number.fail(fmt::format("'{}' is no kind of number", payload.key()));
  }
  return size;
}

}  // namespace ferryman::frontend
