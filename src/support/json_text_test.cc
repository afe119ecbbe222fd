#include "support/json_text.h"

#include <gtest/gtest.h>

namespace ferryman {
namespace {

using namespace std::string_view_literals;

TEST(JsonText, EscapesWhatJsonDemands) {
  EXPECT_EQ(json_quote("a \"b\" \\ \n\r\t\x01\0"sv), R"("a \"b\" \\ \n\r\t\u0001\u0000")");
}

TEST(JsonText, KeepsWellFormedUtf8) {
  EXPECT_EQ(json_quote("π € 🚢"), "\"π € 🚢\"");
}

TEST(JsonText, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(json_quote("a\xFF"), R"("a\ufffd")");
  EXPECT_EQ(json_quote("\xE2\x82"), R"("\ufffd\ufffd")");            // truncated
  EXPECT_EQ(json_quote("\xC0\xAF"), R"("\ufffd\ufffd")");            // overlong
  EXPECT_EQ(json_quote("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
}

}  // namespace
}  // namespace ferryman
