// x[index] = values, where it is counted how many there are.
#include <algorithm>

#include "frontend/counted/counted_table.h"
#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/product.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman::frontend {

namespace {

// x with one more entry along the axis, for what is not to be written.
Result<ValueId> with_spare_entry(ImportContext& call, ValueId x, int64_t axis) {
  const size_t rank = rank_of(call, x);
  PerAxis after{Ints(rank, 0)};
  after.values[static_cast<size_t>(axis)] = 1;
  return call.emit(ops::kPad, {x},
                   {{attr::kBefore, PerAxis{Ints(rank, 0)}}, {attr::kAfter, after}});
}

// The axes of x that a mask covers as one: [what is before, entries, what is behind].
struct Covered {
  Ints before, mask, behind;
  Ints with(int64_t entries) const {
    Ints shape = before;
    shape.push_back(entries);
    shape.insert(shape.end(), behind.begin(), behind.end());
    return shape;
  }
  Ints alone(int64_t entries) const {
    Ints shape(before.size(), 1);
    shape.push_back(entries);
    shape.resize(shape.size() + behind.size(), 1);
    return shape;
  }
};

Result<Covered> covered_axes(ImportContext& call, ValueId x, const OneIndex& index) {
  const Ints shape = sizes_of(call, x);
  const Ints mask = sizes_of(call, index.tensor);
  const auto begin = shape.begin() + index.axis;
  const auto left = static_cast<size_t>(shape.end() - begin);
  if (mask.size() > left || !std::equal(mask.begin(), mask.end(), begin) || product(mask) == 0)
    return call.unsupported("a mask of another shape");
  return Covered{
      {shape.begin(), begin}, mask, {begin + static_cast<ptrdiff_t>(mask.size()), shape.end()}};
}

// For each entry that the mask covers the number of the value that is written there.
Result<ValueId> value_numbers(ImportContext& call, ValueId line, int64_t num_values) {
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, line, DType::kI32));
  FERRYMAN_TRY(const ValueId sums, call.emit(ops::kCumsum, {ones}, {{attr::kAxis, Axis{0}}}));
  FERRYMAN_TRY(const ValueId numbers, call.emit(ops::kSub, {sums, scalar_like(call, sums, 1)}));
  return call.emit(ops::kClamp, {numbers},
                   {{attr::kMin, 0.0}, {attr::kMax, static_cast<double>(num_values - 1)}});
}

// x[mask] = values, one for each place in order: no list of places is needed.
Imported write_by_mask(CountedCall& call, ValueId x, const OneIndex& index, ValueId values) {
  ImportContext& context = call.context();
  if (call.find(x) != nullptr || call.find(index.tensor) != nullptr)
    return context.unsupported("writing by a mask into entries counted at run time");
  FERRYMAN_TRY(const bool accumulate, context.flag("accumulate", false));
  FERRYMAN_TRY(const Covered covered, covered_axes(context, x, index));
  const Ints given = sizes_of(context, values);
  const size_t behind = covered.behind.size();
  const int64_t num_values = given.size() > behind ? given[given.size() - behind - 1] : 1;
  FERRYMAN_TRY(values, as_dtype(context, values, dtype_of(context, x)));
  FERRYMAN_TRY(values, emit_expand(context, values, covered.with(num_values)));
  FERRYMAN_TRY(const ValueId flags, as_dtype(context, index.tensor, DType::kBool));
  FERRYMAN_TRY(ValueId line, emit_reshape(context, flags, {-1}));
  const int64_t size = product(covered.mask);
  FERRYMAN_TRY(const ValueId merged, emit_reshape(context, x, covered.with(size)));
  if (num_values > 1) {
    FERRYMAN_TRY(const ValueId numbers, value_numbers(context, line, num_values));
    FERRYMAN_TRY(values, emit_gather(context, values, numbers, index.axis));
  }
  if (accumulate) {
    FERRYMAN_TRY(values, context.emit(ops::kAdd, {merged, values}));
  }
  FERRYMAN_TRY(line, emit_reshape(context, line, covered.alone(size)));
  FERRYMAN_TRY(const ValueId written, context.emit(ops::kWhere, {line, values, merged}));
  return one_result(emit_reshape(context, written, sizes_of(context, x)));
}

// The source's elements in order, which those beyond its count end.
Imported import_masked_scatter(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const ValueId mask, context.tensor("mask"));
  FERRYMAN_TRY(const ValueId source, context.tensor("source"));
  const CountedAxis* counted = call.find(source);
  if (counted == nullptr || counted->axis != 0)
    return context.unsupported("a source that is not counted along its first axis");
  FERRYMAN_TRY(const ValueId values, emit_reshape(context, source, {-1}));
  FERRYMAN_TRY(const ValueId whole, emit_expand(context, mask, sizes_of(context, x)));
  return write_by_mask(call, x, OneIndex{whole, 0}, values);
}

Imported import_index_put(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(ValueId values, context.tensor("values"));
  FERRYMAN_TRY(const OneIndex index, only_index(context));
  if (is_mask(context, index.tensor)) return write_by_mask(call, x, index, values);
  FERRYMAN_TRY(const bool accumulate, context.flag("accumulate", false));
  const CountedAxis* counted = call.find(index.tensor);
  if (counted == nullptr || rank_of(context, index.tensor) != 1)
    return context.unsupported("writing at other than a counted list of places");
  Ints shape = sizes_of(context, x);
  const auto along = static_cast<size_t>(index.axis);
  const int64_t size = shape[along];
  shape[along] = sizes_of(context, index.tensor)[0];
  FERRYMAN_TRY(values, as_dtype(context, values, dtype_of(context, x)));
  FERRYMAN_TRY(values, emit_expand(context, values, shape));
  FERRYMAN_TRY(ValueId positions, positions_of(call, x, index));
  FERRYMAN_TRY(const ValueId exists, call.existing(index.tensor, *counted));
  const ValueId spare = scalar_like(context, positions, static_cast<double>(size));
  FERRYMAN_TRY(positions, context.emit(ops::kWhere, {exists, positions, spare}));
  FERRYMAN_TRY(const ValueId longer, with_spare_entry(context, x, index.axis));
  const ScatterRule rule{accumulate ? Combine::kSum : Combine::kSet, IncludeSelf::kYes};
  FERRYMAN_TRY(const ValueId written,
               emit_scatter(context, longer, index.axis, positions, values, rule));
  return one_result(emit_slice(context, written, index.axis, 0, size));
}

}  // namespace

void add_counted_writes(CountedTable& table) {
  table.add({"index_put.default"}, import_index_put);
  table.add({"masked_scatter.default"}, import_masked_scatter);
}

}  // namespace ferryman::frontend
