#include "ops/reduce/reduction.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// The reduced axes, ascending. None and [] mean all of them.
Result<Ints> reduced_axes(ImportContext& call, std::string_view name, size_t rank) {
  FERRYMAN_TRY(Ints axes, call.integers(name, Ints{}));
  if (axes.empty()) return iota_axes(rank);
  for (int64_t& axis : axes) {
    FERRYMAN_TRY(axis, normalise_axis(axis, rank));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return call.unsupported("an axis occurs twice");
  if (rank == 0) axes.clear();  // axis 0 of a tensor without axes
  return axes;
}

}  // namespace

ValueId Reduction::emit(CoreWriter write, OpName op, ValueId value) const {
  if (axes.empty()) return value;
  return write.reduce(op, value, axes, keepdim);
}

Result<Reduction> read_reduction(ImportContext& call) {
  Reduction reduction;
  FERRYMAN_TRY(reduction.x, call.tensor("self"));
  FERRYMAN_TRY(reduction.axes, reduced_axes(call, "dim", call.writer().rank(reduction.x)));
  FERRYMAN_TRY(reduction.keepdim, call.flag("keepdim", false));
  return reduction;
}

// The same on floating point numbers, of the dtype that the call may name.
Result<Reduction> read_float_reduction(ImportContext& call) {
  FERRYMAN_TRY(Reduction reduction, read_reduction(call));
  const CoreWriter write = call.writer();
  const DType own = write.dtype(reduction.x);
  FERRYMAN_TRY(const DType dtype, call.dtype("dtype", is_floating(own) ? own : DType::kF32));
  reduction.x = write.cast(reduction.x, dtype);
  return reduction;
}

}  // namespace ferryman
