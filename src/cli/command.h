// What the subcommands of `ferryman` share: exit statuses, and how errors are shown.
#pragma once

#include <string>
#include <vector>

#include "support/diagnostic.h"

namespace ferryman::cli {

enum class ExitStatus : int {
  kDone = 0,
  kFailed = 1,    // conversion or verification failed
  kBadInput = 2,  // bad usage or unreadable input
};

enum class Format : uint8_t { kText, kJson };

// Text on stderr, or JSON on stdout for machines; the status that fits the worst error.
ExitStatus report_errors(const Diagnostics& diagnostics, Format format);
ExitStatus report_error(const Diag& diag, Format format);

struct ConvertArguments {
  std::string input, output, report;
  std::vector<std::string> input_layouts, output_layouts;  // "NAME=LAYOUT", or a layout for all
  std::vector<std::string> input_names, output_names;      // all, in order
  std::vector<std::string> input_renames, output_renames;  // "OLD=NEW"
  std::vector<std::string> disabled_passes, print_after;
  std::string recurrent = "auto";
  std::string nan = "fast";
  std::string state = "variables";
  std::vector<std::string> nested;
  bool show_remarks = false;
  Format format = Format::kText;
};
ExitStatus run_convert(const ConvertArguments& arguments);

ExitStatus run_inspect(const std::string& path, Format format);
ExitStatus run_ops(const std::string& target, Format format);
ExitStatus run_passes_command(Format format);

// 5.4 MB
std::string human_bytes(int64_t bytes);

}  // namespace ferryman::cli
