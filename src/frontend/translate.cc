#include "frontend/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "frontend/complex/complex_values.h"
#include "frontend/convert_argument.h"
#include "frontend/counted/counted_nodes.h"
#include "frontend/import_key.h"
#include "frontend/liveness.h"
#include "frontend/node_call.h"
#include "frontend/node_imports.h"
#include "frontend/refused_values.h"
#include "frontend/unknown_op.h"
#include "frontend/write_ops.h"
#include "ops/attrs.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

bool is_static(const TensorMeta& meta) {
  return std::all_of(meta.sizes.begin(), meta.sizes.end(),
                     [](const SymSize& size) { return size.is_static(); });
}

// Of a number that Python computes.
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

TensorType to_type(const TensorMeta& meta) {
  TensorType type{meta.dtype, {}};
  for (const SymSize& size : meta.sizes) type.dims.push_back(Dim(size.value));
  return type;
}

class Translator {
 public:
  Translator(const Program& program, const Ops& ops, Diagnostics& diagnostics)
      : program_(program),
        diagnostics_(diagnostics),
        imports_(ops),
        live_(find_live(program)),
        graph_(ops.set),
        builder_(graph_),
        values_(program.values.size()),
        complex_(builder_),
        counted_(program, graph_, builder_) {}

  Result<Graph> run() {
    refuse_symbolic_sizes();
    if (!has_errors_) translate_all();
    if (!first_error_.empty()) return first_error_.front();
    return std::move(graph_);
  }

 private:
  void translate_all() {
    for (const Output& output : program_.outputs) find_mutated(output);
    for (const Input& input : program_.inputs) add_input(input);
    for (size_t i = 0; i < program_.nodes.size(); ++i) translate_node(i);
    if (has_errors_) return;
    add_outputs();
    erase_dead_ops();
  }

  void fail(Diag diag) {
    has_errors_ = true;
    if (first_error_.empty()) first_error_.push_back(diag);
    diagnostics_.add(std::move(diag));
  }

  // ---- sizes ----

  // Those of inputs, that is; others are counted while the program runs (frontend/counted).
  void refuse_symbolic_sizes() {
    for (const Input& input : program_.inputs) {
      if (input.value == kNoValue || !live_.values[input.value]) continue;
      const Value& value = program_.values[input.value];
      if (!value.tensor || is_static(*value.tensor)) continue;
      fail(Diag::error(DiagCode::kUnsupportedForm,
                       fmt::format("'{}' has a size that is only known at run time", value.name))
               .because("dynamic shapes are not supported yet")
               .hint("export without dynamic_shapes, with example inputs of the final sizes"));
      return;
    }
  }

  // ---- inputs ----

  void find_mutated(const Output& output) {
    switch (output.kind) {
      case OutputKind::kUser:
      case OutputKind::kToken:
        return;
      case OutputKind::kBufferMutation:
        mutated_buffers_.insert(output.name);
        return;
      case OutputKind::kParameterMutation:
        return fail(Diag::error(DiagCode::kUnsupportedForm,
                                fmt::format("forward overwrites the parameter '{}'", output.name))
                        .because("the weights of a converted model are constant")
                        .hint("write into a copy, or make it a buffer"));
      case OutputKind::kInputMutation:
        return fail(
            Diag::error(DiagCode::kInternal,
                        fmt::format("the write into input '{}' is left over", output.name)));
    }
  }

  void add_input(const Input& input) {
    if (input.value == kNoValue) return;
    const Value& value = program_.values[input.value];
    switch (input.kind) {
      case InputKind::kUser:
        if (value.tensor.has_value()) {
          // An unread input of unknown size still belongs to the signature.
          if (is_static(*value.tensor)) return add_user_input(input, to_type(*value.tensor));
          return refuse_input(input, "has a size that is only known at run time");
        }
        if (live_.values[input.value]) refuse_input(input, "is not a tensor");
        return;
      case InputKind::kParameter:
      case InputKind::kBuffer:
      case InputKind::kConstant:
        return add_constant(input);
      case InputKind::kToken:
        return;
      case InputKind::kCustomObject:
        if (live_.values[input.value]) refuse_input(input, "is a custom object");
        return;
    }
  }

  void add_user_input(const Input& input, const TensorType& type) {
    if (!is_complex(type.dtype)) return set(input.value, graph_.add_input(input.name, type));
    const ValueId pair = graph_.add_input(input.name, pair_type(type));
    set_complex(input.value, complex_.of_pair(pair));
  }

