// Counted axes one after another, and their beginnings.
#include <algorithm>
#include <limits>

#include "frontend/counted/counted_table.h"
#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman::frontend {

namespace {

// One bool for each entry of the concatenated tensors: whether it exists.
Result<ValueId> existing_of_all(CountedCall& call, std::span<const ValueId> parts, int64_t axis) {
  ImportContext& context = call.context();
  std::vector<ValueId> exists;
  for (const ValueId part : parts) {
    const int64_t size = sizes_of(context, part)[static_cast<size_t>(axis)];
    const CountedAxis* counted = call.find(part);
    const ValueId count = counted != nullptr
                              ? counted->count
                              : context.builder().scalar(DType::kI32, static_cast<double>(size));
    FERRYMAN_TRY(const ValueId one, call.below(count, size));
    exists.push_back(one);
  }
  return emit_concat(context, exists, 0);
}

// In the dtype of the result; what has no elements at all (one axis of size 0) is left out.
Result<std::vector<ValueId>> read_parts(ImportContext& call) {
  FERRYMAN_TRY(const std::vector<ValueId> given, call.tensors("tensors"));
  const DType dtype = call.result_type(0).dtype;
  std::vector<ValueId> parts;
  for (const ValueId tensor : given) {
    const Dims& dims = call.graph().type(tensor).dims;
    if (std::find(dims.begin(), dims.end(), Dim(0)) != dims.end()) continue;
    FERRYMAN_TRY(const ValueId part, as_dtype(call, tensor, dtype));
    parts.push_back(part);
  }
  return parts;
}

// The parts as they lie have gaps: the entries that exist are gathered.
Imported import_cat(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const std::vector<ValueId> parts, read_parts(context));
  if (parts.empty()) return context.unsupported("of tensors without elements");
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", rank_of(context, parts[0]), 0));
  FERRYMAN_TRY(const ValueId joined, emit_concat(context, parts, axis));
  const bool has_gaps = std::any_of(parts.begin(), parts.end(), [&](ValueId part) {
    const CountedAxis* counted = call.find(part);
    return counted != nullptr && counted->axis == axis;
  });
  if (!has_gaps) return std::vector{joined};
  FERRYMAN_TRY(const ValueId exists, existing_of_all(call, parts, axis));
  FERRYMAN_TRY(const Places places, places_of(context, exists));
  const int64_t size = sizes_of(context, joined)[static_cast<size_t>(axis)];
  FERRYMAN_TRY(const int64_t most, call.set_count(0, axis, places.count, size));
  if (most > size) return context.unsupported("more entries than its parts have");
  FERRYMAN_TRY(const ValueId positions, emit_slice(context, places.positions, 0, 0, most));
  return one_result(emit_gather(context, joined, positions, axis));
}

// Where the program's expression for a size allows for more entries than there can be.
Result<ValueId> lengthened(ImportContext& call, ValueId x, int64_t axis, int64_t size) {
  const Ints sizes = sizes_of(call, x);
  const int64_t missing = size - sizes[static_cast<size_t>(axis)];
  if (missing == 0) return x;
  PerAxis after{Ints(sizes.size(), 0)};
  after.values[static_cast<size_t>(axis)] = missing;
  return call.emit(ops::kPad, {x},
                   {{attr::kBefore, PerAxis{Ints(sizes.size(), 0)}}, {attr::kAfter, after}});
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
  const int64_t size = sizes_of(context, x)[static_cast<size_t>(axis.axis)];
  const int64_t first = std::min(begin, size);
  const int64_t last = std::max(std::min(end, size), first);
  const auto number = [&](int64_t n) { return scalar_like(context, axis.count, double(n)); };
  FERRYMAN_TRY(ValueId count, context.emit(ops::kMinimum, {axis.count, number(last)}));
  if (first > 0) {
    FERRYMAN_TRY(count, context.emit(ops::kSub, {count, number(first)}));
    FERRYMAN_TRY(count, context.emit(ops::kMaximum, {count, number(0)}));
  }
  FERRYMAN_TRY(const int64_t most, call.set_count(0, axis.axis, count, last - first));
  const int64_t available = std::min(most, last - first);
  FERRYMAN_TRY(const ValueId part, emit_slice(context, x, axis.axis, first, first + available));
  return one_result(lengthened(context, part, axis.axis, most));
}

Imported import_slice(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", rank_of(context, x), 0));
  const CountedAxis* counted = call.find(x);
  if (counted == nullptr) return context.unsupported("an end that is computed");
  if (counted->axis == axis) return slice_counted(call, x, *counted);
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  const int64_t size = sizes_of(context, x)[static_cast<size_t>(axis)];
  FERRYMAN_TRY(const int64_t step, context.integer("step", 1));
  FERRYMAN_TRY(int64_t begin, context.integer("start", 0));
  FERRYMAN_TRY(int64_t end, context.integer("end", kEnd));
  begin = std::clamp<int64_t>(begin < 0 ? begin + size : begin, 0, size);
  end = std::clamp<int64_t>(end < 0 ? end + size : end, begin, size);
  return one_result(emit_slice(context, x, axis, begin, end, step));
}

// Into one piece, as torchvision does with a batch of one image.
Imported import_split(CountedCall& call) {
  ImportContext& context = call.context();
  FERRYMAN_TRY(const ValueId x, context.tensor("self"));
  FERRYMAN_TRY(const int64_t axis, context.axis("dim", rank_of(context, x), 0));
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
    FERRYMAN_TRY(const ValueId piece, emit_slice(context, x, axis, begin, begin + size));
    pieces.push_back(piece);
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
