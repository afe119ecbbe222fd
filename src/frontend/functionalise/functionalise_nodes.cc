#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "frontend/functionalise/functionaliser.h"

namespace ferryman::frontend {

namespace {

// Results of these are the argument itself; without aliases nothing is left of them.
constexpr std::array<std::string_view, 6> kPureAliases = {
    "aten.detach.default", "aten.alias.default",         "aten.lift_fresh.default",
    "aten.lift.default",   "aten.requires_grad.default", "aten.lift_fresh_copy.default"};

bool is_pure_alias(std::string_view target) {
  return std::find(kPureAliases.begin(), kPureAliases.end(), target) != kPureAliases.end();
}

}  // namespace

Diag malformed(const Node& node, const std::string& what) {
  return Diag::error(DiagCode::kMalformedProgram, node.target + " " + what).at(node.location);
}

// --- arguments -----------------------------------------------------------------------------------

Result<ValueIndex> Functionaliser::read(ValueIndex old_value, const Node& reader) {
  if (old_value == kNoValue) return kNoValue;
  if (alias_of_[old_value] != kNoAlias) return aliases_.read(alias_of_[old_value], reader);
  return number_of_[old_value];
}

Result<Argument> Functionaliser::map(const Argument& argument, const Node& reader) {
  if (const ValueRef* ref = argument.as<ValueRef>()) {
    FERRYMAN_TRY(const ValueIndex value, read(ref->value, reader));
    return Argument{ValueRef{value}};
  }
  if (const GraphRef* graph = argument.as<GraphRef>()) return map_graph(*graph, reader);
  const ArgumentList* list = argument.as<ArgumentList>();
  if (list == nullptr) return argument;
  ArgumentList mapped;
  mapped.reserve(list->size());
  for (const Argument& element : *list) {
    FERRYMAN_TRY(Argument mapped_element, map(element, reader));
    mapped.push_back(std::move(mapped_element));
  }
  return Argument{std::move(mapped)};
}

Result<std::vector<NamedArgument>> Functionaliser::map(const std::vector<NamedArgument>& args,
                                                       const Node& reader) {
  std::vector<NamedArgument> mapped;
  mapped.reserve(args.size());
  for (const NamedArgument& argument : args) {
    FERRYMAN_TRY(Argument mapped_argument, map(argument.arg, reader));
    mapped.push_back({argument.name, std::move(mapped_argument)});
  }
  return mapped;
}

// The body of a higher-order op becomes functional by itself; what it writes must be its own.
Result<Argument> Functionaliser::map_graph(GraphRef ref, const Node& reader) {
  const Subgraph& old = old_.subgraphs[ref.graph];
  Subgraph graph{.name = old.name, .inputs = {}, .nodes = {}, .outputs = {}};
  ProgramWriter::Scope outer = writer_.enter(&graph.nodes);
  name_values(old.inputs, old.nodes);
  for (const ValueIndex input : old.inputs) {
    graph.inputs.push_back(copy_value(input));
    define_root(input, graph.inputs.back());
  }
  visit_all(old.nodes);
  Status status;
  for (const Argument& output : old.outputs) {
    Result<Argument> mapped = map(output, reader);
    if (!mapped.ok()) status = mapped.diag();
    graph.outputs.push_back(mapped.ok() ? std::move(*mapped) : Argument{});
  }
  writer_.leave(std::move(outer));
  FERRYMAN_TRY_STATUS(std::move(status));
  for (const ValueIndex input : old.inputs) {
    const AliasId alias = input == kNoValue ? kNoAlias : alias_of_[input];
    if (alias == kNoAlias || !aliases_.was_written(alias)) continue;
    return Diag::error(DiagCode::kUnsupportedAlias, "the body '" + old.name + "' of " +
                                                        reader.target + " writes to its operand '" +
                                                        old_.values[input].name + "'")
        .at(reader.location)
        .because("bodies of higher-order ops must not change tensors from outside")
        .hint("return the new tensor from the body instead");
  }
  new_.subgraphs.push_back(std::move(graph));
  return Argument{GraphRef{static_cast<uint32_t>(new_.subgraphs.size() - 1)}};
}

// A view may name symbolic sizes and tensors whose shape it takes; neither changes with a write.
Status Functionaliser::map_calls(View& view, const Node& reader) {
  if (view.redo) {
    FERRYMAN_TRY(view.redo->args, map(view.redo->args, reader));
  }
  FERRYMAN_TRY(view.undo_call.args, map(view.undo_call.args, reader));
  return {};
}

// --- results -------------------------------------------------------------------------------------

ValueIndex Functionaliser::copy_value(ValueIndex old_value) {
  return old_value == kNoValue ? kNoValue : writer_.add_value(old_.values[old_value]);
}

void Functionaliser::define_root(ValueIndex old_value, ValueIndex value) {
  if (old_value == kNoValue) return;
  const Value& old = old_.values[old_value];
  if (old.tensor) {
    alias_of_[old_value] = aliases_.add_root(*old.tensor, old.name, value);
  } else {
    number_of_[old_value] = value;
  }
}

Status Functionaliser::define(ValueIndex old_value, ValueIndex value, ResultViews views,
                              const Node& node) {
  if (old_value == kNoValue) return {};
  if (views.chain.empty()) {
    define_root(old_value, value);
    return {};
  }
  AliasId alias = alias_of_[views.of];
  for (View& view : views.chain) {
    FERRYMAN_TRY_STATUS(map_calls(view, node));
    const bool last = &view == &views.chain.back();
    alias = aliases_.add_view(alias, std::move(view), old_.values[old_value].name,
                              last ? value : kNoValue, node.location);
  }
  alias_of_[old_value] = alias;
  return {};
}

// After an error: later nodes may still be looked at, to report everything at once.
void Functionaliser::define_unknown(const Node& node) {
  for (const ValueIndex result : node.results) {
    if (result == kNoValue || alias_of_[result] != kNoAlias) continue;
    define_root(result, copy_value(result));
  }
}

std::string Functionaliser::result_name(const Node& node, size_t position) const {
  const ValueIndex result = position < node.results.size() ? node.results[position] : kNoValue;
  return result == kNoValue ? node.name : old_.values[result].name;
}

// --- nodes ---------------------------------------------------------------------------------------

Status Functionaliser::visit_computation(const Node& node) {
  FERRYMAN_TRY(std::vector<ResultViews> views, describe_views(old_, node));
  FERRYMAN_TRY(std::vector<NamedArgument> args, map(node.args, node));
  const ValueRef* operand = args.empty() ? nullptr : args[0].arg.as<ValueRef>();
  if (is_pure_alias(node.target) && operand != nullptr && node.results.size() == 1) {
    return define(node.results[0], operand->value, std::move(views[0]), node);
  }
  std::vector<ValueIndex> results;
  results.reserve(node.results.size());
  for (const ValueIndex result : node.results) results.push_back(copy_value(result));
  writer_.add_node({node.target, node.name, std::move(args), results, node.location});
  for (size_t i = 0; i < results.size(); ++i) {
    FERRYMAN_TRY_STATUS(define(node.results[i], results[i], std::move(views[i]), node));
  }
  return {};
}

}  // namespace ferryman::frontend
