// The core IR: a graph of ops on tensors with one logical axis order, torch's.
//
//   Graph graph(ops);
//   ValueId x = graph.add_input("x", {DType::kF32, {1, 3, 224, 224}});
//   Builder builder(graph);
//   ValueId y = builder.create(ops::kRelu, {x});
//   graph.add_output("y", y);
//
// Invariants (verify.h): ops are listed in execution order; a value has exactly one producer; use
// lists match operands; types equal what the op's row infers. Ids are never reused, so a dense side
// table (ValueMap, OpMap) stays valid while a graph changes. All mutation of ops goes through
// Builder and Rewriter (builder.h).
//
// Ops that branch or loop name bodies (BodyId): graphs that this one owns. A body is closed: what
// it needs from outside are its inputs, which the op gives it, so use lists, verifier and layout
// are those of one graph. It shares op set, symbols and locations with the graph around it. Several
// ops may run one body. What an op's operands and results are to its bodies says
// ops/control/control.h.
//
//   Graph then_body = graph.new_body("then");
//   …
//   builder.create(ops::kIf, {condition, x}, {{attr::kThen, graph.add_body(std::move(then_body))},
//   …});
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/op_set.h"
#include "ir/tensor_data.h"
#include "support/small_vector.h"
#include "support/strong_id.h"

namespace ferryman {

using OpId = StrongId<struct OpTag>;
using ValueId = StrongId<struct ValueTag>;
using LocationId = StrongId<struct LocationTag>;

struct Use {
  OpId op;
  uint32_t operand = 0;
  bool operator==(const Use&) const = default;
};

using Uses = SmallVector<Use, 2>;

// A parameter has elements as a constant does, but what it is computed with stays in the graph,
// since training goes on with it: passes that ask for constants leave it alone.
enum class ValueKind : uint8_t { kInput, kConstant, kParameter, kState, kResult };

struct Value {
  ValueKind kind = ValueKind::kResult;
  TensorType type;
  std::string name;                        // unique and not empty for inputs and what has data
  OpId producer;                           // kResult
  uint32_t result_index = 0;               // kResult
  std::unique_ptr<const TensorData> data;  // kConstant, kParameter; kState: the initial value
  Uses uses;
};

struct Op {
  const OpDef* def = nullptr;
  SmallVector<ValueId, 4> operands;  // invalid id: an absent optional operand
  SmallVector<ValueId, 2> results;
  std::vector<Attr> attrs;  // parallel to def->attrs
  LocationId location;
  OpId previous, next;
  bool erased = false;

  bool is(OpName name) const { return def->number == name.number; }
  template <typename T>
  const T& attr(AttrKey<T> key) const {
    return AttrsView(*def, attrs)[key];
  }
  AttrsView attrs_view() const { return AttrsView(*def, attrs); }
  ValueId result() const { return results.front(); }
  bool has_operand(size_t index) const {
    return index < operands.size() && operands[index].valid();
  }
};

struct GraphOutput {
  std::string name;
  ValueId value;
};
// After a run, the state holds `value`.
struct StateUpdate {
  ValueId state;
  ValueId value;
};

template <typename Id, typename T>
class IdMap {
 public:
  IdMap() = default;
  explicit IdMap(size_t count, T initial = T()) : items_(count, initial) {}
  T& operator[](Id id) {
    if (id.index >= items_.size()) items_.resize(id.index + 1);
    return items_[id.index];
  }
  const T& operator[](Id id) const { return items_[id.index]; }
  size_t size() const { return items_.size(); }

 private:
  std::vector<T> items_;
};
template <typename T>
using ValueMap = IdMap<ValueId, T>;
template <typename T>
using OpMap = IdMap<OpId, T>;

class ConstantIndex;

class Graph {
 public:
  explicit Graph(const OpSet& ops, std::string name = "main");
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  Graph clone() const;
  // A copy to try a change on, which may then take this graph's place: it shares symbols and
  // locations with it.
  Graph draft() const { return clone_with(shared_); }

  const OpSet& op_set() const { return shared_->ops; }
  const std::string& name() const { return name_; }
  // It only grows: what reads a graph may compute with its sizes.
  SymbolTable& symbols() const { return shared_->symbols; }

  // An empty graph to be filled and given to add_body.
  Graph new_body(std::string name) const { return Graph(shared_, std::move(name)); }
  // A name that another body has gets a number appended.
  BodyId add_body(Graph body);
  const Graph& body(BodyId id) const { return *bodies_[id.index]; }
  Graph& body(BodyId id) { return *bodies_[id.index]; }
  size_t num_body_ids() const { return bodies_.size(); }

