// Comparison, logic and selection, broadcasting.
#include <cmath>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

struct CompareRow {
  OpName name;
  std::string_view doc;
  bool (*real)(double, double);
  bool (*integer)(int64_t, int64_t);
  std::initializer_list<std::string_view> aten;
};

void define_comparisons(Ops& ops) {
  const CompareRow rows[] = {
      {ops::kEq,
       "x == other",
       [](double a, double b) { return a == b; },
       [](int64_t a, int64_t b) { return a == b; },
       {"eq.Tensor", "eq.Scalar"}},
      {ops::kNe,
       "x != other",
       [](double a, double b) { return a != b; },
       [](int64_t a, int64_t b) { return a != b; },
       {"ne.Tensor", "ne.Scalar", "not_equal.Tensor", "not_equal.Scalar"}},
      {ops::kLt,
       "x < other",
       [](double a, double b) { return a < b; },
       [](int64_t a, int64_t b) { return a < b; },
       {"lt.Tensor", "lt.Scalar", "less.Tensor", "less.Scalar"}},
      {ops::kLe,
       "x <= other",
       [](double a, double b) { return a <= b; },
       [](int64_t a, int64_t b) { return a <= b; },
       {"le.Tensor", "le.Scalar", "less_equal.Tensor", "less_equal.Scalar"}},
      {ops::kGt,
       "x > other",
       [](double a, double b) { return a > b; },
       [](int64_t a, int64_t b) { return a > b; },
       {"gt.Tensor", "gt.Scalar", "greater.Tensor", "greater.Scalar"}},
      {ops::kGe,
       "x >= other",
       [](double a, double b) { return a >= b; },
       [](int64_t a, int64_t b) { return a >= b; },
       {"ge.Tensor", "ge.Scalar", "greater_equal.Tensor", "greater_equal.Scalar"}},
  };
  for (const CompareRow& row : rows) {
    ops.set.define(row.name)
        .doc(row.doc)
        .operand("x", DTypeSet::kReal)
        .operand("other", DTypeSet::kReal)
        .result(broadcast_bool)
        .axes(AxisRule::kElementwise)
        .eval(eval_compare(row.real, row.integer))
        .promote(Promotion::kCommon)
        .from_aten(row.aten);
  }
}

struct LogicRow {
  OpName name;
  std::string_view doc;
  DTypeSet dtypes;
  int64_t (*integer)(int64_t, int64_t);
};

void define_logic(Ops& ops) {
  constexpr auto kNoReal = [](double, double) { return 0.0; };
  constexpr auto kAnd = [](int64_t a, int64_t b) { return a & b; };
  constexpr auto kOr = [](int64_t a, int64_t b) { return a | b; };
  constexpr auto kXor = [](int64_t a, int64_t b) { return a ^ b; };
  const LogicRow rows[] = {
      {ops::kLogicalAnd, "both", DTypeSet::kBool, kAnd},
      {ops::kLogicalOr, "at least one", DTypeSet::kBool, kOr},
      {ops::kLogicalXor, "exactly one", DTypeSet::kBool, kXor},
      {ops::kBitwiseAnd, "both, bit by bit", DTypeSet::kInteger, kAnd},
      {ops::kBitwiseOr, "at least one, bit by bit", DTypeSet::kInteger, kOr},
      {ops::kBitwiseXor, "exactly one, bit by bit", DTypeSet::kInteger, kXor},
  };
  for (const LogicRow& row : rows) {
    ops.set.define(row.name)
        .doc(row.doc)
        .operand("x", row.dtypes)
        .operand("other", row.dtypes)
        .result(broadcast)
        .axes(AxisRule::kElementwise)
        .eval(eval_binary(kNoReal, row.integer));
  }
}

void define_not(Ops& ops) {
  constexpr auto kNoReal = [](double) { return 0.0; };
  ops.set.define(ops::kLogicalNot)
      .doc("true where x is false")
      .operand("x", DTypeSet::kBool)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary(kNoReal, [](int64_t x) { return int64_t{x == 0}; }));
  ops.set.define(ops::kBitwiseNot)
      .doc("every bit flipped")
      .operand("x", DTypeSet::kInteger)
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary(kNoReal, [](int64_t x) { return ~x; }));
}

// ---- where ----

InferResult where_type(const InferArgs& args) {
  const TensorType& x = args.operand(1);
  const TensorType& other = args.operand(2);
  if (x.dtype != other.dtype) {
    return shape_error(std::string("the branches are ") + std::string(torch_name(x.dtype)) +
                       " and " + std::string(torch_name(other.dtype)));
  }
  FERRYMAN_TRY(Dims dims, broadcast_dims(x.dims, other.dims, args.symbols));
  FERRYMAN_TRY(dims, broadcast_dims(dims, args.operand(0).dims, args.symbols));
  return std::vector{TensorType{x.dtype, std::move(dims)}};
}

