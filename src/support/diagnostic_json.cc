#include "support/diagnostic_json.h"

#include <fmt/format.h>

#include "support/json_text.h"

namespace ferryman {

std::string to_json(const SourceLocation& place) {
  return fmt::format(
      R"({{"module_path": {}, "module_type": {}, "node": {}, "file": {}, "line": {}}})",
      json_quote(place.module_path), json_quote(place.module_type), json_quote(place.node),
      json_quote(place.file), place.line);
}

std::string to_json(const Diag& diag) {
  const bool is_error = diag.severity == Severity::kError;
  std::string places;
  for (const SourceLocation& place : diag.places) {
    places += (places.empty() ? "" : ", ") + to_json(place);
  }
  return fmt::format(
      R"({{"severity": "{}", "code": "{}", "name": "{}", "what": {}, "why": {}, "hint": {}, )"
      R"("subject": {}, "places": [{}]}})",
      is_error ? "error" : "remark", is_error ? diag_code_label(diag.code) : "",
      diag_code_name(diag.code), json_quote(diag.what), json_quote(diag.why),
      json_quote(diag.hint_text), json_quote(diag.subject), places);
}

std::string to_json(const Diagnostics& diagnostics) {
  std::string list;
  for (const Diag& diag : diagnostics.all()) list += (list.empty() ? "" : ", ") + to_json(diag);
  return "[" + list + "]";
}

}  // namespace ferryman
