// Special functions: they stay whole, since some targets have them; the others write them in
// elementary functions (special_functions.h).
#include <limits>
#include <numbers>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/promoted_import.h"
#include "ops/special/special_functions.h"
#include "ops/special/special_names.h"

namespace ferryman {

namespace {

// Beyond, the factorial leaves float32.
constexpr int64_t kMaxOrder = 30;

void define_special_rows(Ops& ops) {
  for (const SpecialUnary& row : special_unaries()) {
    ops.set.define(row.name)
        .doc(row.doc)
        .operand("x", DTypeSet::kFloating)
        .result(same_as_first)
        .axes(AxisRule::kElementwise)
        .eval(eval_unary(row.number));
  }
  const auto no_integers = [](int64_t, int64_t) { return int64_t{0}; };
  for (const SpecialBinary& row : special_binaries()) {
    ops.set.define(row.name)
        .doc(row.doc)
        .operand("x", DTypeSet::kFloating)
        .operand("other", DTypeSet::kFloating)
        .result(broadcast)
        .axes(AxisRule::kElementwise)
        .eval(eval_binary(row.number, no_integers));
  }
}

InferResult polygamma_type(const InferArgs& args) {
  const int64_t order = args.attrs[attr::kOrder];
  if (order < 1 || order > kMaxOrder) return shape_error("the order is not in [1, 30]");
  return same_as_first(args);
}

void define_polygamma(Ops& ops) {
  ops.set.define(ops::kPolygamma)
      .doc("derivative of that order of digamma(x)")
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kOrder, int64_t{1})
      .result(polygamma_type)
      .axes(AxisRule::kElementwise)
      .eval(eval_unary_with_attrs([](double x, const AttrsView& attrs) {
        return polygamma_number(static_cast<int>(attrs[attr::kOrder]), x);
      }));
}

// ---- import ----

// "self" or, in the newer functions, "x".
template <const OpName& kOp>
Imported import_unary(ImportContext& call) {
  const std::string_view name = call.find("self") != nullptr ? "self" : "x";
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {name}, Promotion::kCommonFloat));
  return one_result(call.writer().unary(kOp, x.front()));
}

Imported import_polygamma(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self"}, Promotion::kCommonFloat));
  FERRYMAN_TRY(const int64_t order, call.integer("n"));
  const CoreWriter write = call.writer();
  if (order == 0) return one_result(write.unary(ops::kDigamma, x.front()));
  if (order < 0 || order > kMaxOrder) return call.unsupported("an order outside of [0, 30]");
  return one_result(write.op(ops::kPolygamma, {x.front()}, {{attr::kOrder, order}}));
}

// log of the multivariate gamma function: p (p - 1) / 4 log(pi) + the sum of lgamma(x - k / 2)
Imported import_mvlgamma(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> x, promoted(call, {"self"}, Promotion::kCommonFloat));
  FERRYMAN_TRY(const int64_t p, call.integer("p"));
  constexpr int64_t kMaxDimension = 1000;
  if (p < 1 || p > kMaxDimension) return call.unsupported("a dimension outside of [1, 1000]");
  const auto size = static_cast<double>(p);
  const double constant = size * (size - 1) / 4 * std::log(std::numbers::pi);
  const CoreWriter write = call.writer();
  ValueId sum = write.scalar(x.front(), constant);
  for (int64_t k = 0; k < p; ++k) {
    const ValueId shift = write.scalar(x.front(), static_cast<double>(k) / 2);
    sum = write.add(sum, write.unary(ops::kLgamma, write.sub(x.front(), shift)));
  }
  return std::vector{sum};
}

void add_bessel_imports(ImportTable& imports) {
  imports.add({"i0.default", "special_i0.default", "special_modified_bessel_i0.default"},
              import_unary<ops::kBesselI0>);
  imports.add({"special_i1.default", "special_modified_bessel_i1.default"},
              import_unary<ops::kBesselI1>);
  imports.add("special_i0e.default", import_unary<ops::kBesselI0e>);
  imports.add("special_i1e.default", import_unary<ops::kBesselI1e>);
  imports.add("special_bessel_j0.default", import_unary<ops::kBesselJ0>);
  imports.add("special_bessel_j1.default", import_unary<ops::kBesselJ1>);
  imports.add("special_bessel_y0.default", import_unary<ops::kBesselY0>);
  imports.add("special_bessel_y1.default", import_unary<ops::kBesselY1>);
  imports.add("special_modified_bessel_k0.default", import_unary<ops::kBesselK0>);
  imports.add("special_modified_bessel_k1.default", import_unary<ops::kBesselK1>);
  imports.add("special_scaled_modified_bessel_k0.default", import_unary<ops::kBesselK0e>);
  imports.add("special_scaled_modified_bessel_k1.default", import_unary<ops::kBesselK1e>);
  imports.add("special_spherical_bessel_j0.default", import_unary<ops::kSphericalBesselJ0>);
  imports.add("special_airy_ai.default", import_unary<ops::kAiryAi>);
}

}  // namespace

void add_special_ops(Ops& ops) {
  define_special_rows(ops);
  define_polygamma(ops);

  ImportTable& imports = ops.imports;
  add_bessel_imports(imports);
  imports.add({"lgamma.default", "special_gammaln.default"}, import_unary<ops::kLgamma>);
  imports.add({"digamma.default", "special_digamma.default", "special_psi.default"},
              import_unary<ops::kDigamma>);
  imports.add({"erfinv.default", "special_erfinv.default"}, import_unary<ops::kErfinv>);
  imports.add("special_erfcx.default", import_unary<ops::kErfcx>);
  imports.add("special_ndtri.default", import_unary<ops::kNdtri>);
  imports.add("special_log_ndtr.default", import_unary<ops::kLogNdtr>);
  imports.add({"polygamma.default", "special_polygamma.default"}, import_polygamma);
  imports.add({"mvlgamma.default", "special_multigammaln.default"}, import_mvlgamma);
  imports.add({"special_zeta.default", "special_zeta.self_scalar", "special_zeta.other_scalar"},
              import_binary<ops::kZeta, Promotion::kCommonFloat>);
  imports.add({"igamma.default", "special_gammainc.default"},
              import_binary<ops::kIgamma, Promotion::kCommonFloat>);
  imports.add({"igammac.default", "special_gammaincc.default"},
              import_binary<ops::kIgammac, Promotion::kCommonFloat>);
}

}  // namespace ferryman