  void refuse_input(const Input& input, std::string_view what) {
    fail(Diag::error(DiagCode::kUnsupportedForm, fmt::format("input '{}' {}", input.name, what)));
  }

  void add_constant(const Input& input) {
    const bool is_state =
        input.kind != InputKind::kParameter && mutated_buffers_.contains(input.name);
    if (!live_.values[input.value] && !is_state) return;
    const TensorMeta& meta = *program_.values[input.value].tensor;
    if (!is_static(meta)) return refuse_input(input, "has a size that is only known at run time");
    if (is_complex(meta.dtype)) {
      if (is_state) return refuse_input(input, "is complex, and forward writes it");
      return set_complex(input.value, complex_.of_storage(*input.data, to_type(meta), input.name));
    }
    Ints shape;
    for (const SymSize& size : meta.sizes) shape.push_back(size.value);
    Result<TensorData> data = TensorData::strided(input.data->storage, meta.dtype, std::move(shape),
                                                  input.data->strides, input.data->offset);
    if (!data.ok()) return fail(std::move(data).diag());
    if (is_state) {
      const ValueId state = graph_.add_state(std::move(data).value(), input.name);
      states_.emplace(input.name, state);
      return set(input.value, state);
    }
    set(input.value, graph_.add_constant(std::move(data).value(), input.name));
  }

  void set(ValueIndex index, ValueId value) { values_[index] = value; }

  void set_complex(ValueIndex index, Result<ComplexValue> value) {
    if (!value.ok()) return fail(std::move(value).diag());
    complex_.set(index, *value, program_.values[index].name);
  }

  // ---- nodes ----

  void translate_node(size_t position) {
    const Node& node = program_.nodes[position];
    if (writes_in_place(node.target)) {
      fail(unknown_write(node, program_.origin));
      return stand_in_for(node);
    }
    if (!live_.nodes[position] || is_known_number(node)) return;
    const bool follows = refused_.reach(node);
    if (follows) refused_.add_results_of(node);
    if (counted_.is_size(node) || (follows && find_import(node).is_known())) return;
    builder_.set_location(graph_.intern(node.location));
    ComplexImported results = import_node(node);
    if (!results.ok()) {
      fail(complete(std::move(results).diag(), node));
      return stand_in_for(node);
    }
    record_results(node, *results);
  }

  // A size with static shapes: its readers see the number.
  bool is_known_number(const Node& node) const {
    return std::all_of(node.results.begin(), node.results.end(), [&](ValueIndex result) {
      if (result == kNoValue || !live_.values[result]) return true;
      const Value& value = program_.values[result];
      return value.number.has_value() && value.number->is_static();
    });
  }

  NodeImport find_import(const Node& node) const {
    const bool is_complex = touches_complex(program_, node);
    return imports_.find(import_key(node.target),
                         is_complex ? Numbers::kComplex : Numbers::kReal);
  }

  ComplexImported import_node(const Node& node) {
    const std::string_view key = import_key(node.target);
    const NodeImport import = find_import(node);
    if (!import.is_known()) {
      const bool is_real = imports_.find(key, Numbers::kReal).is_known();
      return is_real ? no_complex_form(node) : unknown_op(node, program_.origin);
    }
    FERRYMAN_TRY(NodeCall call, make_call(node, key));
    FERRYMAN_TRY(std::vector<RealOrComplex> results, run_import(node, import, call));
    const std::vector<std::string_view> unread = call.unread_args();
    if (!unread.empty())
      return call.unsupported(fmt::format("the option '{}' is not honoured", unread.front()));
    return results;
  }

  ComplexImported run_import(const Node& node, const NodeImport& import, NodeCall& call) {
    const bool needs_counts = import.counted != nullptr && !import.has_fixed_sizes();
    if (!needs_counts && !counted_.touches(node)) return import.run(call);
    FERRYMAN_TRY(const std::vector<ValueId> results, counted_.run(call, import, node, values_));
    return std::vector<RealOrComplex>(results.begin(), results.end());
  }

