#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "cli/command.h"
#include "driver/pass_list.h"
#include "support/json_text.h"

namespace ferryman::cli {

namespace {

std::string to_json(const Pass& pass) {
  return fmt::format(R"({{"name": {}, "purpose": {}, "needed": {}}})", json_quote(pass.name),
                     json_quote(pass.purpose),
                     pass.is_optional() ? "null" : json_quote(pass.needed));
}

std::string to_text(const Pass& pass) {
  std::string text = fmt::format("{:<26} {}\n", pass.name, pass.purpose);
  if (!pass.is_optional()) text += fmt::format("{:<26}   needed: {}\n", "", pass.needed);
  return text;
}

}  // namespace

ExitStatus run_passes_command(Format format) {
  std::vector<std::string> rows;
  for (const Pass& pass : known_passes())
    rows.push_back(format == Format::kJson ? to_json(pass) : to_text(pass));
  if (format == Format::kJson) {
    fmt::print("[{}]\n", fmt::join(rows, ", "));
  } else {
    fmt::print("{}", fmt::join(rows, ""));
  }
  return ExitStatus::kDone;
}

}  // namespace ferryman::cli
