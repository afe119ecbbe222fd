// The table of all ops. Built once per conversion from the family functions, then only read.
//
//   Ops ops;                                        // ops/families.h
//   add_activation_ops(ops);
//   const OpDef* relu = ops.set.find(ops::kRelu);
//
// A row:
//   ops.set.define(ops::kLeakyRelu)
//       .doc("x where x >= 0, otherwise negative_slope * x")
//       .operand("x", DTypeSet::kFloating)
//       .attr(attr::kNegativeSlope, 0.01)
//       .result(same_as_first)
//       .axes(AxisRule::kElementwise)
//       .eval(...)
//       .from_aten("leaky_relu.default");
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <unordered_map>

#include "ir/op_def.h"
#include "support/diagnostic.h"

namespace ferryman {

// Fills one row; returned by OpSet::define.
class OpRow {
 public:
  explicit OpRow(OpDef& def) : def_(&def) {}

  OpRow& doc(std::string_view text);
  OpRow& operand(std::string_view name, DTypeSet dtypes = DTypeSet::kAny);
  OpRow& optional_operand(std::string_view name, DTypeSet dtypes = DTypeSet::kAny);
  OpRow& variadic_operand(std::string_view name, DTypeSet dtypes = DTypeSet::kAny);
  // The same, where there may be none.
  OpRow& any_operands(std::string_view name, DTypeSet dtypes = DTypeSet::kAny);
  // The same, where each may be absent.
  OpRow& any_optional_operands(std::string_view name, DTypeSet dtypes = DTypeSet::kAny);
  template <typename T>
  OpRow& attr(AttrKey<T> key) {
    return add_attr({key.name, kAttrKindOf<T>, std::nullopt});
  }
  template <typename T>
  OpRow& attr(AttrKey<T> key, std::type_identity_t<T> default_value) {
    return add_attr({key.name, kAttrKindOf<T>, Attr(std::move(default_value))});
  }
  OpRow& result(InferFn infer);
  OpRow& results(size_t count, InferFn infer);
  // As many as the bodies or the attributes say.
  OpRow& any_results(InferFn infer) { return results(0, std::move(infer)); }
  // `axes_of`: where the op differs from what is usual of the rule.
  OpRow& axes(AxisRule rule, AxesFn axes_of = nullptr);
  OpRow& contract(std::string_view spec);
  OpRow& eval(EvalFn eval);
  OpRow& promote(Promotion promotion);
  OpRow& draws();
  // An ATen overload that maps onto this op, argument by argument. An argument that binds to
  // nothing is an error at import, unless it is None; bind to "" to state that it has no influence.
  OpRow& from_aten(std::string target, std::vector<AtenBinding> bindings = {});
  OpRow& from_aten(std::initializer_list<std::string_view> targets,
                   std::vector<AtenBinding> bindings = {});

 private:
  OpRow& add_attr(AttrSpec spec);
  OpDef* def_;
};

class OpSet {
 public:
  OpSet() = default;
  OpSet(const OpSet&) = delete;
  OpSet& operator=(const OpSet&) = delete;

  OpRow define(OpName name);
  const OpDef* find(std::string_view name) const { return find(OpName(name)); }
  const OpDef* find(OpName name) const;
  const OpDef& get(OpName name) const;  // must exist
  const std::deque<OpDef>& all() const { return defs_; }

  // Refuses inconsistent rows: equal names, a variadic operand that is not last, an axis rule
  // without the attribute kind that it needs, an ATen row that names nothing.
  Diagnostics check() const;

 private:
  std::deque<OpDef> defs_;  // stable addresses: ops of graphs point here
  std::unordered_map<uint64_t, const OpDef*> by_number_;
};

}  // namespace ferryman