  Result<NodeCall> make_call(const Node& node, std::string_view key) {
    std::vector<NodeCall::Arg> args;
    for (const NamedArgument& named : node.args) {
      FERRYMAN_TRY(ImportArg value, convert(named.arg, key, named.name));
      args.push_back({named.name, std::move(value)});
    }
    std::vector<NodeCall::ResultSlot> results;
    for (const ValueIndex result : node.results) {
      NodeCall::ResultSlot& slot = results.emplace_back();
      if (result == kNoValue) continue;
      const Value& value = program_.values[result];
      slot.is_read = live_.values[result];
      if (!value.tensor.has_value()) continue;
      // The size that a node counts has no bound yet.
      Result<TensorType> bounded = counted_.type_of(*value.tensor);
      slot.type = bounded.ok() ? std::move(bounded).value() : to_type(*value.tensor);
    }
    return NodeCall(builder_, key, std::move(args), std::move(results));
  }

  Result<ImportArg> convert(const Argument& arg, std::string_view key, std::string_view name) {
    return convert_argument(
        arg, name, [&](ValueIndex index) { return convert_value(index, key, name); });
  }

  Result<ImportArg> convert_value(ValueIndex index, std::string_view key, std::string_view name) {
    const bool is_number = program_.values[index].number.has_value();
    if (values_[index].valid() && is_number) return ImportArg{RunTimeNumber{values_[index]}};
    if (values_[index].valid()) return ImportArg{values_[index]};
    if (const ComplexValue* complex = complex_.find(index)) return ImportArg{*complex};
    const Value& value = program_.values[index];
    if (const std::optional<int64_t> number = counted_.fixed_number(value); number.has_value())
      return ImportArg{*number};
    if (!value.number.has_value()) return bad_argument(name, "is not a tensor");
    return counted_.number_for(key, name, value);
  }

  // Adds what the import function did not say: the op, and where it stands.
  static Diag complete(Diag diag, const Node& node) {
    if (diag.subject.empty() || diag.subject.find('.') == std::string::npos)
      diag.subject = node.target;
    if (diag.what.find(import_key(node.target)) == std::string::npos)
      diag.what = fmt::format("{}: {}", node.target, diag.what);
    if (diag.places.empty()) diag.places.push_back(node.location);
    if (diag.hint_text.empty()) diag.hint_text = idiom_in_place_of(node);
    return diag;
  }

