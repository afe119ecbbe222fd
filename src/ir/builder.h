// The only ways to change the ops of a graph.
//
//   Builder builder(graph);                        // appends
//   builder.set_location(graph.intern(location));
//   ValueId y = builder.create(ops::kSoftmax, {x}, {{attr::kAxis, Axis{1}}});
//
//   Rewriter rewriter(graph);
//   rewriter.insert_before(op);                    // new ops go there, and take op's location
//   ValueId fused = rewriter.create(ops::kConv, …);
//   rewriter.replace_value(old_value, fused);      // every reader, outputs included
//   rewriter.erase_dead(op);
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(&graph) {}

  const Graph& graph() const { return *graph_; }
  SymbolTable& symbols() { return graph_->symbols(); }
  void set_location(LocationId location) { location_ = location; }
  LocationId current_location() const { return location_; }

  // The types of the results are inferred by the op's row. Fails with what the row says, located.
  Result<OpId> try_create(OpName name, std::span<const ValueId> operands,
                          std::span<const NamedAttr> attrs = {});
  // For our own rewrites, which must not fail; returns the first result.
  ValueId create(OpName name, std::initializer_list<ValueId> operands,
                 std::initializer_list<NamedAttr> attrs = {});
  ValueId create(OpName name, std::span<const ValueId> operands,
                 std::span<const NamedAttr> attrs = {});
  // The results of ops with several.
  std::vector<ValueId> create_all(OpName name, std::span<const ValueId> operands,
                                  std::span<const NamedAttr> attrs = {});

  // A body for an op to name: an empty graph, filled by a builder of its own and then added.
  Graph new_body(std::string name) const { return graph_->new_body(std::move(name)); }
  BodyId add_body(Graph body) { return graph_->add_body(std::move(body)); }

  ValueId constant(TensorData data, std::string name = "constant");
  // A rank-0 constant.
  ValueId scalar(DType dtype, double value);
  // The name that the user sees at this value (fx node); empty names are given by the printer.
  void set_name(ValueId value, std::string name);

 protected:
  Graph* graph_;
  LocationId location_;
  OpId before_;  // invalid: append
  std::vector<OpId> created_;

 private:
  void link(OpId op);
};

class Rewriter : public Builder {
 public:
  using Builder::Builder;

  void insert_before(OpId op);
  void insert_at_end() { before_ = OpId(); }
  // Every reader of `old_value` reads `new_value` instead; types must be equal. The user's name
  // moves to the new value if it has none.
  void replace_value(ValueId old_value, ValueId new_value);
  // An input of another type in the place and under the name of the one at `position`, whose
  // readers the caller then gives something else to read.
  ValueId replace_input(size_t position, TensorType type);
  // Some of the inputs, in any order; those left out must be unread.
  void keep_inputs(std::vector<ValueId> inputs);
  void set_operand(OpId op, size_t operand, ValueId value);
  void set_attr(OpId op, NamedAttr attr);
  void erase(OpId op);  // its results must be unread
  // Erases the op if nothing reads it, then its producers in the same way.
  void erase_dead(OpId op);

  // Ops created or whose operands changed since the last call, for work lists.
  std::vector<OpId> take_touched();

 private:
  void remove_use(ValueId value, Use use);
  std::vector<OpId> touched_;
};

// Erases every op whose results nothing reads, those that only fed such ops included.
void erase_dead_ops(Graph& graph);

}  // namespace ferryman
