#include "ir/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ir/verify.h"
#include "support/small_vector.h"

namespace ferryman {

namespace {

// The attributes in the order of the definition, defaults filled in; null if one is missing,
// unknown or of another kind.
std::optional<std::vector<Attr>> complete_attrs(const OpDef& def,
                                                std::span<const NamedAttr> given) {
  SmallVector<const Attr*, 8> slots;
  for (const AttrSpec& spec : def.attrs)
    slots.push_back(spec.default_value.has_value() ? &*spec.default_value : nullptr);
  for (const NamedAttr& named : given) {
    const std::optional<size_t> index = def.attr_index(named.name);
    if (!index.has_value() || kind_of(named.attr) != def.attrs[*index].kind) return std::nullopt;
    slots[*index] = &named.attr;
  }
  std::vector<Attr> attrs;
  attrs.reserve(slots.size());
  for (const Attr* slot : slots) {
    if (slot == nullptr) return std::nullopt;
    attrs.push_back(*slot);
  }
  return attrs;
}

}  // namespace

Result<OpId> Builder::try_create(OpName name, std::span<const ValueId> operands,
                                 std::span<const NamedAttr> given) {
  const OpDef& def = graph_->op_set().get(name);
  Op op;
  op.def = &def;
  op.operands.assign(operands.begin(), operands.end());
  op.location = location_;
  std::optional<std::vector<Attr>> attrs = complete_attrs(def, given);
  if (!attrs.has_value()) internal_error(fmt::format("wrong attributes for op '{}'", def.name));
  op.attrs = *std::move(attrs);
  FERRYMAN_TRY(std::vector<TensorType> types, infer_types(*graph_, op));

  const OpId id(graph_->ops_storage_.size());
  for (size_t i = 0; i < types.size(); ++i) {
    Value result;
    result.type = std::move(types[i]);
    result.producer = id;
    result.result_index = static_cast<uint32_t>(i);
    op.results.push_back(graph_->add_value(std::move(result)));
  }
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (!op.operands[i].valid()) continue;
    graph_->values_[op.operands[i].index].uses.push_back({id, static_cast<uint32_t>(i)});
  }
  graph_->ops_storage_.push_back(std::move(op));
  link(id);
  created_.push_back(id);
  return id;
}

void Builder::link(OpId id) {
  Op& op = graph_->ops_storage_[id.index];
  op.next = before_;
  op.previous = before_.valid() ? graph_->ops_storage_[before_.index].previous : graph_->last_;
  (op.previous.valid() ? graph_->ops_storage_[op.previous.index].next : graph_->first_) = id;
  (before_.valid() ? graph_->ops_storage_[before_.index].previous : graph_->last_) = id;
  ++graph_->num_live_ops_;
}

ValueId Builder::create(OpName name, std::initializer_list<ValueId> operands,
                        std::initializer_list<NamedAttr> attrs) {
  return create(name, std::span(operands.begin(), operands.size()),
                std::span(attrs.begin(), attrs.size()));
}

ValueId Builder::create(OpName name, std::span<const ValueId> operands,
                        std::span<const NamedAttr> attrs) {
  return create_all(name, operands, attrs).front();
}

std::vector<ValueId> Builder::create_all(OpName name, std::span<const ValueId> operands,
                                         std::span<const NamedAttr> attrs) {
  Result<OpId> created = try_create(name, operands, attrs);
  if (!created.ok()) internal_error(render(created.diag()));
  return graph_->op(*created).results;
}

ValueId Builder::constant(TensorData data, std::string name) {
  return graph_->add_constant(std::move(data), std::move(name));
}

ValueId Builder::scalar(DType dtype, double value) {
  return constant(TensorData::filled(dtype, {}, value), "scalar");
}

void Builder::set_name(ValueId value, std::string name) {
  graph_->values_[value.index].name = std::move(name);
}

void Rewriter::insert_before(OpId op) {
  before_ = op;
  location_ = graph_->op(op).location;
}

void Rewriter::replace_value(ValueId old_value, ValueId new_value) {
  if (old_value == new_value) return;
  const TensorType& wanted = graph_->type(old_value);
  const TensorType& given = graph_->type(new_value);
  // Of free sizes more may be equal than is known to be.
  if (wanted != given && (!all_static(wanted.dims) || !all_static(given.dims)))
    throw SizeError("two sizes that are free are not known to be equal");
  check(wanted == given, "a value replaced by another type");
  Value& from = graph_->values_[old_value.index];
  Value& to = graph_->values_[new_value.index];
  for (const Use& use : from.uses) {
    graph_->ops_storage_[use.op.index].operands[use.operand] = new_value;
    touched_.push_back(use.op);
  }
  to.uses.insert(to.uses.end(), from.uses.begin(), from.uses.end());
  from.uses.clear();
  for (GraphOutput& output : graph_->outputs_) {
    if (output.value == old_value) output.value = new_value;
  }
  for (StateUpdate& update : graph_->state_updates_) {
    if (update.value == old_value) update.value = new_value;
  }
  const bool both_results = from.kind == ValueKind::kResult && to.kind == ValueKind::kResult;
  if (both_results && to.name.empty()) to.name = std::move(from.name);
}

