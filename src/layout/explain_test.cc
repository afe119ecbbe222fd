#include "layout/explain.h"

#include <gtest/gtest.h>

#include "tests/support/test_contract.h"
#include "tests/support/test_net.h"

namespace ferryman::layout {
namespace {

std::vector<CopyExplanation> explain(TestNet& net) {
  const IoLayouts io;
  const Planning planning = run_planning(net.graph(), ChannelsLastContract(), io);
  return explain_copies(net.graph(), io, planning, write_plan(net.graph(), io, planning));
}

TEST(Explain, NamesTheKernelAndTheOutputThatReleasedWouldHelp) {
  TestNet net;
  net.output("y", net.relu(net.conv(net.input("x", {1, 1, 8, 8}), 4)));
  const std::vector<CopyExplanation> copies = explain(net);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(describe(net.graph(), copies[0], {}),
            "[1, 8, 8, 4] for the conv, [1, 4, 8, 8] for output 'y'; with another layout of "
            "output 'y' there would be none");
  EXPECT_EQ(copies[0].releases,
            (std::vector<Anchor>{{.kind = Anchor::Kind::kOutput, .op = {}, .index = 0}}));
}

TEST(Explain, GivesNoHintWhereReleasingDoesNotHelp) {
  TestNet net;  // both outputs want the order, so releasing one saves nothing
  const ValueId y = net.conv(net.input("x", {1, 1, 8, 8}), 4);
  net.output("a", y);
  net.output("b", y);
  const std::vector<CopyExplanation> copies = explain(net);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(describe(net.graph(), copies[0], {}),
            "[1, 8, 8, 4] for the conv, [1, 4, 8, 8] for output 'a' and output 'b'");
  EXPECT_EQ(copies[0].releases, std::vector<Anchor>());
}

TEST(Explain, NamesTheInputThatReleasedWouldHelp) {
  TestNet net;
  net.output("y", net.conv(net.input("x", {1, 3, 8, 8}), 1));
  const std::vector<CopyExplanation> copies = explain(net);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].copy.bytes, 2 * 768);
  EXPECT_EQ(describe(net.graph(), copies[0], {}),
            "[1, 3, 8, 8] for input 'x', [1, 8, 8, 3] for the conv; with another layout of input "
            "'x' there would be none");
}

TEST(Explain, NamesEndsAsTheUserDoes) {
  TestNet net;
  net.output("y", net.relu(net.conv(net.input("x", {1, 1, 8, 8}), 4)));
  const std::vector<CopyExplanation> copies = explain(net);
  ASSERT_EQ(copies.size(), 1u);
  const EndNames names{.inputs = {"image"}, .outputs = {"map"}};
  EXPECT_EQ(describe(net.graph(), copies[0], names),
            "[1, 8, 8, 4] for the conv, [1, 4, 8, 8] for output 'map'; with another layout of "
            "output 'map' there would be none");
}

TEST(Explain, NamesOnceWhatReadsTheSame) {
  TestNet net;  // two kernels want one order
  const ValueId x = net.input("x", {1, 3, 8, 8});
  net.output("y", net.add(net.conv(x, 1), net.conv(x, 1)));
  const std::vector<CopyExplanation> copies = explain(net);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].to_side.size(), 2u);
  EXPECT_EQ(describe(net.graph(), copies[0], {}),
            "[1, 3, 8, 8] for input 'x', [1, 8, 8, 3] for the conv; with another layout of input "
            "'x' there would be none");
}

}  // namespace
}  // namespace ferryman::layout
