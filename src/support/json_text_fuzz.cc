// Whatever bytes a file puts into a name, the JSON that tells about it parses.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/check.h"
#include "support/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t num_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), num_bytes);
  const simdjson::padded_string json("[" + ferryman::json_quote(text) + "]");
  simdjson::dom::parser parser;
  simdjson::dom::element list;
  ferryman::check(parser.parse(json).get(list) == simdjson::SUCCESS, "json_quote wrote bad JSON");
  std::string_view read;
  ferryman::check(list.at(0).get(read) == simdjson::SUCCESS, "json_quote wrote no string");
  ferryman::check(!simdjson::validate_utf8(text) || read == text, "json_quote changed valid text");
  return 0;
}
