#include "frontend/translate/graph_translator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "frontend/functionalise/write_ops.h"
#include "frontend/program/import_key.h"
#include "frontend/translate/convert_argument.h"
#include "frontend/translate/translate_bodies.h"
#include "frontend/translate/unknown_op.h"
#include "ops/infer.h"

namespace ferryman::frontend {

bool is_static(const TensorMeta& meta) {
  return std::all_of(meta.sizes.begin(), meta.sizes.end(),
                     [](const SymSize& size) { return size.is_static(); });
}

TensorType to_type(const TensorMeta& meta) {
  TensorType type{meta.dtype, {}};
  for (const SymSize& size : meta.sizes) type.dims.push_back(Dim(size.value));
  return type;
}

DType number_dtype(NumberKind kind) {
  switch (kind) {
    case NumberKind::kInt:
      return DType::kI64;
    case NumberKind::kFloat:
      return DType::kF64;
    case NumberKind::kBool:
      return DType::kBool;
  }
  internal_error("unknown kind of number");
}

void Translation::fail(Diag diag) {
  has_errors = true;
  if (first_error.empty()) first_error.push_back(diag);
  diagnostics.add(std::move(diag));
}

namespace {

// Adds what the import function did not say: the op, and where it stands.
Diag complete(Diag diag, const Node& node) {
  if (diag.subject.empty() || diag.subject.find('.') == std::string::npos)
    diag.subject = node.target;
  if (diag.what.find(import_key(node.target)) == std::string::npos)
    diag.what = fmt::format("{}: {}", node.target, diag.what);
  if (diag.places.empty()) diag.places.push_back(node.location);
  if (diag.hint_text.empty()) diag.hint_text = idiom_in_place_of(node);
  return diag;
}

bool is_made(const RealOrComplex& result) {
  const auto* complex = std::get_if<ComplexValue>(&result);
  if (complex != nullptr) return complex->real.valid() && complex->imag.valid();
  return std::get<ValueId>(result).valid();
}

}  // namespace

void GraphTranslator::translate_nodes(const std::vector<Node>& nodes) {
  for (const Node& node : nodes) translate_node(node);
}

void GraphTranslator::set_complex(ValueIndex index, Result<ComplexValue> value) {
  if (!value.ok()) return shared_.fail(std::move(value).diag());
  complex_.set(index, *value, program_.values[index].name);
}

bool GraphTranslator::is_live(const Node& node) const {
  return std::any_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
    return result != kNoValue && shared_.live.values[result];
  });
}

// torch tells no modules for nodes inside of bodies.
SourceLocation GraphTranslator::location_of(const Node& node) const {
  if (path_.empty()) return node.location;
  SourceLocation location = node.location;
  location.node = inside(path_, location.node);
  if (location.module_path.empty()) {
    location.module_path = around_.module_path;
    location.module_type = around_.module_type;
  }
  if (location.file.empty()) {
    location.file = around_.file;
    location.line = around_.line;
  }
  return location;
}

// Of a node inside of a body torch tells less than the error is to say.
void GraphTranslator::fail(const Node& node, Diag diag) {
  for (SourceLocation& place : diag.places) {
    if (place == node.location) place = location_of(node);
  }
  shared_.fail(std::move(diag));
}

void GraphTranslator::translate_node(const Node& node) {
  if (writes_in_place(node.target)) {
    fail(node, unknown_write(node, program_.origin));
    return stand_in_for(node);
  }
  if (!is_live(node) || is_known_number(node)) return;
  const bool follows = refused_.reach(node);
  if (follows) refused_.add_results_of(node);
  if (counted_.is_size(node) || (follows && find_import(node).is_known())) return;
  builder_.set_location(graph_.intern(location_of(node)));
  if (is_control_flow(node.target)) return translate_control(node);
  ComplexImported results = import_or_refuse(node);
  if (!results.ok()) {
    fail(node, complete(std::move(results).diag(), node));
    return stand_in_for(node);
  }
  record_results(node, *results);
}

// A size with static shapes: its readers see the number.
bool GraphTranslator::is_known_number(const Node& node) const {
  return std::all_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
    if (result == kNoValue || !shared_.live.values[result]) return true;
    const Value& value = program_.values[result];
    return value.number.has_value() && value.number->is_static();
  });
}

NodeImport GraphTranslator::find_import(const Node& node) const {
  const bool is_complex = touches_complex(program_, node);
  return shared_.imports.find(import_key(node.target),
                              is_complex ? Numbers::kComplex : Numbers::kReal);
}

