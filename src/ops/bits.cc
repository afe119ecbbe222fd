// Ops on the bits of numbers: numbers read as whole numbers of the same width, and shifts.
#include <array>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/float32_bits.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/special_names.h"

namespace ferryman {

namespace {

// ---- rows ----

// Dtypes of one width, or a wide one whose parts become a last axis, the lowest first.
InferResult bitcast_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const DType dtype = args.attrs[attr::kDType];
  const int64_t from = byte_size(x.dtype);
  const int64_t to = byte_size(dtype);
  if (to == 0 || from % to != 0) return shape_error("a dtype of more bytes than the operand's");
  Dims dims = x.dims;
  if (from != to) dims.emplace_back(from / to);
  return std::vector{TensorType{dtype, std::move(dims)}};
}

EvalResult eval_bitcast(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  std::vector<std::byte> bytes(static_cast<size_t>(product(x.shape()) * byte_size(x.dtype())));
  x.read(0, bytes);
  return one(TensorData::contiguous(owned_blob(std::move(bytes)), args.results[0].dtype,
                                    static_sizes(args.results[0].dims)));
}

// The sign bit fills the place of what leaves; by at least 0 and less than the width.
int64_t shifted_right(int64_t x, int64_t by) {
  return by < 0 || by > 63 ? (x < 0 ? -1 : 0) : x >> by;
}

void define_bits_rows(Ops& ops) {
  ops.set.define(ops::kBitcast)
      .doc("the bits of x as another dtype; of a wide one, the parts along a new last axis")
      .operand("x", DTypeSet::kNumeric)
      .attr(attr::kDType)
      .result(bitcast_type)
      .eval(eval_bitcast);
  ops.set.define(ops::kShiftRight)
      .doc("x / 2^other rounded down, for 0 <= other < the width of the dtype")
      .operand("x", DTypeSet::kInteger)
      .operand("other", DTypeSet::kInteger)
      .result(broadcast)
      .axes(AxisRule::kElementwise)
      .eval(eval_binary([](double, double) { return 0.0; }, shifted_right));
}

// ---- the parts of a floating point number ----

constexpr int64_t kSignBit = std::numeric_limits<int32_t>::min();

Result<ValueId> bits_of(ImportContext& call, ValueId x) {
  return call.emit(ops::kBitcast, {x}, {{attr::kDType, DType::kI32}});
}
Result<ValueId> number_of(ImportContext& call, ValueId bits) {
  return call.emit(ops::kBitcast, {bits}, {{attr::kDType, DType::kF32}});
}
ValueId bits_constant(ImportContext& call, int64_t bits) {
  return call.builder().constant(TensorData::of<int32_t>({}, {static_cast<int32_t>(bits)}), "bits");
}

// Whether the sign bit is set, that of -0 and of NaN included. Every floating point number keeps
// its sign in float32.
Result<ValueId> sign_is_set(ImportContext& call, ValueId x) {
  if (dtype_of(call, x) == DType::kBool) return call.emit(ops::kLogicalXor, {x, x});
  if (is_integer(dtype_of(call, x))) return call.emit(ops::kLt, {x, scalar_like(call, x, 0)});
  FERRYMAN_TRY(const ValueId single, as_dtype(call, x, DType::kF32));
  FERRYMAN_TRY(const ValueId bits, bits_of(call, single));
  return call.emit(ops::kLt, {bits, bits_constant(call, 0)});
}

Imported import_signbit(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(sign_is_set(call, x));
}

Imported import_copysign(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x,
               promoted(call, {"self", "other"}, Promotion::kCommonFloat));
  FERRYMAN_TRY(const ValueId is_negative, sign_is_set(call, x[1]));
  FERRYMAN_TRY(const ValueId size, call.emit(ops::kAbs, {x[0]}));
  FERRYMAN_TRY(const ValueId negated, call.emit(ops::kNeg, {size}));
  return one_result(call.emit(ops::kWhere, {is_negative, negated, size}));
}

