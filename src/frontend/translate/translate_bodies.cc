#include "frontend/translate/translate_bodies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "frontend/translate/graph_translator.h"
#include "ops/attrs.h"
#include "ops/control/control.h"
#include "ops/core_writer.h"
#include "ops/names.h"

namespace ferryman::frontend {

// How torch spells an operator's arguments: bodies first, behind a condition where there is one,
// then lists of operands.
struct ControlForm {
  std::string_view target;
  bool has_condition = false;  // a first argument, which chooses
  size_t num_bodies = 1;
  size_t num_lists = 1;
};

namespace {

constexpr std::array kForms = {
    ControlForm{"higher_order.cond", true, 2, 1},               // true, false; operands
    ControlForm{"higher_order.while_loop", false, 2, 2},        // condition, body; carried, others
    ControlForm{"higher_order.scan", false, 1, 3},              // body; carried, sequences, others
    ControlForm{"higher_order.map_impl", false, 1, 2},          // body; sequences, others
    ControlForm{"higher_order.associative_scan", false, 1, 2},  // pairs; sequences, others
};

const ControlForm* find_form(std::string_view target) {
  const auto* found = std::find_if(kForms.begin(), kForms.end(),
                                   [&](const ControlForm& form) { return form.target == target; });
  return found == kForms.end() ? nullptr : found;
}

Diag malformed(const Node& node, std::string_view what) {
  return Diag::error(DiagCode::kMalformedProgram, fmt::format("{} {}", node.target, what))
      .at(node.location)
      .about(node.target);
}

Diag refused(const Node& node, std::string what, std::string why, std::string hint) {
  return Diag::error(DiagCode::kUnsupportedForm, std::move(what))
      .at(node.location)
      .because(std::move(why))
      .hint(std::move(hint))
      .about(node.target);
}

}  // namespace

bool is_control_flow(std::string_view target) {
  return find_form(target) != nullptr;
}

// One node: its operands, its bodies, and what its results are.
class BodyImport {
 public:
  BodyImport(GraphTranslator& outer, const Node& node, const ControlForm& form)
      : outer_(outer), program_(outer.program_), node_(node), form_(form) {}

  // Nothing, where problems inside of the bodies have been told.
  using Results = std::optional<std::vector<RealOrComplex>>;
  Result<Results> run() {
    FERRYMAN_TRY_STATUS(read_arguments());
    FERRYMAN_TRY_STATUS(find_operands());
    const size_t errors_before = outer_.shared_.diagnostics.num_errors();
    for (const uint32_t graph : graphs_) {
      FERRYMAN_TRY(const BodyId body, translate_body(program_.subgraphs[graph]));
      bodies_.push_back(body);
    }
    if (outer_.shared_.diagnostics.num_errors() > errors_before) return Results();
    FERRYMAN_TRY(const std::vector<ValueId> results, create());
    FERRYMAN_TRY(std::vector<RealOrComplex> named, as_results(results));
    return Results(std::move(named));
  }

 private:
  Builder& builder() { return outer_.builder_; }
  const Value& value_of(ValueIndex index) const { return program_.values[index]; }
  size_t list_size(size_t list) const { return list < lists_.size() ? lists_[list]->size() : 0; }

  Status read_arguments() {
    size_t next = form_.has_condition ? 1 : 0;
    if (node_.args.size() < next + form_.num_bodies + form_.num_lists)
      return malformed(node_, "has too few arguments");
    for (size_t i = 0; i < form_.num_bodies; ++i) {
      const auto* graph = node_.args[next++].arg.as<GraphRef>();
      if (graph == nullptr) return malformed(node_, "has an argument that is no body");
      graphs_.push_back(graph->graph);
    }
    for (size_t i = 0; i < form_.num_lists; ++i) {
      const auto* list = node_.args[next++].arg.as<ArgumentList>();
      if (list == nullptr) return malformed(node_, "has an argument that is no list");
      lists_.push_back(list);
    }
    return {};
  }

  // The body's inputs are the operands, list after list; where pairs are combined, the sequences
  // stand there twice.
  Status find_operands() {
    const Subgraph& body = program_.subgraphs[graphs_.back()];
    const bool combines = form_.target == "higher_order.associative_scan";
    std::vector<const Argument*> arguments;
    for (size_t list = 0; list < lists_.size(); ++list) {
      for (int times = 0; times < (combines && list == 0 ? 2 : 1); ++times) {
        for (const Argument& argument : *lists_[list]) arguments.push_back(&argument);
      }
    }
    if (arguments.size() != body.inputs.size())
      return malformed(node_, "has operands that do not fit its body");
    for (const Argument* argument : arguments) {
      if (argument->is_none()) {
        operands_.push_back(ValueId());
        continue;
      }
      FERRYMAN_TRY(const ValueId operand, to_operand(outer_, *argument));
      operands_.push_back(operand);
    }
    return {};
  }

