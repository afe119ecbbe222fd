// Putting tensors together: cat, stack, and writes into a part of a tensor.
#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/computed_range.h"
#include "ops/shape/size_range.h"

namespace ferryman {

namespace {

// The parts brought to their common dtype.
Result<std::vector<ValueId>> read_parts(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> parts, call.tensors("tensors"));
  std::vector<PromotionArg> args;
  for (const ValueId part : parts) args.push_back(*promotion_arg(call.graph(), ImportArg{part}));
  const std::optional<DType> dtype = result_type(args);
  if (!dtype.has_value()) return call.unsupported("its parts have no common dtype");
  for (ValueId& part : parts) {
    part = call.writer().cast(part, *dtype);
  }
  return parts;
}

// torch lets an empty tensor of one axis stand among parts of any shape.
void drop_legacy_empty(CoreWriter write, std::vector<ValueId>& parts) {
  const auto is_legacy = [&](ValueId part) { return write.dims(part) == Dims{0}; };
  if (std::all_of(parts.begin(), parts.end(), is_legacy)) return;
  std::erase_if(parts, is_legacy);
}

Imported import_cat(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> parts, read_parts(call));
  const CoreWriter write = call.writer();
  drop_legacy_empty(write, parts);
  if (parts.empty()) return call.unsupported("no parts");
  const std::string_view name = call.find("axis") != nullptr ? "axis" : "dim";
  FERRYMAN_TRY(const int64_t axis, call.axis(name, write.rank(parts.front()), 0));
  return one_result(write.concat(parts, axis));
}

ValueId emit_unsqueeze(CoreWriter write, ValueId x, int64_t axis) {
  Dims shape = write.dims(x);
  shape.insert(shape.begin() + axis, 1);
  return write.reshape(x, shape);
}

Imported import_stack(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> parts, read_parts(call));
  if (parts.empty()) return call.unsupported("no parts");
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(parts.front()) + 1, 0));
  for (ValueId& part : parts) {
    if (axis > static_cast<int64_t>(write.rank(part)))
      return call.unsupported("parts of several ranks");
    part = emit_unsqueeze(write, part, axis);
  }
  return one_result(write.concat(parts, axis));
}

// hstack, vstack, dstack: at least kRank axes as numpy says, then along kAxis (rows: axis 0).
template <size_t kRank, int64_t kAxis>
Imported import_numpy_stack(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> parts, read_parts(call));
  if (parts.empty()) return call.unsupported("no parts");
  const CoreWriter write = call.writer();
  for (ValueId& part : parts) {
    Dims shape = write.dims(part);
    if (kRank >= 2 && shape.empty()) shape.push_back(1);
    if (kRank >= 2 && shape.size() == 1) shape.insert(shape.begin(), 1);
    while (shape.size() < kRank) shape.push_back(1);
    part = write.reshape(part, shape);
  }
  const bool of_rows = kRank == 1 && write.rank(parts.front()) == 1;
  return one_result(write.concat(parts, of_rows ? 0 : kAxis));
}

Imported import_column_stack(ImportContext& call) {
  FERRYMAN_TRY(std::vector<ValueId> parts, read_parts(call));
  if (parts.empty()) return call.unsupported("no parts");
  const CoreWriter write = call.writer();
  for (ValueId& part : parts) {
    if (write.rank(part) <= 1) part = write.reshape(part, {-1, 1});
  }
  return one_result(write.concat(parts, 1));
}

// ---- writes into a part ----

// A part of one axis: positions begin, begin + step, …, count of them.
struct Stripe {
  int64_t axis, begin, step, count;
};