  ValueId add_input(std::string name, TensorType type);
  // A name that is taken gets a number appended.
  ValueId add_constant(TensorData data, std::string name);
  ValueId add_parameter(TensorData data, std::string name);
  ValueId add_state(TensorData initial, std::string name);
  void add_output(std::string name, ValueId value);
  void set_outputs(std::vector<GraphOutput> outputs) { outputs_ = std::move(outputs); }
  void add_state_update(ValueId state, ValueId value);
  LocationId intern(const SourceLocation& location);
  const SourceLocation& location(LocationId id) const;  // empty for an invalid id
  const SourceLocation& location(OpId op) const {
    return location(ops_storage_[op.index].location);
  }

  const Op& op(OpId id) const { return ops_storage_[id.index]; }
  const Value& value(ValueId id) const { return values_[id.index]; }
  const TensorType& type(ValueId id) const { return values_[id.index].type; }
  size_t num_op_ids() const { return ops_storage_.size(); }
  size_t num_value_ids() const { return values_.size(); }
  size_t num_ops() const { return num_live_ops_; }

  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<GraphOutput>& outputs() const { return outputs_; }
  const std::vector<StateUpdate>& state_updates() const { return state_updates_; }
  bool is_output(ValueId id) const;
  bool is_constant(ValueId id) const { return value(id).kind == ValueKind::kConstant; }
  // A constant or a parameter: the file holds its elements, in any order that is asked for.
  bool is_stored(ValueId id) const {
    return is_constant(id) || value(id).kind == ValueKind::kParameter;
  }
  const TensorData& constant(ValueId id) const { return *value(id).data; }
  // The constants that may have the elements of this one, itself among them (constant_index.h).
  std::vector<ValueId> constants_like(ValueId id) const;
  // Reads by ops, outputs and state updates together.
  size_t num_readers(ValueId id) const;
  // The op that made the value; invalid for inputs, constants and states.
  OpId producer(ValueId id) const { return value(id).producer; }
  // The producer if it is an op of that name, otherwise invalid.
  OpId producer_if(ValueId id, OpName name) const;

  OpId first_op() const { return first_; }
  OpId last_op() const { return last_; }
  // for (OpId op : graph.op_ids())     in execution order; do not erase the current op meanwhile
  class OpIterator {
   public:
    OpIterator(const Graph* graph, OpId op) : graph_(graph), op_(op) {}
    OpId operator*() const { return op_; }
    OpIterator& operator++() {
      op_ = graph_->op(op_).next;
      return *this;
    }
    bool operator==(const OpIterator& other) const { return op_ == other.op_; }

   private:
    const Graph* graph_;
    OpId op_;
  };
  struct OpRange {
    const Graph* graph;
    OpIterator begin() const { return {graph, graph->first_op()}; }
    OpIterator end() const { return {graph, OpId()}; }
  };
  OpRange op_ids() const { return {this}; }

 private:
  friend class Builder;
  friend class Rewriter;

  // What a graph and its bodies have in common.
  struct Shared {
    const OpSet& ops;
    SymbolTable symbols;
    std::vector<SourceLocation> locations;
    std::unordered_multimap<size_t, LocationId> location_ids;  // by hash
  };

  Graph(std::shared_ptr<Shared> shared, std::string name)
      : shared_(std::move(shared)), name_(std::move(name)) {}
  Graph clone_with(std::shared_ptr<Shared> shared) const;
  ValueId add_value(Value value);
  std::string unique_name(std::string name);

  std::shared_ptr<Shared> shared_;
  std::string name_;
  std::vector<std::unique_ptr<Graph>> bodies_;
  std::vector<Op> ops_storage_;
  std::vector<Value> values_;
  std::vector<ValueId> inputs_;
  std::vector<GraphOutput> outputs_;
  std::vector<StateUpdate> state_updates_;
  std::unordered_map<std::string, uint32_t> taken_names_;  // name -> next number to append
  OpId first_, last_;
  size_t num_live_ops_ = 0;
  mutable std::shared_ptr<ConstantIndex> constant_index_;  // made when it is asked
};

// The bodies that an op names, in the order of its attributes.
std::vector<BodyId> bodies_of(const Op& op);
// Each body that an op of the graph names, once, in execution order; those inside of them are
// theirs.
std::vector<BodyId> live_bodies(const Graph& graph);

}  // namespace ferryman
