// x[index] = values, where it is counted how many there are.
#include "frontend/counted/counted_table.h"
#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/index/index_arrays.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// x with one more entry along the axis, for what is not to be written.
ValueId with_spare_entry(CoreWriter write, ValueId x, int64_t axis) {
  const size_t rank = write.rank(x);
  PerAxis after{Ints(rank, 0)};
  after.values[static_cast<size_t>(axis)] = 1;
  return write.op(ops::kPad, {x}, {{attr::kBefore, PerAxis{Ints(rank, 0)}}, {attr::kAfter, after}});
}

// Values that a mask numbers are read by that number, and those beyond their count by nobody: the
// imports for known sizes will do, as long as what is written to has no counted axis itself.
Status require_fixed_target(CountedCall& call, ValueId x, ValueId mask) {
  if (call.find(x) == nullptr && call.find(mask) == nullptr) return {};
  return call.context().unsupported("writing by a mask into entries counted at run time");
}

// The source's elements in order, which those beyond its count end.
Imported import_masked_scatter(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const ValueId mask, context.tensor("mask"));
  FERRYMAN_TRY(const ValueId source, context.tensor("source"));
  FERRYMAN_TRY_STATUS(require_fixed_target(call, x, mask));
  if (const CountedAxis* counted = call.find(source); counted != nullptr && counted->axis != 0)
    return context.unsupported("a source that is not counted along its first axis");
  return ferryman::import_masked_scatter(context);
}

Imported import_index_put(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(ValueId values, context.tensor("values"));
  FERRYMAN_TRY(const OneIndex index, only_index(context));
  const CoreWriter write = call.writer();
  if (is_mask(write, index.tensor)) {
    FERRYMAN_TRY_STATUS(require_fixed_target(call, x, index.tensor));
    return ferryman::import_index_put(context);
  }
  FERRYMAN_TRY(const bool accumulate, context.flag("accumulate", false));
  const CountedAxis* counted = call.find(index.tensor);
  if (counted == nullptr || write.rank(index.tensor) != 1)
    return context.unsupported("writing at other than a counted list of places");
  Dims shape = write.dims(x);
  const auto along = static_cast<size_t>(index.axis);
  const Dim size = shape[along];
  shape[along] = write.dim(index.tensor, 0);
  values = write.cast(values, write.dtype(x));
  values = write.expand(values, shape);
  FERRYMAN_TRY(ValueId positions, positions_of(call, x, index));
  const ValueId exists = call.existing(index.tensor, *counted);
  positions = write.where(exists, positions, write.size_value(size, write.dtype(positions)));
  const ValueId longer = with_spare_entry(write, x, index.axis);
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  const ValueId written = emit_scatter(write, longer, index.axis, positions, values, rule);
  return one_result(write.slice_axis(written, along, 0, size));
}

}  // namespace

void add_counted_writes(CountedTable& table) {
  table.add({"index_put.default"}, import_index_put);
  table.add({"masked_scatter.default"}, import_masked_scatter);
}

}  // namespace ferryman::frontend
