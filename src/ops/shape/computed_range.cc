#include "ops/shape/computed_range.h"

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/index/index_arrays.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/shape/move_elems.h"
#include "ops/shape/size_range.h"

namespace ferryman {

namespace {

// ---- overwrite ----

InferResult overwrite_type(const InferArgs& args) {
  const TensorType& x = args.operand(0);
  const TensorType& part = args.operand(1);
  const int64_t axis = args.attrs[attr::kAxis].value;
  FERRYMAN_TRY_STATUS(check_axis(axis, x.rank()));
  if (args.operand(2).rank() != 0) return shape_error("the first place is one number");
  if (part.dtype != x.dtype) return shape_error("a part of another dtype");
  Dims wanted = x.dims;
  if (part.rank() == x.rank()) {
    const Dim length = part.dims[static_cast<size_t>(axis)];
    wanted[static_cast<size_t>(axis)] = length;
    const Dim size = x.dims[static_cast<size_t>(axis)];
    const bool fits = !length.is_static() || !size.is_static() || length.size() <= size.size();
    if (fits && part.dims == wanted) return std::vector{x};
  }
  return shape_error("a part that does not fit");
}

EvalResult eval_overwrite(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const TensorData& part = args.operand(1);
  const auto axis = static_cast<size_t>(args.attrs[attr::kAxis].value);
  const int64_t begin = args.operand(2).to_ints().front();
  const int64_t length = part.shape()[axis];
  if (begin < 0 || begin + length > x.shape()[axis])
    return shape_error("an index outside the tensor");
  // Both in one line of elements: those of the part come after those of x.
  const int64_t num_old = product(x.shape());
  std::vector<std::byte> bytes(static_cast<size_t>(x.num_bytes() + part.num_bytes()));
  x.read(0, std::span(bytes).first(static_cast<size_t>(x.num_bytes())));
  part.read(0, std::span(bytes).subspan(static_cast<size_t>(x.num_bytes())));
  const TensorData both = TensorData::contiguous(owned_blob(std::move(bytes)), x.dtype(),
                                                 {num_old + product(part.shape())});
  return one(move_elems(both, args.results[0], [&](Ints index) {
    const int64_t place = index[axis] - begin;
    if (place < 0 || place >= length) return flat_index(x.shape(), index);
    index[axis] = place;
    return num_old + flat_index(part.shape(), index);
  }));
}

// A number as it is, or int64 of a size.
ValueId as_number(CoreWriter write, Dim size) {
  return write.size_value(size, DType::kI64);
}

}  // namespace

bool is_computed(ImportContext& call, std::string_view name) {
  const ImportArg* arg = call.find(name);
  return arg != nullptr && std::holds_alternative<RunTimeNumber>(arg->value);
}

Result<ValueId> computed_position(ImportContext& call, std::string_view name, ValueId size) {
  FERRYMAN_TRY(const ValueId place, tensor_as(call, name, DType::kI64));
  const CoreWriter write = call.writer();
  return write.where(write.binary(ops::kLt, place, 0), write.add(place, size), place);
}

Result<ValueId> computed_bound(ImportContext& call, std::string_view name, ValueId size, Dim most,
                               ValueId absent) {
  const CoreWriter write = call.writer();
  if (!call.given(name)) return absent;
  const auto* number = std::get_if<int64_t>(&call.find(name)->value);
  if (number != nullptr && most.is_static() && *number >= most.size()) return size;
  FERRYMAN_TRY(const ValueId place, computed_position(call, name, size));
  const ValueId not_negative = write.binary(ops::kMaximum, place, write.scalar(place, 0));
  return write.binary(ops::kMinimum, not_negative, size);
}

ValueId take_run(CoreWriter write, ValueId x, int64_t axis, const Run& run) {
  ValueId places = write.cast(write.numbers(run.length, "places"), write.dtype(run.begin));
  if (run.step != 1) places = write.mul(places, static_cast<double>(run.step));
  return write.gather(x, static_cast<size_t>(axis), write.add(places, run.begin));
}

// The target's kernel would bring a place outside into the axis: read from the list of those that
// are possible, it stops the runtime.
ValueId overwrite_run(CoreWriter write, ValueId x, ValueId part, int64_t axis, ValueId begin) {
  const Dim size = write.dim(x, axis);
  const Dim length = write.dim(part, axis);
  if (length == Dim(0)) return x;
  SymbolTable& symbols = write.symbols();
  const Dim possible = symbols.dim(symbols.of(size) - symbols.of(length) + SizeExpr(1));
  const ValueId place = write.gather(write.numbers(possible, "places"), 0, begin);
  return write.op(ops::kOverwrite, {x, part, place}, {{attr::kAxis, Axis{axis}}});
}

Imported take_computed_slice(ImportContext& call, ValueId x, int64_t axis) {
  const CoreWriter write = call.writer();
  const Dim most = write.dim(x, axis);
  FERRYMAN_TRY(const int64_t step, call.integer("step", 1));
  if (step < 1) return call.unsupported("a step below 1");
  call.ignore("end");  // it follows from the length
  const ValueId size = as_number(write, most);
  FERRYMAN_TRY(const ValueId begin, computed_bound(call, "start", size, most, as_number(write, 0)));
  const Dim length = call.result_type(0).dims[static_cast<size_t>(axis)];
  return one_result(take_run(write, x, axis, {begin, length, step}));
}

Imported take_computed_narrow(ImportContext& call, ValueId x, int64_t axis) {
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const ValueId begin,
               computed_position(call, "start", as_number(write, write.dim(x, axis))));
  FERRYMAN_TRY(const Dim length, call.size("length"));
  return one_result(take_run(write, x, axis, {begin, length}));
}

Imported overwrite_computed_slice(ImportContext& call, ValueId x, ValueId part, int64_t axis) {
  const CoreWriter write = call.writer();
  const Dim most = write.dim(x, axis);
  FERRYMAN_TRY(const int64_t step, call.integer("step", 1));
  if (step != 1) return call.unsupported("a step from a place that is only known at run time");
  call.ignore("end");
  const ValueId size = as_number(write, most);
  FERRYMAN_TRY(const ValueId begin, computed_bound(call, "start", size, most, as_number(write, 0)));
  return one_result(overwrite_run(write, x, part, axis, begin));
}

void add_overwrite_ops(Ops& ops) {
  ops.set.define(ops::kOverwrite)
      .doc("x with part in the place of as many entries along an axis, from begin on; those exist")
      .operand("x")
      .operand("part")
      .operand("begin", DTypeSet::kInteger)
      .attr(attr::kAxis)
      .result(overwrite_type)
      .axes(AxisRule::kOpaque)
      .eval(eval_overwrite);
}

}  // namespace ferryman
