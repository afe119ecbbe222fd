#include "layout/plan.h"

#include <gtest/gtest.h>

#include "tests/support/test_contract.h"
#include "tests/support/test_net.h"

namespace ferryman::layout {
namespace {

TEST(Layout, GraphWithoutAnchorsIsLeftAlone) {
  TestNet net;
  const ValueId x = net.input("x", {2, 3, 4, 5});
  net.output("y", net.mean(net.add(net.relu(x), x), {1}, false));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "");
  EXPECT_TRUE(plan.proven);
  for (const OpId op : net.graph().op_ids()) {
    for (const Layout& layout : plan.ops[op].operands) {
      const std::optional<Ints> order = layout.dim_order();
      ASSERT_TRUE(order.has_value());
      EXPECT_TRUE(std::is_sorted(order->begin(), order->end()));
    }
  }
}

TEST(Layout, ConvolutionsStayChannelsLastBetweenPinnedEnds) {
  TestNet net;
  const ValueId x = net.input("x", {1, 3, 8, 8});
  const ValueId a = net.relu(net.conv(x, 16));
  const ValueId b = net.relu(net.conv(a, 16));
  net.output("y", net.add(a, net.max_pool(net.conv(b, 16)).valid() ? b : a));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan),
            "add [1, 8, 8, 16] -> [1, 16, 8, 8]\n"
            "x [1, 3, 8, 8] -> [1, 8, 8, 3]\n");
  EXPECT_TRUE(plan.proven);
  EXPECT_EQ(plan.bytes_moved, 2 * 4 * (3 * 64 + 16 * 64));
}

TEST(Layout, FlattenBeforeLinearPermutesWeightNotActivation) {
  TestNet net;
  const ValueId x = net.input("x", {1, 3, 8, 8});
  const ValueId features = net.max_pool(net.conv(x, 16));
  const ValueId flat = net.reshape(features, {1, 256});
  const ValueId y = net.linear(flat, 10);
  net.output("y", y);
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "x [1, 3, 8, 8] -> [1, 8, 8, 3]\n");
  const OpPlan& linear = plan.ops[net.graph().producer(y)];
  EXPECT_EQ(net.shape(linear.operands[0]), "[1, 256]");
  // The weight's columns are in the order (h, w, c) of the activation.
  const Layout& weight = linear.operands[1];
  EXPECT_EQ(net.shape(weight), "[10, 256]");
  EXPECT_EQ(weight.axes[1].parts, (std::vector<AxisPart>{{1, 2, 4}, {1, 3, 4}, {1, 1, 16}}));
}

TEST(Layout, ThreeUsersInTwoLayoutsCostOneCopy) {
  TestNet net;
  const ValueId x = net.input("x", {1, 4, 8, 8});
  net.output("a", net.conv(x, 1));
  net.output("b", net.conv(x, 1));
  net.output("c", net.relu(x));
  EXPECT_EQ(net.copies(net.plan()), "x [1, 4, 8, 8] -> [1, 8, 8, 4]\n");
}

TEST(Layout, ResidualAddJoinsRegionsWhereItIsCheapest) {
  TestNet net;  // the sum is read in both orders: one copy of it, none of the input
  const ValueId x = net.input("x", {1, 4, 8, 8});
  const ValueId sum = net.add(net.conv(net.input("z", {1, 1, 8, 8}), 4), x);
  net.output("sum", net.relu(sum));
  net.output("next", net.conv(sum, 1));
  EXPECT_EQ(net.copies(net.plan()),
            "relu [1, 8, 8, 4] -> [1, 4, 8, 8]\n"
            "x [1, 4, 8, 8] -> [1, 8, 8, 4]\n");
}

TEST(Layout, ChannelShuffleIsAbsorbedByTheNextWeight) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 4, 4}), 8);
  const ValueId groups = net.reshape(x, {1, 2, 4, 4, 4});
  const ValueId shuffled = net.reshape(net.permute(groups, {0, 2, 1, 3, 4}), {1, 8, 4, 4});
  const ValueId y = net.conv(net.relu(shuffled), 1);
  net.output("y", y);
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "");
  // The first weight gives the channels in the order that the second reads.
  const OpPlan& second = plan.ops[net.graph().producer(y)];
  EXPECT_EQ(net.shape(second.operands[0]), "[1, 4, 4, 8]");
  const OpPlan& first = plan.ops[net.graph().producer(x)];
  EXPECT_EQ(first.operands[1].axes.front().parts, (std::vector<AxisPart>{{0, 1, 4}, {0, 0, 2}}));
}

