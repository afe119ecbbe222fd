// Whole numbers that grow evenly along each axis: offset + step[0] * i0 + step[1] * i1 + …, of
// which offset and steps are expressions over free sizes. Positions, masks and what is made of them
// are such tensors where the example's sizes would have made them constants.
//
//   LinearForms forms(graph);
//   forms.of(value)                                  // of arange(n)[:, None] - 1: offset -1, steps
//   {1, 0} forms.truth_of(comparison)                       // of arange(n) < n: true
//
// Invariants: along an axis of size 1 the step is 0; a form holds for the value's id for good, so a
// graph may change meanwhile. What may outgrow the value's dtype has none. A tensor without
// elements has whatever form is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace ferryman {

struct LinearForm {
  SizeExpr offset;
  std::vector<SizeExpr> steps;  // per axis of the value

  bool operator==(const LinearForm&) const = default;
  bool is_uniform() const;
  // The number that all elements are, if it is one.
  std::optional<int64_t> number() const;
};

class LinearForms {
 public:
  // The sides of a comparison, along the axes of its result.
  struct Compared {
    LinearForm left, right;
    LinearForm difference() const;  // left less right
  };

  explicit LinearForms(const Graph& graph) : graph_(graph) {}

  // Of an integer or bool value; nothing if it has none, or none is found.
  std::optional<LinearForm> of(ValueId value);
  // What all elements of a bool value are, if they are the same.
  std::optional<bool> truth_of(ValueId value);
  // Whether along the axis, wherever the others are, at least one element of a bool value is true.
  bool has_true_along(ValueId value, size_t axis);
  std::optional<Compared> compared(const Op& comparison);

 private:
  using Found = std::optional<LinearForm>;
  using Bound = std::optional<SizeExpr>;  // nothing: not known

  // Of all elements of a tensor.
  struct Bounds {
    Bound least, greatest;
  };

  Found compute(ValueId value);
  Found of_operator(const Op& op);
  Found of_constant(const TensorData& data) const;
  Found of_numbers(const TensorData& data) const;
  Found of_cast(const Op& op);
  Found of_sum(const Op& op, int64_t sign);
  Found of_product(const Op& op);
  Found of_reshape(const Op& op);
  Found of_permute(const Op& op);
  Found of_slice(const Op& op);
  Found of_concat(const Op& op);
  Found of_gather(const Op& op);
  Found of_cumsum(const Op& op);
  Found of_where(const Op& op);
  Found of_logic(const Op& op);
  Found of_any(const Op& op);
  Found of_comparison(const Op& op);

  // Of a value as an op broadcasts it to `dims`.
  Found broadcast(ValueId value, const Dims& dims);
  // At the place of the row-major table where `index` says.
  Found at_index(ValueId table, const LinearForm& index, const Dims& index_dims);
  bool has_true_along_operand(const Op& op, size_t operand, size_t axis);
  Bounds bounds(const LinearForm& form, const Dims& dims) const;
  // The greatest element; of those along `lowest`, if given, the least.
  Bound greatest(const LinearForm& form, const Dims& dims, std::optional<size_t> lowest = {}) const;
  std::optional<bool> decided(const Op& comparison, const LinearForm& difference) const;
  bool is_at_least(const Bound& value, int64_t number) const;
  bool is_at_most(const Bound& value, int64_t number) const;
  bool fits(const LinearForm& form, const TensorType& type) const;
  // Whether all elements lie in [0, end).
  bool is_within(const LinearForm& form, const Dims& dims, Dim end) const;
  SymbolTable& symbols() const { return graph_.symbols(); }
  const Dims& dims_of(ValueId value) const { return graph_.type(value).dims; }

  const Graph& graph_;
  std::unordered_map<ValueId, Found> known_;
};

bool is_comparison(const Op& op);

}  // namespace ferryman
