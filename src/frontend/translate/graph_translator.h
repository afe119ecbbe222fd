// One graph of a program, the main one or the body of a branch or loop, as core ops.
//
//   Translation shared(program, ops, graph.symbols(), diagnostics);
//   GraphTranslator translator(shared, graph);
//   translator.set(index, graph.add_input("x", type));
//   translator.translate_nodes(program.nodes);
//   FERRYMAN_TRY(const ValueId y, translator.output_of(argument));
//
// Bodies are translated by the node that runs them (translate_bodies.cc), into bodies of the graph.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontend/complex/complex_values.h"
#include "frontend/counted/counted_nodes.h"
#include "frontend/functionalise/liveness.h"
#include "frontend/program/program.h"
#include "frontend/translate/node_call.h"
#include "frontend/translate/node_imports.h"
#include "frontend/translate/refused_values.h"
#include "ir/graph.h"

namespace ferryman::frontend {

bool is_static(const TensorMeta& meta);
// With the sizes of the example, where they are not static.
TensorType to_type(const TensorMeta& meta);
// Of a number that Python computes.
DType number_dtype(NumberKind kind);

// What the graphs of a program share.
struct Translation {
  Translation(const Program& of, const Ops& ops, SymbolTable& symbols, Diagnostics& into,
              bool trained_on = false)
      : program(of),
        is_trained_on(trained_on),
        diagnostics(into),
        imports(ops),
        live(find_live(of)),
        sizes(of, symbols),
        values(of.values.size()) {}

  void fail(Diag diag);

  const Program& program;
  bool is_trained_on;  // what is written
  Diagnostics& diagnostics;
  NodeImports imports;
  Liveness live;
  FreeSizes sizes;
  std::vector<ValueId> values;  // of real tensors and numbers, each in the graph that defines it
  std::vector<Diag> first_error;
  bool has_errors = false;
};

class GraphTranslator {
 public:
  GraphTranslator(Translation& shared, Graph& graph) : GraphTranslator(shared, graph, {}, {}) {}
  // Of a body. `path`: the names of the bodies around it and its own, "true_graph_0/body_graph_0",
  // under which its nodes are known; `around`: the place of what runs it, for nodes that know none.
  GraphTranslator(Translation& shared, Graph& graph, std::string path, SourceLocation around)
      : shared_(shared),
        program_(shared.program),
        graph_(graph),
        path_(std::move(path)),
        around_(std::move(around)),
        builder_(graph),
        complex_(builder_),
        counted_(shared.program, shared.sizes, graph, builder_) {}

  void translate_nodes(const std::vector<Node>& nodes);

  // What a value of the program is in the graph, for inputs and weights.
  void set(ValueIndex index, ValueId value) { shared_.values[index] = value; }
  void set_complex(ValueIndex index, Result<ComplexValue> value);
  ComplexValues& complex() { return complex_; }
  CountedNodes& counted() { return counted_; }
  Builder& builder() { return builder_; }

 private:
  bool is_live(const Node& node) const;
  SourceLocation location_of(const Node& node) const;
  void fail(const Node& node, Diag diag);
  void translate_node(const Node& node);
  bool is_known_number(const Node& node) const;
  NodeImport find_import(const Node& node) const;
  ComplexImported import_or_refuse(const Node& node);
  void add_free_sizes(const Argument& arg, std::vector<std::string>& names) const;
  // The free sizes among what the node reads, for people.
  std::string why_refused(const Node& node) const;
  // The node needs a size as a number that is free.
  Diag needs_number(const Node& node, const SizeError& error) const;
  ComplexImported import_node(const Node& node);
  ComplexImported run_import(const Node& node, const NodeImport& import, NodeCall& call);
  Result<NodeCall> make_call(const Node& node, std::string_view key);
  Result<ImportArg> convert(const Argument& arg, std::string_view key, std::string_view name);
  Result<ImportArg> convert_value(ValueIndex index, std::string_view key, std::string_view name);
  void stand_in_for(const Node& node);
  void record_results(const Node& node, const std::vector<RealOrComplex>& results);
  bool record_result(const Node& node, ValueIndex index, const RealOrComplex& result);
  bool record_number(const Node& node, ValueIndex index, const RealOrComplex& result);
  bool refuse_size(const Node& node, Diag diag);
  bool check_type(const Node& node, const TensorType& recorded, ValueId made);
  std::string print_type(const TensorType& type) const;
  bool refuse_type(const Node& node, std::string_view made, const TensorType& recorded);

  // translate_bodies.cc
  void translate_control(const Node& node);
  friend class BodyImport;

  Translation& shared_;
  const Program& program_;
  Graph& graph_;
  std::string path_;
  SourceLocation around_;
  Builder builder_;
  ComplexValues complex_;
  CountedNodes counted_;
  RefusedValues refused_;
};

}  // namespace ferryman::frontend
