// Sorting along a counted axis: what does not exist comes after all that does. Orders are stable,
// so it does so beside equals as well.
#include "frontend/counted/counted_table.h"
#include "ops/promote.h"
#include "ops/reduce/ordering.h"

namespace ferryman::frontend {

namespace {

Imported ordered(CountedCall& call, ValueId x, int64_t axis, Order order) {
  ImportContext& context = call.context();
  const CountedAxis* counted = call.find(x);
  if (counted != nullptr && counted->axis == axis) {
    x = call.filled(x, order == Order::kDescending ? Extreme::kLowest : Extreme::kLast);
  }
  FERRYMAN_TRY(const Dim size, call.result_size(0, axis));
  const CoreWriter write = call.writer();
  if (!write.symbols().is_at_least(write.dim(x, axis), size))
    return context.unsupported("more elements than there may be");
  Ordered top = emit_topk(write, x, axis, size, order);
  top.positions = write.cast(top.positions, DType::kI64);
  return std::vector{top.values, top.positions};
}

Imported import_sort(CountedCall& call) {
  ImportContext& context = call.context();
  context.ignore("stable");  // it always is
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const bool descending, context.flag("descending", false));
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", call.writer().rank(x), -1));
  return ordered(call, x, axis, descending ? Order::kDescending : Order::kAscending);
}

Imported import_argsort(CountedCall& call) {
  FERRYMAN_TRY(const std::vector<ValueId> sorted, import_sort(call));
  return std::vector{sorted[1]};
}

Imported import_topk(CountedCall& call) {
  ImportContext& context = call.context();
  context.ignore("sorted");  // any order will do without
  context.ignore("k");       // the result has that size
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const bool largest, context.flag("largest", true));
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", call.writer().rank(x), -1));
  return ordered(call, x, axis, largest ? Order::kDescending : Order::kAscending);
}

}  // namespace

void add_counted_orders(CountedTable& table) {
  table.add({"sort.default", "sort.stable"}, import_sort);
  table.add({"argsort.default", "argsort.stable"}, import_argsort);
  table.add({"topk.default"}, import_topk);
}

}  // namespace ferryman::frontend
