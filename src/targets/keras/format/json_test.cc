#include "targets/keras/format/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace ferryman::keras {
namespace {

TEST(KerasJson, ValuesAreThoseThatPythonReads) {
  const Json config =
      JsonObject{{"units", 10},       {"rate", 1.0},
                 {"small", 1e-5},     {"bound", -std::numeric_limits<double>::infinity()},
                 {"name", "a \"b\""}, {"flag", true},
                 {"none", Json()},    {"shape", Ints{1, 2}}};
  EXPECT_EQ(to_text(config), R"({"units": 10, "rate": 1.0, "small": 1e-05, "bound": -Infinity, )"
                             R"("name": "a \"b\"", "flag": true, "none": null, "shape": [1, 2]})");
}

TEST(KerasJson, AListArgumentIsOneArgument) {
  const JsonArray arguments = list_argument({TensorRef{3}, TensorRef{1}});
  ASSERT_EQ(arguments.size(), 1U);
  std::vector<TensorIndex> found;
  collect_tensors(arguments[0], found);
  EXPECT_EQ(found, (std::vector<TensorIndex>{3, 1}));
}

TEST(KerasJson, TensorsArePrintedAsTheyAreTold) {
  std::string text;
  print_json(JsonArray{TensorRef{7}, 2}, text,
             [](TensorIndex tensor, std::string& to) { to += "t" + std::to_string(tensor); });
  EXPECT_EQ(text, "[t7, 2]");
}

}  // namespace
}  // namespace ferryman::keras
