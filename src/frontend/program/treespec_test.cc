#include "frontend/program/treespec.h"

#include <gtest/gtest.h>

namespace ferryman::frontend {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view kLeaf = R"({"type": null, "context": null, "children_spec": []})";

std::string node(std::string_view type, std::string_view context, const Names& children) {
  std::string text = "{\"type\": \"" + std::string(type) + "\", \"context\": \"" +
                     std::string(context) + "\", \"children_spec\": [";
  for (size_t i = 0; i < children.size(); ++i) text += (i == 0 ? "" : ", ") + children[i];
  return text + "]}";
}

Names names_of(const std::string& root, const NamedTupleFields& fields = {}) {
  const auto names = name_leaves("[1, " + root + "]", fields);
  return names.ok() ? *names : Names{names.diag().why};
}

const std::string kX(kLeaf);

TEST(Treespec, TuplesGiveNoNames) {
  EXPECT_EQ(names_of(kX), Names{""});
  EXPECT_EQ(names_of(node("builtins.tuple", "null", {kX, kX})), (Names{"", ""}));
}

TEST(Treespec, DictionariesNameTheirLeaves) {
  const std::string pair = node("builtins.list", "null", {kX, kX});
  const std::string dict = node("builtins.dict", R"([\"out\", \"boxes\", 3])", {kX, pair, kX});
  EXPECT_EQ(names_of(dict), (Names{"out", "boxes_0", "boxes_1", "3"}));
  EXPECT_EQ(names_of(node("builtins.tuple", "null", {kX, dict})),
            (Names{"", "out", "boxes_0", "boxes_1", "3"}));
}

TEST(Treespec, EqualNamesAreToldApartByTheirPlace) {
  const std::string dict = node("builtins.dict", R"([\"a\"])", {kX});
  EXPECT_EQ(names_of(node("builtins.tuple", "null", {dict, dict, kX})), (Names{"0_a", "1_a", ""}));
}

TEST(Treespec, DataclassesNameTheFieldsThatAreThere) {
  EXPECT_EQ(names_of(node("my.Result", R"([[\"a\", \"b\", \"c\"], [\"b\"]])", {kX, kX})),
            (Names{"a", "c"}));
}

TEST(Treespec, NamedTuplesNameTheirFields) {
  const std::string point = node("collections.namedtuple", R"(\"my.Point\")", {kX, kX});
  EXPECT_EQ(names_of(point, {{"my.Point", {"x", "y"}}}), (Names{"x", "y"}));
  EXPECT_EQ(
      names_of(node("collections.namedtuple", "my.Point", {kX, kX}), {{"my.Point", {"x", "y"}}}),
      (Names{"x", "y"}));
  EXPECT_EQ(names_of(point), (Names{"", ""}));
}

TEST(Treespec, KeysThatDoNotFitAreIgnored) {
  EXPECT_EQ(names_of(node("builtins.dict", R"([\"a\"])", {kX, kX})), (Names{"", ""}));
  EXPECT_EQ(names_of(node("builtins.dict", "no json", {kX, kX})), (Names{"", ""}));
}

TEST(Treespec, MalformedTreesAreRefused) {
  EXPECT_FALSE(name_leaves("", {}).ok());
  EXPECT_FALSE(name_leaves("[1]", {}).ok());
  EXPECT_FALSE(name_leaves("[2, " + kX + "]", {}).ok());
  EXPECT_EQ(names_of("3"), Names{"a node is no object with 'children_spec'"});
  std::string deep = kX;
  for (int i = 0; i < 200; ++i) deep = node("builtins.tuple", "null", {deep});
  EXPECT_EQ(names_of(deep), Names{"it is nested too deeply"});
}

}  // namespace
}  // namespace ferryman::frontend
