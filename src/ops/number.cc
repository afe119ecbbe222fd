// Numbers that leave the tensors, and what Python computes with them before they come back:
//
//   x * (x.max().item() / 2)
//
// Each is a tensor without axes: float64, int64 or bool, as Python's own are. Python's operators
// arrive under their names ("_operator.mul").
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/product/product.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// ---- operands ----

Result<DType> number_dtype(ImportContext& call, const ImportArg& number) {
  const std::optional<PromotionArg> known = promotion_arg(call.graph(), number);
  if (!known.has_value() || known->category != OperandCategory::kNumber)
    return call.unsupported("an operand that is not a number");
  return known->dtype == DType::kF32 ? DType::kF64 : known->dtype;
}

DType wider(DType a, DType b) {
  for (const DType dtype : {DType::kF64, DType::kI64}) {
    if (a == dtype || b == dtype) return dtype;
  }
  return DType::kBool;
}

// In their common type, and at least in `least`: bools count as whole numbers in a sum, say.
Result<std::vector<ValueId>> numbers(ImportContext& call, std::span<const ImportArg* const> args,
                                     DType least) {
  DType common = least;
  for (const ImportArg* arg : args) {
    if (arg == nullptr) return call.unsupported("an operand is missing");
    FERRYMAN_TRY(const DType dtype, number_dtype(call, *arg));
    common = wider(common, dtype);
  }
  std::vector<ValueId> values;
  for (const ImportArg* arg : args) {
    FERRYMAN_TRY(const ValueId value, call.number_constant(*arg, common));
    values.push_back(value);
  }
  return values;
}

// Of a function of one number; the name of its parameter differs from function to function.
Result<ValueId> only_number(ImportContext& call, DType least) {
  const ImportArg* found = nullptr;
  for (const std::string_view name : {"a", "x", "number"}) {
    if (found == nullptr) found = call.find(name);
  }
  FERRYMAN_TRY(const std::vector<ValueId> values, numbers(call, std::array{found}, least));
  return values[0];
}

Result<std::vector<ValueId>> two_numbers(ImportContext& call, DType least) {
  return numbers(call, std::array{call.find("a"), call.find("b")}, least);
}

// ---- functions ----

Imported import_item(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (write.num_elements(x) != Dim(1)) return call.unsupported("of other than one element");
  x = write.reshape(x, {});
  const DType dtype = write.dtype(x);
  if (dtype == DType::kBool) return std::vector{x};
  return one_result(write.cast(x, is_floating(dtype) ? DType::kF64 : DType::kI64));
}

template <const OpName& kOp, DType kLeast = DType::kI64>
Imported import_two(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, two_numbers(call, kLeast));
  return one_result(call.writer().binary(kOp, x[0], x[1]));
}

template <const OpName& kOp, DType kLeast = DType::kI64>
Imported import_one(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, only_number(call, kLeast));
  return one_result(call.writer().unary(kOp, x));
}

template <const OpName& kOnIntegers, const OpName& kOnBools>
Imported import_bits(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, two_numbers(call, DType::kBool));
  const CoreWriter write = call.writer();
  const bool on_bools = write.dtype(x[0]) == DType::kBool;
  return one_result(write.binary(on_bools ? kOnBools : kOnIntegers, x[0], x[1]));
}

// By a number of places that is known: a factor of two to that power.
template <const OpName& kOp>
Imported import_shift(ImportContext& call) {
  FERRYMAN_TRY(const int64_t places, call.integer("b"));
  if (places < 0 || places > 62) return call.unsupported("a shift by that many places");
  FERRYMAN_TRY(const std::vector<ValueId> x,
               numbers(call, std::array{call.find("a")}, DType::kI64));
  FERRYMAN_TRY(const ValueId factor,
               call.number_constant(ImportArg{int64_t{1} << places}, DType::kI64));
  return one_result(call.writer().binary(kOp, x[0], factor));
}

// Whole numbers to a negative power are floats.
Imported import_power(ImportContext& call) {
  const ImportArg* exponent = call.find("b");
  const auto* whole = exponent == nullptr ? nullptr : std::get_if<int64_t>(&exponent->value);
  FERRYMAN_TRY(const std::vector<ValueId> x, two_numbers(call, DType::kI64));
  const CoreWriter write = call.writer();
  if (write.dtype(x[0]) == DType::kI64 && (whole == nullptr || *whole < 0))
    return call.unsupported("whole numbers to a power that may be negative");
  return one_result(write.binary(ops::kPow, x[0], x[1]));
}

Imported import_same(ImportContext& call) {
  return one_result(only_number(call, DType::kI64));
}

Imported import_sym_float(ImportContext& call) {
  return one_result(only_number(call, DType::kF64));
}