// Moves bytes, so that every dtype passes unchanged.
EvalResult eval_where(const EvalArgs& args) {
  const Ints shape = static_sizes(args.results[0].dims);
  const Ints condition = args.operand(0).broadcast_to(shape).to_ints();
  const auto width = static_cast<size_t>(byte_size(args.results[0].dtype));
  std::vector<std::byte> chosen(condition.size() * width);
  std::vector<std::byte> other(condition.size() * width);
  args.operand(1).broadcast_to(shape).read(0, chosen);
  args.operand(2).broadcast_to(shape).read(0, other);
  for (size_t i = 0; i < condition.size(); ++i) {
    if (condition[i] == 0) std::copy_n(&other[i * width], width, &chosen[i * width]);
  }
  std::vector<TensorData> results;
  results.push_back(
      TensorData::contiguous(owned_blob(std::move(chosen)), args.results[0].dtype, shape));
  return results;
}

void define_where(Ops& ops) {
  ops.set.define(ops::kWhere)
      .doc("x where the condition holds, otherwise other")
      .operand("condition", DTypeSet::kBool)
      .operand("x")
      .operand("other")
      .result(where_type)
      .axes(AxisRule::kElementwise)
      .eval(eval_where);
}

// ---- import ----

// Anything but zero is true.
Result<ValueId> as_bool(ImportContext& call, std::string_view name) {
  return tensor_as(call, name, DType::kBool);
}

template <const OpName& kOp>
Imported import_logical(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, as_bool(call, "self"));
  FERRYMAN_TRY(const ValueId other, as_bool(call, "other"));
  return one_result(call.writer().binary(kOp, x, other));
}

Imported import_logical_not(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, as_bool(call, "self"));
  return one_result(call.writer().unary(ops::kLogicalNot, x));
}

template <const OpName& kOnIntegers, const OpName& kOnBools>
Imported import_bitwise(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  const bool on_bools = write.dtype(x[0]) == DType::kBool;
  return one_result(write.binary(on_bools ? kOnBools : kOnIntegers, x[0], x[1]));
}

Imported import_bitwise_not(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  const bool on_bools = write.dtype(x) == DType::kBool;
  return one_result(write.unary(on_bools ? ops::kLogicalNot : ops::kBitwiseNot, x));
}

Imported import_where(ImportContext& call) {
  FERRYMAN_TRY(const ValueId condition, as_bool(call, "condition"));
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  return one_result(call.writer().where(condition, x[0], x[1]));
}

// The value takes the tensor's dtype.
Imported import_masked_fill(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const ValueId mask, as_bool(call, "mask"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId value, tensor_as(call, "value", write.dtype(x)));
  return one_result(write.where(mask, value, x));
}

// Whether an element equals any of the others, or none of them.
Imported import_isin(ImportContext& call) {
  const bool by_number = call.target() == "isin.Scalar_Tensor";
  const std::string_view element = by_number ? "element" : "elements";
  const std::string_view test =
      call.target() == "isin.Tensor_Scalar" ? "test_element" : "test_elements";
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {element, test}));
  call.ignore("assume_unique");
  FERRYMAN_TRY(const bool invert, call.flag("invert", false));
  const CoreWriter write = call.writer();
  Dims shape = write.dims(x[0]);
  shape.push_back(1);
  const ValueId each = write.reshape(x[0], shape);
  const ValueId others = write.reshape(x[1], {-1});
  const ValueId equal = write.binary(ops::kEq, each, others);
  const Axes last = {{static_cast<int64_t>(shape.size()) - 1}};
  const ValueId found =
      write.op(ops::kAny, {equal}, {{attr::kAxes, last}, {attr::kKeepDim, false}});
  return one_result(invert ? write.unary(ops::kLogicalNot, found) : Result<ValueId>(found));
}

}  // namespace

void add_compare_ops(Ops& ops) {
  define_comparisons(ops);
  define_logic(ops);
  define_not(ops);
  define_where(ops);

  ImportTable& imports = ops.imports;
  imports.add("logical_and.default", import_logical<ops::kLogicalAnd>);
  imports.add("logical_or.default", import_logical<ops::kLogicalOr>);
  imports.add("logical_xor.default", import_logical<ops::kLogicalXor>);
  imports.add("logical_not.default", import_logical_not);
  imports.add({"bitwise_and.Tensor", "bitwise_and.Scalar", "bitwise_and.Scalar_Tensor",
               "__and__.Tensor", "__and__.Scalar"},
              import_bitwise<ops::kBitwiseAnd, ops::kLogicalAnd>);
  imports.add({"bitwise_or.Tensor", "bitwise_or.Scalar", "bitwise_or.Scalar_Tensor",
               "__or__.Tensor", "__or__.Scalar"},
              import_bitwise<ops::kBitwiseOr, ops::kLogicalOr>);
  imports.add({"bitwise_xor.Tensor", "bitwise_xor.Scalar", "bitwise_xor.Scalar_Tensor",
               "__xor__.Tensor", "__xor__.Scalar"},
              import_bitwise<ops::kBitwiseXor, ops::kLogicalXor>);
  imports.add("bitwise_not.default", import_bitwise_not);
  imports.add({"isin.Tensor_Tensor", "isin.Tensor_Scalar", "isin.Scalar_Tensor"}, import_isin);
  imports.add({"where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar"},
              import_where);
  imports.add({"masked_fill.Scalar", "masked_fill.Tensor"}, import_masked_fill);
}

}  // namespace ferryman
