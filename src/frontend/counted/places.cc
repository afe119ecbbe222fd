// Parts of an axis whose place and number of entries are only known at run time: x[:, at:at + 5],
// which ends where x does; x[:, :n], x.narrow(1, at, n); and writing to them.
#include "frontend/counted/counted_table.h"
#include "frontend/counted/linear_number.h"
#include "frontend/counted/one_index.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/computed_range.h"

namespace ferryman::frontend {

namespace {

// How many entries the axis has, as int64.
ValueId extent_of(CountedCall& call, ValueId x, int64_t axis) {
  const CoreWriter write = call.writer();
  const CountedAxis* counted = call.find(x);
  if (counted != nullptr && counted->axis == axis) return write.cast(counted->count, DType::kI64);
  return write.size_value(write.dim(x, axis), DType::kI64);
}

// The entries of a run, some of which may not exist: of a slice beyond its end.
ValueId take_inside(CoreWriter write, ValueId x, int64_t axis, const Run& run) {
  ValueId places = write.cast(write.numbers(run.length, "places"), DType::kI64);
  places = write.add(write.mul(places, static_cast<double>(run.step)), run.begin);
  places = brought_inside(write, places, write.dim(x, axis));
  return write.gather(x, static_cast<size_t>(axis), places);
}

// The most entries that start:end may have: at:at + 5 has five. 2:-1 may have any number.
Dim most_between(CountedCall& call, Dim size) {
  ImportContext& context = call.context();
  const auto value = [&](std::string_view name) {
    const ImportArg* arg = context.find(name);
    const auto* number = arg == nullptr ? nullptr : std::get_if<RunTimeNumber>(&arg->value);
    return number == nullptr ? ValueId() : number->value;
  };
  const ValueId start = value("start"), end = value("end");
  if (!start.valid() || !end.valid()) return size;
  const std::optional<int64_t> entries = distance(context.graph(), start, end);
  if (!entries.has_value() || *entries < 0) return size;
  return call.writer().symbols().min(*entries, size);
}

Imported import_narrow(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(x)));
  const CountedAxis* counted = call.find(x);
  const bool is_other = counted != nullptr && counted->axis != axis;
  if (is_other) return context.unsupported("of entries counted at run time");
  const Dim size = write.dim(x, axis);
  if (size == Dim(0)) return context.unsupported("of no entries");
  const ValueId extent = extent_of(call, x, axis);
  FERRYMAN_TRY(const ValueId begin, computed_position(context, "start", extent));
  FERRYMAN_TRY(ValueId length, tensor_as(context, "length", DType::kI64));
  if (!call.is_open(0, axis)) return take_computed_narrow(context, x, axis);
  length = write.cast(length, DType::kI32);
  FERRYMAN_TRY(const Dim most, call.set_count(0, axis, length, size));
  return one_result(take_inside(write, x, axis, {begin, most}));
}

// x with the entries of the part that exist, from a computed place on.
Imported import_slice_scatter(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(ValueId part, context.tensor("src"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(x), 0));
  const CountedAxis* counted = call.find(part);
  if (counted == nullptr && call.find(x) == nullptr)
    return overwrite_computed_slice(context, x, write.cast(part, write.dtype(x)), axis);
  if (counted == nullptr || counted->axis != axis)
    return context.unsupported("into entries counted at run time");
  FERRYMAN_TRY(const int64_t step, context.integer("step", 1));
  if (step != 1) return context.unsupported("steps between entries counted at run time");
  context.ignore("end");  // it follows from the count
  const Dim size = write.dim(x, axis), most = write.dim(part, axis);
  if (size == Dim(0) || most == Dim(0)) return std::vector{x};
  const ValueId zero = write.scalar(DType::kI64, 0);
  FERRYMAN_TRY(const ValueId begin,
               computed_bound(context, "start", extent_of(call, x, axis), size, zero));
  ValueId number = write.cast(write.numbers(size, "places"), DType::kI64);
  number = write.sub(number, begin);
  const ValueId from_begin = write.binary(ops::kGe, number, 0);
  const ValueId in_count = write.binary(ops::kLt, number, write.cast(counted->count, DType::kI64));
  const ValueId is_written = write.binary(ops::kLogicalAnd, from_begin, in_count);
  number = brought_inside(write, number, most);
  part = write.cast(part, write.dtype(x));
  if (most != Dim(1)) part = write.gather(part, static_cast<size_t>(axis), number);
  Dims shape(write.rank(x), 1);
  shape[static_cast<size_t>(axis)] = size;
  return one_result(write.where(write.reshape(is_written, shape), part, x));
}

}  // namespace

Imported slice_between(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(x), 0));
  const CountedAxis* counted = call.find(x);
  const bool is_along = counted != nullptr && counted->axis == axis;
  if (!is_along && !call.is_open(0, axis)) return take_computed_slice(context, x, axis);
  FERRYMAN_TRY(const int64_t step, context.integer("step", 1));
  const Dim size = write.dim(x, axis);
  if (step < 1 || size == Dim(0)) return context.unsupported("a step below 1, or no entries");
  const ValueId extent = extent_of(call, x, axis);
  const ValueId zero = write.scalar(DType::kI64, 0);
  FERRYMAN_TRY(const ValueId begin, computed_bound(context, "start", extent, size, zero));
  FERRYMAN_TRY(const ValueId end, computed_bound(context, "end", extent, size, extent));
  ValueId count = write.binary(ops::kMaximum, write.sub(end, begin), zero);
  Dim bound = most_between(call, size);
  if (step != 1) {
    const auto by = static_cast<double>(step);
    count = write.binary(ops::kFloorDivide, write.add(count, by - 1), by);
    bound = write.symbols().floordiv(write.symbols().shift(bound, step - 1), step);
  }
  count = write.cast(count, DType::kI32);
  FERRYMAN_TRY(const Dim most, call.set_count(0, axis, count, bound));
  return one_result(take_inside(write, x, axis, {begin, most, step}));
}

void add_counted_places(CountedTable& table) {
  table.add({"narrow.default", "narrow_copy.default"}, import_narrow);
  table.add({"slice_scatter.default"}, import_slice_scatter);
}

}  // namespace ferryman::frontend
