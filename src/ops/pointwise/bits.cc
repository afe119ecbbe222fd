// Ops on the bits of numbers: numbers read as whole numbers of the same width, and shifts.
#include <array>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/float32_bits.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/special/special_names.h"

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

ValueId bits_of(CoreWriter write, ValueId x) {
  return write.op(ops::kBitcast, {x}, {{attr::kDType, DType::kI32}});
}
ValueId number_of(CoreWriter write, ValueId bits) {
  return write.op(ops::kBitcast, {bits}, {{attr::kDType, DType::kF32}});
}
ValueId bits_constant(CoreWriter write, int64_t bits) {
  return write.constant(TensorData::of<int32_t>({}, {static_cast<int32_t>(bits)}), "bits");
}

// Whether the sign bit is set, that of -0 and of NaN included. Every floating point number keeps
// its sign in float32.
ValueId sign_is_set(CoreWriter write, ValueId x) {
  if (write.dtype(x) == DType::kBool) return write.binary(ops::kLogicalXor, x, x);
  if (is_integer(write.dtype(x))) return write.binary(ops::kLt, x, 0);
  const ValueId bits = bits_of(write, write.cast(x, DType::kF32));
  return write.binary(ops::kLt, bits, bits_constant(write, 0));
}

Imported import_signbit(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  return one_result(sign_is_set(call.writer(), x));
}

Imported import_copysign(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x,
               promoted(call, {"self", "other"}, Promotion::kCommonFloat));
  const CoreWriter write = call.writer();
  const ValueId is_negative = sign_is_set(write, x[1]);
  const ValueId size = write.abs(x[0]);
  return one_result(write.where(is_negative, write.neg(size), size));
}

// The bits of floating point numbers of one sign are ordered as their sizes.
Imported import_nextafter(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (write.dtype(x[0]) != DType::kF32) return call.unsupported("of another dtype than float32");
  const ValueId zero = write.scalar(x[0], 0);
  const ValueId bits = bits_of(write, x[0]);
  const ValueId up = write.binary(ops::kGt, x[1], x[0]);
  const ValueId inwards = write.binary(ops::kLogicalXor, up, write.binary(ops::kGt, x[0], zero));
  const ValueId step = write.where(inwards, bits_constant(write, -1), bits_constant(write, 1));
  const ValueId next = write.add(bits, step);
  // Beside 0 there is the smallest number of either sign.
  const ValueId smallest =
      write.where(up, bits_constant(write, 1), bits_constant(write, kSignBit + 1));
  const ValueId moved = write.where(write.binary(ops::kEq, x[0], zero), smallest, next);
  const ValueId number = number_of(write, moved);
  ValueId result = write.where(write.binary(ops::kEq, x[0], x[1]), x[1], number);
  for (const ValueId operand : x) {
    result = write.where(write.unary(ops::kIsNan, operand), operand, result);
  }
  return std::vector{result};
}

// x = mantissa * 2^exponent with 1/2 <= |mantissa| < 1; 0, infinities and NaN are their own
// mantissas, with the exponent 0.
Imported import_frexp(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  const CoreWriter write = call.writer();
  if (write.dtype(x) != DType::kF32) return call.unsupported("of another dtype than float32");
  constexpr int64_t kBias = 126;
  const ValueId bits = bits_of(write, x);
  const ValueId field =
      write.binary(ops::kBitwiseAnd, bits, bits_constant(write, kFloat32ExponentMask));
  const ValueId biased =
      write.binary(ops::kShiftRight, field, bits_constant(write, kFloat32MantissaBits));
  const ValueId exponent = write.sub(biased, bits_constant(write, kBias));
  const ValueId rest = write.sub(bits, field);
  const ValueId mantissa_bits =
      write.add(rest, bits_constant(write, kBias << kFloat32MantissaBits));
  const ValueId mantissa = number_of(write, mantissa_bits);
  const ValueId infinity = write.scalar(x, std::numeric_limits<double>::infinity());
  const ValueId is_finite = write.binary(ops::kLt, write.abs(x), infinity);
  const ValueId has_exponent = write.binary(ops::kNe, biased, bits_constant(write, 0));
  const ValueId is_usual = write.binary(ops::kLogicalAnd, is_finite, has_exponent);
  const ValueId first = write.where(is_usual, mantissa, x);
  return std::vector{first, write.where(is_usual, exponent, bits_constant(write, 0))};
}

