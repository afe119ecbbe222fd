// Rows combined in runs: embedding_bag, segment_reduce.
#include <array>
#include <cmath>

#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/index/scatter.h"
#include "ops/names.h"
#include "ops/promote.h"

namespace ferryman {

namespace {

// For each place 0, 1, … of `count`, how many of the bounds [batch, n] are not behind it: the
// number of its run if they are where runs end. [batch, count], int32.
ValueId count_passed(CoreWriter write, ValueId bounds, int64_t count) {
  const Ints sizes = write.sizes(bounds);
  Ints places = iota_axes(count);
  const ValueId column = write.cast(write.indices({1, count, 1}, places), write.dtype(bounds));
  const ValueId row = write.reshape(bounds, {sizes[0], 1, sizes[1]});
  const ValueId ones = write.cast(write.binary(ops::kLe, row, column), DType::kI32);
  return write.reduce(ops::kSum, ones, {2}, /*keepdim=*/false);
}

// [count] beside rows of that rank, in their dtype: how many rows each run has.
ValueId count_rows(CoreWriter write, ValueId rows, ValueId numbers, int64_t count) {
  const ValueId ones =
      write.constant(TensorData::filled(write.dtype(rows), write.sizes(numbers), 1), "ones");
  const ValueId counts = emit_segments(write, ones, numbers, count, "sum");
  Ints shape(write.rank(rows), 1);
  shape[0] = count;
  return write.reshape(counts, shape);
}

// ---- embedding_bag ----

constexpr int64_t kModeSum = 0;
constexpr int64_t kModeMean = 1;
constexpr int64_t kModeMax = 2;

struct Bags {
  ValueId rows;
  ValueId numbers;  // of each row's bag; `count` for rows that belong to none
  int64_t count = 0;
};

Result<Bags> read_bags(ImportContext& call) {
  for (const std::string_view name : {"scale_grad_by_freq", "sparse"}) call.ignore(name);
  Bags bags;
  FERRYMAN_TRY(const ValueId weight, call.tensor("weight"));
  FERRYMAN_TRY(const ValueId indices, call.tensor("indices"));
  FERRYMAN_TRY(const ValueId offsets, call.tensor("offsets"));
  FERRYMAN_TRY(const bool include_last, call.flag("include_last_offset", false));
  FERRYMAN_TRY(int64_t padding, call.integer("padding_idx", -1));
  const CoreWriter write = call.writer();
  if (write.rank(indices) != 1 || write.rank(offsets) != 1)
    return call.unsupported("indices with several axes");
  const int64_t starts = write.size(offsets, 0);
  bags.count = starts - (include_last ? 1 : 0);
  const int64_t rows = write.size(indices, 0);
  if (rows == 0 || bags.count < 1) return call.unsupported("no bags");
  bags.rows = write.gather(weight, 0, indices);
  const ValueId bounds = write.reshape(offsets, {1, starts});
  bags.numbers = count_passed(write, bounds, rows);
  bags.numbers = write.reshape(bags.numbers, {rows});
  const ValueId one = write.scalar(bags.numbers, 1);
  bags.numbers = write.sub(bags.numbers, one);
  const bool may_wrap = call.target() == "embedding_bag.padding_idx";
  if (padding < 0 && may_wrap && call.given("padding_idx")) padding += write.size(weight, 0);
  if (padding < 0) return bags;
  const ValueId pad = write.scalar(indices, static_cast<double>(padding));
  const ValueId is_padding = write.binary(ops::kEq, indices, pad);
  const ValueId none = write.scalar(bags.numbers, static_cast<double>(bags.count));
  bags.numbers = write.where(is_padding, none, bags.numbers);
  return bags;
}

Imported import_embedding_bag(ImportContext& call) {
  FERRYMAN_TRY(Bags bags, read_bags(call));
  FERRYMAN_TRY(const int64_t mode, call.integer("mode", kModeSum));
  FERRYMAN_TRY(const ValueId factors, call.optional_tensor("per_sample_weights"));
  if (mode < kModeSum || mode > kModeMax) return call.unsupported("an unknown mode");
  const CoreWriter write = call.writer();
  if (factors.valid()) {
    const ValueId column = write.reshape(factors, {-1, 1});
    bags.rows = write.mul(bags.rows, column);
  }
  const int64_t segments = bags.count + 1;
  ValueId result =
      emit_segments(write, bags.rows, bags.numbers, segments, mode == kModeMax ? "amax" : "sum");
  if (mode != kModeSum) {
    const ValueId counts = count_rows(write, bags.rows, bags.numbers, segments);
    const ValueId zero = write.scalar(counts, 0);
    if (mode == kModeMean) {
      result = write.div(result, write.binary(ops::kMaximum, counts, write.scalar(counts, 1)));
    } else {
      result = write.where(write.binary(ops::kGt, counts, zero), result, zero);
    }
  }
  std::vector<ValueId> results(call.num_results());
  results[0] = write.slice_axis(result, 0, 0, bags.count);
  return results;
}

// What max_norm does before the rows are read.
Imported refuse_renorm(ImportContext& call) {
  return call.unsupported("max_norm changes the table each time that it is read")
      .hint("scale the rows before exporting, and leave max_norm out");
}

// ---- segment_reduce ----

struct Runs {
  ValueId rows;     // [batch * length, …]
  ValueId numbers;  // of each row's run, over all of the batch
  int64_t batch = 0;
  int64_t count = 0;  // of runs in each line of the batch; one more holds the rows behind the last
  Ints shape;         // of the result
};

Result<ValueId> read_run_ends(ImportContext& call, int64_t axis) {
  const CoreWriter write = call.writer();
  if (call.given("lengths")) {
    FERRYMAN_TRY(const ValueId lengths, call.tensor("lengths"));
    return write.op(ops::kCumsum, {lengths}, {{attr::kAxis, Axis{axis}}});
  }
  FERRYMAN_TRY(const ValueId offsets, call.tensor("offsets"));
  return write.slice_axis(offsets, axis, 1, write.size(offsets, axis));
}

Result<Runs> read_runs(ImportContext& call) {
  call.ignore("unsafe");
  FERRYMAN_TRY(const ValueId x, call.tensor("data"));
  const CoreWriter write = call.writer();
  FERRYMAN_TRY(const int64_t axis, call.axis("axis", write.rank(x), 0));
  FERRYMAN_TRY(ValueId ends, read_run_ends(call, axis));
  Runs runs;
  runs.shape = write.sizes(x);
  const auto at = static_cast<size_t>(axis);
  const int64_t length = runs.shape[at];
  runs.count = write.size(ends, at);
  runs.batch = product(Ints(runs.shape.begin(), runs.shape.begin() + axis));
  if (runs.batch * runs.count == 0 || length == 0) return call.unsupported("no rows");
  ends = write.reshape(ends, {runs.batch, runs.count});
  ValueId numbers = count_passed(write, ends, length);
  Ints firsts;
  for (int64_t line = 0; line < runs.batch; ++line) firsts.push_back(line * (runs.count + 1));
  numbers = write.add(numbers, write.cast(write.indices({runs.batch, 1}, firsts), DType::kI32));
  runs.numbers = write.reshape(numbers, {runs.batch * length});
  Ints rows(runs.shape.begin() + axis + 1, runs.shape.end());
  rows.insert(rows.begin(), runs.batch * length);
  runs.rows = write.reshape(x, rows);
  runs.shape[at] = runs.count;
  return runs;
}

struct RunReduction {
  std::string_view segments;
  OpName with_initial;
};

// Runs without rows give `initial`, or what the reduction gives of nothing.
Imported import_segment_reduce(ImportContext& call) {
  FERRYMAN_TRY(const Runs runs, read_runs(call));
  FERRYMAN_TRY(const std::string word, call.text("reduce", ""));
  const bool is_mean = word == "mean";
  RunReduction reduction{"sum", ops::kAdd};
  if (word == "max") reduction = {"amax", ops::kMaximum};
  if (word == "min") reduction = {"amin", ops::kMinimum};
  if (word == "prod") reduction = {"prod", ops::kMul};
  const int64_t segments = runs.batch * (runs.count + 1);
  const CoreWriter write = call.writer();
  ValueId result = emit_segments(write, runs.rows, runs.numbers, segments, reduction.segments);
  const bool has_initial = call.given("initial");
  FERRYMAN_TRY(const double initial, call.number("initial", 0));
  const ValueId start = write.scalar(result, initial);
  if (has_initial) result = write.binary(reduction.with_initial, result, start);
  if (is_mean) {
    const ValueId counts = count_rows(write, runs.rows, runs.numbers, segments);
    const ValueId mean = write.div(result, counts);
    const ValueId is_empty = write.binary(ops::kEq, counts, write.scalar(counts, 0));
    const ValueId of_none = has_initial ? start : write.scalar(result, std::nan(""));
    result = write.where(is_empty, of_none, mean);
  }
  result = write.reshape(result, {runs.batch, runs.count + 1, -1});
  result = write.slice_axis(result, 1, 0, runs.count);
  return one_result(write.reshape(result, runs.shape));
}

// [output_size]: number n as often as repeats[n] says. The exporter knows the size only if the user
// states it.
Imported import_repeats(ImportContext& call) {
  call.ignore("output_size");
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  const Dims& dims = call.result_type(0).dims;
  const CoreWriter write = call.writer();
  const int64_t sources = write.size(repeats, 0);
  if (!all_static(dims) || sources == 0)
    return call.unsupported("a size that depends on the repeats").hint("pass output_size");
  ValueId ends = write.op(ops::kCumsum, {repeats}, {{attr::kAxis, Axis{0}}});
  ends = write.reshape(ends, {1, sources});
  ValueId numbers = count_passed(write, ends, static_sizes(dims)[0]);
  numbers = write.cast(numbers, write.dtype(repeats));
  return one_result(write.reshape(numbers, {-1}));
}

}  // namespace

void add_bag_ops(Ops& ops) {
  ImportTable& imports = ops.imports;
  imports.add({"embedding_bag.default", "embedding_bag.padding_idx", "_embedding_bag.default",
               "_embedding_bag_forward_only.default"},
              import_embedding_bag);
  imports.add("embedding_renorm.default", refuse_renorm);
  imports.add("segment_reduce.default", import_segment_reduce);
  imports.add("repeat_interleave.Tensor", import_repeats);
}

}  // namespace ferryman
