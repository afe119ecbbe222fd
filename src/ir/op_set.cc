#include "ir/op_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace ferryman {

bool contains(DTypeSet set, DType dtype) {
  switch (set) {
    case DTypeSet::kAny:
      return true;
    case DTypeSet::kFloating:
      return is_floating(dtype);
    case DTypeSet::kInteger:
      return is_integer(dtype);
    case DTypeSet::kNumeric:
      return is_floating(dtype) || is_integer(dtype);
    case DTypeSet::kBool:
      return dtype == DType::kBool;
    case DTypeSet::kReal:
      return !is_complex(dtype);
  }
  internal_error("unknown dtype set");
}

std::string_view describe(DTypeSet set) {
  switch (set) {
    case DTypeSet::kAny:
      return "any type";
    case DTypeSet::kFloating:
      return "a floating point type";
    case DTypeSet::kInteger:
      return "an integer type";
    case DTypeSet::kNumeric:
      return "an integer or floating point type";
    case DTypeSet::kBool:
      return "bool";
    case DTypeSet::kReal:
      return "a real or bool type";
  }
  internal_error("unknown dtype set");
}

const Attr& AttrsView::at(std::string_view name) const {
  const std::optional<size_t> index = def_->attr_index(name);
  check(index.has_value(), "an attribute that the op does not define");
  return attrs_[*index];
}

bool AttrsView::has(std::string_view name) const {
  return def_->attr_index(name).has_value();
}

std::optional<size_t> OpDef::attr_index(std::string_view attr_name) const {
  for (size_t i = 0; i < attrs.size(); ++i) {
    if (attrs[i].name == attr_name) return i;
  }
  return std::nullopt;
}

std::optional<size_t> OpDef::operand_index(std::string_view operand_name) const {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].name == operand_name) return i;
  }
  return std::nullopt;
}

bool OpDef::has_bodies() const {
  return std::any_of(attrs.begin(), attrs.end(),
                     [](const AttrSpec& spec) { return spec.kind == AttrKind::kBody; });
}

OpRow& OpRow::doc(std::string_view text) {
  def_->doc = text;
  return *this;
}
OpRow& OpRow::operand(std::string_view name, DTypeSet dtypes) {
  def_->operands.push_back({name, dtypes, Arity::kOne});
  return *this;
}
OpRow& OpRow::optional_operand(std::string_view name, DTypeSet dtypes) {
  def_->operands.push_back({name, dtypes, Arity::kOptional});
  return *this;
}
OpRow& OpRow::variadic_operand(std::string_view name, DTypeSet dtypes) {
  def_->operands.push_back({name, dtypes, Arity::kVariadic});
  return *this;
}
OpRow& OpRow::any_operands(std::string_view name, DTypeSet dtypes) {
  def_->operands.push_back({name, dtypes, Arity::kAnyNumber});
  return *this;
}
OpRow& OpRow::any_optional_operands(std::string_view name, DTypeSet dtypes) {
  def_->operands.push_back({name, dtypes, Arity::kAnyOptional});
  return *this;
}
OpRow& OpRow::add_attr(AttrSpec spec) {
  def_->attrs.push_back(std::move(spec));
  return *this;
}
OpRow& OpRow::result(InferFn infer) {
  return results(1, std::move(infer));
}
OpRow& OpRow::results(size_t count, InferFn infer) {
  def_->num_results = count;
  def_->infer = std::move(infer);
  return *this;
}
OpRow& OpRow::axes(AxisRule rule, AxesFn axes_of) {
  def_->axes = rule;
  def_->axes_of = axes_of;
  return *this;
}
OpRow& OpRow::contract(std::string_view spec) {
  def_->axes = AxisRule::kContract;
  def_->contraction = spec;
  return *this;
}
OpRow& OpRow::eval(EvalFn eval) {
  def_->eval = std::move(eval);
  return *this;
}
OpRow& OpRow::draws() {
  def_->draws = true;
  return *this;
}

OpRow& OpRow::promote(Promotion promotion) {
  def_->promotion = promotion;
  return *this;
}
OpRow& OpRow::from_aten(std::string target, std::vector<AtenBinding> bindings) {
  def_->aten.push_back({std::move(target), std::move(bindings)});
  return *this;
}
OpRow& OpRow::from_aten(std::initializer_list<std::string_view> targets,
                        std::vector<AtenBinding> bindings) {
  for (const std::string_view target : targets) from_aten(std::string(target), bindings);
  return *this;
}
OpRow OpSet::define(OpName name) {
  OpDef& def = defs_.emplace_back();
  def.name = name.text;
  def.number = name.number;
  ferryman::check(by_number_.emplace(def.number, &def).second, "an op defined twice");
  return OpRow(def);
}

const OpDef* OpSet::find(OpName name) const {
  const auto found = by_number_.find(name.number);
  // A text from elsewhere may have the number of an op by chance.
  return found == by_number_.end() || found->second->name != name.text ? nullptr : found->second;
}

const OpDef& OpSet::get(OpName name) const {
  const OpDef* def = find(name);
  ferryman::check(def != nullptr, name.text);
  return *def;
}

namespace {

bool has_attr_of(const OpDef& def, AttrKind kind) {
  return std::any_of(def.attrs.begin(), def.attrs.end(),
                     [&](const AttrSpec& spec) { return spec.kind == kind; });
}

// The attribute kind without which an axis rule says nothing.
std::optional<AttrKind> needed_kind(AxisRule rule) {
  switch (rule) {
    case AxisRule::kAlong:
      return AttrKind::kAxis;
    case AxisRule::kReduce:
      return AttrKind::kAxes;
    case AxisRule::kPermute:
      return AttrKind::kPerm;
    case AxisRule::kReshape:
    case AxisRule::kExpand:
      return AttrKind::kShape;
    case AxisRule::kOpaque:
    case AxisRule::kElementwise:
    case AxisRule::kWindowed:
    case AxisRule::kContract:
    case AxisRule::kAnchored:
      return std::nullopt;
  }
  return std::nullopt;
}

void check_row(const OpDef& def, Diagnostics& problems) {
  const auto refuse = [&](std::string_view why) {
    problems.add(Diag::error(DiagCode::kInternal, fmt::format("op row '{}': {}", def.name, why)));
  };
  if (def.doc.empty()) refuse("has no doc");
  if (!def.infer) refuse("has no result inference");
  for (size_t i = 0; i + 1 < def.operands.size(); ++i) {
    if (is_list(def.operands[i].arity)) refuse("a variadic operand is not the last");
  }
  const std::optional<AttrKind> kind = needed_kind(def.axes);
  if (kind.has_value() && !has_attr_of(def, *kind)) refuse("axis rule without its attribute");
  if (def.axes == AxisRule::kContract && def.contraction.empty())
    refuse("contraction without spec");
  for (const AtenRow& row : def.aten) {
    for (const AtenBinding& binding : row.bindings) {
      const bool known = binding.core.empty() || def.attr_index(binding.core).has_value() ||
                         def.operand_index(binding.core).has_value();
      if (!known) refuse(fmt::format("{} binds to unknown '{}'", row.target, binding.core));
    }
  }
}

}  // namespace

Diagnostics OpSet::check() const {
  Diagnostics problems;
  std::set<std::string_view> aten_targets;
  for (const OpDef& def : defs_) {
    check_row(def, problems);
    for (const AtenRow& row : def.aten) {
      if (aten_targets.insert(row.target).second) continue;
      problems.add(
          Diag::error(DiagCode::kInternal, fmt::format("aten.{} has two rows", row.target)));
    }
  }
  return problems;
}

}  // namespace ferryman