TEST(Layout, ChannelShuffleBeforeSliceIsMoved) {
  TestNet net;  // slicing needs the channels in order, so here the shuffle is real
  const ValueId x = net.conv(net.input("x", {1, 1, 4, 4}), 8);
  const ValueId groups = net.reshape(x, {1, 2, 4, 4, 4});
  const ValueId shuffled = net.reshape(net.permute(groups, {0, 2, 1, 3, 4}), {1, 8, 4, 4});
  net.output("y", net.conv(net.slice(shuffled, 1, 0, 4), 1));
  // The first convolution writes its channels in the order that the slice wants.
  EXPECT_EQ(net.copies(net.plan()), "");
}

TEST(Layout, GatherOfWindowsKeepsChannelsLast) {
  TestNet net;  // the positions have two dims, which take the place of the rows and of the columns
  const ValueId x = net.conv(net.input("x", {1, 1, 8, 8}), 4);
  const ValueId rows = net.gather(x, 2, {2, 6});
  const ValueId windows = net.gather(rows, 4, {2, 6});
  const ValueId y = net.conv(net.reshape(windows, {1, 4, 12, 12}), 4);
  net.output("y", y);
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "conv [1, 12, 12, 4] -> [1, 4, 12, 12]\n");
  const Layout& gathered = plan.ops[net.graph().producer(windows)].results[0];
  EXPECT_EQ(net.shape(gathered), "[1, 2, 6, 2, 6, 4]");
}

TEST(Layout, PixelShuffleIsOneMoveOfBlocks) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 4, 4}), 12);
  const ValueId shuffled = net.pixel_shuffle(x, 2);
  const ValueId y = net.conv(shuffled, 1);
  net.output("y", y);
  const LayoutPlan plan = net.plan();
  ASSERT_EQ(plan.copies.size(), 1u);
  const OpPlan& first = plan.ops[net.graph().producer(x)];
  const OpPlan& second = plan.ops[net.graph().producer(y)];
  const Rearrangement moved = rearrange(plan, x, first.results[0], shuffled, second.operands[0]);
  ASSERT_TRUE(moved.blocks.has_value());
  EXPECT_EQ(moved.blocks->kind, BlockMove::Kind::kDepthToSpace);
  EXPECT_EQ(moved.blocks->size, 2);
  EXPECT_EQ(moved.blocks->input_shape, (Dims{1, 4, 4, 12}));
  EXPECT_EQ(net.shape(second.operands[0]), "[1, 8, 8, 3]");
  // The weight of the first convolution gives the channels in the order (row, column, channel).
  EXPECT_EQ(first.operands[1].axes[0].parts,
            (std::vector<AxisPart>{{0, 1, 2}, {0, 2, 2}, {0, 0, 3}}));
}

TEST(Layout, SelfAttentionMovesHeadsOnly) {
  TestNet net;
  const ValueId x = net.input("x", {2, 6, 8});
  const auto heads = [&](ValueId value) {
    return net.permute(net.reshape(net.linear(value, 8), {2, 6, 2, 4}), {0, 2, 1, 3});
  };
  const ValueId scores = net.softmax(net.matmul(heads(x), net.permute(heads(x), {0, 1, 3, 2})), 3);
  const ValueId mixed = net.permute(net.matmul(scores, heads(x)), {0, 2, 1, 3});
  net.output("y", net.linear(net.reshape(mixed, {2, 6, 8}), 8));
  const LayoutPlan plan = net.plan();
  // q, k and v once, and the result back; the transposed k is a flag of the product.
  EXPECT_EQ(net.copies(plan),
            "linear [2, 6, 8] -> [2, 2, 6, 4]\n"
            "linear [2, 6, 8] -> [2, 2, 6, 4]\n"
            "linear [2, 6, 8] -> [2, 2, 6, 4]\n"
            "matmul [2, 2, 6, 4] -> [2, 6, 2, 4]\n");
  EXPECT_TRUE(plan.proven);
}

TEST(Layout, SumWithItsTransposeCopiesOnce) {
  TestNet net;
  const ValueId x = net.input("x", {5, 5});
  net.output("y", net.add(x, net.permute(x, {1, 0})));
  EXPECT_EQ(net.plan().copies.size(), 1u);
  // Whatever order a released input has, it is read in both.
  IoLayouts io{.inputs = {{IoLayout::Kind::kAny}}, .outputs = {{IoLayout::Kind::kAny}}};
  EXPECT_EQ(net.plan(io).copies.size(), 1u);
}