  // So that the nodes after a failed one are still looked at.
  void stand_in_for(const Node& node) {
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

  void record_results(const Node& node, const std::vector<RealOrComplex>& results) {
    bool ok = results.size() >= node.results.size();
    for (size_t i = 0; ok && i < node.results.size(); ++i) {
      const ValueIndex index = node.results[i];
      if (index == kNoValue || !live_.values[index]) continue;
      if (!is_made(results[i])) {
        fail(Diag::error(DiagCode::kUnsupportedForm,
                         fmt::format("{}: result {} is not supported", node.target, i))
                 .at(node.location)
                 .about(node.target));
        return stand_in_for(node);
      }
      ok = record_result(node, index, results[i]);
    }
    if (!ok) stand_in_for(node);
    if (results.size() >= node.results.size()) return;
    fail(Diag::error(DiagCode::kMalformedProgram,
                     fmt::format("{} gives {} results, but the program has {}", node.target,
                                 results.size(), node.results.size()))
             .at(node.location));
  }

  static bool is_made(const RealOrComplex& result) {
    const auto* complex = std::get_if<ComplexValue>(&result);
    if (complex != nullptr) return complex->real.valid() && complex->imag.valid();
    return std::get<ValueId>(result).valid();
  }

  bool record_result(const Node& node, ValueIndex index, const RealOrComplex& result) {
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
    const bool is_whole = is_static(*value.tensor);
    if (is_whole && made.kind == ValueKind::kResult && made.name.empty())
      builder_.set_name(real, value.name);
    return true;
  }

  // What Python computes is a value of the graph, but no tensor of the program: it has no name.
  bool record_number(const Node& node, ValueIndex index, const RealOrComplex& result) {
    const auto* number = std::get_if<ValueId>(&result);
    if (number == nullptr) return false;
    const TensorType wanted{number_dtype(program_.values[index].number_kind), {}};
    if (!check_type(node, wanted, *number)) return false;
    set(index, *number);
    return true;
  }

  bool refuse_size(const Node& node, Diag diag) {
    fail(complete(std::move(diag), node));
    return false;
  }

  bool check_type(const Node& node, const TensorType& recorded, ValueId made) {
    const TensorType& inferred = graph_.type(made);
    if (inferred == recorded) return true;
    return refuse_type(node, print_type(inferred), recorded);
  }

  std::string print_type(const TensorType& type) const {
    return fmt::format("{}{}", torch_name(type.dtype), print_dims(type.dims, graph_.symbols()));
  }

  bool refuse_type(const Node& node, std::string_view made, const TensorType& recorded) {
    fail(Diag::error(DiagCode::kInvalidGraph, fmt::format("{} gives {}, but the program records {}",
                                                          node.target, made, print_type(recorded)))
             .at(node.location)
             .about(node.target));
    return false;
  }

  // ---- outputs ----

  void add_outputs() {
    const auto num_user =
        std::count_if(program_.outputs.begin(), program_.outputs.end(),
                      [](const Output& output) { return output.kind == OutputKind::kUser; });
    size_t position = 0;
    for (const Output& output : program_.outputs) {
      if (output.kind == OutputKind::kBufferMutation) add_state_update(output);
      if (output.kind != OutputKind::kUser) continue;
      const std::string fallback = num_user == 1 ? "output" : fmt::format("output_{}", position);
      ++position;
      add_output(output, output.name.empty() ? fallback : output.name);
    }
  }

  // A constant that forward returned is no output: the Python side puts it back.
  void add_output(const Output& output, std::string name) {
    const auto* ref = output.arg.as<ValueRef>();
    if (ref == nullptr) return;
    if (complex_.find(ref->value) != nullptr) {
      Result<ValueId> pair = complex_.to_pair(ref->value, program_.values[ref->value].name);
      if (!pair.ok()) return fail(std::move(pair).diag());
      return add_named_output(std::move(name), *pair);
    }
    const Value& value = program_.values[ref->value];
    if (value.number.has_value() && value.number->is_static()) return;
    if (value.number.has_value()) return add_number_output(std::move(name), ref->value);
    if (values_[ref->value].valid()) return add_tensor_output(std::move(name), ref->value);
    fail(Diag::error(DiagCode::kUnsupportedForm, fmt::format("output '{}' is not a tensor", name)));
  }

  void add_tensor_output(std::string name, ValueIndex index) {
    Result<ValueId> value = counted_.to_output(values_[index], *program_.values[index].tensor);
    if (!value.ok()) return fail(std::move(value).diag());
    add_named_output(std::move(name), *value);
  }

  // Floats are float32 in the file: it computes with no others.
  void add_number_output(std::string name, ValueIndex index) {
    Result<ValueId> number = values_[index].valid() ? Result<ValueId>(values_[index])
                                                    : counted_.number_of(program_.values[index]);
    if (!number.ok()) return fail(std::move(number).diag());
    ValueId value = *number;
    if (graph_.type(value).dtype == DType::kF64)
      value = builder_.create(ops::kCast, {value}, {{attr::kDType, DType::kF32}});
    add_named_output(std::move(name), value);
  }

  void add_named_output(std::string name, ValueId value) {
    for (int copy = 1; !output_names_.insert(name).second; ++copy)
      name = fmt::format("{}_{}", name, copy);
    graph_.add_output(std::move(name), value);
  }

  void add_state_update(const Output& output) {
    const auto state = states_.find(output.name);
    const auto* ref = output.arg.as<ValueRef>();
    if (state == states_.end() || ref == nullptr || !values_[ref->value].valid()) {
      return fail(Diag::error(DiagCode::kMalformedProgram,
                              fmt::format("the written buffer '{}' is unknown", output.name)));
    }
    graph_.add_state_update(state->second, values_[ref->value]);
  }

  // Import functions may make more than is read, such as the indices of max.dim.
  void erase_dead_ops() {
    Rewriter rewriter(graph_);
    for (OpId op = graph_.last_op(); op.valid();) {
      const OpId previous = graph_.op(op).previous;
      rewriter.erase_dead(op);
      op = previous;
    }
  }

  const Program& program_;
  Diagnostics& diagnostics_;
  NodeImports imports_;
  Liveness live_;
  Graph graph_;
  Builder builder_;
  std::vector<ValueId> values_;  // of real tensors
  ComplexValues complex_;
  CountedNodes counted_;
  RefusedValues refused_;
  std::set<std::string> mutated_buffers_;
  std::set<std::string> output_names_;
  std::unordered_map<std::string, ValueId> states_;
  std::vector<Diag> first_error_;
  bool has_errors_ = false;
};

}  // namespace

Result<Graph> translate(const Program& program, const Ops& ops, Diagnostics& diagnostics) {
  return Translator(program, ops, diagnostics).run();
}

}  // namespace ferryman::frontend