// Where the stripe is every step-th entry of the whole axis, it is one column of the axis split
// into [size / step, step]: three parts joined, no gather.
ValueId replace_column(CoreWriter write, ValueId x, ValueId part, const Stripe& stripe) {
  const Dims sizes = write.dims(x);
  const auto axis = static_cast<size_t>(stripe.axis);
  Dims split = sizes;
  split[axis] = stripe.count;
  split.insert(split.begin() + stripe.axis + 1, stripe.step);
  const ValueId grid = write.reshape(x, split);
  split[axis + 1] = 1;
  const ValueId column = write.reshape(part, split);
  std::vector<ValueId> parts;
  const int64_t inner = stripe.axis + 1;
  if (stripe.begin > 0) {
    parts.push_back(write.slice_axis(grid, inner, 0, stripe.begin));
  }
  parts.push_back(column);
  if (stripe.begin + 1 < stripe.step) {
    parts.push_back(write.slice_axis(grid, inner, stripe.begin + 1, stripe.step));
  }
  return write.reshape(write.concat(parts, inner), sizes);
}

// In the place of the entries [begin, end).
ValueId replace_between(CoreWriter write, ValueId x, ValueId part, int64_t axis, Dim begin,
                        Dim end) {
  const Dim size = write.dim(x, axis);
  std::vector<ValueId> parts;
  if (begin != Dim(0)) parts.push_back(write.slice_axis(x, axis, 0, begin));
  parts.push_back(part);
  if (end != size) parts.push_back(write.slice_axis(x, axis, end, size));
  return write.concat(parts, axis);
}

ValueId replace_run(CoreWriter write, ValueId x, ValueId part, const Stripe& stripe) {
  return replace_between(write, x, part, stripe.axis, stripe.begin, stripe.begin + stripe.count);
}

// Old and new entries joined, then picked in order.
ValueId replace_picked(CoreWriter write, ValueId x, ValueId part, const Stripe& stripe) {
  const int64_t size = write.size(x, stripe.axis);
  Ints order = iota_axes(size);
  for (int64_t i = 0; i < stripe.count; ++i)
    order[static_cast<size_t>(stripe.begin + i * stripe.step)] = size + i;
  const ValueId both = write.concat(std::array{x, part}, stripe.axis);
  return write.gather(both, stripe.axis, write.indices({size}, order));
}

ValueId replace(CoreWriter write, ValueId x, ValueId part, const Stripe& stripe) {
  const int64_t size = write.size(x, stripe.axis);
  if (stripe.count == 0) return x;
  if (stripe.count == size) return part;
  if (stripe.step == 1 || stripe.count == 1) return replace_run(write, x, part, stripe);
  const bool is_column = stripe.count * stripe.step == size && stripe.begin < stripe.step;
  if (is_column) return replace_column(write, x, part, stripe);
  return replace_picked(write, x, part, stripe);
}

Imported import_slice_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId part, call.tensor("src"));
  const CoreWriter write = call.writer();
  Dims shape = write.dims(x);
  if (shape.empty()) return call.unsupported("a tensor without axes");
  Stripe stripe{};
  FERRYMAN_TRY(stripe.axis, call.axis("dim", shape.size(), 0));
  part = write.cast(part, write.dtype(x));
  const auto along = static_cast<size_t>(stripe.axis);
  if (is_computed(call, "start") || is_computed(call, "end"))
    return overwrite_computed_slice(call, x, part, stripe.axis);
  const bool is_free =
      !shape[along].is_static() || call.is_of_run_time("start") || call.is_of_run_time("end");
  if (is_free) {
    FERRYMAN_TRY(const SizeRange range, read_size_range(call, shape[along]));
    if (range.step != 1) return call.unsupported("a step along an axis of free size");
    shape[along] = write.symbols().sub(range.end, range.begin);
    return one_result(
        replace_between(write, x, write.expand(part, shape), stripe.axis, range.begin, range.end));
  }
  const int64_t size = shape[static_cast<size_t>(stripe.axis)].size();
  FERRYMAN_TRY(int64_t begin, call.integer("start", 0));
  FERRYMAN_TRY(int64_t end, call.integer("end", INT64_MAX));
  FERRYMAN_TRY(stripe.step, call.integer("step", 1));
  if (stripe.step < 1) return call.unsupported("a step below 1");
  begin = std::clamp<int64_t>(begin < 0 ? begin + size : begin, 0, size);
  end = std::clamp<int64_t>(end < 0 ? end + size : end, begin, size);
  stripe.begin = begin;
  stripe.count = (end - begin + stripe.step - 1) / stripe.step;
  shape[static_cast<size_t>(stripe.axis)] = stripe.count;
  part = write.expand(part, shape);
  return one_result(replace(write, x, part, stripe));
}

