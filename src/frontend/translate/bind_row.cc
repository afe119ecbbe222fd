#include "frontend/translate/bind_row.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/promote.h"

namespace ferryman::frontend {

RowTable::RowTable(const OpSet& ops) {
  for (const OpDef& def : ops.all()) {
    for (const AtenRow& row : def.aten) rows_.emplace(row.target, RowBinding{&def, &row});
  }
}

const RowBinding* RowTable::find(std::string_view target) const {
  const auto found = rows_.find(target);
  return found == rows_.end() ? nullptr : &found->second;
}

namespace {

class RowImport {
 public:
  RowImport(ImportContext& call, const OpDef& def, const AtenRow& row)
      : call_(call), def_(def), row_(row) {}

  Result<std::vector<ValueId>> run() {
    for (const AtenBinding& binding : row_.bindings) {
      if (binding.core.empty()) call_.ignore(binding.aten);
    }
    FERRYMAN_TRY(const std::optional<DType> common, find_common_dtype());
    std::vector<ValueId> operands;
    for (size_t i = 0; i < def_.operands.size(); ++i) {
      FERRYMAN_TRY(const std::vector<ValueId> bound, bind_operand(i, common));
      operands.insert(operands.end(), bound.begin(), bound.end());
    }
    if (operands.empty() || !operands.front().valid())
      return call_.unsupported("its first operand is missing");
    rank_ = call_.writer().rank(operands.front());
    std::vector<NamedAttr> attrs;
    for (const AttrSpec& spec : def_.attrs) {
      FERRYMAN_TRY(std::optional<Attr> attr, bind_attr(spec));
      if (attr.has_value()) attrs.emplace_back(spec.name, *std::move(attr));
    }
    return call_.writer().all_results(OpName{def_.name}, operands, attrs);
  }

 private:
  // The ATen parameter that feeds `core`, if the program spells it.
  std::string_view source_of(std::string_view core) {
    for (const AtenBinding& binding : row_.bindings) {
      if (binding.core == core) return binding.aten;
    }
    return core;
  }

  const ImportArg* find_operand(size_t index) {
    const std::string_view source = source_of(def_.operands[index].name);
    const ImportArg* arg = call_.find(source);
    if (arg != nullptr || index != 0) return arg;
    arg = call_.find("self");
    return arg != nullptr ? arg : call_.find("input");
  }

  Result<std::optional<DType>> find_common_dtype() {
    std::optional<DType> common;
    if (def_.promotion == Promotion::kNone) return common;
    std::vector<PromotionArg> args;
    for (size_t i = 0; i < def_.operands.size(); ++i) {
      const ImportArg* arg = find_operand(i);
      if (arg == nullptr) continue;
      for (const ImportArg& item : items_of(*arg)) {
        const std::optional<PromotionArg> known = promotion_arg(call_.graph(), item);
        if (known.has_value()) args.push_back(*known);
      }
    }
    common = result_type(args);
    if (!common.has_value()) return call_.unsupported("its operands have no common dtype");
    const bool to_float =
        def_.promotion == Promotion::kCommonFloat && !is_floating(*common) && !is_complex(*common);
    if (to_float) common = DType::kF32;
    return common;
  }

  static std::span<const ImportArg> items_of(const ImportArg& arg) {
    if (const auto* list = std::get_if<ImportArgs>(&arg.value)) return *list;
    return {&arg, 1};
  }

  Result<std::vector<ValueId>> bind_operand(size_t index, std::optional<DType> common) {
    const OperandSpec& spec = def_.operands[index];
    const ImportArg* arg = find_operand(index);
    std::vector<ValueId> bound;
    if (arg == nullptr || arg->is_none()) {
      if (spec.arity == Arity::kOptional) return std::vector{ValueId()};
      return call_.unsupported(fmt::format("argument '{}' is missing", spec.name));
    }
    if (!def_.is_variadic() || index + 1 < def_.operands.size()) {
      FERRYMAN_TRY(const ValueId value, bind_item(*arg, spec.name, common));
      return std::vector{value};
    }
    for (const ImportArg& item : items_of(*arg)) {
      FERRYMAN_TRY(const ValueId value, bind_item(item, spec.name, common));
      bound.push_back(value);
    }
    return bound;
  }

