// A call of the program some of whose tensors have a counted axis: one with as many entries as are
// counted at run time. In the graph such a tensor has as many as there may be, the bound; what the
// entries from the count on hold is of no meaning, and must reach no other entry.
//
//   Imported import_topk(CountedCall& call) {
//     FERRYMAN_TRY(ValueId x, call.context().tensor("self"));
//     x = call.filled(x, Extreme::kLowest);     // never among the largest
//     …
//   }
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "frontend/counted/counted_sizes.h"
#include "frontend/program/program.h"
#include "ops/import.h"

namespace ferryman::frontend {

struct CountedAxis {
  int64_t axis = 0;
  ValueId count;
};
using CountedAxes = std::map<ValueId, CountedAxis>;
// Which axis of a value is counted, where one is.
using RowAxes = std::map<ValueId, size_t>;

// The one axis whose size is not a number; fails if there are several.
Result<std::optional<size_t>> find_counted_axis(const TensorMeta& meta, const CountedSizes& sizes);

// What stands in for entries beyond the count.
enum class Extreme : uint8_t { kZero, kOne, kLowest, kHighest, kLast };  // kLast: NaN is above all

class CountedCall {
 public:
  CountedCall(ImportContext& context, CountedSizes& sizes, const CountedAxes& operands,
              std::vector<const TensorMeta*> results)
      : context_(context), sizes_(sizes), operands_(operands), results_(std::move(results)) {}

  ImportContext& context() { return context_; }
  CoreWriter writer() { return context_.writer(); }
  size_t num_results() const { return results_.size(); }
  size_t num_counted_operands() const { return operands_.size(); }

  // Null: all sizes of the operand are numbers.
  const CountedAxis* find(ValueId operand) const;
  // A bool for each entry of an axis of `size`: whether it is below the count.
  ValueId below(ValueId count, Dim size);
  // The same, in a shape that broadcasts over the operand.
  ValueId existing(ValueId operand, const CountedAxis& axis);
  // The operand with something harmless beyond its count.
  ValueId filled(ValueId operand, Extreme extreme);

  // Whether the size of a result along an axis is only known at run time.
  bool is_open(size_t result, int64_t axis) const;
  // The size of a result along an axis, the most that there may be; fails if it is a new name.
  Result<Dim> result_size(size_t result, int64_t axis) const;

  // States how many entries the result has along that axis: the name that the program gave to that
  // number means it from now on. Returns the most that there may be, which the result's type in the
  // graph has. A program that says a number (frozen with the example's values) has that many.
  Result<Dim> set_count(size_t result, int64_t axis, ValueId count, Dim bound);
  // States that the result has exactly that many, whatever the inputs are.
  Status set_size(size_t result, int64_t axis, Dim size);
  // Fails if entries were followed to another axis of the result than the program has them in.
  Status require_axis(size_t result, const RowAxes& axes, ValueId value);

 private:
  ImportContext& context_;
  CountedSizes& sizes_;
  const CountedAxes& operands_;
  std::vector<const TensorMeta*> results_;
};

using CountedFn = Imported (*)(CountedCall&);

}  // namespace ferryman::frontend