  // A value of the graph; numbers are tensors without axes, complex ones pairs.
  Result<ValueId> to_operand(GraphTranslator& graph, const Argument& argument) {
    if (const auto* flag = argument.as<bool>()) return graph.builder_.scalar(DType::kBool, *flag);
    if (const auto* number = argument.as<int64_t>())
      return graph.builder_.constant(TensorData::of<int64_t>({}, {*number}), "number");
    if (const auto* number = argument.as<double>())
      return graph.builder_.scalar(DType::kF64, *number);
    const auto* ref = argument.as<ValueRef>();
    if (ref == nullptr) return malformed(node_, "has an operand that is no value");
    if (graph.complex_.find(ref->value) != nullptr)
      return graph.complex_.to_pair(ref->value, value_of(ref->value).name);
    const Value& value = value_of(ref->value);
    if (value.tensor.has_value() && !graph.counted_.is_whole(*value.tensor))
      return refuse_size(value);
    if (graph.shared_.values[ref->value].valid()) return graph.shared_.values[ref->value];
    if (value.number.has_value()) return graph.counted_.number_of(value);
    return malformed(node_, fmt::format("reads '{}', which is no tensor", value.name));
  }

  Diag refuse_size(const Value& value) const {
    return refused(node_, fmt::format("'{}' goes into or out of a branch or loop", value.name),
                   "how many entries it has is counted while the model runs",
                   "compute what depends on it outside, or give it a fixed size");
  }

  // ---- bodies ----

  // Invalid, if there were problems inside.
  Result<BodyId> translate_body(const Subgraph& subgraph) {
    const std::string path = inside(outer_.path_, subgraph.name);
    Graph body = outer_.graph_.new_body(path);
    GraphTranslator inner(outer_.shared_, body, path, outer_.location_of(node_));
    for (size_t i = 0; i < subgraph.inputs.size(); ++i) {
      if (operands_[i].valid() && subgraph.inputs[i] != kNoValue)
        FERRYMAN_TRY_STATUS(add_input(inner, body, subgraph.inputs[i]));
    }
    const size_t errors_before = outer_.shared_.diagnostics.num_errors();
    inner.translate_nodes(subgraph.nodes);
    if (outer_.shared_.diagnostics.num_errors() > errors_before) return BodyId();
    const bool is_condition = form_.target == "higher_order.while_loop" && bodies_.empty();
    for (const Argument& output : subgraph.outputs) {
      if (output.is_none()) continue;
      FERRYMAN_TRY(ValueId value, to_operand(inner, output));
      if (is_condition) value = as_condition(inner.builder_, value);
      const auto* ref = output.as<ValueRef>();
      body.add_output(ref == nullptr ? "constant" : value_of(ref->value).name, value);
    }
    if (form_.target == "higher_order.associative_scan") give_outputs_twice(body);
    erase_dead_ops(body);
    return outer_.graph_.add_body(std::move(body));
  }

  Status add_input(GraphTranslator& inner, Graph& body, ValueIndex index) {
    const Value& value = value_of(index);
    if (value.tensor.has_value()) {
      if (!inner.counted_.is_whole(*value.tensor)) return refuse_size(value);
      FERRYMAN_TRY(const TensorType type, inner.counted_.type_of(*value.tensor));
      if (is_complex(type.dtype)) {
        inner.set_complex(index,
                          inner.complex_.of_pair(body.add_input(value.name, pair_type(type))));
      } else {
        inner.set(index, body.add_input(value.name, type));
      }
      return {};
    }
    if (!value.number.has_value()) return malformed(node_, "hands an object to its body");
    const ValueId number = body.add_input(value.name, {number_dtype(value.number_kind), {}});
    // Readers of a number that is known, or of a free size, see that.
    const bool is_size = value.number->is_static() || inner.counted_.fixed_size(value).has_value();
    if (!is_size) inner.set(index, number);
    return {};
  }

  static ValueId as_condition(Builder& builder, ValueId value) {
    CoreWriter write(builder);
    if (write.type(value).dtype != DType::kBool) value = write.cast(value, DType::kBool);
    return write.reshape(value, {});
  }

  // What is carried on is what is stored.
  static void give_outputs_twice(Graph& body) {
    std::vector<GraphOutput> outputs = body.outputs();
    const size_t count = outputs.size();
    for (size_t i = 0; i < count; ++i) outputs.push_back(outputs[i]);
    body.set_outputs(std::move(outputs));
  }

  // ---- the op ----

  std::vector<ValueId> given_operands() const {
    std::vector<ValueId> operands;
    std::copy_if(operands_.begin(), operands_.end(), std::back_inserter(operands),
                 [](ValueId operand) { return operand.valid(); });
    return operands;
  }

  // Of the first lists, those that are there.
  int64_t num_given(size_t begin, size_t count) const {
    return std::count_if(operands_.begin() + static_cast<std::ptrdiff_t>(begin),
                         operands_.begin() + static_cast<std::ptrdiff_t>(begin + count),
                         [](ValueId operand) { return operand.valid(); });
  }