// floor, ceil, round, trunc: a whole number.
template <const OpName& kOp>
Imported import_rounded(ImportContext& call) {
  if (call.given("ndigits")) return call.unsupported("rounding to decimal places");
  FERRYMAN_TRY(ValueId x, only_number(call, DType::kI64));
  const CoreWriter write = call.writer();
  if (write.dtype(x) == DType::kI64) return std::vector{x};
  x = write.unary(kOp, x);
  return one_result(write.cast(x, DType::kI64));
}

Imported import_if(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> condition,
               numbers(call, std::array{call.find("b")}, DType::kBool));
  FERRYMAN_TRY(const std::vector<ValueId> x,
               numbers(call, std::array{call.find("t"), call.find("f")}, DType::kBool));
  return one_result(call.writer().where(condition[0], x[0], x[1]));
}

Imported import_sum(ImportContext& call) {
  const ImportArg* arg = call.find("args");
  const auto* list = arg == nullptr ? nullptr : std::get_if<ImportArgs>(&arg->value);
  if (list == nullptr || list->empty()) return call.unsupported("a sum of nothing");
  std::vector<const ImportArg*> terms;
  for (const ImportArg& item : *list) terms.push_back(&item);
  FERRYMAN_TRY(const std::vector<ValueId> x, numbers(call, terms, DType::kI64));
  ValueId sum = x[0];
  for (size_t i = 1; i < x.size(); ++i) {
    sum = call.writer().add(sum, x[i]);
  }
  return std::vector{sum};
}

void add_arithmetic(ImportTable& imports) {
  imports.add("_operator.add", import_two<ops::kAdd>);
  imports.add("_operator.sub", import_two<ops::kSub>);
  imports.add("_operator.mul", import_two<ops::kMul>);
  imports.add("_operator.truediv", import_two<ops::kDiv, DType::kF64>);
  imports.add("_operator.floordiv", import_two<ops::kFloorDivide>);
  imports.add("_operator.mod", import_two<ops::kRemainder>);
  imports.add("_operator.pow", import_power);
  imports.add("_operator.lshift", import_shift<ops::kMul>);
  imports.add("_operator.rshift", import_shift<ops::kFloorDivide>);
  imports.add("_operator.and_", import_bits<ops::kBitwiseAnd, ops::kLogicalAnd>);
  imports.add("_operator.or_", import_bits<ops::kBitwiseOr, ops::kLogicalOr>);
  imports.add("_operator.xor", import_bits<ops::kBitwiseXor, ops::kLogicalXor>);
  imports.add("torch.sym_max", import_two<ops::kMaximum>);
  imports.add("torch.sym_min", import_two<ops::kMinimum>);
  imports.add("torch.sym_sum", import_sum);
  imports.add("_operator.eq", import_two<ops::kEq>);
  imports.add("_operator.ne", import_two<ops::kNe>);
  imports.add("_operator.lt", import_two<ops::kLt>);
  imports.add("_operator.le", import_two<ops::kLe>);
  imports.add("_operator.gt", import_two<ops::kGt>);
  imports.add("_operator.ge", import_two<ops::kGe>);
}

void add_functions(ImportTable& imports) {
  imports.add("_operator.neg", import_one<ops::kNeg>);
  imports.add("_operator.pos", import_same);
  imports.add({"_operator.abs", "builtins.abs"}, import_one<ops::kAbs>);
  imports.add({"torch.sym_not", "_operator.not_"}, import_one<ops::kLogicalNot, DType::kBool>);
  imports.add("torch.sym_float", import_sym_float);
  imports.add({"torch.sym_int", "math.trunc"}, import_rounded<ops::kTrunc>);
  imports.add("math.floor", import_rounded<ops::kFloor>);
  imports.add("math.ceil", import_rounded<ops::kCeil>);
  imports.add("builtins.round", import_rounded<ops::kRound>);
  imports.add("torch.sym_ite", import_if);
  imports.add({"torch._sym_sqrt", "torch.sym_sqrt", "math.sqrt"},
              import_one<ops::kSqrt, DType::kF64>);
  imports.add("torch._sym_cos", import_one<ops::kCos, DType::kF64>);
  imports.add("torch._sym_sin", import_one<ops::kSin, DType::kF64>);
  imports.add("torch._sym_tan", import_one<ops::kTan, DType::kF64>);
  imports.add("torch._sym_cosh", import_one<ops::kCosh, DType::kF64>);
  imports.add("torch._sym_sinh", import_one<ops::kSinh, DType::kF64>);
  imports.add("torch._sym_tanh", import_one<ops::kTanh, DType::kF64>);
  imports.add("torch._sym_acos", import_one<ops::kAcos, DType::kF64>);
  imports.add("torch._sym_asin", import_one<ops::kAsin, DType::kF64>);
  imports.add("torch._sym_atan", import_one<ops::kAtan, DType::kF64>);
}

}  // namespace

void add_number_ops(Ops& ops) {
  ops.imports.add({"item.default", "_local_scalar_dense.default"}, import_item);
  add_arithmetic(ops.imports);
  add_functions(ops.imports);
}

}  // namespace ferryman
