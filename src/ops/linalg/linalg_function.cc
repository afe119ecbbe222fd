// Powers and exponentials of small matrices, Vandermonde matrices.
#include <cmath>

#include "ops/linalg/linalg.h"
#include "ops/linalg/matrix_factor.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// ---- powers ----

// By the binary digits of the exponent.
ValueId raise(MatrixKit& kit, ValueId a, uint64_t exponent) {
  ValueId result;
  for (ValueId power = a; true; power = kit.matmul(power, power)) {
    if ((exponent & 1) != 0) result = result.valid() ? kit.matmul(result, power) : power;
    exponent >>= 1;
    if (exponent == 0) return result;
  }
}

Imported import_matrix_power(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_matrices(call, "self"));
  FERRYMAN_TRY(const int64_t exponent, call.integer("n"));
  MatrixKit kit(call.writer());
  const int64_t size = kit.num_rows(a.flat);
  if (size != kit.num_columns(a.flat)) return call.unsupported("of a matrix that is not square");
  if (exponent == 0)
    return std::vector{
        a.restored(kit, kit.repeat(kit.identity(a.flat, size, size), kit.batch(a.flat)))};
  ValueId base = a.flat;
  if (exponent < 0) {
    FERRYMAN_TRY_STATUS(check_steps(call, size));
    base = invert(kit, a.flat);
  }
  const auto times = exponent < 0 ? uint64_t{0} - static_cast<uint64_t>(exponent)
                                  : static_cast<uint64_t>(exponent);
  return std::vector{a.restored(kit, raise(kit, base, times))};
}

// ---- exponential ----

// Up to this column sum the Taylor polynomial of degree 18 is exact in f32.
constexpr double kTaylorBound = 3.010066362817634;
// Halved at most so often: beyond a column sum of 10^5 the squares lose all digits anyway.
constexpr int kMaxHalvings = 16;

// The Taylor polynomial of degree 18 in five products, as Bader, Blanes and Casas factored it
// ("Computing the Matrix Exponential with an Optimized Taylor Polynomial Approximation", 2019):
// with b_i the combinations below of 1, a, a^2, a^3, a^6 and c = b_0 b_4 + b_3, it is
// b_1 + (b_2 + c) c.
constexpr double kCombinations[5][5] = {
    {0, -0.100365581030144618291, -0.00802924648241156932449, -0.000892138498045729985177, 0},
    {0, 0.397849749499645077844, 1.36783778460411720168, 0.498289622525382669416,
     -0.000637898194594723280150},
    {-10.9676396052962061844, 1.68015813878906206114, 0.0571779846478865511061,
     -0.00698210122488052056106, 3.34975017086070470649e-05},
    {-0.0904316832390810593223, -0.0676404519071381882256, 0.0675961301770459654925,
     0.0295552570429315521194, -1.39180257516060693404e-05},
    {0, 0, -0.0923364619367118555360, -0.0169364939002081722752, -1.40086798182036094347e-05},
};

// torch multiplies small matrices number by number in the order of the inner index, each product
// rounded. Where a large exponential cancels, small numbers agree only if this does the same.
constexpr int64_t kMaxOrderedSize = 7;

ValueId multiply(MatrixKit& kit, ValueId a, ValueId b) {
  const int64_t size = kit.num_rows(b);
  if (size > kMaxOrderedSize) return kit.matmul(a, b);
  ValueId sum = kit.mul(kit.column(a, 0), kit.row(b, 0));
  for (int64_t k = 1; k < size; ++k) sum = kit.add(sum, kit.mul(kit.column(a, k), kit.row(b, k)));
  return sum;
}

ValueId combine(MatrixKit& kit, const std::vector<ValueId>& powers,
                std::span<const double> factors) {
  ValueId sum;
  for (size_t i = 0; i < powers.size(); ++i) {
    if (factors[i] == 0) continue;
    const ValueId term = kit.mul(powers[i], factors[i]);
    sum = sum.valid() ? kit.add(sum, term) : term;
  }
  return sum;
}

ValueId exponential_series(MatrixKit& kit, ValueId a) {
  const int64_t size = kit.num_rows(a);
  const ValueId square = multiply(kit, a, a);
  const ValueId cube = multiply(kit, square, a);
  const std::vector<ValueId> powers = {kit.identity(a, size, size), a, square, cube,
                                       multiply(kit, cube, cube)};
  std::vector<ValueId> b;
  for (const auto& factors : kCombinations) b.push_back(combine(kit, powers, factors));
  const ValueId c = kit.add(multiply(kit, b[0], b[4]), b[3]);
  return kit.add(b[1], multiply(kit, kit.add(b[2], c), c));
}

// exp(a) = exp(a / 2^k)^(2^k), with k for each matrix so that the series is exact.
Imported import_matrix_exp(ImportContext& call) {
  FERRYMAN_TRY(const MatrixBatch a, read_matrices(call, "self"));
  MatrixKit kit(call.writer());
  if (kit.num_rows(a.flat) != kit.num_columns(a.flat))
    return call.unsupported("of a matrix that is not square");
  if (kit.num_rows(a.flat) == 0) return std::vector{a.restored(kit, a.flat)};
  const ValueId norm = kit.reduce(ops::kAmax, kit.reduce(ops::kSum, kit.abs(a.flat), {1}), {2});
  ValueId factor = kit.scalar(norm, 1);
  std::vector<ValueId> is_halved;  // whether a matrix takes part in halving i
  for (int i = 0; i < kMaxHalvings; ++i) {
    is_halved.push_back(kit.binary(ops::kGt, norm, std::ldexp(kTaylorBound, i)));
    factor = kit.mul(factor, kit.where(is_halved.back(), kit.scalar(norm, 0.5), 1.0));
  }
  ValueId result = exponential_series(kit, kit.mul(a.flat, factor));
  for (int i = kMaxHalvings - 1; i >= 0; --i)
    result = kit.where(is_halved[static_cast<size_t>(i)], multiply(kit, result, result), result);
  return std::vector{a.restored(kit, result)};
}

// ---- Vandermonde ----

// Columns 1, x, x^2, …
std::vector<ValueId> emit_powers(CoreWriter write, ValueId column, int64_t count) {
  const DType dtype = write.dtype(column);
  std::vector<ValueId> powers;
  for (int64_t i = 0; i < count; ++i) {
    if (i == 0) {
      powers.push_back(write.constant(TensorData::filled(dtype, write.sizes(column), 1), "ones"));
      continue;
    }
    if (i == 1) {
      powers.push_back(column);
      continue;
    }
    powers.push_back(write.mul(powers.back(), column));
  }
  return powers;
}

Imported import_vander(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("x"));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(x);
  x = write.cast(x, is_floating(own) ? own : DType::kI64);
  Ints shape = write.sizes(x);
  if (shape.empty()) shape = {1};
  FERRYMAN_TRY(const int64_t count, call.integer("N", shape.back()));
  if (count < 1 || count > kMaxMatrixSteps)
    return call.unsupported("this number of powers is not written out");
  const auto last = static_cast<int64_t>(shape.size());
  shape.push_back(1);
  const ValueId column = write.reshape(x, shape);
  const std::vector<ValueId> powers = emit_powers(write, column, count);
  return one_result(write.concat(powers, last));
}

}  // namespace

void add_matrix_function_imports(ImportTable& imports) {
  imports.add({"matrix_power.default", "linalg_matrix_power.default"}, import_matrix_power);
  imports.add({"matrix_exp.default", "linalg_matrix_exp.default"}, import_matrix_exp);
  imports.add("linalg_vander.default", import_vander);
}

}  // namespace ferryman