// ---- shifts ----

// 2^i for every bit of the dtype, picked by a shift that is inside of it.
ValueId power_of_two(CoreWriter write, ValueId shift) {
  const DType dtype = write.dtype(shift);
  const auto width = static_cast<size_t>(byte_size(dtype) * 8);
  std::vector<int64_t> powers(width);
  for (size_t i = 0; i < width; ++i) powers[i] = static_cast<int64_t>(uint64_t{1} << i);
  const TensorType type = {dtype, to_dims({static_cast<int64_t>(width)})};
  const ValueId table = write.constant(store_ints(type, powers), "powers");
  return write.gather(table, 0, write.cast(shift, DType::kI32));
}

struct ShiftOperands {
  ValueId x;
  ValueId by;         // inside of the width
  ValueId is_inside;  // whether it was
};

Result<ShiftOperands> shift_operands(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (!is_integer(write.dtype(x[0]))) return call.unsupported("shifts of bools");
  const auto last = static_cast<double>(byte_size(write.dtype(x[0])) * 8 - 1);
  const ValueId by = write.op(ops::kClamp, {x[1]}, {{attr::kMin, 0.0}, {attr::kMax, last}});
  return ShiftOperands{x[0], by, write.binary(ops::kEq, by, x[1])};
}

// x * 2^by, which wraps around; 0 where nothing of x is left.
Imported import_shift_left(ImportContext& call) {
  FERRYMAN_TRY(const ShiftOperands shift, shift_operands(call));
  const CoreWriter write = call.writer();
  const ValueId factor = power_of_two(write, shift.by);
  const ValueId moved = write.mul(shift.x, factor);
  return one_result(write.where(shift.is_inside, moved, write.scalar(shift.x, 0)));
}

// Beyond the width only the sign is left.
Imported import_shift_right(ImportContext& call) {
  FERRYMAN_TRY(const ShiftOperands shift, shift_operands(call));
  const CoreWriter write = call.writer();
  const auto last = static_cast<double>(byte_size(write.dtype(shift.x)) * 8 - 1);
  const ValueId by = write.where(shift.is_inside, shift.by, write.scalar(shift.x, last));
  return one_result(write.binary(ops::kShiftRight, shift.x, by));
}

// ---- divisors ----

// Euclid's algorithm takes the most steps for neighbours in Fibonacci's sequence.
int64_t euclid_steps(DType dtype) {
  constexpr double kGoldenBits = 0.6942419136306174;  // log2 of the golden ratio
  return static_cast<int64_t>(static_cast<double>(byte_size(dtype) * 8) / kGoldenBits) + 1;
}

ValueId greatest_divisor(CoreWriter write, ValueId a, ValueId b) {
  const ValueId zero = write.scalar(a, 0);
  const ValueId one = write.scalar(a, 1);
  a = write.abs(a);
  b = write.abs(b);
  for (int64_t step = 0; step < euclid_steps(write.dtype(a)); ++step) {
    const ValueId done = write.binary(ops::kEq, b, zero);
    const ValueId rest = write.binary(ops::kRemainder, a, write.where(done, one, b));
    a = write.where(done, a, b);
    b = write.where(done, zero, rest);
  }
  return a;
}

Imported import_gcd(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (!is_integer(write.dtype(x[0]))) return call.unsupported("of other than whole numbers");
  return one_result(greatest_divisor(write, x[0], x[1]));
}

// |a / gcd * b|
Imported import_lcm(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self", "other"}));
  const CoreWriter write = call.writer();
  if (!is_integer(write.dtype(x[0]))) return call.unsupported("of other than whole numbers");
  const ValueId divisor = greatest_divisor(write, x[0], x[1]);
  const ValueId is_zero = write.binary(ops::kEq, divisor, write.scalar(x[0], 0));
  const ValueId safe = write.where(is_zero, write.scalar(x[0], 1), divisor);
  const ValueId multiple = write.mul(write.binary(ops::kTruncDivide, x[0], safe), x[1]);
  return one_result(write.abs(multiple));
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
