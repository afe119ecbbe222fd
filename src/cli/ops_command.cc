#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "cli/command.h"
#include "frontend/program/import_key.h"
#include "ops/families.h"
#include "support/json_text.h"
#include "targets/targets.h"

namespace ferryman::cli {

namespace {

// Every overload that the op table knows, with what becomes of it.
std::map<std::string, std::string> supported_aten_ops(const Ops& ops) {
  std::map<std::string, std::string> rows;
  for (const OpDef& def : ops.set.all()) {
    for (const AtenRow& row : def.aten)
      rows.emplace(frontend::named_by_import_key(row.target),
                   fmt::format("{}: {}", def.name, def.doc));
  }
  for (const std::string_view target : ops.imports.targets()) {
    rows.emplace(frontend::named_by_import_key(target), "written with simpler ops");
  }
  return rows;
}

}  // namespace

ExitStatus run_ops(const std::string& target, Format format) {
  const Result<const Target*> found = find_target(target);
  if (!found.ok()) return report_error(found.diag(), format);
  Ops ops;
  add_all_ops(ops);
  const std::map<std::string, std::string> rows = supported_aten_ops(ops);
  if (format == Format::kJson) {
    std::string text;
    for (const auto& [name, doc] : rows) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json_quote(name), json_quote(doc));
    }
    fmt::print("{{{}}}\n", text);
    return ExitStatus::kDone;
  }
  for (const auto& [name, doc] : rows) fmt::print("{:<49} {}\n", name, doc);
  fmt::print("{} overloads.\n", rows.size());
  return ExitStatus::kDone;
}

}  // namespace ferryman::cli