Imported import_select_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId part, call.tensor("src"));
  const CoreWriter write = call.writer();
  Dims shape = write.dims(x);
  if (shape.empty()) return call.unsupported("a tensor without axes");
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", shape.size()));
  const Dim size = shape[static_cast<size_t>(axis)];
  shape.erase(shape.begin() + axis);
  part = write.cast(part, write.dtype(x));
  part = write.expand(part, shape);
  part = emit_unsqueeze(write, part, axis);
  if (is_computed(call, "index")) {
    FERRYMAN_TRY(const ValueId place,
                 computed_position(call, "index", write.size_value(size, DType::kI64)));
    return one_result(overwrite_run(write, x, part, axis, place));
  }
  FERRYMAN_TRY(const Dim index, call.position("index", size));
  if (index.is_static() && size.is_static() && index.size() >= size.size())
    return call.unsupported("an index outside the tensor");
  return one_result(replace_between(write, x, part, axis, index, write.symbols().shift(index, 1)));
}

// What a write through x.narrow(dim, start, length) comes to.
Imported import_narrow_scatter(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("self"));
  FERRYMAN_TRY(ValueId part, call.tensor("src"));
  call.ignore("length");
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x)));
  part = write.cast(part, write.dtype(x));
  const ValueId size = write.size_value(write.dim(x, axis), DType::kI64);
  FERRYMAN_TRY(const ValueId begin, computed_position(call, "start", size));
  return one_result(overwrite_run(write, x, part, axis, begin));
}

// The differences of neighbours along an axis, n times.
Imported import_diff(ImportContext& call) {
  FERRYMAN_TRY(ValueId x, call.tensor("self"));
  FERRYMAN_TRY(const int64_t times, call.integer("n", 1));
  const CoreWriter write = call.writer();
  if (write.rank(x) == 0) return call.unsupported("a tensor without axes");
  FERRYMAN_TRY(const int64_t axis, call.axis("dim", write.rank(x), -1));
  if (times == 0) {  // not even joined
    call.ignore("prepend");
    call.ignore("append");
    return std::vector{x};
  }
  std::vector<ValueId> parts = {x};
  if (call.given("prepend")) {
    FERRYMAN_TRY(const ValueId before, call.tensor("prepend"));
    parts.insert(parts.begin(), before);
  }
  if (call.given("append")) {
    FERRYMAN_TRY(const ValueId after, call.tensor("append"));
    parts.push_back(after);
  }
  x = write.concat(parts, axis);
  const bool of_bools = write.dtype(x) == DType::kBool;
  for (int64_t i = 0; i < times; ++i) {
    const Dim size = write.dim(x, axis);
    if (size == Dim(0)) return std::vector{x};
    const ValueId later = write.slice_axis(x, axis, 1, size);
    const ValueId earlier = write.slice_axis(x, axis, 0, write.symbols().shift(size, -1));
    x = write.binary(of_bools ? ops::kLogicalXor : ops::kSub, later, earlier);
  }
  return std::vector{x};
}

}  // namespace

void add_join_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add({"cat.default", "concat.default", "concatenate.default"}, import_cat);
  imports.add("stack.default", import_stack);
  imports.add("hstack.default", import_numpy_stack<1, 1>);
  imports.add({"vstack.default", "row_stack.default"}, import_numpy_stack<2, 0>);
  imports.add("dstack.default", import_numpy_stack<3, 2>);
  imports.add("column_stack.default", import_column_stack);
  imports.add("slice_scatter.default", import_slice_scatter);
  imports.add("select_scatter.default", import_select_scatter);
  imports.add("narrow_scatter.default", import_narrow_scatter);
  imports.add("diff.default", import_diff);
}

}  // namespace ferryman
