#include "frontend/program/location.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

SourceLocation locate(std::string_view trace) {
  return make_location("n", {}, trace);
}

TEST(Location, IsTheInnermostFrameOutsideOfTorch) {
  const SourceLocation place = locate(
      "File \"/home/me/net.py\", line 3, in forward\n    return self.block(x)\n"
      "  File \"/home/me/block.py\", line 12, in forward\n    return self.fc(x)\n"
      "  File \"/v/site-packages/torch/nn/modules/linear.py\", line 134, in forward\n    F.linear");
  EXPECT_EQ(place.file, "/home/me/block.py");
  EXPECT_EQ(place.line, 12);
}

TEST(Location, OfTorchsOwnModulesIsTorchs) {
  const SourceLocation place =
      locate("File \"/v/site-packages/torch/nn/modules/linear.py\", line 134, in forward\n");
  EXPECT_EQ(place.file, "/v/site-packages/torch/nn/modules/linear.py");
  EXPECT_EQ(place.line, 134);
}

TEST(Location, InsideOfABodyIsThatOfWhatRunsIt) {
  const SourceLocation place = locate(
      "File \"/home/me/net.py\", line 3, in forward\n    torch.cond(c, f, g, (x,))\n"
      "  File \"<eval_with_key>.6\", line 8, in forward\n    add = x + y");
  EXPECT_EQ(place.file, "/home/me/net.py");
  EXPECT_EQ(place.line, 3);
}

TEST(Location, WithoutFramesIsUnknown) {
  for (const std::string_view trace : {"", "no frames", "File \"x", "File \"x.py\", line twelve",
                                       "File \"x.py\", line 99999999999"}) {
    const SourceLocation place = locate(trace);
    EXPECT_EQ(place.file, "") << trace;
    EXPECT_EQ(place.line, 0) << trace;
    EXPECT_EQ(place.node, "n");
  }
}

TEST(Location, KeepsTheNumberOfTheCall) {
  const SourceLocation place = make_location("n", {"L__self__a.b@2", "a.b", "m.B"}, "");
  EXPECT_EQ(place.module_path, "a.b@2");
  EXPECT_EQ(place.module_type, "m.B");
}

TEST(Location, ReadsTheInnermostModule) {
  const auto module = innermost_module("L__self__,,m.Net;L__self__a@1,a,m.B[int, str]");
  EXPECT_EQ(module.key, "L__self__a@1");
  EXPECT_EQ(module.path, "a");
  EXPECT_EQ(module.type, "m.B[int, str]");
  EXPECT_EQ(innermost_module("one,two").key, "");
  EXPECT_EQ(innermost_module("").key, "");
}

}  // namespace
}  // namespace ferryman::frontend
