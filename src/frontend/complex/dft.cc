#include "frontend/complex/dft.h"

#include <array>
#include <cmath>
#include <numbers>

namespace ferryman::frontend {

namespace {

// Up to this size one product is as quick as two short ones and the copies around them.
constexpr int64_t kMaxDirect = 256;
// A prime factor of the size takes a matrix of its square.
constexpr int64_t kMaxMatrixSize = 4096;
// A split into fewer saves less than it costs.
constexpr int64_t kMinFactor = 4;

struct UnitRoot {
  double real, imag;
};

// exp(2 pi i * turns / size); exact at the quarters, and as exact near one as near another.
UnitRoot unit_root(int64_t turns, int64_t size) {
  turns = ((turns % size) + size) % size;
  const int64_t quarter = 4 * turns / size;
  const int64_t rest = 4 * turns - quarter * size;  // quarters times size
  const double angle = std::numbers::pi / 2 * static_cast<double>(rest) / static_cast<double>(size);
  const double other =
      std::numbers::pi / 2 * static_cast<double>(size - rest) / static_cast<double>(size);
  const bool is_small = 2 * rest <= size;
  const double c = is_small ? std::cos(angle) : std::sin(other);
  const double s = is_small ? std::sin(angle) : std::cos(other);
  switch (quarter) {
    case 0:
      return {rest == 0 ? 1 : c, rest == 0 ? 0 : s};
    case 1:
      return {rest == 0 ? 0 : -s, rest == 0 ? 1 : c};
    case 2:
      return {rest == 0 ? -1 : -c, rest == 0 ? 0 : -s};
    default:
      return {rest == 0 ? 0 : s, rest == 0 ? -1 : -c};
  }
}

// The factor for the first of the two transforms: as near to the square root as there is one.
int64_t first_factor(int64_t size) {
  for (auto factor = static_cast<int64_t>(std::sqrt(static_cast<double>(size)));
       factor >= kMinFactor; --factor) {
    if (size % factor == 0) return factor;
  }
  return 1;
}

}  // namespace

ComplexValue Dft::transform(const ComplexValue& x, const Transform& t) {
  if (t.size <= kMaxDirect) return transform_directly(x, t);
  const int64_t first = first_factor(t.size);
  if (first > 1) return transform_split(x, t, first);
  if (t.size <= kMaxMatrixSize) return transform_directly(x, t);
  fail(call_.unsupported("a transform of a size with a large prime factor"));
  return {};
}

ComplexValue Dft::transform_directly(const ComplexValue& x, const Transform& t) {
  const int64_t inputs = last_size(x.real);
  const bool is_real = !x.imag.valid();
  std::vector<double> real, imag;  // rows of weights: of x's real part, then of its imaginary part
  for (int64_t k = 0; k < t.outputs; ++k) {
    std::vector<double> sines;
    for (int64_t j = 0; j < inputs; ++j) {
      const UnitRoot root = unit_root(t.sign * (j * k % t.size), t.size);
      real.push_back(root.real * t.scale);
      imag.push_back(root.imag * t.scale);
    }
    if (is_real) continue;
    const auto row = static_cast<std::ptrdiff_t>(inputs);
    const std::vector<double> cosines(real.end() - row, real.end());
    sines.assign(imag.end() - row, imag.end());
    for (const double sine : sines) real.push_back(-sine);
    imag.insert(imag.end(), cosines.begin(), cosines.end());
  }
  const ValueId operand = is_real ? x.real : joined(x.real, x.imag);
  return {product(operand, real, t.outputs), product(operand, imag, t.outputs), {}};
}

// With j = j1 n2 + j2 and k = k1 + n1 k2:
//   X[k] = sum over j2 of w(n2)^(j2 k2) * w(n)^(j2 k1) * sum over j1 of x[j] w(n1)^(j1 k1)
ComplexValue Dft::transform_split(const ComplexValue& x, const Transform& t, int64_t first) {
  const int64_t second = t.size / first;
  const ComplexValue columns = each(x, [&](ValueId part) {
    return swap_last_two(reshaped_last(padded(part, t.size), 1, {first, second}));
  });
  const ComplexValue inner = transform(columns, {first, first, t.sign, t.scale});
  std::vector<double> real, imag;
  for (int64_t j = 0; j < second; ++j) {
    for (int64_t k = 0; k < first; ++k) {
      const UnitRoot root = unit_root(t.sign * j * k, t.size);
      real.push_back(root.real);
      imag.push_back(root.imag);
    }
  }
  const DType type = dtype(inner.real);
  const ComplexValue turns{constant(type, {second, first}, real, "turns"),
                           constant(type, {second, first}, imag, "turns"),
                           {}};
  const ComplexValue rows =
      each(mul(inner, turns), [&](ValueId part) { return swap_last_two(part); });
  const int64_t kept = (t.outputs - 1) / first + 1;
  const ComplexValue outer = transform(rows, {second, kept, t.sign, 1});
  return each(outer, [&](ValueId part) {
    const ValueId flat = reshaped_last(swap_last_two(part), 2, {kept * first});
    return slice_axis(flat, rank(flat) - 1, 0, t.outputs);
  });
}

ValueId Dft::real_transform(const ComplexValue& half, const Transform& t) {
  const bool is_direct = t.size <= kMaxDirect || first_factor(t.size) == 1;
  if (is_direct && t.size <= kMaxMatrixSize) return real_directly(half, t);
  return transform(mirrored(half, t.size), t).real;
}

// The mirrored half doubles every entry but the first and, if there is one, the middle.
ValueId Dft::real_directly(const ComplexValue& half, const Transform& t) {
  const int64_t inputs = last_size(half.real);
  std::vector<double> weight;
  for (int64_t j = 0; j < t.size; ++j) {
    std::vector<double> sines;
    for (int64_t k = 0; k < inputs; ++k) {
      const UnitRoot root = unit_root(t.sign * (j * k % t.size), t.size);
      const double scale = t.scale * (k == 0 || 2 * k == t.size ? 1 : 2);
      weight.push_back(root.real * scale);
      sines.push_back(-root.imag * scale);
    }
    if (half.imag.valid()) weight.insert(weight.end(), sines.begin(), sines.end());
  }
  const ValueId operand = half.imag.valid() ? joined(half.real, half.imag) : half.real;
  return product(operand, weight, t.size);
}

ComplexValue Dft::mirrored(const ComplexValue& half, int64_t size) {
  const int64_t kept = size / 2 + 1;
  const auto mirror = [&](ValueId part) {
    const ValueId whole = padded(part, kept);
    const size_t axis = rank(whole) - 1;
    return std::array{whole, flip(slice_axis(whole, axis, 1, size - kept + 1), axis)};
  };
  const auto [real, real_mirrored] = mirror(half.real);
  if (!half.imag.valid()) return {joined(real, real_mirrored), {}, {}};
  const auto [imag, imag_mirrored] = mirror(half.imag);
  return {joined(real, real_mirrored), joined(imag, neg(imag_mirrored)), {}};
}

// ---- steps ----

// x [..., I] times the rows of `weight` [outputs, I].
ValueId Dft::product(ValueId x, const std::vector<double>& weight, int64_t outputs) {
  return op(ops::kLinear, {x, constant(dtype(x), {outputs, last_size(x)}, weight, "dft")});
}

ValueId Dft::padded(ValueId x, int64_t size) {
  if (last_size(x) >= size) return x;
  const Ints before(rank(x), 0);
  Ints after = before;
  after.back() = size - last_size(x);
  return pad(x, before, after, 0);
}

ValueId Dft::swap_last_two(ValueId x) {
  Ints perm = iota_axes(rank(x));
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return permute(x, perm);
}

// The last `dropped` axes under other sizes.
ValueId Dft::reshaped_last(ValueId x, size_t dropped, const Ints& last) {
  Ints shape = sizes(x);
  shape.resize(shape.size() - dropped);
  shape.insert(shape.end(), last.begin(), last.end());
  return reshape(x, shape);
}

ValueId Dft::to_last(ValueId x, int64_t axis) {
  Ints perm = iota_axes(rank(x));
  perm.erase(perm.begin() + axis);
  perm.push_back(axis);
  return permute(x, perm);
}

ValueId Dft::from_last(ValueId x, int64_t axis) {
  Ints perm = iota_axes(rank(x) - 1);
  perm.insert(perm.begin() + axis, static_cast<int64_t>(perm.size()));
  return permute(x, perm);
}

}  // namespace ferryman::frontend