  Result<std::vector<ValueId>> create() {
    if (form_.target == "higher_order.cond") return create_if();
    if (form_.target == "higher_order.while_loop") {
      return create_op(ops::kWhile, given_operands(),
                       {{attr::kCondition, bodies_[0]}, {attr::kBody, bodies_[1]}});
    }
    if (form_.target == "higher_order.scan")
      return create_scan(num_given(0, list_size(0)), num_given(list_size(0), list_size(1)));
    if (form_.target == "higher_order.map_impl") return create_scan(0, num_given(0, list_size(0)));
    return create_associative_scan();
  }

  Result<std::vector<ValueId>> create_op(OpName name, const std::vector<ValueId>& operands,
                                         const std::vector<NamedAttr>& attrs) {
    FERRYMAN_TRY(const OpId op, builder().try_create(name, operands, attrs));
    return std::vector<ValueId>(builder().graph().op(op).results);
  }

  Result<std::vector<ValueId>> create_if() {
    FERRYMAN_TRY(const ValueId chosen, to_operand(outer_, node_.args[0].arg));
    if (num_elements(builder().graph().type(chosen).dims) != 1)
      return malformed(node_, "has a condition of several elements");
    std::vector<ValueId> operands = given_operands();
    operands.insert(operands.begin(), as_condition(builder(), chosen));
    return create_op(ops::kIf, operands, {{attr::kThen, bodies_[0]}, {attr::kElse, bodies_[1]}});
  }

  Result<std::vector<ValueId>> create_scan(int64_t carried, int64_t sequences) {
    return create_op(ops::kScan, given_operands(),
                     {{attr::kBody, bodies_[0]},
                      {attr::kNumCarried, carried},
                      {attr::kNumSequences, sequences}});
  }

  // The first entries are carried into a scan over the others.
  Result<std::vector<ValueId>> create_associative_scan() {
    const size_t count = list_size(0);
    CoreWriter write(builder());
    std::vector<ValueId> operands = operands_, first;
    for (size_t i = 0; i < count; ++i) {
      const ValueId sequence = operands_[i];
      const Dims dims = write.dims(sequence);
      const bool is_done = dims.empty() || (dims[0].is_static() && dims[0].size() <= 1);
      if (is_done)
        return std::vector(operands_.begin(),
                           operands_.begin() + static_cast<std::ptrdiff_t>(count));
      first.push_back(write.slice_axis(sequence, 0, 0, 1));
      operands[i] = write.reshape(first[i], Dims(dims.begin() + 1, dims.end()));
      operands[count + i] = write.slice_axis(sequence, 0, 1, dims[0]);
    }
    FERRYMAN_TRY(std::vector<ValueId> results,
                 create_op(ops::kScan, operands,
                           {{attr::kBody, bodies_[0]},
                            {attr::kNumCarried, static_cast<int64_t>(count)},
                            {attr::kNumSequences, static_cast<int64_t>(count)}}));
    results.erase(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(count));
    for (size_t i = 0; i < count; ++i) results[i] = write.concat({first[i], results[i]}, 0);
    return results;
  }

  // One for each result of the node, also where that is None.
  ComplexImported as_results(const std::vector<ValueId>& values) {
    std::vector<RealOrComplex> results;
    size_t next = 0;
    for (const ValueIndex result : node_.results) {
      if (result == kNoValue) {
        results.push_back(ValueId());
        continue;
      }
      if (next == values.size()) return malformed(node_, "has results that do not fit its body");
      const ValueId value = values[next++];
      const Value& made = value_of(result);
      if (!made.tensor.has_value() || !is_complex(made.tensor->dtype)) {
        results.push_back(value);
        continue;
      }
      const Dims& dims = outer_.graph_.type(value).dims;
      if (dims.empty() || !(dims.back() == Dim(2)))
        return malformed(node_, "has a complex result that its body does not give");
      results.push_back(outer_.complex_.of_pair(value));
    }
    return results;
  }

  GraphTranslator& outer_;
  const Program& program_;
  const Node& node_;
  const ControlForm& form_;
  std::vector<uint32_t> graphs_;
  std::vector<const ArgumentList*> lists_;
  std::vector<ValueId> operands_;  // one for each input of a body; invalid: None
  std::vector<BodyId> bodies_;
};

void GraphTranslator::translate_control(const Node& node) {
  const auto run = [&]() -> Result<BodyImport::Results> {
    try {
      return BodyImport(*this, node, *find_form(node.target)).run();
    } catch (const SizeError& error) {
      return needs_number(node, error);
    }
  };
  Result<BodyImport::Results> results = run();
  if (results.ok() && results->has_value()) return record_results(node, **results);
  if (!results.ok()) {
    Diag diag = std::move(results).diag();
    if (diag.places.empty()) diag.places.push_back(node.location);
    fail(node, std::move(diag));
  }
  stand_in_for(node);
}

}  // namespace ferryman::frontend
