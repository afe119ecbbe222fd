#include "layout/explain.h"

#include <gtest/gtest.h>

#include "tests/support/test_contract.h"
#include "tests/support/test_net.h"

namespace ferryman::layout {
namespace {

std::string explain(TestNet& net) {
  std::string text;
  for (const CopyExplanation& copy :
       explain_copies(net.graph(), ChannelsLastContract(), IoLayouts())) {
    text += render(to_remark(net.graph(), copy)) + "\n";
  }
  return text;
}

TEST(Explain, NamesTheKernelAndTheOutputThatReleasedWouldHelp) {
  TestNet net;
  net.output("y", net.relu(net.conv(net.input("x", {1, 1, 8, 8}), 4)));
  const std::vector<CopyExplanation> copies =
      explain_copies(net.graph(), ChannelsLastContract(), IoLayouts());
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(describe(net.graph(), copies[0]),
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
  const std::vector<CopyExplanation> copies =
      explain_copies(net.graph(), ChannelsLastContract(), IoLayouts());
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(describe(net.graph(), copies[0]),
            "[1, 8, 8, 4] for the conv, [1, 4, 8, 8] for output 'a' and output 'b'");
  EXPECT_EQ(copies[0].releases, std::vector<Anchor>());
}

TEST(Explain, WritesARemark) {
  TestNet net;
  net.output("y", net.conv(net.input("x", {1, 3, 8, 8}), 1));
  EXPECT_EQ(explain(net),
            "remark: 768 bytes are moved to another axis order\n"
            "  why:  [1, 3, 8, 8] for input 'x', [1, 8, 8, 3] for the conv; with another layout "
            "of input 'x' there would be none\n");
}

}  // namespace
}  // namespace ferryman::layout
