#include "frontend/counted/counted_nodes.h"

#include <algorithm>
#include <array>

#include "frontend/counted/counted_call.h"
#include "frontend/counted/counted_table.h"
#include "frontend/counted/row_flow.h"
#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

// Arguments that say how many entries a result has, and nothing else.
struct SizeArgument {
  std::string_view key;
  std::string_view name;
};
constexpr std::array kSizeArguments = {
    SizeArgument{"full.default", "size"},
    SizeArgument{"zeros.default", "size"},
    SizeArgument{"ones.default", "size"},
    SizeArgument{"empty.memory_format", "size"},
    SizeArgument{"new_zeros.default", "size"},
    SizeArgument{"new_ones.default", "size"},
    SizeArgument{"new_full.default", "size"},
    SizeArgument{"new_empty.default", "size"},
    SizeArgument{"expand.default", "size"},
    SizeArgument{"view.default", "size"},
    SizeArgument{"_unsafe_view.default", "size"},
    SizeArgument{"reshape.default", "shape"},
    SizeArgument{"arange.default", "end"},
    SizeArgument{"topk.default", "k"},
    SizeArgument{"split_with_sizes.default", "split_sizes"},
};

// Replaces one operand of a call by another value.
class WithOperand final : public ImportContext {
 public:
  WithOperand(ImportContext& call, std::string_view name, ValueId value)
      : call_(call), name_(name), arg_{value} {}

  CoreWriter writer() override { return call_.writer(); }
  std::string_view target() const override { return call_.target(); }
  const TensorType& result_type(size_t index) const override { return call_.result_type(index); }
  size_t num_results() const override { return call_.num_results(); }
  bool is_result_read(size_t index) const override { return call_.is_result_read(index); }
  bool is_trained_on() const override { return call_.is_trained_on(); }
  std::vector<std::string_view> argument_names() const override { return call_.argument_names(); }
  const ImportArg* find(std::string_view name) override {
    const ImportArg* given = call_.find(name);
    return name == name_ ? &arg_ : given;
  }

 private:
  ImportContext& call_;
  std::string_view name_;
  ImportArg arg_;
};

Imported real_results(const NodeImport& import, ImportContext& call) {
  if (call.writer().has_failed()) return std::vector<ValueId>(call.num_results());
  FERRYMAN_TRY(const std::vector<RealOrComplex> results, import.run(call));
  std::vector<ValueId> values;
  for (const RealOrComplex& result : results) {
    const auto* value = std::get_if<ValueId>(&result);
    if (value == nullptr) return call.unsupported("complex numbers counted at run time");
    values.push_back(*value);
  }
  return values;
}

}  // namespace

bool CountedNodes::is_of_run_time(const Value& value) const {
  const auto is_open = [&](const SymSize& size) { return !sizes_.dim_of(size).has_value(); };
  if (value.number.has_value())
    return value.number_kind == NumberKind::kInt && is_open(*value.number);
  return value.tensor.has_value() && std::ranges::any_of(value.tensor->sizes, is_open);
}

bool CountedNodes::mentions_run_time(const Argument& arg) const {
  if (const auto* ref = arg.as<ValueRef>()) return is_of_run_time(program_.values[ref->value]);
  const auto* list = arg.as<ArgumentList>();
  return list != nullptr &&
         std::ranges::any_of(*list, [&](const Argument& item) { return mentions_run_time(item); });
}

std::optional<Dim> CountedNodes::fixed_size(const Value& value) const {
  const bool is_whole = value.number.has_value() && value.number_kind == NumberKind::kInt;
  return is_whole && !value.number->is_static() ? sizes_.dim_of(*value.number) : std::nullopt;
}

// x[mask], also where the size of the result was frozen with the example's values.
bool CountedNodes::is_chosen_by_mask(const Node& node) const {
  if (node.target != "aten.index.Tensor") return false;
  const auto is_mask = [&](const Argument& index) {
    const auto* ref = index.as<ValueRef>();
    const auto* tensor = ref == nullptr ? nullptr : &program_.values[ref->value].tensor;
    return tensor != nullptr && tensor->has_value() &&
           ((*tensor)->dtype == DType::kBool || (*tensor)->dtype == DType::kU8);
  };
  return std::any_of(node.args.begin(), node.args.end(), [&](const NamedArgument& named) {
    const auto* list = named.arg.as<ArgumentList>();
    return list != nullptr && std::any_of(list->begin(), list->end(), is_mask);
  });
}

bool CountedNodes::touches(const Node& node) const {
  return is_chosen_by_mask(node) ||
         std::any_of(node.results.begin(), node.results.end(),
                     [&](ValueIndex result) {
                       return result != kNoValue && is_of_run_time(program_.values[result]);
                     }) ||
         std::any_of(node.args.begin(), node.args.end(),
                     [&](const NamedArgument& named) { return mentions_run_time(named.arg); });
}

bool CountedNodes::is_size(const Node& node) const {
  const bool is_asked_for = node.target.starts_with("aten.sym_");
  if (node.target.starts_with("aten.") && !is_asked_for) return false;
  return std::all_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
    if (result == kNoValue) return true;
    const Value& value = program_.values[result];
    if (!value.number.has_value() || value.number_kind != NumberKind::kInt) return false;
    return is_asked_for || fixed_size(value).has_value() || sizes_.is_known(value.number->expr);
  });
}

bool CountedNodes::is_whole(const TensorMeta& meta) const {
  return std::ranges::all_of(meta.sizes,
                             [&](const SymSize& size) { return sizes_.dim_of(size).has_value(); });
}

