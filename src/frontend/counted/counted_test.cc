// Sizes that are counted at run time, from the program to the graph.
#include <gtest/gtest.h>

#include "frontend/counted/counted_sizes.h"
#include "frontend/program_for_test.h"
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman::frontend {
namespace {

constexpr const char* kCount = "Symbol('u0', integer=True)";

struct Counted {
  ProgramBuilder builder;

  // A value with `size` entries in the place of the given axis.
  ValueIndex node(std::string target, std::vector<NamedArgument> args, const Ints& sizes,
                  size_t axis, std::string size = kCount) {
    const ValueIndex value = builder.node(std::move(target), std::move(args), sizes);
    builder.program.values[value].tensor->sizes[axis].expr = std::move(size);
    return value;
  }
  // x[mask] of x: f32[3, 2].
  ValueIndex chosen() {
    const ValueIndex x = builder.input("x", {3, 2});
    const ValueIndex mask = builder.input("mask", {3}, DType::kBool);
    const NamedArgument indices{"indices", {ArgumentList{{ValueRef{mask}}}}};
    return node("aten.index.Tensor", {tensor("self", x), indices}, {0, 2}, 0);
  }
};

TEST(SizeTerm, ReadsWhatTorchWrites) {
  const Result<SizeTerm> term =
      parse_size("Add(Integer(-1), Min(Integer(1000), Symbol('u0', integer=True)))");
  ASSERT_TRUE(term.ok());
  EXPECT_EQ(term->kind, SizeTerm::Kind::kAdd);
  EXPECT_EQ(term->operands[0].number, -1);
  EXPECT_EQ(term->operands[1].operands[1].symbol, "u0");
}

TEST(SizeTerm, RefusesOtherText) {
  for (const char* text : {"", "u0", "Integer(1", "Integer(x)", "Add()", "Symbol(u0)", "Pow(u0)",
                           "FloorDiv(Integer(1))", "Integer(1))"}) {
    EXPECT_FALSE(parse_size(text).ok()) << text;
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "Add(";
  EXPECT_FALSE(parse_size(deep).ok());
}

TEST(CountedSizes, BoundsAreThoseOfTheLargestCounts) {
  Ops ops;
  add_all_ops(ops);
  Graph graph(ops.set);
  Builder builder(graph);
  FreeSizes free({}, graph.symbols());
  CountedSizes sizes(builder, free);
  ASSERT_TRUE(sizes.define(kCount, builder.scalar(DType::kI32, 0), 7).ok());
  const auto bound = [&](const std::string& text) {
    const Result<Dim> result = sizes.bound(text);
    return result.ok() ? result->size() : int64_t{-1};
  };
  const std::string u0 = kCount;
  EXPECT_EQ(bound(u0), 7);
  EXPECT_EQ(bound("Mul(Integer(4), " + u0 + ")"), 28);
  EXPECT_EQ(bound("Min(Integer(5), " + u0 + ")"), 5);
  EXPECT_EQ(bound("Max(Integer(9), " + u0 + ")"), 9);
  EXPECT_EQ(bound("FloorDiv(" + u0 + ", Integer(2))"), 3);
  EXPECT_EQ(bound("Add(" + u0 + ", Mul(Integer(-1), Min(Integer(1), " + u0 + ")))"), 7);
  EXPECT_EQ(bound("FloorDiv(" + u0 + ", Integer(0))"), -1);
  EXPECT_EQ(bound("Symbol('u1', integer=True)"), -1);
  EXPECT_EQ(bound("Mul(Integer(2000000000), Integer(2000000000), " + u0 + ")"), -1);
}

TEST(Counted, RowsOfAMaskAreGatheredAndCutAtTheOutput) {
  Counted program;
  program.builder.output(program.chosen());
  const Translated result = translated(program.builder.program);
  EXPECT_EQ(result.errors, "");
  EXPECT_NE(result.graph.find("gather(%x"), std::string::npos) << result.graph;
  EXPECT_NE(result.graph.find("cut("), std::string::npos) << result.graph;
}

TEST(Counted, WhatMixesEntriesIsRefusedAtItsPlace) {
  Counted program;
  const ValueIndex rows = program.chosen();
  const ValueIndex mean = program.builder.node(
      "aten.mean.dim", {tensor("self", rows), {"dim", {ArgumentList{{int64_t{0}}}}}}, {2});
  program.builder.output(mean);
  const std::string errors = translated(program.builder.program).errors;
  EXPECT_NE(errors.find("aten.mean.dim: 'mean' combines entries whose number is only known"),
            std::string::npos)
      << errors;
  EXPECT_NE(errors.find("net.py:11"), std::string::npos) << errors;
}

TEST(Counted, ASizeThatNothingCountsIsRefused) {
  Counted program;
  const ValueIndex x = program.builder.input("x", {3});
  program.builder.output(program.node("aten.relu.default", {tensor("self", x)}, {3}, 0));
  const std::string errors = translated(program.builder.program).errors;
  EXPECT_NE(errors.find("is not known to be bounded"), std::string::npos) << errors;
}

TEST(Nms, KeepsTheBestOfWhatOverlapsByMoreThanTheThreshold) {
  const TensorData boxes =
      TensorData::of<float>({4, 4}, {0, 0, 2, 1, 0, 0, 1, 1, 0, 0, 2, 1.5F, 5, 5, 6, 6});
  const TensorData scores = TensorData::of<float>({4}, {4, 3, 2, 0});
  Ops ops;
  add_all_ops(ops);
  const OpDef& def = ops.set.get(ops::kNms);
  const std::vector<const TensorData*> operands = {&boxes, &scores};
  const std::vector<TensorType> types = {{DType::kI32, {Dim(4)}}, {DType::kI32, {}}};
  const std::vector<Attr> attrs = {Attr(0.5)};
  const auto results = def.eval(EvalArgs{operands, AttrsView(def, attrs), types});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].to_ints(), (Ints{0, 1, 0, 0}));
  EXPECT_EQ((*results)[1].to_ints(), Ints{2});
}

}  // namespace
}  // namespace ferryman::frontend
