#include "passes/fuse/absorb_channel_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/fold/fold.h"
#include "passes/fuse/channel_walk.h"

namespace ferryman {

namespace {

constexpr size_t kImageRank = 4;

// Sets of values that ops moving channels connect.
class Regions {
 public:
  explicit Regions(size_t num_values) : parent_(num_values) {
    for (size_t i = 0; i < parent_.size(); ++i) parent_[i] = i;
  }
  size_t find(ValueId value) {
    size_t at = value.index;
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return at;
  }
  void join(ValueId a, ValueId b) { parent_[find(a)] = find(b); }

 private:
  std::vector<size_t> parent_;
};

// Every second channel, or channels of several tensors in turn: neighbours come apart.
bool scatters_channels(const Op& op) {
  if (op.is(ops::kSlice)) {
    const Ints& steps = op.attr(attr::kSteps).values;
    const Dims& starts = op.attr(attr::kStarts).values;
    return steps.size() >= 2 &&
           (steps[1] > 1 || (steps.size() > kImageRank && starts[2] != Dim(0)));
  }
  return op.is(ops::kConcat) && op.attr(attr::kAxis).value == 2;
}

bool is_shuffle(const Op& op, const ChannelList& before, const ChannelList& after) {
  return (op.is(ops::kPermute) && before.channels != after.channels) || scatters_channels(op);
}

// The ops that only move channels, in regions where some are shuffled; concats and splits alone are
// nothing to gain.
OpMap<uint8_t> ops_around_shuffles(const Graph& graph) {
  ValueMap<std::optional<ChannelList>> lists(graph.num_value_ids());
  Regions regions(graph.num_value_ids());
  std::vector<OpId> moving;
  std::vector<ValueId> shuffled;
  for (const OpId id : graph.op_ids()) {
    const Op& op = graph.op(id);
    if (!only_moves_channels(graph, op)) continue;
    std::vector<ChannelList> operands;
    for (const ValueId operand : op.operands) {
      std::optional<ChannelList> list = lists[operand];
      if (!list.has_value()) list = channels_of(graph, operand);
      if (list.has_value()) operands.push_back(*std::move(list));
    }
    if (operands.size() != op.operands.size()) continue;
    std::optional<ChannelList> result = through(graph, op, operands);
    if (!result.has_value()) continue;
    if (is_shuffle(op, operands.front(), *result)) shuffled.push_back(op.result());
    for (const ValueId operand : op.operands) regions.join(operand, op.result());
    lists[op.result()] = std::move(result);
    moving.push_back(id);
  }
  std::set<size_t> active;
  for (const ValueId value : shuffled) active.insert(regions.find(value));
  OpMap<uint8_t> around(graph.num_op_ids(), 0);
  for (const OpId id : moving) {
    if (active.contains(regions.find(graph.op(id).result()))) around[id] = 1;
  }
  return around;
}

constexpr double kPermuteWeight = 1.5;  // a transpose costs that much of a copy
constexpr double kScatterWeight = 4;    // a copy of single elements, channels being innermost

double move_weight(const Op& op) {
  if (op.is(ops::kPermute)) return kPermuteWeight;
  return scatters_channels(op) ? kScatterWeight : 1.0;
}

// Elements that ops copy without computing anything, weighted by what that costs.
double moved_elems(const Graph& graph) {
  double moved = 0;
  for (const OpId id : graph.op_ids()) {
    const Op& op = graph.op(id);
    const bool copies = op.is(ops::kConcat) || op.is(ops::kSlice);
    if (!copies && !op.is(ops::kPermute)) continue;
    double elems = 1;
    for (const Dim dim : graph.type(op.result()).dims)
      elems *= dim.is_static() ? static_cast<double>(dim.size()) : 1.0;
    moved += elems * move_weight(op);
  }
  return moved;
}

bool is_contiguous(const Ints& ascending) {
  return ascending.empty() ||
         ascending.back() - ascending.front() + 1 == static_cast<int64_t>(ascending.size());
}

// Channels sorted by who reads them, so that each reader finds its own side by side; empty if they
// lie so already, or if no such order is found.
Ints order_by_readers(const std::vector<Ints>& demands, size_t num_channels) {
  if (std::all_of(demands.begin(), demands.end(), is_contiguous)) return {};
  std::vector<std::vector<bool>> readers(num_channels, std::vector<bool>(demands.size()));
  for (size_t reader = 0; reader < demands.size(); ++reader) {
    for (const int64_t channel : demands[reader])
      readers[static_cast<size_t>(channel)][reader] = true;
  }
  Ints order(num_channels);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return readers[static_cast<size_t>(a)] > readers[static_cast<size_t>(b)];
  });
  return order;
}

RowOrders wanted_row_orders(const Graph& graph, const ChannelWalk& walk) {
  RowOrders orders;
  for (const auto& [conv, demands] : walk.demands()) {
    const Dim channels = graph.type(graph.op(conv).result()).dims[1];
    Ints order = order_by_readers(demands, static_cast<size_t>(channels.size()));
    if (!order.empty()) orders[conv] = std::move(order);
  }
  return orders;
}

// Ops that compute; a rewrite that repeats one of them has lost more than it can gain.
size_t num_computing_ops(const Graph& graph) {
  size_t count = 0;
  for (const OpId id : graph.op_ids()) count += only_moves_channels(graph, graph.op(id)) ? 0 : 1;
  return count;
}

bool is_better(const Graph& graph, const Graph& than) {
  return moved_elems(graph) < moved_elems(than) &&
         num_computing_ops(graph) <= num_computing_ops(than);
}

Graph absorbed(const Graph& graph, const OpMap<uint8_t>& around) {
  Graph best = graph.draft();
  const RowOrders no_orders;
  ChannelWalk walk(best, around, no_orders);
  walk.run();
  erase_dead_ops(best);
  const RowOrders orders = wanted_row_orders(graph, walk);
  if (orders.empty()) return best;
  Graph sorted = graph.draft();
  ChannelWalk(sorted, around, orders).run();
  erase_dead_ops(sorted);
  return is_better(sorted, best) ? std::move(sorted) : std::move(best);
}

Result<Changed> run_absorb_channel_order(Graph& graph, PassContext& context) {
  const OpMap<uint8_t> around = ops_around_shuffles(graph);
  bool any = false;
  for (const OpId id : graph.op_ids()) any = any || around[id] != 0;
  if (!any) return Changed::kNo;
  Graph best = absorbed(graph, around);
  if (!is_better(best, graph)) {
    context.diagnostics.add(Diag::remark("absorb_channel_order", "not applied: nothing to gain"));
    return Changed::kNo;
  }
  context.diagnostics.add(Diag::remark(
      "absorb_channel_order",
      fmt::format(
          "weights absorb the order of channels: the cost of moving is {:.0f} instead of {:.0f}",
          moved_elems(best), moved_elems(graph))));
  graph = std::move(best);
  return Changed::kYes;
}

}  // namespace

Pass absorb_channel_order() {
  return {"absorb_channel_order", "channel shuffles into the weights around them",
          run_absorb_channel_order};
}

}  // namespace ferryman