Result<TensorType> CountedNodes::type_of(const TensorMeta& meta) const {
  TensorType type{meta.dtype, {}};
  for (const SymSize& size : meta.sizes) {
    if (const std::optional<Dim> dim = sizes_.dim_of(size); dim.has_value()) {
      type.dims.push_back(*dim);
      continue;
    }
    FERRYMAN_TRY(const Dim bound, sizes_.bound(size.expr));
    type.dims.push_back(bound);
  }
  return type;
}

Result<ImportArg> CountedNodes::number_for(std::string_view key, std::string_view name,
                                           const Value& value) {
  const bool is_size_argument =
      std::any_of(kSizeArguments.begin(), kSizeArguments.end(),
                  [&](const SizeArgument& row) { return row.key == key && row.name == name; });
  if (is_size_argument && is_of_run_time(value)) {
    FERRYMAN_TRY(const Dim bound, sizes_.bound(value.number->expr));
    return bound.is_static() ? ImportArg{bound.size()} : ImportArg{bound};
  }
  FERRYMAN_TRY(const ValueId number, number_of(value));
  return ImportArg{RunTimeNumber{number}};
}

Result<ValueId> CountedNodes::number_of(const Value& value) {
  if (value.number->is_static())
    return builder_.constant(TensorData::of<int64_t>({}, std::vector{value.number->value}),
                             value.name);
  if (const std::optional<Dim> fixed = fixed_size(value); fixed.has_value())
    return CoreWriter(builder_).size_value(*fixed, DType::kI64);
  if (!is_of_run_time(value) || !sizes_.is_known(value.number->expr)) {
    return Diag::error(DiagCode::kUnsupportedForm,
                       "'" + value.name + "' is a number that is only known at run time")
        .because("dynamic shapes and values are not supported yet");
  }
  FERRYMAN_TRY(const ValueId count, sizes_.number(value.number->expr));
  return builder_.create(ops::kCast, {count}, {{attr::kDType, DType::kI64}});
}

Imported CountedNodes::run(ImportContext& call, const NodeImport& import, const Node& node,
                           std::span<const ValueId> values) {
  FERRYMAN_TRY(const CountedAxes operands, operands_of(node, values));
  std::vector<const TensorMeta*> results;
  for (const ValueIndex result : node.results) {
    const bool has_tensor = result != kNoValue && program_.values[result].tensor.has_value();
    results.push_back(has_tensor ? &*program_.values[result].tensor : nullptr);
  }
  CountedCall counted(call, sizes_, operands, std::move(results));
  if (import.counted == nullptr) return run_by_entries(call, import, counted, operands);
  if (import.counted->import != nullptr) return import.counted->import(counted);
  if (import.counted->lines.has_value()) return run_by_lines(call, import, counted, operands);
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  WithOperand on_filled(call, "self", counted.filled(x, import.counted->beyond));
  return real_results(import, on_filled);
}

Imported CountedNodes::run_by_lines(ImportContext& call, const NodeImport& import,
                                    CountedCall& counted, const CountedAxes& operands) {
  const LineRule& rule = *import.counted->lines;
  if (!works_by_lines(counted, rule)) return run_by_entries(call, import, counted, operands);
  const ImportArg* positions = rule.positions.empty() ? nullptr : call.find(rule.positions);
  const auto* index = positions == nullptr ? nullptr : std::get_if<ValueId>(&positions->value);
  if (index == nullptr) return real_results(import, call);
  WithOperand on_harmless(call, rule.positions, counted.filled(*index, Extreme::kZero));
  return real_results(import, on_harmless);
}

Imported CountedNodes::run_by_entries(ImportContext& call, const NodeImport& import,
                                      CountedCall& counted, const CountedAxes& operands) {
  const OpId last = graph_.last_op();
  FERRYMAN_TRY(const std::vector<ValueId> results, real_results(import, call));
  const OpId first = last.valid() ? graph_.op(last).next : graph_.first_op();
  FERRYMAN_TRY(const RowAxes axes, follow_rows(graph_, first, operands));
  for (size_t i = 0; i < results.size() && i < counted.num_results(); ++i) {
    FERRYMAN_TRY_STATUS(counted.require_axis(i, axes, results[i]));
  }
  return results;
}

Result<CountedAxes> CountedNodes::operands_of(const Node& node, std::span<const ValueId> values) {
  CountedAxes found;
  for (const NamedArgument& named : node.args) {
    FERRYMAN_TRY_STATUS(add_operands(named.arg, values, found));
  }
  return found;
}

Status CountedNodes::add_operands(const Argument& arg, std::span<const ValueId> values,
                                  CountedAxes& found) {
  if (const auto* list = arg.as<ArgumentList>()) {
    for (const Argument& item : *list) FERRYMAN_TRY_STATUS(add_operands(item, values, found));
    return {};
  }
  const auto* ref = arg.as<ValueRef>();
  if (ref == nullptr || !program_.values[ref->value].tensor.has_value()) return {};
  const TensorMeta& meta = *program_.values[ref->value].tensor;
  FERRYMAN_TRY(const std::optional<size_t> axis, find_counted_axis(meta, sizes_));
  if (!axis.has_value() || !values[ref->value].valid()) return {};
  FERRYMAN_TRY(const ValueId count, sizes_.count(meta.sizes[*axis].expr));
  found[values[ref->value]] = {static_cast<int64_t>(*axis), count};
  return {};
}

Result<ValueId> CountedNodes::to_output(ValueId value, const TensorMeta& meta) {
  FERRYMAN_TRY(const std::optional<size_t> axis, find_counted_axis(meta, sizes_));
  if (!axis.has_value()) return value;
  FERRYMAN_TRY(const ValueId count, sizes_.count(meta.sizes[*axis].expr));
  return builder_.create(ops::kCut, {value, count},
                         {{attr::kAxis, Axis{static_cast<int64_t>(*axis)}}});
}

}  // namespace ferryman::frontend
