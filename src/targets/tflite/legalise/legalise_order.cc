// Orders and scattered rows on the operators that there are: TOPK_V2 puts the largest first and
// takes NaN for the smallest; UNSORTED_SEGMENT_MAX does not keep NaN. Both know int32. Floats are
// therefore compared by their bits, which as integers stand in the same order:
//   key(x) = bits(x) where x >= 0, INT_MIN - bits(x) where x < 0; the largest integer for NaN
// so that -0 equals 0 and every comparison is exact.
#include <limits>

#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/eval.h"
#include "ops/index/index_arrays.h"
#include "ops/names.h"
#include "ops/special/special_names.h"
#include "passes/match.h"
#include "targets/tflite/legalise/legalise.h"
#include "targets/tflite/legalise/legalise_match.h"

namespace ferryman::tflite {

namespace {

constexpr double kLowest = std::numeric_limits<int32_t>::min();
constexpr double kHighest = std::numeric_limits<int32_t>::max();
constexpr double kKeyOfMinusInfinity = -0x7f800000;
// Elements of a table of all rows by all segments, above which none is made.
constexpr int64_t kMaxTable = int64_t{1} << 22;

ValueId bitcast(Rewriter& rewriter, ValueId x, DType dtype) {
  return rewriter.create(ops::kBitcast, {x}, {{attr::kDType, dtype}});
}

// INT_MIN - key where key < 0: from bits to keys and back.
ValueId fold_negative(CoreWriter& write, ValueId bits) {
  const ValueId is_negative = write.binary(ops::kLt, bits, 0.0);
  return write.where(is_negative, write.sub(write.scalar(bits, kLowest), bits), bits);
}

ValueId key_of(Rewriter& rewriter, ValueId x) {
  CoreWriter write(rewriter);
  const ValueId key = fold_negative(write, bitcast(rewriter, x, DType::kI32));
  return write.where(write.unary(ops::kIsNan, x), write.scalar(key, kHighest), key);
}

ValueId float_of(Rewriter& rewriter, ValueId key) {
  CoreWriter write(rewriter);
  return bitcast(rewriter, fold_negative(write, key), DType::kF32);
}

// ---- topk ----

std::vector<ValueId> largest(Rewriter& rewriter, ValueId x, const Op& like) {
  const std::vector<ValueId> operands = {x};
  const std::vector<NamedAttr> attrs = {{attr::kAxis, like.attr(attr::kAxis)},
                                        {attr::kCount, like.attr(attr::kCount)},
                                        {attr::kLargest, true}};
  return rewriter.create_all(ops::kTopk, operands, attrs);
}

// x's elements at the positions along the axis: one GATHER of the flattened tensor.
ValueId elements_at(Rewriter& rewriter, ValueId x, ValueId positions, size_t axis) {
  CoreWriter write(rewriter);
  if (!all_static(write.dims(x))) {
    const ValueId places = flat_positions(write, x, positions, static_cast<int64_t>(axis));
    return write.gather(write.reshape(x, {-1}), 0, places);
  }
  const Ints strides = row_major_strides(static_sizes(write.dims(x)));
  const Ints shape = static_sizes(write.dims(positions));
  Ints others = shape;
  others[axis] = 1;
  std::vector<double> offsets;
  for_each_index(others, [&](const Ints& at) {
    int64_t offset = 0;
    for (size_t i = 0; i < at.size(); ++i) offset += at[i] * strides[i];
    offsets.push_back(static_cast<double>(offset));
  });
  const ValueId first = write.constant(DType::kI32, others, offsets, "offsets");
  const ValueId places = write.add(write.mul(positions, static_cast<double>(strides[axis])), first);
  const ValueId flat = write.reshape(x, {Dim(num_elements(write.dims(x)))});
  return rewriter.create(ops::kGather, {flat, places}, {{attr::kAxis, Axis{0}}});
}

Match<RootOp> match_topk_of_floats(const Graph& graph, OpId root) {
  if (operand_dtype(graph, root) != DType::kF32) return std::nullopt;
  return RootOp{root};
}

// topk(x) -> topk(key(x)), whose positions are those of x; of the smallest, by -key(x)
void topk_of_floats_to_keys(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  ValueId key = key_of(rewriter, op.operands[0]);
  if (!op.attr(attr::kLargest)) key = write.unary(ops::kNeg, key);
  const ValueId positions = largest(rewriter, key, op)[1];
  const auto axis = static_cast<size_t>(op.attr(attr::kAxis).value);
  rewriter.replace_value(op.results[0], elements_at(rewriter, op.operands[0], positions, axis));
  rewriter.replace_value(op.results[1], positions);
}

// The smallest are the largest of -x, with NaN last in both.
Match<RootOp> match_smallest_floats(const Graph& graph, OpId root) {
  const bool is_smallest = !graph.op(root).attr(attr::kLargest);
  if (!is_smallest || operand_dtype(graph, root) != DType::kF32) return std::nullopt;
  return RootOp{root};
}

void smallest_to_largest_of_negated(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const std::vector<ValueId> top = largest(rewriter, write.unary(ops::kNeg, op.operands[0]), op);
  rewriter.replace_value(op.results[0], write.unary(ops::kNeg, top[0]));
  rewriter.replace_value(op.results[1], top[1]);
}

Match<RootOp> match_smallest_integers(const Graph& graph, OpId root) {
  const bool is_smallest = !graph.op(root).attr(attr::kLargest);
  if (!is_smallest || !is_integer(operand_dtype(graph, root))) return std::nullopt;
  return RootOp{root};
}

// The smallest integers are the largest of -1 - x, which never overflows.
void smallest_to_largest(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const ValueId x = op.operands[0];
  const std::vector<ValueId> top = largest(rewriter, write.sub(write.scalar(x, -1.0), x), op);
  rewriter.replace_value(op.results[0], write.sub(write.scalar(x, -1.0), top[0]));
  rewriter.replace_value(op.results[1], top[1]);
}

// ---- segments ----

bool is_extreme(const Op& op) {
  return op.attr(attr::kReduction) == "amax" || op.attr(attr::kReduction) == "amin";
}

Match<RootOp> match_extreme_of_floats(const Graph& graph, OpId root) {
  if (operand_dtype(graph, root) != DType::kF32 || !is_extreme(graph.op(root))) return std::nullopt;
  return RootOp{root};
}

// The largest of each segment by keys, back as floats; without rows it is the lowest integer, which
// is no key. The smallest is -(the largest of -x).
void extreme_of_floats_to_keys(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const bool smallest = op.attr(attr::kReduction) == "amin";
  ValueId x = op.operands[0];
  if (smallest) x = write.unary(ops::kNeg, x);
  ValueId key = rewriter.create(
      ops::kSegmentReduce, {key_of(rewriter, x), op.operands[1]},
      {{attr::kCount, op.attr(attr::kCount)}, {attr::kReduction, std::string("amax")}});
  key = write.binary(ops::kMaximum, key, kKeyOfMinusInfinity);
  const ValueId extreme = float_of(rewriter, key);
  rewriter.replace_value(op.result(), smallest ? write.unary(ops::kNeg, extreme) : extreme);
}

Match<RootOp> match_segments_of_int64(const Graph& graph, OpId root) {
  const Op& op = graph.op(root);
  const bool is_sum = op.attr(attr::kReduction) == "sum";
  if (operand_dtype(graph, root) != DType::kI64 || is_sum) return std::nullopt;
  const Dim count = op.attr(attr::kCount).value;
  const bool is_free = !count.is_static() || !all_static(graph.type(op.operands[0]).dims);
  if (!is_free && num_elements(graph.type(op.operands[0]).dims) * count.size() > kMaxTable)
    return std::nullopt;
  return RootOp{root};
}

int64_t neutral(std::string_view reduction) {
  if (reduction == "prod") return 1;
  return reduction == "amax" ? std::numeric_limits<int64_t>::min()
                             : std::numeric_limits<int64_t>::max();
}

OpName reduction_op(std::string_view reduction) {
  if (reduction == "prod") return ops::kProd;
  return reduction == "amax" ? ops::kAmax : ops::kAmin;
}

ValueId segment_numbers(CoreWriter write, Dim count, DType dtype, const Dims& column) {
  if (!count.is_static())
    return write.reshape(write.cast(write.numbers(count, "segments"), dtype), column);
  std::vector<double> segments;
  for (int64_t i = 0; i < count.size(); ++i) segments.push_back(static_cast<double>(i));
  return write.constant(dtype, static_sizes(column), segments, "segments");
}

// No kernel combines segments of int64 but by sums: a table of all rows for each segment, in which
// the others are neutral, is reduced.
void segments_of_int64_to_table(Rewriter& rewriter, const RootOp& found) {
  const Op op = rewriter.graph().op(found.op);
  CoreWriter write(rewriter);
  const std::string& reduction = op.attr(attr::kReduction);
  const Dim count = op.attr(attr::kCount).value;
  Dims rows = write.dims(op.operands[0]);
  Dims table_column(rows.size() + 1, Dim(1));
  Dims table_row = table_column;
  table_column[0] = count;
  table_row[1] = rows[0];
  rows.insert(rows.begin(), Dim(1));
  const ValueId numbers = write.reshape(op.operands[1], table_row);
  const ValueId segment = segment_numbers(write, count, write.dtype(numbers), table_column);
  const ValueId belongs = write.binary(ops::kEq, numbers, segment);
  const ValueId x = write.reshape(op.operands[0], rows);
  const std::vector<int64_t> others = {neutral(reduction)};
  const ValueId none = rewriter.constant(TensorData::of<int64_t>({}, others), "neutral");
  const ValueId table = write.where(belongs, x, none);
  rewriter.replace_value(op.result(), write.reduce(reduction_op(reduction), table, {1}, false));
}

}  // namespace

std::vector<Rule> legal_order_rules(NanForm nan) {
  std::vector<Rule> rules;
  if (nan == NanForm::kExact) {
    rules.push_back(make_rule("topk_of_floats_to_keys", {ops::kTopk}, match_topk_of_floats,
                              topk_of_floats_to_keys));
  } else {
    rules.push_back(make_rule("smallest_to_largest_of_negated", {ops::kTopk}, match_smallest_floats,
                              smallest_to_largest_of_negated));
  }
  rules.push_back(
      make_rule("smallest_to_largest", {ops::kTopk}, match_smallest_integers, smallest_to_largest));
  rules.push_back(make_rule("extreme_of_floats_to_keys", {ops::kSegmentReduce},
                            match_extreme_of_floats, extreme_of_floats_to_keys));
  rules.push_back(make_rule("segments_of_int64_to_table", {ops::kSegmentReduce},
                            match_segments_of_int64, segments_of_int64_to_table));
  return rules;
}

}  // namespace ferryman::tflite