// Names of the free sizes of what the node reads, each once.
void GraphTranslator::add_free_sizes(const Argument& arg, std::vector<std::string>& names) const {
  if (const auto* list = arg.as<ArgumentList>()) {
    for (const Argument& item : *list) add_free_sizes(item, names);
    return;
  }
  const auto* ref = arg.as<ValueRef>();
  const ValueId value = ref == nullptr ? ValueId() : shared_.values[ref->value];
  if (!value.valid()) return;
  const SymbolTable& symbols = graph_.symbols();
  for (const Dim dim : graph_.type(value).dims) {
    for (const size_t symbol : symbols.symbols_of(dim)) {
      std::string name = fmt::format("'{}'", symbols.symbols()[symbol].name);
      if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
    }
  }
}

// An import function may need a size as a number that is free.
ComplexImported GraphTranslator::import_or_refuse(const Node& node) {
  try {
    return import_node(node);
  } catch (const SizeError& error) {
    return needs_number(node, error);
  }
}

Diag GraphTranslator::needs_number(const Node& node, const SizeError& error) const {
  return Diag::error(DiagCode::kUnsupportedForm, fmt::format("{}: {}", node.target, error.what()))
      .at(node.location)
      .about(node.target)
      .because(why_refused(node))
      .hint("give this axis a fixed size: leave it out of dynamic_shapes");
}

std::string GraphTranslator::why_refused(const Node& node) const {
  std::vector<std::string> names;
  for (const NamedArgument& named : node.args) add_free_sizes(named.arg, names);
  if (names.empty()) return "";
  return fmt::format("what it reads has the free {} {}", names.size() == 1 ? "size" : "sizes",
                     fmt::join(names, ", "));
}

ComplexImported GraphTranslator::import_node(const Node& node) {
  const std::string_view key = import_key(node.target);
  const NodeImport import = find_import(node);
  if (!import.is_known()) {
    const bool is_real = shared_.imports.find(key, Numbers::kReal).is_known();
    return is_real ? no_complex_form(node) : unknown_op(node, program_.origin);
  }
  FERRYMAN_TRY(NodeCall call, make_call(node, key));
  ComplexImported imported = run_import(node, import, call);
  if (!call.error().ok()) return call.error().diag();  // others may follow from it
  FERRYMAN_TRY(std::vector<RealOrComplex> results, std::move(imported));
  const std::vector<std::string_view> unread = call.unread_args();
  if (!unread.empty())
    return call.unsupported(fmt::format("the option '{}' is not honoured", unread.front()));
  return results;
}

ComplexImported GraphTranslator::run_import(const Node& node, const NodeImport& import,
                                            NodeCall& call) {
  const bool needs_counts = import.counted != nullptr && !import.has_fixed_sizes();
  if (!needs_counts && !counted_.touches(node)) return import.run(call);
  FERRYMAN_TRY(const std::vector<ValueId> results,
               counted_.run(call, import, node, shared_.values));
  return std::vector<RealOrComplex>(results.begin(), results.end());
}

Result<NodeCall> GraphTranslator::make_call(const Node& node, std::string_view key) {
  std::vector<NodeCall::Arg> args;
  args.reserve(node.args.size());
  for (const NamedArgument& named : node.args) {
    FERRYMAN_TRY(ImportArg value, convert(named.arg, key, named.name));
    args.push_back({named.name, std::move(value)});
  }
  std::vector<NodeCall::ResultSlot> results;
  results.reserve(node.results.size());
  for (const ValueIndex result : node.results) {
    NodeCall::ResultSlot& slot = results.emplace_back();
    if (result == kNoValue) continue;
    const Value& value = program_.values[result];
    slot.is_read = shared_.live.values[result];
    if (!value.tensor.has_value()) continue;
    // The size that a node counts has no bound yet.
    Result<TensorType> bounded = counted_.type_of(*value.tensor);
    slot.type = bounded.ok() ? std::move(bounded).value() : to_type(*value.tensor);
  }
  return NodeCall(builder_, key, std::move(args), std::move(results), shared_.is_trained_on);
}

Result<ImportArg> GraphTranslator::convert(const Argument& arg, std::string_view key,
                                           std::string_view name) {
  return convert_argument(arg, name,
                          [&](ValueIndex index) { return convert_value(index, key, name); });
}

Result<ImportArg> GraphTranslator::convert_value(ValueIndex index, std::string_view key,
                                                 std::string_view name) {
  const bool is_number = program_.values[index].number.has_value();
  if (shared_.values[index].valid() && is_number)
    return ImportArg{RunTimeNumber{shared_.values[index]}};
  if (shared_.values[index].valid()) return ImportArg{shared_.values[index]};
  if (const ComplexValue* complex = complex_.find(index)) return ImportArg{*complex};
  const Value& value = program_.values[index];
  if (is_number && value.number_kind == NumberKind::kInt && value.number->is_static())
    return ImportArg{value.number->value};
  if (const std::optional<Dim> size = counted_.fixed_size(value); size.has_value())
    return size->is_static() ? ImportArg{size->size()} : ImportArg{*size};
  if (!value.number.has_value()) return bad_argument(name, "is not a tensor");
  return counted_.number_for(key, name, value);
}

