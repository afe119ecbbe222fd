// Products, quotients, powers and comparisons of complex numbers.
#include <cmath>
#include <optional>

#include "frontend/complex/complex_table.h"
#include "frontend/complex/formula.h"

namespace ferryman::frontend {

namespace {

using Operands = std::pair<ComplexValue, ComplexValue>;

// What is real keeps no imaginary part, so that nothing is multiplied by 0.
Result<Operands> read_operands(ComplexCall& call, std::string_view a, std::string_view b) {
  FERRYMAN_TRY(const ComplexValue first, call.real_or_complex(a));
  FERRYMAN_TRY(const ComplexValue second, call.real_or_complex(b));
  return Operands{first, second};
}

ComplexImported import_product(ComplexCall& call) {
  return complex_result(call.run_product());
}

// A third operand would be taken for one to add.
ComplexImported import_einsum(ComplexCall& call) {
  const ImportArg* tensors = call.context().find("tensors");
  const auto* list = tensors == nullptr ? nullptr : std::get_if<ImportArgs>(&tensors->value);
  if (list == nullptr || list->size() > 2)
    return call.context().unsupported("a product of more than two complex operands");
  return import_product(call);
}

ComplexImported import_mul(ComplexCall& call) {
  FERRYMAN_TRY(const Operands x, read_operands(call, "self", "other"));
  const Formula f(call.writer());
  return complex_result(f.mul(x.first, x.second));
}

ComplexImported import_div(ComplexCall& call) {
  FERRYMAN_TRY(Operands x, read_operands(call, "self", "other"));
  const Formula f(call.writer());
  return complex_result(f.div(x.first, x.second));
}

// The conjugate of the first times the second.
ComplexImported import_vdot(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue a, call.complex("self"));
  FERRYMAN_TRY(const ComplexValue b, call.complex("other"));
  const Formula f(call.writer());
  const ComplexValue product = f.mul(f.conj(a), b);
  return complex_result(Formula::each(
      product, [&](ValueId part) { return f.reduce(ops::kSum, part, {0}, /*keepdim=*/false); }));
}

// self + value * first * second
ComplexImported import_addcmul(ComplexCall& call) {
  FERRYMAN_TRY(const double value, call.context().number("value", 1.0));
  FERRYMAN_TRY(const ComplexValue self, call.complex("self"));
  FERRYMAN_TRY(const Operands x, read_operands(call, "tensor1", "tensor2"));
  const Formula f(call.writer());
  return complex_result(f.add(self, f.mul(f.mul(x.first, x.second), value)));
}

ComplexImported import_addcdiv(ComplexCall& call) {
  FERRYMAN_TRY(const double value, call.context().number("value", 1.0));
  FERRYMAN_TRY(const ComplexValue self, call.complex("self"));
  FERRYMAN_TRY(const Operands x, read_operands(call, "tensor1", "tensor2"));
  const Formula f(call.writer());
  return complex_result(f.add(self, f.mul(f.div(x.first, x.second), value)));
}

// Small whole powers are products; torch as well gets them without a logarithm.
ComplexValue whole_power(const Formula& f, ComplexValue base, int64_t exponent) {
  std::optional<ComplexValue> power;
  for (;;) {
    if ((exponent & 1) != 0) power = power.has_value() ? f.mul(*power, base) : base;
    exponent >>= 1;
    if (exponent == 0) return *power;
    base = f.mul(base, base);
  }
}

ComplexImported import_pow_scalar(ComplexCall& call) {
  if (call.is_complex("exponent")) return call.context().unsupported("a complex exponent");
  FERRYMAN_TRY(const double exponent, call.context().number("exponent"));
  FERRYMAN_TRY(const ComplexValue z, call.complex("self"));
  const Formula f(call.writer());
  constexpr double kMaxProducts = 64;
  const double size = std::fabs(exponent);
  if (exponent == 0) {
    const ComplexValue one{
        f.add(f.zeros_like(z.real), f.scalar(z.real, 1)), f.zeros_like(z.real), {}};
    return complex_result(one);
  }
  if (size == std::trunc(size) && size <= kMaxProducts) {
    const ComplexValue power = whole_power(f, z, static_cast<int64_t>(size));
    if (exponent > 0) return complex_result(power);
    return complex_result(f.div({f.scalar(z.real, 1), {}, {}}, power));
  }
  if (exponent < 0) return call.context().unsupported("a negative power that is not whole");
  // r^e at the angle e * phi; 0 stays 0.
  const ValueId radius = f.binary(ops::kPow, f.abs(z), exponent);
  return complex_result(f.polar(radius, f.mul(f.angle(z), exponent)));
}

// Equal are numbers of which both parts are.
template <const OpName& kOp, const OpName& kJoin>
ComplexImported import_equality(ComplexCall& call) {
  FERRYMAN_TRY(const ComplexValue a, call.complex("self"));
  FERRYMAN_TRY(const ComplexValue b, call.complex("other"));
  const Formula f(call.writer());
  return real_result(f.binary(kJoin, f.binary(kOp, a.real, b.real), f.binary(kOp, a.imag, b.imag)));
}

}  // namespace

void add_complex_arithmetic(ComplexTable& table) {
  table.add({"mul.Tensor", "mul.Scalar", "multiply.Tensor", "multiply.Scalar"}, import_mul,
            {"self", "other"});
  table.add({"div.Tensor", "div.Scalar", "divide.Tensor", "divide.Scalar", "true_divide.Tensor",
             "true_divide.Scalar"},
            import_div, {"self", "other"});
  table.add_lifted({"mm.default", "bmm.default"}, import_product, {"self", "mat2"});
  table.add_lifted({"matmul.default", "inner.default", "tensordot.default"}, import_product,
                   {"self", "other"});
  table.add_lifted({"dot.default"}, import_product, {"self", "tensor"});
  table.add_lifted({"mv.default"}, import_product, {"self", "vec"});
  table.add_lifted({"outer.default", "ger.default"}, import_product, {"self", "vec2"});
  table.add_lifted({"einsum.default"}, import_einsum, {"tensors"});
  table.add_lifted({"linear.default", "conv1d.default", "conv2d.default", "conv3d.default",
                    "conv1d.padding", "conv2d.padding", "conv3d.padding"},
                   import_product, {"input", "weight", "bias"});
  table.add_lifted({"addmm.default"}, import_product, {"mat1", "mat2", "self"});
  table.add_lifted({"baddbmm.default", "addbmm.default"}, import_product,
                   {"batch1", "batch2", "self"});
  table.add_lifted({"addmv.default"}, import_product, {"mat", "vec", "self"});
  table.add({"vdot.default"}, import_vdot, {"self", "other"});
  table.add({"addcmul.default"}, import_addcmul, {"self", "tensor1", "tensor2"});
  table.add({"addcdiv.default"}, import_addcdiv, {"self", "tensor1", "tensor2"});
  table.add({"pow.Tensor_Scalar"}, import_pow_scalar);
  table.add({"eq.Tensor", "eq.Scalar"}, import_equality<ops::kEq, ops::kLogicalAnd>,
            {"self", "other"});
  table.add({"ne.Tensor", "ne.Scalar", "not_equal.Tensor", "not_equal.Scalar"},
            import_equality<ops::kNe, ops::kLogicalOr>, {"self", "other"});
}

}  // namespace ferryman::frontend
