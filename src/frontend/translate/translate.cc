#include "frontend/translate/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "frontend/translate/graph_translator.h"
#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::frontend {

namespace {

class Translator {
 public:
  Translator(const Program& program, const Ops& ops, Diagnostics& diagnostics,
             Parameters parameters)
      : program_(program),
        graph_(ops.set),
        shared_(program, ops, graph_.symbols(), diagnostics, parameters == Parameters::kTrained),
        translator_(shared_, graph_),
        complex_(translator_.complex()),
        counted_(translator_.counted()) {}

  Result<Graph> run() {
    try {
      translate_all();
    } catch (const SizeError& error) {  // of a size that the program records
      fail(Diag::error(DiagCode::kUnsupportedForm, error.what()));
    }
    if (!shared_.first_error.empty()) return shared_.first_error.front();
    return std::move(graph_);
  }

 private:
  void translate_all() {
    for (const Output& output : program_.outputs) find_mutated(output);
    for (const Input& input : program_.inputs) add_input(input);
    translator_.translate_nodes(program_.nodes);
    if (shared_.has_errors) return;
    add_outputs();
    erase_dead_ops(graph_);  // import functions may make more than is read
  }

  void fail(Diag diag) { shared_.fail(std::move(diag)); }

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
          // An unread input still belongs to the signature.
          Result<TensorType> type = counted_.type_of(*value.tensor);
          if (!type.ok()) return fail(std::move(type).diag());
          return add_user_input(input, *type);
        }
        if (shared_.live.values[input.value]) refuse_input(input, "is not a tensor");
        return;
      case InputKind::kParameter:
      case InputKind::kBuffer:
      case InputKind::kConstant:
        return add_constant(input);
      case InputKind::kToken:
        return;
      case InputKind::kCustomObject:
        if (shared_.live.values[input.value]) refuse_input(input, "is a custom object");
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
    if (!shared_.live.values[input.value] && !is_state) return;
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
    const bool is_trained = input.kind == InputKind::kParameter && shared_.is_trained_on;
    set(input.value, is_trained ? graph_.add_parameter(std::move(data).value(), input.name)
                                : graph_.add_constant(std::move(data).value(), input.name));
  }

  void set(ValueIndex index, ValueId value) { translator_.set(index, value); }
  void set_complex(ValueIndex index, Result<ComplexValue> value) {
    translator_.set_complex(index, std::move(value));
  }

  // ---- outputs ----

  void add_outputs() {
    const auto num_user =
        std::count_if(program_.outputs.begin(), program_.outputs.end(), [](const Output& output) {
          return output.kind == OutputKind::kUser && output.buffer.empty();
        });
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
      const ValueId pair = complex_.to_pair(ref->value, program_.values[ref->value].name);
      return add_named_output(std::move(name), pair);
    }
    const Value& value = program_.values[ref->value];
    if (value.number.has_value() && value.number->is_static()) return;
    if (value.number.has_value()) return add_number_output(std::move(name), ref->value);
    if (shared_.values[ref->value].valid()) return add_tensor_output(std::move(name), ref->value);
    fail(Diag::error(DiagCode::kUnsupportedForm, fmt::format("output '{}' is not a tensor", name)));
  }

  void add_tensor_output(std::string name, ValueIndex index) {
    Result<ValueId> value =
        counted_.to_output(shared_.values[index], *program_.values[index].tensor);
    if (!value.ok()) return fail(std::move(value).diag());
    add_named_output(std::move(name), *value);
  }

  // Floats are float32 in the file: it computes with no others.
  void add_number_output(std::string name, ValueIndex index) {
    Result<ValueId> number = shared_.values[index].valid()
                                 ? Result<ValueId>(shared_.values[index])
                                 : counted_.number_of(program_.values[index]);
    if (!number.ok()) return fail(std::move(number).diag());
    ValueId value = *number;
    if (graph_.type(value).dtype == DType::kF64)
      value = translator_.builder().create(ops::kCast, {value}, {{attr::kDType, DType::kF32}});
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
    if (state == states_.end() || ref == nullptr || !shared_.values[ref->value].valid()) {
      return fail(Diag::error(DiagCode::kMalformedProgram,
                              fmt::format("the written buffer '{}' is unknown", output.name)));
    }
    graph_.add_state_update(state->second, shared_.values[ref->value]);
  }

  const Program& program_;
  Graph graph_;
  Translation shared_;
  GraphTranslator translator_;
  ComplexValues& complex_;
  CountedNodes& counted_;
  std::set<std::string> mutated_buffers_;
  std::set<std::string> output_names_;
  std::unordered_map<std::string, ValueId> states_;
};

}  // namespace

Result<Graph> translate(const Program& program, const Ops& ops, Diagnostics& diagnostics,
                        Parameters parameters) {
  return Translator(program, ops, diagnostics, parameters).run();
}

}  // namespace ferryman::frontend