// So that the nodes after a failed one are still looked at.
void GraphTranslator::stand_in_for(const Node& node) {
  for (const ValueIndex result : node.results) {
    if (result == kNoValue) continue;
    const Value& value = program_.values[result];
    if (value.number.has_value() && !value.number->is_static()) {
      set(result, graph_.add_input("unsupported", {number_dtype(value.number_kind), {}}));
    } else if (!value.tensor || !is_static(*value.tensor)) {
      refused_.add(result);
    } else if (const TensorType type = to_type(*value.tensor); is_complex(type.dtype)) {
      set_complex(result, complex_.of_pair(graph_.add_input("unsupported", pair_type(type))));
    } else {
      set(result, graph_.add_input("unsupported", type));
    }
  }
}

void GraphTranslator::record_results(const Node& node, const std::vector<RealOrComplex>& results) {
  bool ok = results.size() >= node.results.size();
  for (size_t i = 0; ok && i < node.results.size(); ++i) {
    const ValueIndex index = node.results[i];
    if (index == kNoValue || !shared_.live.values[index]) continue;
    if (!is_made(results[i])) {
      fail(node, Diag::error(DiagCode::kUnsupportedForm,
                             fmt::format("{}: result {} is not supported", node.target, i))
                     .at(node.location)
                     .about(node.target));
      return stand_in_for(node);
    }
    ok = record_result(node, index, results[i]);
  }
  if (!ok) stand_in_for(node);
  if (results.size() >= node.results.size()) return;
  fail(node, Diag::error(DiagCode::kMalformedProgram,
                         fmt::format("{} gives {} results, but the program has {}", node.target,
                                     results.size(), node.results.size()))
                 .at(node.location));
}

bool GraphTranslator::record_result(const Node& node, ValueIndex index,
                                    const RealOrComplex& result) {
  const Value& value = program_.values[index];
  if (value.number.has_value()) return record_number(node, index, result);
  if (!value.tensor.has_value()) return false;
  const Result<TensorType> bounded = counted_.type_of(*value.tensor);
  if (!bounded.ok()) return refuse_size(node, bounded.diag());
  const TensorType& recorded = *bounded;
  if (const auto* complex = std::get_if<ComplexValue>(&result)) {
    if (!is_complex(recorded.dtype)) return refuse_type(node, "complex numbers", recorded);
    const TensorType part = part_type(recorded);
    if (!check_type(node, part, complex->real) || !check_type(node, part, complex->imag))
      return false;
    complex_.set(index, *complex, value.name);
    return true;
  }
  const ValueId real = std::get<ValueId>(result);
  if (!check_type(node, recorded, real)) return false;
  set(index, real);
  const ferryman::Value& made = graph_.value(real);
  // What has more entries than the program's value is not that value.
  const bool is_whole = counted_.is_whole(*value.tensor);
  if (is_whole && made.kind == ValueKind::kResult && made.name.empty())
    builder_.set_name(real, value.name);
  return true;
}

// What Python computes is a value of the graph, but no tensor of the program: it has no name.
bool GraphTranslator::record_number(const Node& node, ValueIndex index,
                                    const RealOrComplex& result) {
  const auto* number = std::get_if<ValueId>(&result);
  if (number == nullptr) return false;
  const TensorType wanted{number_dtype(program_.values[index].number_kind), {}};
  if (!check_type(node, wanted, *number)) return false;
  set(index, *number);
  return true;
}

bool GraphTranslator::refuse_size(const Node& node, Diag diag) {
  fail(node, complete(std::move(diag), node));
  return false;
}

bool GraphTranslator::check_type(const Node& node, const TensorType& recorded, ValueId made) {
  const TensorType& inferred = graph_.type(made);
  if (inferred == recorded) return true;
  return refuse_type(node, print_type(inferred), recorded);
}

std::string GraphTranslator::print_type(const TensorType& type) const {
  return fmt::format("{}{}", torch_name(type.dtype), print_dims(type.dims, graph_.symbols()));
}

bool GraphTranslator::refuse_type(const Node& node, std::string_view made,
                                  const TensorType& recorded) {
  fail(node,
       Diag::error(DiagCode::kInvalidGraph, fmt::format("{} gives {}, but the program records {}",
                                                        node.target, made, print_type(recorded)))
           .at(node.location)
           .about(node.target));
  return false;
}

}  // namespace ferryman::frontend
