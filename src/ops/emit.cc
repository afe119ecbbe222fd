#include "ops/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

Ints sizes_of(ImportContext& call, ValueId value) {
  return static_sizes(call.graph().type(value).dims);
}

size_t rank_of(ImportContext& call, ValueId value) {
  return call.graph().type(value).rank();
}

DType dtype_of(ImportContext& call, ValueId value) {
  return call.graph().type(value).dtype;
}

ValueId scalar_like(ImportContext& call, ValueId value, double number) {
  return call.builder().scalar(dtype_of(call, value), number);
}

namespace {

// The sizes with -1 replaced by what is left of `count` elements.
Result<Ints> complete_shape(ImportContext& call, Ints shape, int64_t count) {
  int64_t known = 1;
  int64_t* unknown = nullptr;
  for (int64_t& size : shape) {
    if (size == -1 && unknown == nullptr) {
      unknown = &size;
    } else if (size < 0 || __builtin_mul_overflow(known, size, &known)) {
      return call.unsupported(fmt::format("size {} of a shape", size));
    }
  }
  if (unknown != nullptr) *unknown = known == 0 ? 0 : count / known;
  if (product(shape) != count)
    return call.unsupported(
        fmt::format("{} elements do not fit into [{}]", count, fmt::join(shape, ", ")));
  return shape;
}

}  // namespace

Result<ValueId> emit_reshape(ImportContext& call, ValueId x, Ints shape) {
  const Ints sizes = sizes_of(call, x);
  FERRYMAN_TRY(Ints complete, complete_shape(call, std::move(shape), product(sizes)));
  if (complete == sizes) return x;
  return call.emit(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{to_dims(complete)}}});
}

Result<ValueId> emit_permute(ImportContext& call, ValueId x, const Ints& perm) {
  if (std::is_sorted(perm.begin(), perm.end()) && perm.size() == rank_of(call, x)) return x;
  return call.emit(ops::kPermute, {x}, {{attr::kPerm, Perm{perm}}});
}

Result<ValueId> emit_expand(ImportContext& call, ValueId x, const Ints& shape) {
  Ints sizes = sizes_of(call, x);
  if (sizes == shape) return x;
  if (sizes.size() > shape.size()) return call.unsupported("expanded to fewer axes");
  sizes.insert(sizes.begin(), shape.size() - sizes.size(), 1);
  FERRYMAN_TRY(const ValueId aligned, emit_reshape(call, x, sizes));
  if (sizes == shape) return aligned;
  return call.emit(ops::kExpand, {aligned}, {{attr::kShape, ShapeAttr{to_dims(shape)}}});
}

Result<ValueId> emit_slice(ImportContext& call, ValueId x, int64_t axis, int64_t begin, int64_t end,
                           int64_t step) {
  Ints ends = sizes_of(call, x);
  const auto at = static_cast<size_t>(axis);
  if (begin == 0 && end == ends[at] && step == 1) return x;
  Ints starts(ends.size(), 0);
  Ints steps(ends.size(), 1);
  starts[at] = begin;
  ends[at] = end;
  steps[at] = step;
  return call.emit(ops::kSlice, {x},
                   {{attr::kStarts, PerAxis{starts}},
                    {attr::kEnds, PerAxis{ends}},
                    {attr::kSteps, PerAxis{steps}}});
}

Result<ValueId> emit_select(ImportContext& call, ValueId x, int64_t axis, int64_t index) {
  FERRYMAN_TRY(const ValueId slice, emit_slice(call, x, axis, index, index + 1));
  Ints shape = sizes_of(call, slice);
  shape.erase(shape.begin() + axis);
  return emit_reshape(call, slice, shape);
}

Result<ValueId> emit_concat(ImportContext& call, std::span<const ValueId> values, int64_t axis) {
  if (values.size() == 1) return values.front();
  const NamedAttr along(attr::kAxis, Axis{axis});
  return call.emit(ops::kConcat, values, {&along, 1});
}

Result<ValueId> emit_gather(ImportContext& call, ValueId x, ValueId indices, int64_t axis) {
  return call.emit(ops::kGather, {x, indices}, {{attr::kAxis, Axis{axis}}});
}

Result<ValueId> emit_scaled(ImportContext& call, ValueId value, std::string_view number_name) {
  if (!call.given(number_name)) return value;
  const DType dtype = dtype_of(call, value);
  const OpName times = dtype == DType::kBool ? ops::kLogicalAnd : ops::kMul;
  if (!call.is_of_run_time(number_name)) {
    FERRYMAN_TRY(const double factor, call.number(number_name));
    if (factor == 1.0 || (factor != 0 && dtype == DType::kBool)) return value;
  }
  FERRYMAN_TRY(const ValueId factor, call.number_constant(*call.find(number_name), dtype));
  return call.emit(times, {value, factor});
}

ValueId int_constant(ImportContext& call, Ints shape, const Ints& values) {
  return call.builder().constant(TensorData::of<int64_t>(std::move(shape), values), "indices");
}

}  // namespace ferryman