ValueId Rewriter::replace_input(size_t position, TensorType type) {
  const ValueId old_input = graph_->inputs_[position];
  const ValueId input = graph_->add_input(graph_->value(old_input).name, std::move(type));
  std::swap(graph_->values_[input.index].name, graph_->values_[old_input.index].name);
  graph_->inputs_.pop_back();
  graph_->inputs_[position] = input;
  return input;
}

void Rewriter::keep_inputs(std::vector<ValueId> inputs) {
  for (const ValueId input : graph_->inputs_) {
    const bool is_kept = std::find(inputs.begin(), inputs.end(), input) != inputs.end();
    check(is_kept || graph_->num_readers(input) == 0, "an input left out that is still read");
  }
  graph_->inputs_ = std::move(inputs);
}

void Rewriter::remove_use(ValueId value, Use use) {
  Uses& uses = graph_->values_[value.index].uses;
  const auto found = std::find(uses.begin(), uses.end(), use);
  check(found != uses.end(), "a use that is not listed");
  uses.erase(found);
}

void Rewriter::set_operand(OpId id, size_t operand, ValueId value) {
  Op& op = graph_->ops_storage_[id.index];
  const Use use{id, static_cast<uint32_t>(operand)};
  if (op.operands[operand].valid()) remove_use(op.operands[operand], use);
  op.operands[operand] = value;
  if (value.valid()) graph_->values_[value.index].uses.push_back(use);
  touched_.push_back(id);
}

void Rewriter::set_attr(OpId id, NamedAttr attr) {
  Op& op = graph_->ops_storage_[id.index];
  const std::optional<size_t> index = op.def->attr_index(attr.name);
  check(index.has_value() && op.def->attrs[*index].kind == kind_of(attr.attr),
        "an attribute that the op does not define");
  op.attrs[*index] = std::move(attr.attr);
  touched_.push_back(id);
}

void Rewriter::erase(OpId id) {
  Op& op = graph_->ops_storage_[id.index];
  check(!op.erased, "an op erased twice");
  for (const ValueId result : op.results) {
    check(graph_->num_readers(result) == 0, "an op erased that is still read");
  }
  for (size_t i = 0; i < op.operands.size(); ++i) {
    if (op.operands[i].valid()) remove_use(op.operands[i], {id, static_cast<uint32_t>(i)});
  }
  (op.previous.valid() ? graph_->ops_storage_[op.previous.index].next : graph_->first_) = op.next;
  (op.next.valid() ? graph_->ops_storage_[op.next.index].previous : graph_->last_) = op.previous;
  if (before_ == id) before_ = op.next;
  op.erased = true;
  --graph_->num_live_ops_;
}

void Rewriter::erase_dead(OpId id) {
  std::vector<OpId> pending = {id};
  while (!pending.empty()) {
    const OpId candidate = pending.back();
    pending.pop_back();
    const Op& op = graph_->op(candidate);
    if (op.erased) continue;
    const bool read = std::any_of(op.results.begin(), op.results.end(),
                                  [&](ValueId result) { return graph_->num_readers(result) != 0; });
    if (read) continue;
    const auto operands = op.operands;
    erase(candidate);
    for (const ValueId operand : operands) {
      if (operand.valid() && graph_->producer(operand).valid()) {
        pending.push_back(graph_->producer(operand));
      }
    }
  }
}

std::vector<OpId> Rewriter::take_touched() {
  std::vector<OpId> result = std::move(touched_);
  result.insert(result.end(), created_.begin(), created_.end());
  touched_.clear();
  created_.clear();
  std::erase_if(result, [&](OpId id) { return graph_->op(id).erased; });
  return result;
}

void erase_dead_ops(Graph& graph) {
  Rewriter rewriter(graph);
  for (OpId id = graph.last_op(); id.valid();) {
    const OpId previous = graph.op(id).previous;
    const auto& results = graph.op(id).results;
    const bool read = std::any_of(results.begin(), results.end(),
                                  [&](ValueId value) { return graph.num_readers(value) != 0; });
    if (!read) rewriter.erase(id);
    id = previous;
  }
}

}  // namespace ferryman
