#include "ops/index/scatter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/attrs.h"
#include "ops/eval.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// ---- segment_reduce ----

constexpr std::string_view kReductions[] = {"sum", "prod", "amax", "amin"};

InferResult segment_type(const InferArgs& args) {
  TensorType type = args.operand(0);
  const Dims& numbers = args.operand(1).dims;
  const std::string& reduction = args.attrs[attr::kReduction];
  if (std::find(std::begin(kReductions), std::end(kReductions), reduction) == std::end(kReductions))
    return shape_error("an unknown reduction");
  if (type.rank() == 0 || numbers.size() != 1 || !(numbers[0] == type.dims[0]))
    return shape_error("not one segment number for each row");
  type.dims[0] = args.attrs[attr::kCount].value;
  return std::vector{type};
}

template <typename T>
T combine(std::string_view reduction, T a, T b) {
  if (reduction == "sum") {
    if constexpr (std::is_same_v<T, int64_t>) {
      return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    } else {
      return a + b;
    }
  }
  if (reduction == "prod") {
    if constexpr (std::is_same_v<T, int64_t>) {
      return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    } else {
      return a * b;
    }
  }
  if (a != a || b != b) return a != a ? a : b;  // NaN stays
  return reduction == "amax" ? std::max(a, b) : std::min(a, b);
}

double neutral_real(std::string_view reduction) {
  if (reduction == "sum") return 0;
  if (reduction == "prod") return 1;
  return reduction == "amax" ? -INFINITY : INFINITY;
}

int64_t neutral_whole(std::string_view reduction, DType dtype) {
  if (reduction == "sum") return 0;
  if (reduction == "prod") return 1;
  const bool is_signed = dtype != DType::kU8;
  const auto bits = static_cast<unsigned>(byte_size(dtype) * 8 - (is_signed ? 1 : 0));
  const auto highest = static_cast<int64_t>((uint64_t{1} << bits) - 1);
  if (reduction == "amin") return highest;
  return is_signed ? -highest - 1 : 0;
}

template <typename T>
Result<std::vector<T>> reduce_segments(const EvalArgs& args, const std::vector<T>& rows,
                                       T neutral) {
  const Ints numbers = args.operand(1).to_ints();
  const std::string& reduction = args.attrs[attr::kReduction];
  const int64_t count = args.attrs[attr::kCount].value.size();
  const size_t width = numbers.empty() ? 0 : rows.size() / numbers.size();
  std::vector<T> result(static_cast<size_t>(num_elements(args.results[0].dims)), neutral);
  for (size_t row = 0; row < numbers.size(); ++row) {
    if (numbers[row] < 0 || numbers[row] >= count)
      return shape_error("a position outside the tensor");
    for (size_t i = 0; i < width; ++i) {
      T& place = result[static_cast<size_t>(numbers[row]) * width + i];
      place = combine(reduction, place, rows[row * width + i]);
    }
  }
  return result;
}

EvalResult eval_segments(const EvalArgs& args) {
  const TensorData& x = args.operand(0);
  const std::string& reduction = args.attrs[attr::kReduction];
  if (is_floating(x.dtype())) {
    FERRYMAN_TRY(const std::vector<double> values,
                 reduce_segments(args, x.to_doubles(), neutral_real(reduction)));
    return one(store_doubles(args.results[0], values));
  }
  FERRYMAN_TRY(const Ints values,
               reduce_segments(args, x.to_ints(), neutral_whole(reduction, x.dtype())));
  return one(store_ints(args.results[0], values));
}

// ---- scatter over it ----

// [n] as [n, 1, …] beside a tensor of that rank.
ValueId as_column(CoreWriter write, ValueId vector, size_t rank) {
  Dims shape(rank, 1);
  shape[0] = write.dim(vector, 0);
  return write.reshape(vector, shape);
}

// The last write wins: for each place the number of the last update that goes there, or less than
// 0.
ValueId set_rows(CoreWriter write, ValueId x, ValueId positions, ValueId updates) {
  const Dim count = write.dim(x, 0);
  const ValueId order = write.numbers(write.dim(updates, 0), "order");
  const ValueId winner = emit_segments(write, order, positions, count, "amax");
  const ValueId zero = write.scalar(winner, 0);
  ValueId is_written = write.binary(ops::kGe, winner, zero);
  const ValueId written = write.gather(updates, 0, write.binary(ops::kMaximum, winner, zero));
  is_written = as_column(write, is_written, write.rank(x));
  return write.where(is_written, written, x);
}

// How many updates go to each place, in the dtype of x and in its rank.
ValueId count_updates(CoreWriter write, ValueId x, ValueId positions) {
  const ValueId ones = write.filled(DType::kI32, write.dims(positions), 1, "ones");
  const ValueId counts = emit_segments(write, ones, positions, write.dim(x, 0), "sum");
  return as_column(write, counts, write.rank(x));
}

struct CombineNames {
  std::string_view segments;
  OpName with_self;
};

