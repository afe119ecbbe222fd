#include "passes/fuse/channel_walk.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/names.h"
#include "passes/fold/constants.h"
#include "passes/replace.h"
#include "passes/slice_range.h"

namespace ferryman {

namespace {

constexpr size_t kMaxRuns = 16;  // more pieces than that are not worth a concat

bool is_ascending(const Ints& order) {
  return std::is_sorted(order.begin(), order.end());
}

// Each index i as the block [i * width, (i + 1) * width).
Ints widened(const Ints& order, int64_t width) {
  Ints result;
  for (const int64_t i : order) {
    for (int64_t k = 0; k < width; ++k) result.push_back(i * width + k);
  }
  return result;
}

// The channels of a tensor that stores them in `order`.
ChannelList stored_list(ValueId tensor, const Ints& order) {
  ChannelList list{{static_cast<int64_t>(order.size())}, {}};
  list.channels.resize(order.size());
  for (size_t j = 0; j < order.size(); ++j)
    list.channels[static_cast<size_t>(order[j])] = {tensor, static_cast<int64_t>(j)};
  return list;
}

}  // namespace

void ChannelWalk::run() {
  for (OpId op = graph_.first_op(); op.valid();) {
    const OpId next = graph_.op(op).next;
    visit(op);
    op = next;
  }
  finish_outputs();
}

std::optional<ChannelList> ChannelWalk::list_of(ValueId value) const {
  const auto found = lists_.find(value);
  return found == lists_.end() ? channels_of(graph_, value) : found->second;
}

std::optional<OpId> ChannelWalk::root_of(ValueId value) const {
  const auto found = roots_.find(value);
  return found == roots_.end() ? std::nullopt : std::optional(found->second);
}

void ChannelWalk::visit(OpId id) {
  const Op& op = graph_.op(id);
  const bool reads_list = std::any_of(op.operands.begin(), op.operands.end(),
                                      [&](ValueId operand) { return has_list(operand); });
  if ((moving_[id] != 0 || reads_list) && visit_as_list(id)) return;
  const ChannelBehaviour behaviour = channel_behaviour(graph_, op);
  if (!reads_list) {
    const bool passes = behaviour.role == ChannelRole::kPasses && behaviour.tensors.size() == 1 &&
                        behaviour.results_per_channel == 1;
    if (orders_results(graph_, op)) roots_[op.result()] = id;
    if (passes) {
      if (const auto root = root_of(op.operands[behaviour.tensors[0]])) roots_[op.result()] = *root;
    }
    if (row_orders_.contains(id)) sort_rows(id);
    return;
  }
  if (behaviour.role == ChannelRole::kFixed) return read_true_order(id);
  rewrite_in_order(id, behaviour);
}

bool ChannelWalk::visit_as_list(OpId id) {
  const Op& op = graph_.op(id);
  if (!only_moves_channels(graph_, op)) return false;
  std::vector<ChannelList> operands;
  for (const ValueId operand : op.operands) {
    std::optional<ChannelList> list = list_of(operand);
    if (!list.has_value()) return false;
    operands.push_back(*std::move(list));
  }
  std::optional<ChannelList> result = through(graph_, op, operands);
  if (!result.has_value()) return false;
  lists_[op.result()] = *std::move(result);
  return true;
}

// A run as a tensor of its own.
ValueId ChannelWalk::cut(const Run& run) {
  return CoreWriter(rewriter_).slice_axis(run.tensor, 1, run.start, run.start + run.count);
}

ValueId ChannelWalk::joined(const std::vector<Run>& runs) {
  std::vector<int64_t> key;
  for (const Run& run : runs) {
    key.insert(key.end(), {int64_t{run.tensor.index}, run.start, run.count});
  }
  if (const auto found = made_.find(key); found != made_.end()) return found->second;
  std::vector<ValueId> pieces;
  for (const Run& run : runs) pieces.push_back(cut(run));
  const NamedAttr attrs[] = {{attr::kAxis, Axis{1}}};
  const ValueId value =
      pieces.size() == 1 ? pieces[0] : rewriter_.create(ops::kConcat, pieces, attrs);
  made_[key] = value;
  if (runs.size() == 1) {
    if (const auto root = root_of(runs[0].tensor); root && value == runs[0].tensor)
      roots_[value] = *root;
  }
  return value;
}

void ChannelWalk::record_demand(const std::vector<Run>& runs) {
  std::map<OpId, Ints> positions;
  for (const Run& run : runs) {
    const std::optional<OpId> root = root_of(run.tensor);
    if (!root.has_value()) continue;
    for (int64_t i = 0; i < run.count; ++i) positions[*root].push_back(run.start + i);
  }
  for (auto& [root, list] : positions) demands_[root].push_back(std::move(list));
}

// The channels of a value in whatever order is cheapest.
std::optional<ChannelWalk::Gathered> ChannelWalk::gather(ValueId value) {
  const std::optional<ChannelList> list = list_of(value);
  if (!list.has_value() || list->num_axes() != 1) return std::nullopt;
  const std::vector<Run> runs = runs_in_any_order(*list);
  if (runs.empty()) return std::nullopt;
  record_demand(runs);
  if (runs.size() > kMaxRuns) return std::nullopt;
  return Gathered{joined(runs), stored_order(*list, runs)};
}

// The channels of a value in a given order, if that takes few pieces.
std::optional<ValueId> ChannelWalk::gather_as(ValueId value, const Ints& order) {
  const std::optional<ChannelList> list = list_of(value);
  if (!list.has_value() || list->channels.size() != order.size()) return std::nullopt;
  ChannelList ordered{list->sizes, {}};
  for (const int64_t channel : order)
    ordered.channels.push_back(list->channels[static_cast<size_t>(channel)]);
  const std::vector<Run> runs = runs_in_order(ordered);
  if (runs.size() > kMaxRuns) return std::nullopt;
  return joined(runs);
}

// The value as the user knows it. New ops go where the walk is, so that whatever was made before
// can be read.
ValueId ChannelWalk::true_value(ValueId value) {
  if (!has_list(value)) return value;
  if (const auto found = true_values_.find(value); found != true_values_.end())
    return found->second;
  const std::vector<Run> runs = runs_in_order(lists_.at(value));
  const ValueId result = runs.size() <= kMaxRuns ? joined_as(runs, graph_.type(value).dims)
                                                 : made_again(graph_.producer(value));
  if (graph_.value(result).name.empty()) rewriter_.set_name(result, graph_.value(value).name);
  true_values_[value] = result;
  return result;
}

ValueId ChannelWalk::joined_as(const std::vector<Run>& runs, Dims dims) {
  const ValueId value = joined(runs);
  if (graph_.type(value).dims == dims) return value;
  const NamedAttr attrs[] = {{attr::kShape, ShapeAttr{std::move(dims)}}};
  const ValueId operands[] = {value};
  return rewriter_.create(ops::kReshape, operands, attrs);
}

ValueId ChannelWalk::made_again(OpId id) {
  const Op op = graph_.op(id);
  std::vector<ValueId> operands = op.operands;
  for (ValueId& operand : operands) {
    if (operand.valid()) operand = true_value(operand);
  }
  return rewriter_.create(OpName{op.def->name}, operands, attrs_of(op));
}

// The op stays as it is; what it reads is put in order before it.
void ChannelWalk::read_true_order(OpId id) {
  rewriter_.insert_before(id);
  const std::vector<ValueId> operands = graph_.op(id).operands;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].valid() || !has_list(operands[i])) continue;
    rewriter_.set_operand(id, i, true_value(operands[i]));
  }
}

