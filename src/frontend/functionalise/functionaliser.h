// The walk behind functionalise(): node by node from the old program into a new one. Its parts:
// functionalise.cc (inputs, outputs, the order of nodes), functionalise_nodes.cc (what computes),
// functionalise_writes.cc (what writes).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/functionalise/alias.h"
#include "frontend/functionalise/view_ops.h"
#include "frontend/functionalise/write_ops.h"
#include "frontend/program/program.h"
#include "frontend/program/program_writer.h"
#include "support/diagnostic.h"
#include "support/result.h"

namespace ferryman::frontend {

class Functionaliser {
 public:
  Functionaliser(Program program, Diagnostics& diagnostics)
      : old_(std::move(program)),
        diagnostics_(diagnostics),
        writer_(new_),
        aliases_(writer_),
        alias_of_(old_.values.size(), kNoAlias),
        number_of_(old_.values.size(), kNoValue) {}

  std::optional<Program> run();

 private:
  void name_values(const std::vector<ValueIndex>& inputs, const std::vector<Node>& nodes);
  void add_inputs();
  void add_outputs();
  void visit_all(const std::vector<Node>& nodes);
  Status visit(const Node& node);
  Status visit_inline(const Node& node, const Subgraph& body,
                      std::span<const NamedArgument> operands);
  Status visit_computation(const Node& node);
  Status visit_write(const Node& node, const WriteOp& write);
  Result<std::vector<NamedArgument>> twin_args(const Node& node, const WriteOp& write);
  Result<AliasId> written_target(const Node& node, const WriteOp& write, size_t position);
  Status visit_compute_write(const Node& node, const WriteOp& write);
  Status visit_batch_norm(const Node& node);
  void define_unknown(const Node& node);

  Result<Argument> map(const Argument& argument, const Node& reader);
  Result<std::vector<NamedArgument>> map(const std::vector<NamedArgument>& args,
                                         const Node& reader);
  Result<Argument> map_graph(GraphRef ref, const Node& reader);
  Status map_calls(View& view, const Node& reader);
  Result<ValueIndex> read(ValueIndex old_value, const Node& reader);

  ValueIndex copy_value(ValueIndex old_value);
  Status define(ValueIndex old_value, ValueIndex value, ResultViews views, const Node& node);
  void define_root(ValueIndex old_value, ValueIndex value);
  Result<AliasId> written_alias(const Node& node, const std::string& argument) const;
  Result<ValueIndex> new_contents(const Node& node, const WriteOp& write, AliasId target);
  Result<ValueIndex> filled(const Node& node, const WriteOp& write, AliasId target);
  ValueIndex cast_and_expand(ValueIndex value, TensorMeta meta, AliasId target, const Node& node);
  Status write_result(const Node& node, size_t position, AliasId target, ValueIndex value);
  std::string result_name(const Node& node, size_t position) const;

  Program old_;
  Program new_;
  Diagnostics& diagnostics_;
  ProgramWriter writer_;
  AliasTable aliases_;
  std::vector<AliasId> alias_of_;      // by old value: tensors
  std::vector<ValueIndex> number_of_;  // by old value: symbolic numbers
};

Diag malformed(const Node& node, const std::string& what);

}  // namespace ferryman::frontend
