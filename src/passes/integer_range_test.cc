#include "passes/integer_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "ir/evaluate.h"
#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/families.h"
#include "ops/names.h"
#include "ops/special/special_names.h"

namespace ferryman {
namespace {

constexpr int64_t kLimit = 4;

class Ranges : public ::testing::Test {
 protected:
  Ranges() { add_all_ops(ops_); }

  Graph make_graph() { return Graph(ops_.set); }
  std::vector<int64_t> results_outside(OpName op, const IntegerRange& a, const IntegerRange& b);

  Ops ops_;
};

// Every pair of numbers from the two ranges, without division by zero.
struct Pairs {
  std::vector<int64_t> a, b;
};
Pairs all_pairs(const IntegerRange& a, const IntegerRange& b) {
  Pairs pairs;
  for (int64_t x = a.min; x <= a.max; ++x) {
    for (int64_t y = b.min; y <= b.max; ++y) {
      if (y == 0) continue;
      pairs.a.push_back(x);
      pairs.b.push_back(y);
    }
  }
  return pairs;
}

ValueId between(Builder& builder, ValueId x, const IntegerRange& range) {
  return builder.create(
      ops::kClamp, {x},
      {{attr::kMin, static_cast<double>(range.min)}, {attr::kMax, static_cast<double>(range.max)}});
}

// Results of the op on numbers from the two ranges that its own range does not hold.
std::vector<int64_t> Ranges::results_outside(OpName op, const IntegerRange& a,
                                             const IntegerRange& b) {
  const Pairs pairs = all_pairs(a, b);
  const auto count = static_cast<int64_t>(pairs.a.size());
  if (count == 0) return {};
  Graph graph = make_graph();
  Builder builder(graph);
  const TensorType type = {DType::kI64, {Dim(count)}};
  const ValueId x = between(builder, graph.add_input("x", type), a);
  const ValueId y = between(builder, graph.add_input("y", type), b);
  const ValueId result = builder.create(op, {x, y});
  graph.add_output("result", result);
  const std::vector<TensorData> inputs = {TensorData::of<int64_t>({count}, pairs.a),
                                          TensorData::of<int64_t>({count}, pairs.b)};
  const Result<std::vector<TensorData>> outputs = evaluate_graph(graph, inputs);
  EXPECT_TRUE(outputs.ok());
  std::vector<int64_t> numbers = (*outputs)[0].to_ints();
  const IntegerRange range = IntegerRanges(graph).of(result);
  std::erase_if(numbers, [&](int64_t number) { return range.holds(number); });
  return numbers;
}

std::vector<IntegerRange> small_ranges(int64_t lowest) {
  std::vector<IntegerRange> ranges;
  for (int64_t min = lowest; min <= kLimit; ++min) {
    for (int64_t max = min; max <= kLimit; ++max) ranges.push_back({min, max});
  }
  return ranges;
}

TEST_F(Ranges, HoldEveryResultOfTwoOperands) {
  for (const OpName op : {ops::kAdd, ops::kSub, ops::kMul, ops::kMaximum, ops::kMinimum,
                          ops::kFloorDivide, ops::kTruncDivide, ops::kRemainder, ops::kFmod,
                          ops::kBitwiseAnd, ops::kBitwiseOr, ops::kBitwiseXor, ops::kShiftRight}) {
    for (const IntegerRange& a : small_ranges(-kLimit)) {
      for (const IntegerRange& b : small_ranges(op == ops::kShiftRight ? 0 : -kLimit)) {
        const std::vector<int64_t> outside = results_outside(op, a, b);
        ASSERT_TRUE(outside.empty()) << op.text << " of [" << a.min << ", " << a.max << "] and ["
                                     << b.min << ", " << b.max << "]: " << outside.front();
      }
    }
  }
}

TEST_F(Ranges, OfPositionsSizesAndCounts) {
  Graph graph = make_graph();
  Builder builder(graph);
  CoreWriter write(builder);
  const ValueId x = graph.add_input("x", {DType::kF32, {Dim(2), Dim(36)}});
  const ValueId position = builder.create(ops::kArgmax, {x}, {{attr::kAxis, Axis{1}}});
  const ValueId flags = write.cast(builder.create(ops::kLt, {x, x}), DType::kI64);
  const ValueId count = builder.create(ops::kSum, {flags}, {{attr::kAxes, Axes{{1}}}});
  const ValueId running = builder.create(ops::kCumsum, {flags}, {{attr::kAxis, Axis{1}}});
  const ValueId shifted = write.sub(position, write.scalar(position, 40));
  IntegerRanges ranges(graph);
  EXPECT_EQ(ranges.of(position), (IntegerRange{0, 35}));
  EXPECT_EQ(ranges.of(count), (IntegerRange{0, 36}));
  EXPECT_EQ(ranges.of(running), (IntegerRange{0, 36}));
  EXPECT_EQ(ranges.of(shifted), (IntegerRange{-40, -5}));
  EXPECT_EQ(ranges.of(write.mul(shifted, shifted)), (IntegerRange{25, 1600}));
}

TEST_F(Ranges, WhatMayWrapAroundIsAnyNumberOfTheDtype) {
  Graph graph = make_graph();
  Builder builder(graph);
  const ValueId x = graph.add_input("x", {DType::kI32, {Dim(2)}});
  const ValueId sum = builder.create(ops::kAdd, {x, x});
  IntegerRanges ranges(graph);
  EXPECT_EQ(ranges.of(sum), range_of_dtype(DType::kI32));
  EXPECT_TRUE(ranges.of(sum).fits(DType::kI32));
  const ValueId wide = graph.add_input("wide", {DType::kI64, {Dim(2)}});
  EXPECT_FALSE(IntegerRanges(graph).of(wide).fits(DType::kI32));
  EXPECT_EQ(range_of_dtype(DType::kI64).min, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(range_of_dtype(DType::kU8).max, 255);
}

}  // namespace
}  // namespace ferryman