CombineNames names_of(Combine combine) {
  switch (combine) {
    case Combine::kProd:
      return {"prod", ops::kMul};
    case Combine::kAmax:
      return {"amax", ops::kMaximum};
    case Combine::kAmin:
      return {"amin", ops::kMinimum};
    case Combine::kSet:
    case Combine::kSum:
    case Combine::kMean:
      break;
  }
  return {"sum", ops::kAdd};
}

ValueId combine_rows(CoreWriter write, ValueId x, ValueId positions, ValueId updates,
                     ScatterRule rule) {
  if (rule.combine == Combine::kSet) return set_rows(write, x, positions, updates);
  const CombineNames names = names_of(rule.combine);
  ValueId result = emit_segments(write, updates, positions, write.dim(x, 0), names.segments);
  const bool with_self = rule.include_self == IncludeSelf::kYes;
  if (with_self) result = write.binary(names.with_self, x, result);
  if (with_self && rule.combine != Combine::kMean) return result;
  const ValueId counts = count_updates(write, x, positions);
  const ValueId is_written = write.binary(ops::kGt, counts, 0);
  if (rule.combine == Combine::kMean) {
    ValueId divisor = write.binary(with_self ? ops::kAdd : ops::kMaximum, counts, 1);
    divisor = write.cast(divisor, write.dtype(x));
    const OpName divide = is_floating(write.dtype(x)) ? ops::kDiv : ops::kFloorDivide;
    result = write.binary(divide, result, divisor);
  }
  return write.where(is_written, result, x);
}

// Bools and small integers are combined as int32: a sum of bools is "or", and rounds down to it.
DType combined_dtype(DType dtype) {
  const bool is_small =
      dtype == DType::kBool || dtype == DType::kI8 || dtype == DType::kU8 || dtype == DType::kI16;
  return is_small ? DType::kI32 : dtype;
}

Ints axis_first(size_t rank, int64_t axis) {
  Ints perm = iota_axes(rank);
  std::rotate(perm.begin(), perm.begin() + axis, perm.begin() + axis + 1);
  return perm;
}

Ints axis_back(size_t rank, int64_t axis) {
  Ints perm = iota_axes(rank);
  std::rotate(perm.begin(), perm.begin() + 1, perm.begin() + axis + 1);
  return perm;
}

}  // namespace

ValueId emit_segments(CoreWriter write, ValueId x, ValueId numbers, Dim count,
                      std::string_view reduction) {
  const ValueId small = write.cast(numbers, DType::kI32);
  return write.op(ops::kSegmentReduce, {x, small},
                  {{attr::kCount, SizeAttr{count}}, {attr::kReduction, std::string(reduction)}});
}

ValueId replace_at(CoreWriter write, ValueId x, int64_t axis, const Ints& positions, ValueId part) {
  const int64_t size = write.size(x, axis);
  Ints order = iota_axes(size);
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < 0 || positions[i] >= size)
      return write.refuse("an index outside the tensor");
    order[static_cast<size_t>(positions[i])] = size + static_cast<int64_t>(i);
  }
  const auto is_old = [&](int64_t source) { return source < size; };
  if (std::all_of(order.begin(), order.end(), is_old)) return x;
  if (std::any_of(order.begin(), order.end(), is_old)) {
    const ValueId both = write.concat(std::array{x, part}, axis);
    return write.gather(both, axis, write.indices({size}, order));
  }
  for (int64_t& source : order) source -= size;
  return write.gather(part, axis, write.indices({size}, order));
}

ValueId emit_scatter(CoreWriter write, ValueId x, int64_t axis, ValueId positions, ValueId updates,
                     ScatterRule rule) {
  if (write.num_elements(updates) == Dim(0) || write.num_elements(x) == Dim(0)) return x;
  const bool is_placed = write.is_constant(positions) && write.dim(x, axis).is_static();
  if (rule.combine == Combine::kSet && is_placed)
    return replace_at(write, x, axis, write.graph().constant(positions).to_ints(), updates);
  const DType dtype = write.dtype(x);
  const DType combined = rule.combine == Combine::kSet ? dtype : combined_dtype(dtype);
  const size_t rank = write.rank(x);
  ValueId rows = write.cast(x, combined);
  updates = write.cast(updates, combined);
  rows = write.permute(rows, axis_first(rank, axis));
  updates = write.permute(updates, axis_first(rank, axis));
  ValueId result = combine_rows(write, rows, positions, updates, rule);
  result = write.permute(result, axis_back(rank, axis));
  return write.cast(result, dtype);
}

void add_scatter_ops(Ops& ops) {
  ops.set.define(ops::kSegmentReduce)
      .doc(
          "the rows of x combined by the number of their segment, 0 <= number < count; where there "
          "are none, 0 for sum, 1 for prod, the lowest for amax, the highest for amin")
      .operand("x", DTypeSet::kNumeric)
      .operand("numbers", DTypeSet::kInteger)
      .attr(attr::kCount)
      .attr(attr::kReduction, "sum")
      .result(segment_type)
      .axes(AxisRule::kOpaque)
      .eval(eval_segments);
  add_scatter_imports(ops.imports);
}

}  // namespace ferryman