  // A number takes the common dtype, or that of the first operand.
  Result<ValueId> bind_item(const ImportArg& arg, std::string_view name,
                            std::optional<DType> common) {
    if (const auto* value = std::get_if<ValueId>(&arg.value)) {
      if (first_dtype_ == std::nullopt) first_dtype_ = call_.writer().dtype(*value);
      return common.has_value() ? call_.writer().cast(*value, *common) : *value;
    }
    const std::optional<DType> dtype = common.has_value() ? common : first_dtype_;
    if (!dtype.has_value() || std::holds_alternative<std::string>(arg.value) ||
        std::holds_alternative<DType>(arg.value) || std::holds_alternative<ImportArgs>(arg.value)) {
      return call_.unsupported(fmt::format("argument '{}' is not a tensor", name));
    }
    return call_.number_constant(arg, *dtype);
  }

  Result<Ints> axes(std::string_view source) {
    FERRYMAN_TRY(Ints values, call_.integers(source));
    for (int64_t& axis : values) {
      FERRYMAN_TRY(axis, ferryman::normalise_axis(axis, rank_));
    }
    return values;
  }

  Result<Ints> ascending_axes(std::string_view source) {
    FERRYMAN_TRY(Ints values, axes(source));
    std::sort(values.begin(), values.end());
    if (std::adjacent_find(values.begin(), values.end()) != values.end())
      return call_.unsupported("an axis occurs twice");
    return values;
  }

  // One number for each axis of operand 0.
  Result<Ints> per_axis(std::string_view source) {
    FERRYMAN_TRY(Ints values, call_.integers(source));
    if (values.size() == rank_) return values;
    return call_.unsupported(
        fmt::format("'{}' has {} numbers for {} axes", source, values.size(), rank_));
  }

  Result<std::optional<Attr>> bind_attr(const AttrSpec& spec) {
    const std::string_view source = source_of(spec.name);
    if (!call_.given(source)) return absent_attr(spec, source);
    FERRYMAN_TRY(Attr attr, convert_attr(spec.kind, source));
    return std::optional<Attr>(std::move(attr));
  }

  Result<std::optional<Attr>> absent_attr(const AttrSpec& spec, std::string_view source) {
    if (spec.default_value.has_value()) return std::optional<Attr>();
    return call_.unsupported(fmt::format("argument '{}' is missing", source));
  }

  template <typename To, typename From>
  static Result<Attr> wrap(Result<From> value) {
    if (!value.ok()) return std::move(value).diag();
    return Attr(To{std::move(value).value()});
  }

  Result<Attr> convert_attr(AttrKind kind, std::string_view source) {
    switch (kind) {
      case AttrKind::kBool:
        return wrap<bool>(call_.flag(source, false));
      case AttrKind::kInt:
        return wrap<int64_t>(call_.integer(source));
      case AttrKind::kFloat:
        return wrap<double>(call_.number(source));
      case AttrKind::kString:
        return wrap<std::string>(call_.text(source, ""));
      case AttrKind::kDType:
        return wrap<DType>(call_.dtype(source, DType::kF32));
      case AttrKind::kInts:
        return wrap<Ints>(call_.integers(source));
      case AttrKind::kFloats:
        return wrap<Floats>(call_.numbers(source));
      case AttrKind::kAxis:
        return wrap<Axis>(call_.axis(source, rank_));
      case AttrKind::kAxes:
        return wrap<Axes>(ascending_axes(source));
      case AttrKind::kPerAxis:
        return wrap<PerAxis>(per_axis(source));
      case AttrKind::kAxisSizes:
        return wrap<AxisSizes>(call_.sizes(source));
      case AttrKind::kPerm:
        return wrap<Perm>(axes(source));
      case AttrKind::kSize:
        return wrap<SizeAttr>(call_.size(source));
      case AttrKind::kShape:
        return wrap<ShapeAttr>(call_.sizes(source));
      case AttrKind::kTypes:
        return call_.unsupported("it does not tell the types of its results");
      case AttrKind::kBody:
        return call_.unsupported("it runs a body");
    }
    internal_error("unknown attribute kind");
  }

  ImportContext& call_;
  const OpDef& def_;
  const AtenRow& row_;
  std::optional<DType> first_dtype_;
  size_t rank_ = 0;
};

}  // namespace

Result<std::vector<ValueId>> import_by_row(ImportContext& call, const OpDef& def,
                                           const AtenRow& row) {
  return RowImport(call, def, row).run();
}

}  // namespace ferryman::frontend