// The bits of floating point numbers of one sign are ordered as their sizes.
Imported import_nextafter(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  if (dtype_of(call, x[0]) != DType::kF32) return call.unsupported("of another dtype than float32");
  const ValueId zero = scalar_like(call, x[0], 0);
  FERRYMAN_TRY(const ValueId bits, bits_of(call, x[0]));
  FERRYMAN_TRY(const ValueId up, call.emit(ops::kGt, {x[1], x[0]}));
  FERRYMAN_TRY(const ValueId above, call.emit(ops::kGt, {x[0], zero}));
  FERRYMAN_TRY(const ValueId inwards, call.emit(ops::kLogicalXor, {up, above}));
  FERRYMAN_TRY(const ValueId step,
               call.emit(ops::kWhere, {inwards, bits_constant(call, -1), bits_constant(call, 1)}));
  FERRYMAN_TRY(const ValueId next, call.emit(ops::kAdd, {bits, step}));
  // Beside 0 there is the smallest number of either sign.
  FERRYMAN_TRY(const ValueId smallest, call.emit(ops::kWhere, {up, bits_constant(call, 1),
                                                               bits_constant(call, kSignBit + 1)}));
  FERRYMAN_TRY(const ValueId is_zero, call.emit(ops::kEq, {x[0], zero}));
  FERRYMAN_TRY(const ValueId moved, call.emit(ops::kWhere, {is_zero, smallest, next}));
  FERRYMAN_TRY(const ValueId number, number_of(call, moved));
  FERRYMAN_TRY(const ValueId is_there, call.emit(ops::kEq, {x[0], x[1]}));
  FERRYMAN_TRY(ValueId result, call.emit(ops::kWhere, {is_there, x[1], number}));
  for (const ValueId operand : x) {
    FERRYMAN_TRY(const ValueId is_nan, call.emit(ops::kIsNan, {operand}));
    FERRYMAN_TRY(result, call.emit(ops::kWhere, {is_nan, operand, result}));
  }
  return std::vector{result};
}

// x = mantissa * 2^exponent with 1/2 <= |mantissa| < 1; 0, infinities and NaN are their own
// mantissas, with the exponent 0.
Imported import_frexp(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  if (dtype_of(call, x) != DType::kF32) return call.unsupported("of another dtype than float32");
  constexpr int64_t kBias = 126;
  FERRYMAN_TRY(const ValueId bits, bits_of(call, x));
  FERRYMAN_TRY(const ValueId field,
               call.emit(ops::kBitwiseAnd, {bits, bits_constant(call, kFloat32ExponentMask)}));
  FERRYMAN_TRY(const ValueId biased,
               call.emit(ops::kShiftRight, {field, bits_constant(call, kFloat32MantissaBits)}));
  FERRYMAN_TRY(const ValueId exponent, call.emit(ops::kSub, {biased, bits_constant(call, kBias)}));
  FERRYMAN_TRY(const ValueId rest, call.emit(ops::kSub, {bits, field}));
  FERRYMAN_TRY(const ValueId mantissa_bits,
               call.emit(ops::kAdd, {rest, bits_constant(call, kBias << kFloat32MantissaBits)}));
  FERRYMAN_TRY(const ValueId mantissa, number_of(call, mantissa_bits));
  const ValueId infinity = scalar_like(call, x, std::numeric_limits<double>::infinity());
  FERRYMAN_TRY(const ValueId size, call.emit(ops::kAbs, {x}));
  FERRYMAN_TRY(const ValueId is_finite, call.emit(ops::kLt, {size, infinity}));
  FERRYMAN_TRY(const ValueId has_exponent, call.emit(ops::kNe, {biased, bits_constant(call, 0)}));
  FERRYMAN_TRY(const ValueId is_usual, call.emit(ops::kLogicalAnd, {is_finite, has_exponent}));
  FERRYMAN_TRY(const ValueId first, call.emit(ops::kWhere, {is_usual, mantissa, x}));
  FERRYMAN_TRY(const ValueId second,
               call.emit(ops::kWhere, {is_usual, exponent, bits_constant(call, 0)}));
  return std::vector{first, second};
}

// ---- shifts ----

// 2^i for every bit of the dtype, picked by a shift that is inside of it.
Result<ValueId> power_of_two(ImportContext& call, ValueId shift) {
  const DType dtype = dtype_of(call, shift);
  const auto width = static_cast<size_t>(byte_size(dtype) * 8);
  std::vector<int64_t> powers(width);
  for (size_t i = 0; i < width; ++i) powers[i] = static_cast<int64_t>(uint64_t{1} << i);
  const TensorType type = {dtype, to_dims({static_cast<int64_t>(width)})};
  const ValueId table = call.builder().constant(store_ints(type, powers), "powers");
  FERRYMAN_TRY(const ValueId index, as_dtype(call, shift, DType::kI32));
  return emit_gather(call, table, index, 0);
}

struct ShiftOperands {
  ValueId x;
  ValueId by;         // inside of the width
  ValueId is_inside;  // whether it was
};

Result<ShiftOperands> shift_operands(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  if (!is_integer(dtype_of(call, x[0]))) return call.unsupported("shifts of bools");
  const auto last = static_cast<double>(byte_size(dtype_of(call, x[0])) * 8 - 1);
  FERRYMAN_TRY(const ValueId by,
               call.emit(ops::kClamp, {x[1]}, {{attr::kMin, 0.0}, {attr::kMax, last}}));
  FERRYMAN_TRY(const ValueId is_inside, call.emit(ops::kEq, {by, x[1]}));
  return ShiftOperands{x[0], by, is_inside};
}

