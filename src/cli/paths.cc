#include "cli/paths.h"

#include <fmt/format.h>

#include <filesystem>

namespace ferryman::cli {

namespace {

namespace fs = std::filesystem;

// Links, hard ones as well, are the file they name; of files that do not exist yet, the paths
// count.
bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code failed;
  if (fs::equivalent(one, other, failed)) return true;
  const fs::path first = fs::weakly_canonical(one, failed);
  return !failed && first == fs::weakly_canonical(other, failed) && !failed;
}

Status check_distinct(const std::string& what, const std::string& path,
                      const std::string& other_what, const std::string& other_path) {
  if (!is_same_file(path, other_path)) return {};
  return Diag::error(DiagCode::kBadOption,
                     fmt::format("the {} '{}' is the {} '{}'", what, path, other_what, other_path))
      .because("it would be overwritten")
      .hint(fmt::format("give the {} another name", what));
}

Status check_report_path(const ConvertArguments& arguments) {
  const std::string& path = arguments.report;
  if (!path.ends_with(".json")) {
    return Diag::error(DiagCode::kBadOption, fmt::format("the report '{}'", path))
        .because("reports are written as JSON")
        .hint("give a name that ends with .json");
  }
  FERRYMAN_TRY_STATUS(check_distinct("report", path, "input", arguments.input));
  return check_distinct("report", path, "output", arguments.output);
}

}  // namespace

Status check_output_paths(const ConvertArguments& arguments) {
  if (arguments.output == "-") {
    return Diag::error(DiagCode::kBadOption, "the output '-' is standard output")
        .because("the file appears whole or not at all, and what is printed goes there")
        .hint("give a file name (./- for a file of that name)");
  }
  FERRYMAN_TRY_STATUS(check_distinct("output", arguments.output, "input", arguments.input));
  if (arguments.report.empty()) return {};
  return check_report_path(arguments);
}

}  // namespace ferryman::cli
