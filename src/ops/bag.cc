// Rows combined in runs: embedding_bag, segment_reduce.
#include <array>
#include <cmath>
#include <numeric>

#include "ops/attrs.h"
#include "ops/emit.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/promote.h"
#include "ops/scatter.h"

namespace ferryman {

namespace {

// For each place 0, 1, … of `count`, how many of the bounds [batch, n] are not behind it: the
// number of its run if they are where runs end. [batch, count], int32.
Result<ValueId> count_passed(ImportContext& call, ValueId bounds, int64_t count) {
  const Ints sizes = sizes_of(call, bounds);
  Ints places(static_cast<size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  FERRYMAN_TRY(const ValueId column,
               as_dtype(call, int_constant(call, {1, count, 1}, places), dtype_of(call, bounds)));
  FERRYMAN_TRY(const ValueId row, emit_reshape(call, bounds, {sizes[0], 1, sizes[1]}));
  FERRYMAN_TRY(const ValueId is_passed, call.emit(ops::kLe, {row, column}));
  FERRYMAN_TRY(const ValueId ones, as_dtype(call, is_passed, DType::kI32));
  return call.emit(ops::kSum, {ones}, {{attr::kAxes, Axes{{2}}}, {attr::kKeepDim, false}});
}

// [count] beside rows of that rank, in their dtype: how many rows each run has.
Result<ValueId> count_rows(ImportContext& call, ValueId rows, ValueId numbers, int64_t count) {
  const ValueId ones = call.builder().constant(
      TensorData::filled(dtype_of(call, rows), sizes_of(call, numbers), 1), "ones");
  FERRYMAN_TRY(const ValueId counts, emit_segments(call, ones, numbers, count, "sum"));
  Ints shape(rank_of(call, rows), 1);
  shape[0] = count;
  return emit_reshape(call, counts, shape);
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
  if (rank_of(call, indices) != 1 || rank_of(call, offsets) != 1)
    return call.unsupported("indices with several axes");
  const int64_t starts = sizes_of(call, offsets)[0];
  bags.count = starts - (include_last ? 1 : 0);
  const int64_t rows = sizes_of(call, indices)[0];
  if (rows == 0 || bags.count < 1) return call.unsupported("no bags");
  FERRYMAN_TRY(bags.rows, emit_gather(call, weight, indices, 0));
  FERRYMAN_TRY(const ValueId bounds, emit_reshape(call, offsets, {1, starts}));
  FERRYMAN_TRY(bags.numbers, count_passed(call, bounds, rows));
  FERRYMAN_TRY(bags.numbers, emit_reshape(call, bags.numbers, {rows}));
  const ValueId one = scalar_like(call, bags.numbers, 1);
  FERRYMAN_TRY(bags.numbers, call.emit(ops::kSub, {bags.numbers, one}));
  const bool may_wrap = call.target() == "embedding_bag.padding_idx";
  if (padding < 0 && may_wrap && call.given("padding_idx")) padding += sizes_of(call, weight)[0];
  if (padding < 0) return bags;
  const ValueId pad = scalar_like(call, indices, static_cast<double>(padding));
  FERRYMAN_TRY(const ValueId is_padding, call.emit(ops::kEq, {indices, pad}));
  const ValueId none = scalar_like(call, bags.numbers, static_cast<double>(bags.count));
  FERRYMAN_TRY(bags.numbers, call.emit(ops::kWhere, {is_padding, none, bags.numbers}));
  return bags;
}

Imported import_embedding_bag(ImportContext& call) {
  FERRYMAN_TRY(Bags bags, read_bags(call));
  FERRYMAN_TRY(const int64_t mode, call.integer("mode", kModeSum));
  FERRYMAN_TRY(const ValueId factors, call.optional_tensor("per_sample_weights"));
  if (mode < kModeSum || mode > kModeMax) return call.unsupported("an unknown mode");
  if (factors.valid()) {
    FERRYMAN_TRY(const ValueId column, emit_reshape(call, factors, {-1, 1}));
    FERRYMAN_TRY(bags.rows, call.emit(ops::kMul, {bags.rows, column}));
  }
  const int64_t segments = bags.count + 1;
  FERRYMAN_TRY(ValueId result, emit_segments(call, bags.rows, bags.numbers, segments,
                                             mode == kModeMax ? "amax" : "sum"));
  if (mode != kModeSum) {
    FERRYMAN_TRY(const ValueId counts, count_rows(call, bags.rows, bags.numbers, segments));
    const ValueId zero = scalar_like(call, counts, 0);
    if (mode == kModeMean) {
      const ValueId one = scalar_like(call, counts, 1);
      FERRYMAN_TRY(const ValueId divisor, call.emit(ops::kMaximum, {counts, one}));
      FERRYMAN_TRY(result, call.emit(ops::kDiv, {result, divisor}));
    } else {
      FERRYMAN_TRY(const ValueId has_rows, call.emit(ops::kGt, {counts, zero}));
      FERRYMAN_TRY(result, call.emit(ops::kWhere, {has_rows, result, zero}));
    }
  }
  std::vector<ValueId> results(call.num_results());
  FERRYMAN_TRY(results[0], emit_slice(call, result, 0, 0, bags.count));
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
  if (call.given("lengths")) {
    FERRYMAN_TRY(const ValueId lengths, call.tensor("lengths"));
    return call.emit(ops::kCumsum, {lengths}, {{attr::kAxis, Axis{axis}}});
  }
  FERRYMAN_TRY(const ValueId offsets, call.tensor("offsets"));
  return emit_slice(call, offsets, axis, 1, sizes_of(call, offsets)[static_cast<size_t>(axis)]);
}

Result<Runs> read_runs(ImportContext& call) {
  call.ignore("unsafe");
  FERRYMAN_TRY(const ValueId x, call.tensor("data"));
  FERRYMAN_TRY(const int64_t axis, call.axis("axis", rank_of(call, x), 0));
  FERRYMAN_TRY(ValueId ends, read_run_ends(call, axis));
  Runs runs;
  runs.shape = sizes_of(call, x);
  const auto at = static_cast<size_t>(axis);
  const int64_t length = runs.shape[at];
  runs.count = sizes_of(call, ends)[at];
  runs.batch = product(Ints(runs.shape.begin(), runs.shape.begin() + axis));
  if (runs.batch * runs.count == 0 || length == 0) return call.unsupported("no rows");
  FERRYMAN_TRY(ends, emit_reshape(call, ends, {runs.batch, runs.count}));
  FERRYMAN_TRY(ValueId numbers, count_passed(call, ends, length));
  Ints firsts;
  for (int64_t line = 0; line < runs.batch; ++line) firsts.push_back(line * (runs.count + 1));
  FERRYMAN_TRY(const ValueId first,
               as_dtype(call, int_constant(call, {runs.batch, 1}, firsts), DType::kI32));
  FERRYMAN_TRY(numbers, call.emit(ops::kAdd, {numbers, first}));
  FERRYMAN_TRY(runs.numbers, emit_reshape(call, numbers, {runs.batch * length}));
  Ints rows(runs.shape.begin() + axis + 1, runs.shape.end());
  rows.insert(rows.begin(), runs.batch * length);
  FERRYMAN_TRY(runs.rows, emit_reshape(call, x, rows));
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
  FERRYMAN_TRY(ValueId result,
               emit_segments(call, runs.rows, runs.numbers, segments, reduction.segments));
  const bool has_initial = call.given("initial");
  FERRYMAN_TRY(const double initial, call.number("initial", 0));
  const ValueId start = scalar_like(call, result, initial);
  if (has_initial) {
    FERRYMAN_TRY(result, call.emit(reduction.with_initial, {result, start}));
  }
  if (is_mean) {
    FERRYMAN_TRY(const ValueId counts, count_rows(call, runs.rows, runs.numbers, segments));
    FERRYMAN_TRY(const ValueId mean, call.emit(ops::kDiv, {result, counts}));
    const ValueId zero = scalar_like(call, counts, 0);
    FERRYMAN_TRY(const ValueId is_empty, call.emit(ops::kEq, {counts, zero}));
    const ValueId of_none = has_initial ? start : scalar_like(call, result, std::nan(""));
    FERRYMAN_TRY(result, call.emit(ops::kWhere, {is_empty, of_none, mean}));
  }
  FERRYMAN_TRY(result, emit_reshape(call, result, {runs.batch, runs.count + 1, -1}));
  FERRYMAN_TRY(result, emit_slice(call, result, 1, 0, runs.count));
  return one_result(emit_reshape(call, result, runs.shape));
}

// [output_size]: number n as often as repeats[n] says. The exporter knows the size only if the user
// states it.
Imported import_repeats(ImportContext& call) {
  call.ignore("output_size");
  FERRYMAN_TRY(const ValueId repeats, call.tensor("repeats"));
  const Dims& dims = call.result_type(0).dims;
  const int64_t sources = sizes_of(call, repeats)[0];
  if (!all_static(dims) || sources == 0)
    return call.unsupported("a size that depends on the repeats").hint("pass output_size");
  FERRYMAN_TRY(ValueId ends, call.emit(ops::kCumsum, {repeats}, {{attr::kAxis, Axis{0}}}));
  FERRYMAN_TRY(ends, emit_reshape(call, ends, {1, sources}));
  FERRYMAN_TRY(ValueId numbers, count_passed(call, ends, static_sizes(dims)[0]));
  FERRYMAN_TRY(numbers, as_dtype(call, numbers, dtype_of(call, repeats)));
  return one_result(emit_reshape(call, numbers, {-1}));
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
