// One walk over a graph that replaces moved channels by lists of where they are (channel_list.h).
//
//   ChannelWalk walk(graph, shuffled_ops, row_orders);
//   walk.run();
//
// Invariants: a value with a list is not read in the new graph by ops that were visited; what it
// stands for is stored in the tensors of the list. Tensors in another order than the user's carry
// no name of the user's.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "ir/builder.h"
#include "passes/fuse/channel_list.h"
#include "passes/fuse/channel_roles.h"

namespace ferryman {

// Stored position -> true channel, for convolutions whose rows are sorted.
using RowOrders = std::map<OpId, Ints>;

class ChannelWalk {
 public:
  // `moving`: ops to be replaced by lists. Ids in `row_orders` are of this graph before the walk.
  ChannelWalk(Graph& graph, const OpMap<uint8_t>& moving, const RowOrders& row_orders)
      : graph_(graph), moving_(moving), row_orders_(row_orders), rewriter_(graph) {}

  void run();
  // For each convolution whose channels were read in part: the positions of each reader.
  const std::map<OpId, std::vector<Ints>>& demands() const { return demands_; }

 private:
  struct Gathered {
    ValueId tensor;
    Ints order;  // stored position -> true channel
  };

  void visit(OpId op);
  bool visit_as_list(OpId op);
  void rewrite_in_order(OpId op, const ChannelBehaviour& behaviour);
  void read_true_order(OpId op);
  void sort_rows(OpId op);
  void finish_outputs();

  bool has_list(ValueId value) const { return lists_.contains(value); }
  std::optional<ChannelList> list_of(ValueId value) const;
  std::optional<Gathered> gather(ValueId value);
  std::optional<ValueId> gather_as(ValueId value, const Ints& order);
  ValueId true_value(ValueId value);
  ValueId joined(const std::vector<Run>& runs);
  ValueId joined_as(const std::vector<Run>& runs, Dims dims);
  ValueId made_again(OpId op);
  ValueId cut(const Run& run);
  void record_demand(const std::vector<Run>& runs);
  std::optional<OpId> root_of(ValueId value) const;

  Graph& graph_;
  const OpMap<uint8_t>& moving_;
  const RowOrders& row_orders_;
  Rewriter rewriter_;
  std::unordered_map<ValueId, ChannelList> lists_;
  std::unordered_map<ValueId, ValueId> true_values_;
  std::map<std::vector<int64_t>, ValueId> made_;  // runs that were joined already
  std::unordered_map<ValueId, OpId> roots_;       // the convolution that a stored tensor comes from
  std::map<OpId, std::vector<Ints>> demands_;
};

}  // namespace ferryman
