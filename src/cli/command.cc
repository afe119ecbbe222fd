#include "cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "support/diagnostic_json.h"

namespace ferryman::cli {

namespace {

bool is_bad_input(DiagCode code) {
  switch (code) {
    case DiagCode::kUnreadableFile:
    case DiagCode::kMalformedArchive:
    case DiagCode::kMalformedProgram:
    case DiagCode::kOldProgramFormat:
    case DiagCode::kMalformedText:
    case DiagCode::kMalformedModel:
    case DiagCode::kBadOption:
      return true;
    default:
      return false;
  }
}

}  // namespace

ExitStatus report_errors(const Diagnostics& diagnostics, Format format) {
  if (format == Format::kJson) {
    fmt::print("{{\"ok\": false, \"diagnostics\": {}}}\n", to_json(diagnostics));
  } else {
    fmt::print(stderr, "{}\n", render(diagnostics, Severity::kError));
  }
  const bool bad_input =
      std::any_of(diagnostics.all().begin(), diagnostics.all().end(), [](const Diag& diag) {
        return diag.severity == Severity::kError && is_bad_input(diag.code);
      });
  return bad_input ? ExitStatus::kBadInput : ExitStatus::kFailed;
}

ExitStatus report_error(const Diag& diag, Format format) {
  Diagnostics diagnostics;
  diagnostics.add(diag);
  return report_errors(diagnostics, format);
}

std::string human_bytes(int64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"B", "kB", "MB", "GB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1000 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

}  // namespace ferryman::cli