TEST(Layout, SqueezeExciteCarriesTheTransposesOnTheSmallTensor) {
  TestNet net;  // the gate comes from a branch in PyTorch's order
  const ValueId x = net.conv(net.input("x", {2, 1, 8, 8}), 4);
  const ValueId gate = net.input("gate", {2, 4, 3, 1});
  const ValueId scaled = net.mul(x, net.mean(gate, {2}, true));
  net.output("y", net.conv(scaled, 1));
  EXPECT_EQ(net.copies(net.plan()), "");  // [2, 4, 1, 1] has one order only
}

TEST(Layout, SqueezeExciteStaysChannelsLast) {
  TestNet net;
  const ValueId x = net.relu(net.conv(net.input("x", {1, 1, 8, 8}), 4));
  const ValueId squeezed = net.mean(x, {2, 3}, true);
  const ValueId y = net.mul(net.conv(net.relu(net.conv(squeezed, 2, 1)), 4, 1), x);
  net.output("y", net.conv(y, 1));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "");
  EXPECT_EQ(net.shape(plan.ops[net.graph().producer(squeezed)].results[0]), "[1, 1, 1, 4]");
}

TEST(Layout, DenseConcatsStayChannelsLast) {
  TestNet net;
  std::vector<ValueId> features{net.conv(net.input("x", {1, 3, 8, 8}), 4)};
  for (int layer = 0; layer < 12; ++layer) {
    const ValueId all = features.size() == 1 ? features[0] : net.concat(features, 1);
    features.push_back(net.conv(net.relu(all), 4));
  }
  net.output("y", net.concat(features, 1));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan),
            "concat [1, 8, 8, 52] -> [1, 52, 8, 8]\n"
            "x [1, 3, 8, 8] -> [1, 8, 8, 3]\n");
  EXPECT_TRUE(plan.proven);
}

TEST(Layout, SymbolicBatchKeepsItsPlace) {
  TestNet net;
  const Dim batch = net.graph().symbols().symbol("s0", {1, 64});
  const ValueId x = net.input("x", {batch, 3, 8, 8});
  const ValueId y = net.reshape(net.max_pool(net.conv(x, 4)), {batch, 64});
  net.output("y", net.linear(y, 10));
  EXPECT_EQ(net.copies(net.plan()), "x [s0, 3, 8, 8] -> [s0, 8, 8, 3]\n");
}

TEST(Layout, BroadcastOperandsFollowTheirPartner) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 4, 4}), 8);
  const ValueId bias = net.input("bias", {8, 1, 1});
  const ValueId row = net.input("row", {4});
  const ValueId sum = net.add(net.add(net.add(x, bias), row), net.constant({8, 1, 1}));
  net.output("y", net.conv(sum, 1));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "");
  const OpId last = net.graph().producer(sum);
  EXPECT_EQ(net.shape(plan.ops[last].operands[1]), "[1, 1, 8]");
  const OpId with_row = net.graph().producer(net.graph().op(last).operands[0]);
  EXPECT_EQ(net.shape(plan.ops[with_row].operands[1]), "[4, 1]");
}

TEST(Layout, OutputFromTheMiddleOfARegionCostsItsCopyOnly) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 8, 8}), 4);
  net.output("middle", x);
  net.output("y", net.conv(net.relu(x), 1));
  EXPECT_EQ(net.copies(net.plan()), "conv [1, 8, 8, 4] -> [1, 4, 8, 8]\n");
}

TEST(Layout, UnusedResultsCostNothing) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 8, 8}), 4);
  net.relu(net.permute(x, {0, 1, 3, 2}));
  net.output("y", net.conv(x, 1));
  EXPECT_EQ(net.copies(net.plan()), "");
}

TEST(Layout, ReleasedEndsNeedNoCopies) {
  TestNet net;
  const ValueId x = net.input("x", {1, 3, 8, 8});
  net.output("y", net.relu(net.conv(x, 4)));
  const LayoutPlan any =
      net.plan({.inputs = {{IoLayout::Kind::kAny}}, .outputs = {{IoLayout::Kind::kAny}}});
  EXPECT_EQ(net.copies(any), "");
  EXPECT_EQ(net.shape(any.inputs[0]), "[1, 8, 8, 3]");
  EXPECT_EQ(net.shape(any.outputs[0]), "[1, 8, 8, 4]");
  const LayoutPlan given = net.plan({.inputs = {{IoLayout::Kind::kOrder, {0, 2, 3, 1}}}});
  EXPECT_EQ(net.copies(given), "relu [1, 8, 8, 4] -> [1, 4, 8, 8]\n");
}

