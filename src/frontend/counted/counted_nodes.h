// The nodes of a program that touch sizes of run time, and what of them the translator needs to
// know.
//
//   CountedNodes counted(program, free_sizes, graph, builder);
//   if (counted.touches(node)) results = counted.run(call, import, node, values);
//   FERRYMAN_TRY(const TensorType type, counted.type_of(meta));
//   FERRYMAN_TRY(const ValueId output, counted.to_output(value, meta));
#pragma once

#include <span>
#include <string_view>

#include "frontend/counted/counted_sizes.h"
#include "frontend/program/program.h"
#include "frontend/translate/node_imports.h"

namespace ferryman::frontend {

class CountedNodes {
 public:
  CountedNodes(const Program& program, FreeSizes& free, Graph& graph, Builder& builder)
      : program_(program), graph_(graph), builder_(builder), sizes_(builder, free) {}

  // Whether a size or number of run time is among the node's arguments or results.
  bool touches(const Node& node) const;
  // Whether the node computes a size of what was counted: its readers see the expression.
  bool is_size(const Node& node) const;

  // The size, where it is free or one for all inputs.
  std::optional<Dim> fixed_size(const Value& value) const;

  // Whether none of its sizes is counted.
  bool is_whole(const TensorMeta& meta) const;
  // With bounds as the sizes that are counted.
  Result<TensorType> type_of(const TensorMeta& meta) const;
  // A size as an argument: the bound for the size of what is made or viewed, otherwise the count.
  Result<ImportArg> number_for(std::string_view key, std::string_view name, const Value& value);
  // The count as a number to compute with.
  Result<ValueId> number_of(const Value& value);

  // `values`: those of the graph, by the program's.
  Imported run(ImportContext& call, const NodeImport& import, const Node& node,
               std::span<const ValueId> values);
  // The value with as many entries as are counted.
  Result<ValueId> to_output(ValueId value, const TensorMeta& meta);

 private:
  bool is_of_run_time(const Value& value) const;
  bool mentions_run_time(const Argument& arg) const;
  bool is_chosen_by_mask(const Node& node) const;
  Result<CountedAxes> operands_of(const Node& node, std::span<const ValueId> values);
  Status add_operands(const Argument& arg, std::span<const ValueId> values, CountedAxes& found);
  Imported run_by_lines(ImportContext& call, const NodeImport& import, CountedCall& counted,
                        const CountedAxes& operands);
  Imported run_by_entries(ImportContext& call, const NodeImport& import, CountedCall& counted,
                          const CountedAxes& operands);

  const Program& program_;
  Graph& graph_;
  Builder& builder_;
  CountedSizes sizes_;
};

}  // namespace ferryman::frontend
