// The nodes of a program that touch sizes of run time, and what of them the translator needs to
// know.
//
//   CountedNodes counted(program, graph, builder);
//   if (counted.touches(node)) results = counted.run(call, import, node, values);
//   FERRYMAN_TRY(const TensorType type, counted.type_of(meta));      // with bounds as sizes
//   FERRYMAN_TRY(const ValueId output, counted.to_output(value, meta));
#pragma once

#include <span>
#include <string_view>

#include "frontend/counted/counted_sizes.h"
#include "frontend/node_imports.h"
#include "frontend/program.h"

namespace ferryman::frontend {

class CountedNodes {
 public:
  CountedNodes(const Program& program, Graph& graph, Builder& builder)
      : program_(program), graph_(graph), builder_(builder), sizes_(builder) {}

  // Whether a size or number of run time is among the node's arguments or results.
  bool touches(const Node& node) const;
  // Whether the node computes a size: its readers see the expression.
  bool is_size(const Node& node) const;

  Result<TensorType> type_of(const TensorMeta& meta) const;
  // A number of run time as an argument, where the bound will do: for the size of what is made or
  // viewed. Fails elsewhere.
  Result<int64_t> bound_for(std::string_view key, std::string_view name, const Value& value) const;

  // `values`: those of the graph, by the program's.
  Imported run(ImportContext& call, const NodeImport& import, const Node& node,
               std::span<const ValueId> values);
  // The value with as many entries as are counted.
  Result<ValueId> to_output(ValueId value, const TensorMeta& meta);

 private:
  bool is_chosen_by_mask(const Node& node) const;
  Result<CountedAxes> operands_of(const Node& node, std::span<const ValueId> values);
  Status add_operands(const Argument& arg, std::span<const ValueId> values, CountedAxes& found);
  Imported run_by_entries(ImportContext& call, const NodeImport& import, CountedCall& counted,
                          const CountedAxes& operands);

  const Program& program_;
  Graph& graph_;
  Builder& builder_;
  CountedSizes sizes_;
};

}  // namespace ferryman::frontend
