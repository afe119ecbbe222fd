// Writing JSON. Reading it is simdjson's work.
//
//   json_quote("a \"b\"")   ->   "\"a \\\"b\\\"\""
#pragma once

#include <string>
#include <string_view>

namespace ferryman {

// A JSON string literal, quotes included. Bytes that are no valid UTF-8 become U+FFFD, so that the
// result is valid JSON whatever a hostile file put into a name.
std::string json_quote(std::string_view text);

}  // namespace ferryman