// The same op on tensors in stored order, its constants reordered.
void ChannelWalk::rewrite_in_order(OpId id, const ChannelBehaviour& behaviour) {
  rewriter_.insert_before(id);
  const Op op = graph_.op(id);
  const auto listed = std::find_if(behaviour.tensors.begin(), behaviour.tensors.end(),
                                   [&](size_t i) { return has_list(op.operands[i]); });
  if (listed == behaviour.tensors.end()) return read_true_order(id);
  const std::optional<Gathered> gathered = gather(op.operands[*listed]);
  if (!gathered.has_value()) return read_true_order(id);
  std::vector<ValueId> operands = op.operands;
  for (const size_t i : behaviour.tensors) {
    const std::optional<ValueId> tensor = gather_as(op.operands[i], gathered->order);
    if (!tensor.has_value()) return read_true_order(id);
    operands[i] = *tensor;
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].valid() && has_list(operands[i])) return read_true_order(id);
  }
  for (const ChannelConstant& constant : behaviour.constants) {
    const Ints order = widened(gathered->order, constant.per_channel);
    const ValueId old = op.operands[constant.operand];
    if (is_ascending(order)) continue;
    operands[constant.operand] = rewriter_.constant(
        reordered(graph_.constant(old), constant.axis, order), graph_.value(old).name);
  }
  const ValueId result = rewriter_.create(OpName{op.def->name}, operands, attrs_of(op));
  const Ints result_order = widened(gathered->order, behaviour.results_per_channel);
  if (behaviour.role == ChannelRole::kAbsorbs || is_ascending(result_order)) {
    rewriter_.replace_value(op.result(), result);
    const OpId made = graph_.producer(result);
    if (orders_results(graph_, graph_.op(made))) roots_[result] = id;
    if (row_orders_.contains(id)) sort_rows(made);
  } else {
    lists_[op.result()] = stored_list(result, result_order);
  }
  const auto root = root_of(gathered->tensor);
  const bool one_to_one = behaviour.role == ChannelRole::kPasses && behaviour.tensors.size() == 1 &&
                          behaviour.results_per_channel == 1;
  if (root.has_value() && one_to_one) roots_[result] = *root;
}

// conv with its rows, and so the channels of its result, in the order asked for.
void ChannelWalk::sort_rows(OpId id) {
  const OpId asked = roots_.contains(graph_.op(id).result()) ? roots_[graph_.op(id).result()] : id;
  const Ints& order = row_orders_.at(asked);
  rewriter_.insert_before(id);
  const Op op = graph_.op(id);
  std::vector<ValueId> operands = op.operands;
  for (size_t i = 1; i < operands.size(); ++i) {
    if (!operands[i].valid()) continue;
    operands[i] = rewriter_.constant(reordered(graph_.constant(op.operands[i]), 0, order),
                                     graph_.value(op.operands[i]).name);
  }
  const ValueId result = rewriter_.create(OpName{op.def->name}, operands, attrs_of(op));
  lists_[op.result()] = stored_list(result, order);
  roots_[result] = asked;
}

void ChannelWalk::finish_outputs() {
  rewriter_.insert_at_end();
  std::vector<ValueId> read;
  for (const GraphOutput& output : graph_.outputs()) read.push_back(output.value);
  for (const StateUpdate& update : graph_.state_updates()) read.push_back(update.value);
  for (const ValueId value : read) {
    if (has_list(value)) rewriter_.replace_value(value, true_value(value));
  }
}

}  // namespace ferryman
