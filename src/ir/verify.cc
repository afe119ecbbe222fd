#include "ir/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace ferryman {

namespace {

Diag located(const Graph& graph, const Op& op, DiagCode code, std::string what) {
  return Diag::error(code, std::move(what))
      .at(graph.location(op.location))
      .about(std::string(op.def->name));
}

// Which operand spec position `index` follows; null past the end.
const OperandSpec* spec_at(const OpDef& def, size_t index) {
  if (index < def.operands.size()) return &def.operands[index];
  return def.is_variadic() ? &def.operands.back() : nullptr;
}

Status check_operands(const Graph& graph, const Op& op) {
  const OpDef& def = *op.def;
  const auto refuse = [&](std::string why) {
    return located(graph, op, DiagCode::kUnsupportedForm, fmt::format("{}: {}", def.name, why));
  };
  for (size_t i = 0; i < std::max(op.operands.size(), def.operands.size()); ++i) {
    const OperandSpec* spec = spec_at(def, i);
    if (spec == nullptr) return refuse("too many operands");
    if (!op.has_operand(i)) {
      const bool none = spec->arity == Arity::kAnyNumber && i >= op.operands.size();
      if (spec->arity == Arity::kOptional || spec->arity == Arity::kAnyOptional || none) continue;
      return refuse(fmt::format("operand '{}' is missing", spec->name));
    }
    const DType dtype = graph.type(op.operands[i]).dtype;
    if (contains(spec->dtypes, dtype)) continue;
    return refuse(fmt::format("operand '{}' is {}, where {} is expected", spec->name,
                              torch_name(dtype), describe(spec->dtypes)));
  }
  return {};
}

BodyType type_of(const Graph& body) {
  BodyType type;
  for (const ValueId input : body.inputs()) type.inputs.push_back(body.type(input));
  for (const GraphOutput& output : body.outputs()) type.outputs.push_back(body.type(output.value));
  return type;
}

class GraphVerifier {
 public:
  explicit GraphVerifier(const Graph& graph) : graph_(graph), scratch_(graph.clone()) {
    defined_ = ValueMap<uint8_t>(graph.num_value_ids(), 0);
  }

  Diagnostics run() {
    for (size_t i = 0; i < graph_.num_value_ids(); ++i) define_unless_result(ValueId(i));
    size_t count = 0;
    for (const OpId op : graph_.op_ids()) {
      verify_op(op);
      ++count;
    }
    if (count != graph_.num_ops()) refuse("the op list is broken");
    for (const GraphOutput& output : graph_.outputs()) {
      if (!is_defined(output.value))
        refuse(fmt::format("output '{}' has no producer", output.name));
    }
    for (const StateUpdate& update : graph_.state_updates()) {
      if (!is_defined(update.value)) refuse("a state update has no producer");
    }
    if (problems_.has_errors()) return std::move(problems_);
    for (const BodyId body : live_bodies(graph_)) verify_body(graph_.body(body));
    return std::move(problems_);
  }

 private:
  void refuse(std::string what) {
    problems_.add(Diag::error(DiagCode::kInvalidGraph, std::move(what)));
  }
  void refuse(const Op& op, std::string_view why) {
    problems_.add(
        located(graph_, op, DiagCode::kInvalidGraph, fmt::format("{}: {}", op.def->name, why)));
  }

  // State is kept by the outermost graph alone.
  void verify_body(const Graph& body) {
    if (!body.state_updates().empty()) refuse(fmt::format("body '{}' has state", body.name()));
    const Diagnostics problems = verify_graph(body);
    for (const Diag& diag : problems.all()) problems_.add(diag);
  }

  bool is_defined(ValueId id) const {
    return id.valid() && id.index < defined_.size() && defined_[id] != 0;
  }

  void define_unless_result(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.kind == ValueKind::kResult) return;
    defined_[id] = 1;
    const bool needs_data = value.kind != ValueKind::kInput;
    if (needs_data != (value.data != nullptr))
      refuse(fmt::format("value '{}' and its data", value.name));
    if (!names_.insert(value.name).second)
      refuse(fmt::format("the name '{}' is taken", value.name));
  }

  void verify_op(OpId id) {
    const Op& op = graph_.op(id);
    if (op.erased) return refuse(op, "an erased op is still listed");
    for (size_t i = 0; i < op.operands.size(); ++i) {
      if (!op.operands[i].valid()) continue;
      if (!is_defined(op.operands[i])) return refuse(op, "an operand is read before it is made");
      const Uses& uses = graph_.value(op.operands[i]).uses;
      const Use use{id, static_cast<uint32_t>(i)};
      if (std::count(uses.begin(), uses.end(), use) != 1) refuse(op, "a use list is wrong");
    }
    verify_attrs(op);
    verify_results(id, op);
  }

  void verify_attrs(const Op& op) {
    if (op.attrs.size() != op.def->attrs.size()) return refuse(op, "the number of attributes");
    for (size_t i = 0; i < op.attrs.size(); ++i) {
      if (kind_of(op.attrs[i]) != op.def->attrs[i].kind) refuse(op, "the kind of an attribute");
      const auto* body = std::get_if<BodyId>(&op.attrs[i]);
      if (body != nullptr && body->index >= graph_.num_body_ids())
        refuse(op, "a body that the graph does not have");
    }
  }

  void verify_results(OpId id, const Op& op) {
    for (size_t i = 0; i < op.results.size(); ++i) {
      const Value& value = graph_.value(op.results[i]);
      if (value.producer != id || value.result_index != i)
        refuse(op, "a result names another producer");
      defined_[op.results[i]] = 1;
    }
    Result<std::vector<TensorType>> types = infer_types(scratch_, op);
    if (!types.ok()) return refuse(op, types.diag().what);
    bool same = types->size() == op.results.size();
    for (size_t i = 0; same && i < types->size(); ++i)
      same = (*types)[i] == graph_.type(op.results[i]);
    if (!same) refuse(op, "the result types differ from what the op infers");
  }

  const Graph& graph_;
  Graph scratch_;  // inference may intern symbolic sizes
  ValueMap<uint8_t> defined_;
  std::set<std::string> names_;
  Diagnostics problems_;
};

}  // namespace

namespace {

// Rules of inference may need a size as a number that is free.
Result<std::vector<TensorType>> infer_or_refuse(const OpDef& def, const InferArgs& args) {
  try {
    return def.infer(args);
  } catch (const SizeError& error) {
    return Diag::error(DiagCode::kUnsupportedForm, error.what());
  }
}

}  // namespace

Result<std::vector<TensorType>> infer_types(Graph& graph, const Op& op) {
  FERRYMAN_TRY_STATUS(check_operands(graph, op));
  SmallVector<const TensorType*, 8> types;
  for (const ValueId operand : op.operands) {
    types.push_back(operand.valid() ? &graph.type(operand) : nullptr);
  }
  types.resize(std::max(types.size(), op.def->operands.size()), nullptr);
  std::vector<BodyType> bodies;
  for (const BodyId body : bodies_of(op)) bodies.push_back(type_of(graph.body(body)));
  Result<std::vector<TensorType>> inferred = infer_or_refuse(
      *op.def, InferArgs{types, AttrsView(*op.def, op.attrs), graph.symbols(), bodies});
  if (inferred.ok()) return inferred;
  Diag diag = std::move(inferred).diag();
  diag.what = fmt::format("{}: {}", op.def->name, diag.what);
  return std::move(diag.at(graph.location(op.location)).about(std::string(op.def->name)));
}

Diagnostics verify_graph(const Graph& graph) {
  return GraphVerifier(graph).run();
}

}  // namespace ferryman