TEST(Layout, ReleasedOutputKeepsItsDimsWhole) {
  TestNet net;  // flattened features in the order (h, w, c) would be of no use to anybody
  const ValueId x = net.conv(net.input("x", {1, 1, 8, 8}), 4);
  net.output("y", net.reshape(x, {1, 256}));
  const LayoutPlan plan = net.plan({.outputs = {{IoLayout::Kind::kAny}}});
  EXPECT_EQ(net.copies(plan), "conv [1, 8, 8, 4] -> [1, 4, 8, 8]\n");
}

TEST(Layout, ConcatenatedDimsStayWhole) {
  TestNet net;  // moving the heads is cheaper before the concat, but they are half a dim there
  const ValueId x = net.linear(net.input("x", {2, 6, 8}), 8);
  const ValueId longer = net.concat({x, x}, 1);
  const ValueId heads = net.permute(net.reshape(longer, {2, 12, 2, 4}), {0, 2, 1, 3});
  net.output("y", net.relu(heads));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(net.copies(plan), "relu [2, 12, 2, 4] -> [2, 2, 12, 4]\n");
}

class RankLimitContract : public ChannelsLastContract {
 public:
  int max_rank() const override { return 4; }
};

TEST(Layout, PiecesStayWithinTheRankLimit) {
  TestNet net;  // it is cheapest to bring the small operand into the order of the windows
  const ValueId sum = net.add(net.input("x", {4, 4, 1}), net.input("row", {8}));
  const ValueId split = net.permute(net.reshape(sum, {2, 2, 2, 2, 8}), {0, 2, 1, 3, 4});
  net.output("y", net.reshape(split, {4, 4, 8}));
  const auto sum_shape = [&](const TargetContract& contract) {
    const LayoutPlan plan = plan_layout(net.graph(), contract, {});
    return net.shape(plan.ops[net.graph().producer(sum)].results[0]);
  };
  EXPECT_EQ(sum_shape(ChannelsLastContract()), "[2, 2, 2, 2, 8]");
  EXPECT_EQ(sum_shape(RankLimitContract()), "[4, 4, 8]");
}

TEST(Layout, EmptyTensorsAreNotSplit) {
  TestNet net;
  const ValueId x = net.input("x", {2, 0, 5});
  net.output("y", net.permute(net.reshape(x, {0, 3, 7}), {2, 1, 0}));
  EXPECT_EQ(net.plan().bytes_moved, 0);
}

TEST(Layout, SymbolicDimsAreNamedByTheOtherSide) {
  TestNet net;
  SymbolTable& symbols = net.graph().symbols();
  const Dim batch = symbols.symbol("s0", {1, 8});
  const Dim length = symbols.symbol("s1", {1, 8});
  const ValueId x = net.input("x", {batch, 4, length, 8});
  const ValueId merged = net.reshape(x, {batch, symbols.mul(Dim(4), length), 8});
  net.output("y", net.permute(net.relu(merged), {0, 2, 1}));
  const LayoutPlan plan = net.plan();
  EXPECT_TRUE(plan.ops[net.graph().producer(merged)].relabelling);
  EXPECT_EQ(plan.copies.size(), 1u);
}

TEST(Layout, IncompatibleReshapeIsOpaque) {
  TestNet net;  // 6 x 4 and 4 x 6 have no common factors
  const ValueId x = net.input("x", {6, 4});
  const ValueId y = net.reshape(x, {4, 6});
  net.output("y", net.relu(net.permute(y, {1, 0})));
  const LayoutPlan plan = net.plan();
  EXPECT_EQ(plan.copies.size(), 1u);
  EXPECT_FALSE(plan.ops[net.graph().producer(y)].relabelling);
}

TEST(Layout, WindowPartitionMovesBytesOnce) {
  TestNet net;
  const ValueId x = net.conv(net.input("x", {1, 1, 4, 4}), 8);
  const ValueId split = net.reshape(net.permute(x, {0, 2, 3, 1}), {1, 2, 2, 2, 2, 8});
  const ValueId windows = net.reshape(net.permute(split, {0, 1, 3, 2, 4, 5}), {4, 4, 8});
  net.output("y", net.linear(windows, 8));
  EXPECT_EQ(net.copies(net.plan()), "conv [1, 4, 4, 8] -> [1, 2, 2, 2, 2, 8]\n");
}

}  // namespace
}  // namespace ferryman::layout
