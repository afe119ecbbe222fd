#include "ops/foreign/foreign.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/op_axes.h"
#include "support/json_text.h"

namespace ferryman {

namespace {

constexpr std::string_view kNamespace = "ferryman.";

// ---- the row ----

// Whether a tensor of `dims` reads one element of it for each of a result.
bool broadcasts_to(const Dims& dims, const Dims& result) {
  if (dims.size() > result.size()) return false;
  const size_t missing = result.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i)
    if (!(dims[i] == Dim(1)) && !(dims[i] == result[missing + i])) return false;
  return true;
}

InferResult infer_foreign(const InferArgs& args) {
  const std::vector<TensorType>& results = args.attrs[attr::kResults].values;
  if (results.empty()) return shape_error("code without a result");
  if (!args.attrs[attr::kElementwise]) return results;
  const Dims& dims = results.front().dims;
  const bool all_there = std::all_of(args.operands.begin(), args.operands.end(),
                                     [](const TensorType* type) { return type != nullptr; });
  if (!all_there) return shape_error("an absent operand, element by element");
  for (const TensorType& result : results) {
    if (result.dims == dims) continue;
    return shape_error(fmt::format("results of {} and {}, element by element",
                                   print_dims(dims, args.symbols),
                                   print_dims(result.dims, args.symbols)));
  }
  for (size_t i = 0; i < args.operands.size(); ++i) {
    if (broadcasts_to(args.operand(i).dims, dims)) continue;
    return shape_error(fmt::format("operand {} of {} for a result of {}, element by element", i,
                                   print_dims(args.operand(i).dims, args.symbols),
                                   print_dims(dims, args.symbols)));
  }
  return results;
}

OpAxes axes_of_foreign(const Graph& graph, const Op& op) {
  AxesOfOp axes(graph, op);
  return op.attr(attr::kElementwise) ? axes.elementwise() : axes.opaque();
}

// ---- import ----

// Whether a tensor is, or is in, the argument.
bool has_tensor(const ImportArg& arg) {
  const auto* items = std::get_if<ImportArgs>(&arg.value);
  if (items == nullptr) return std::holds_alternative<ValueId>(arg.value);
  return std::any_of(items->begin(), items->end(), has_tensor);
}

void add_operands(const ImportArg& arg, std::vector<ValueId>& operands) {
  if (const auto* items = std::get_if<ImportArgs>(&arg.value)) {
    for (const ImportArg& item : *items) add_operands(item, operands);
    return;
  }
  const auto* value = std::get_if<ValueId>(&arg.value);
  operands.push_back(value == nullptr ? ValueId() : *value);
}

// Free sizes are texts.
struct ToJson {
  using Text = Result<std::string>;

  const SymbolTable& symbols;

  Text operator()(std::monostate) const { return std::string("null"); }
  Text operator()(bool flag) const { return std::string(flag ? "true" : "false"); }
  Text operator()(int64_t number) const { return std::to_string(number); }
  Text operator()(double number) const {
    if (!std::isfinite(number)) return refuse("a number that is not finite");
    const std::string text = fmt::format("{}", number);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  Text operator()(const std::string& text) const { return json_quote(text); }
  Text operator()(DType dtype) const { return json_quote(torch_name(dtype)); }
  Text operator()(const std::complex<double>&) const { return refuse("a complex number"); }
  Text operator()(const Dim& size) const { return json_quote(symbols.print(size)); }
  Text operator()(ValueId) const { return refuse("a tensor among numbers"); }
  Text operator()(const ComplexValue&) const { return refuse("a complex tensor"); }
  Text operator()(const RunTimeNumber&) const { return refuse("a number of run time"); }
  Text operator()(const ImportArgs& items) const {
    std::string text = "[";
    for (const ImportArg& item : items) {
      FERRYMAN_TRY(const std::string one, std::visit(*this, item.value));
      text += (text.size() > 1 ? ", " : "") + one;
    }
    return text + "]";
  }

  static Diag refuse(std::string_view what) {
    return Diag::error(DiagCode::kUnsupportedForm, std::string(what));
  }
};

std::string op_name(std::string_view target) {
  target.remove_prefix(kNamespace.size());
  return std::string(target.substr(0, target.find('.')));
}

}  // namespace

bool is_foreign(std::string_view key) {
  return key.starts_with(kNamespace);
}

std::string foreign_name(std::string_view code) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view name;
  const bool is_named =
      parser.parse(simdjson::padded_string(code)).get(root) == simdjson::SUCCESS &&
      root["op"].get(name) == simdjson::SUCCESS;
  return std::string(is_named ? name : code);
}

std::string title_of(const Op& op) {
  return op.is(ops::kForeign) ? foreign_name(op.attr(attr::kCode)) : std::string(op.def->name);
}

Imported import_foreign(ImportContext& call) {
  const std::vector<std::string_view> names = call.argument_names();
  size_t num_tensors = 0;  // arguments up to the last of tensors
  for (size_t i = 0; i < names.size(); ++i)
    if (has_tensor(*call.find(names[i]))) num_tensors = i + 1;
  std::vector<ValueId> operands;
  std::string arguments;
  for (size_t i = 0; i < names.size(); ++i) {
    const ImportArg& arg = *call.find(names[i]);
    if (has_tensor(arg) || (i < num_tensors && arg.is_none())) {
      add_operands(arg, operands);
      continue;
    }
    if (names[i] == attr::kElementwise.name) continue;
    Result<std::string> text = std::visit(ToJson{call.writer().symbols()}, arg.value);
    if (!text.ok())
      return call.unsupported(fmt::format("argument '{}' is {}", names[i], text.diag().what));
    arguments +=
        fmt::format("{}{}: {}", arguments.empty() ? "" : ", ", json_quote(names[i]), *text);
  }
  FERRYMAN_TRY(const bool elementwise, call.flag(attr::kElementwise.name, false));
  TypesAttr results;
  for (size_t i = 0; i < call.num_results(); ++i) results.values.push_back(call.result_type(i));
  const std::string code = fmt::format("{{\"op\": {}, \"arguments\": {{{}}}}}",
                                       json_quote(op_name(call.target())), arguments);
  const std::vector<NamedAttr> attrs = {
      {attr::kCode, code}, {attr::kElementwise, elementwise}, {attr::kResults, std::move(results)}};
  return call.writer().all_results(ops::kForeign, operands, attrs);
}

void add_foreign_ops(Ops& ops) {
  ops.set.define(ops::kForeign)
      .doc("What one target's own code computes")
      .any_optional_operands("inputs")
      .attr(attr::kCode)
      .attr(attr::kElementwise, false)
      .attr(attr::kResults)
      .any_results(infer_foreign)
      .axes(AxisRule::kOpaque, axes_of_foreign);
}

}  // namespace ferryman
