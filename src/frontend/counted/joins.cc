// Counted axes one after another, and their beginnings.
#include <algorithm>
#include <array>
#include <limits>

#include "frontend/counted/counted_table.h"
#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/computed_range.h"
#include "ops/shape/size_range.h"

namespace ferryman::frontend {

namespace {

// One bool for each entry of the concatenated tensors: whether it exists.
Result<ValueId> existing_of_all(CountedCall& call, std::span<const ValueId> parts, int64_t axis) {
  std::vector<ValueId> exists;
  const CoreWriter write = call.writer();
  for (const ValueId part : parts) {
    const Dim size = write.dim(part, axis);
    const CountedAxis* counted = call.find(part);
    const ValueId count = counted != nullptr ? counted->count : write.size_value(size, DType::kI32);
    const ValueId one = call.below(count, size);
    exists.push_back(one);
  }
  return write.concat(exists, 0);
}

// In the dtype of the result; what has no elements at all (one axis of size 0) is left out.
Result<std::vector<ValueId>> read_parts(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> given, call.tensors("tensors"));
  const DType dtype = call.result_type(0).dtype;
  std::vector<ValueId> parts;
  const CoreWriter write = call.writer();
  for (const ValueId tensor : given) {
    const Dims& dims = write.dims(tensor);
    if (std::find(dims.begin(), dims.end(), Dim(0)) != dims.end()) continue;
    parts.push_back(write.cast(tensor, dtype));
  }
  return parts;
}

// The parts as they lie have gaps: the entries that exist are gathered.
Imported import_cat(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const std::vector<ValueId> parts, read_parts(context));
  if (parts.empty()) return context.unsupported("of tensors without elements");
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(parts[0]), 0));
  const ValueId joined = write.concat(parts, axis);
  const bool has_gaps = std::any_of(parts.begin(), parts.end(), [&](ValueId part) {
    const CountedAxis* counted = call.find(part);
    return counted != nullptr && counted->axis == axis;
  });
  if (!has_gaps) return std::vector{joined};
  FERRYMAN_TRY(const ValueId exists, existing_of_all(call, parts, axis));
  const Places places = places_of(write, exists);
  const Dim size = write.dim(joined, axis);
  FERRYMAN_TRY(const Dim most, call.set_count(0, axis, places.count, size));
  if (!write.symbols().is_at_least(size, most))
    return context.unsupported("more entries than its parts have");
  const ValueId positions = write.slice_axis(places.positions, 0, 0, most);
  return one_result(write.gather(joined, axis, positions));
}

// Where the program's expression for a size allows for more entries than there can be.
ValueId lengthened(CoreWriter write, ValueId x, int64_t axis, Dim size) {
  Dims shape = write.dims(x);
  Dim& have = shape[static_cast<size_t>(axis)];
  if (have == size) return x;
  if (!have.is_static() || !size.is_static()) {
    have = write.symbols().sub(size, have);
    const ValueId rest = write.filled(write.dtype(x), shape, 0, "rest");
    return write.concat(std::array{x, rest}, static_cast<size_t>(axis));
  }
  PerAxis after{Ints(shape.size(), 0)};
  after.values[static_cast<size_t>(axis)] = size.size() - have.size();
  return write.op(ops::kPad, {x},
                  {{attr::kBefore, PerAxis{Ints(shape.size(), 0)}}, {attr::kAfter, after}});
}

// x[:, begin:end] along the counted axis; begin must be a number.
Imported slice_counted(CountedCall& call, ValueId x, const CountedAxis& axis) {
  ImportContext& context = call.context();
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  FERRYMAN_TRY(const int64_t step, context.integer("step", 1));
  FERRYMAN_TRY(const int64_t begin, context.integer("start", 0));
  FERRYMAN_TRY(const int64_t end, context.integer("end", kEnd));
  if (step != 1 || begin < 0 || end < 0)
    return context.unsupported("steps, or places from the end, of entries counted at run time");
  const CoreWriter write = call.writer();
  SymbolTable& symbols = write.symbols();
  const Dim size = write.dim(x, axis.axis);
  const Dim first = symbols.min(begin, size);
  const Dim last = symbols.max(symbols.min(end, size), first);
  const auto number = [&](Dim n) { return write.size_value(n, write.dtype(axis.count)); };
  ValueId count = write.binary(ops::kMinimum, axis.count, number(last));
  if (first != Dim(0)) {
    count = write.sub(count, number(first));
    count = write.binary(ops::kMaximum, count, number(Dim(0)));
  }
  const Dim length = symbols.sub(last, first);
  FERRYMAN_TRY(const Dim most, call.set_count(0, axis.axis, count, length));
  const Dim available = symbols.min(most, length);
  const ValueId part =
      write.slice_axis(x, static_cast<size_t>(axis.axis), first, symbols.add(first, available));
  return one_result(lengthened(write, part, axis.axis, most));
}

Imported import_slice(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(x), 0));
  if (is_computed(context, "start") || is_computed(context, "end")) return slice_between(call);
  const CountedAxis* counted = call.find(x);
  if (counted == nullptr) return context.unsupported("a step that is computed");
  if (counted->axis == axis) return slice_counted(call, x, *counted);
  FERRYMAN_TRY(const SizeRange range, read_size_range(context, write.dim(x, axis)));
  return one_result(
      write.slice_axis(x, static_cast<size_t>(axis), range.begin, range.end, range.step));
}

// Into one piece, as torchvision does with a batch of one image.
Imported import_split(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", write.rank(x), 0));
  const CountedAxis* counted = call.find(x);
  if (counted == nullptr) return context.unsupported("sizes that are computed");
  FERRYMAN_TRY(const Ints sizes, context.integers("split_sizes"));
  if (counted->axis == axis) {
    if (sizes.size() == 1) return std::vector{x};
    return context.unsupported("into several pieces, of entries counted at run time");
  }
  std::vector<ValueId> pieces;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    pieces.push_back(write.slice_axis(x, axis, begin, begin + size));
    begin += size;
  }
  return pieces;
}

}  // namespace

void add_counted_joins(CountedTable& table) {
  table.add({"cat.default"}, import_cat);
  table.add({"slice.Tensor"}, import_slice);
  table.add({"split_with_sizes.default"}, import_split);
}

}  // namespace ferryman::frontend