// x * 2^by, which wraps around; 0 where nothing of x is left.
Imported import_shift_left(ImportContext& call) {
  FERRYMAN_TRY(const ShiftOperands shift, shift_operands(call));
  FERRYMAN_TRY(const ValueId factor, power_of_two(call, shift.by));
  FERRYMAN_TRY(const ValueId moved, call.emit(ops::kMul, {shift.x, factor}));
  return one_result(
      call.emit(ops::kWhere, {shift.is_inside, moved, scalar_like(call, shift.x, 0)}));
}

// Beyond the width only the sign is left.
Imported import_shift_right(ImportContext& call) {
  FERRYMAN_TRY(const ShiftOperands shift, shift_operands(call));
  const auto last = static_cast<double>(byte_size(dtype_of(call, shift.x)) * 8 - 1);
  FERRYMAN_TRY(const ValueId by, call.emit(ops::kWhere, {shift.is_inside, shift.by,
                                                         scalar_like(call, shift.x, last)}));
  return one_result(call.emit(ops::kShiftRight, {shift.x, by}));
}

// ---- divisors ----

// Euclid's algorithm takes the most steps for neighbours in Fibonacci's sequence.
int64_t euclid_steps(DType dtype) {
  constexpr double kGoldenBits = 0.6942419136306174;  // log2 of the golden ratio
  return static_cast<int64_t>(static_cast<double>(byte_size(dtype) * 8) / kGoldenBits) + 1;
}

Result<ValueId> greatest_divisor(ImportContext& call, ValueId a, ValueId b) {
  const ValueId zero = scalar_like(call, a, 0);
  const ValueId one = scalar_like(call, a, 1);
  FERRYMAN_TRY(a, call.emit(ops::kAbs, {a}));
  FERRYMAN_TRY(b, call.emit(ops::kAbs, {b}));
  for (int64_t step = 0; step < euclid_steps(dtype_of(call, a)); ++step) {
    FERRYMAN_TRY(const ValueId done, call.emit(ops::kEq, {b, zero}));
    FERRYMAN_TRY(const ValueId divisor, call.emit(ops::kWhere, {done, one, b}));
    FERRYMAN_TRY(const ValueId rest, call.emit(ops::kRemainder, {a, divisor}));
    FERRYMAN_TRY(a, call.emit(ops::kWhere, {done, a, b}));
    FERRYMAN_TRY(b, call.emit(ops::kWhere, {done, zero, rest}));
  }
  return a;
}

Imported import_gcd(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  if (!is_integer(dtype_of(call, x[0]))) return call.unsupported("of other than whole numbers");
  return one_result(greatest_divisor(call, x[0], x[1]));
}

// |a / gcd * b|
Imported import_lcm(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  if (!is_integer(dtype_of(call, x[0]))) return call.unsupported("of other than whole numbers");
  FERRYMAN_TRY(const ValueId divisor, greatest_divisor(call, x[0], x[1]));
  const ValueId zero = scalar_like(call, x[0], 0);
  FERRYMAN_TRY(const ValueId is_zero, call.emit(ops::kEq, {divisor, zero}));
  FERRYMAN_TRY(const ValueId safe,
               call.emit(ops::kWhere, {is_zero, scalar_like(call, x[0], 1), divisor}));
  FERRYMAN_TRY(const ValueId quotient, call.emit(ops::kTruncDivide, {x[0], safe}));
  FERRYMAN_TRY(const ValueId multiple, call.emit(ops::kMul, {quotient, x[1]}));
  return one_result(call.emit(ops::kAbs, {multiple}));
}

}  // namespace

void add_bits_ops(Ops& ops) {
  define_bits_rows(ops);
  ImportTable& imports = ops.imports;
  imports.add("signbit.default", import_signbit);
  imports.add({"copysign.Tensor", "copysign.Scalar"}, import_copysign);
  imports.add("nextafter.default", import_nextafter);
  imports.add("frexp.Tensor", import_frexp);
  imports.add({"bitwise_left_shift.Tensor", "bitwise_left_shift.Tensor_Scalar",
               "bitwise_left_shift.Scalar_Tensor", "__lshift__.Tensor", "__lshift__.Scalar"},
              import_shift_left);
  imports.add({"bitwise_right_shift.Tensor", "bitwise_right_shift.Tensor_Scalar",
               "bitwise_right_shift.Scalar_Tensor", "__rshift__.Tensor", "__rshift__.Scalar"},
              import_shift_right);
  imports.add("gcd.default", import_gcd);
  imports.add("lcm.default", import_lcm);
}

}  // namespace ferryman
