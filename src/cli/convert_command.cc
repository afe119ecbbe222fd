#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <span>

#include "cli/command.h"
#include "cli/paths.h"
#include "driver/convert.h"
#include "driver/pass_list.h"
#include "frontend/pt2/read_pt2.h"
#include "ir/print.h"
#include "support/byte_sink.h"

namespace ferryman::cli {

namespace {

// "x=channels_last", or "channels_last" for all.
Status add_layout(const std::string& text, std::map<std::string, std::string>& layouts) {
  const size_t equals = text.rfind('=');
  const std::string name = equals == std::string::npos ? "*" : text.substr(0, equals);
  const std::string layout = equals == std::string::npos ? text : text.substr(equals + 1);
  if (layouts.emplace(name, layout).second) return {};
  return Diag::error(DiagCode::kBadOption, fmt::format("two layouts for '{}'", name));
}

// "x=image"
Status add_rename(const std::string& text, std::map<std::string, std::string>& renamed) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return Diag::error(DiagCode::kBadOption, fmt::format("the name '{}'", text))
        .because("a tensor is renamed as OLD=NEW");
  }
  if (renamed.emplace(text.substr(0, equals), text.substr(equals + 1)).second) return {};
  return Diag::error(DiagCode::kBadOption,
                     fmt::format("two names for '{}'", text.substr(0, equals)));
}

Result<PortNames> to_names(const std::string& option, const std::vector<std::string>& all,
                           const std::vector<std::string>& renames) {
  PortNames names{all, {}};
  for (const std::string& text : renames) FERRYMAN_TRY_STATUS(add_rename(text, names.renamed));
  if (names.all.empty() || names.renamed.empty()) return names;
  return Diag::error(DiagCode::kBadOption, fmt::format("{0} and {0}s together", option))
      .because(fmt::format("{0}s names all tensors in order, {0} a few", option));
}

void print_dump(std::string_view pass, const Graph& graph) {
  fmt::print(stderr, "// after {}\n{}", pass, print_graph(graph));
}

Result<ConvertOptions> to_options(const ConvertArguments& arguments) {
  ConvertOptions options;
  for (const std::string& text : arguments.input_layouts) {
    FERRYMAN_TRY_STATUS(add_layout(text, options.input_layouts));
  }
  for (const std::string& text : arguments.output_layouts) {
    FERRYMAN_TRY_STATUS(add_layout(text, options.output_layouts));
  }
  FERRYMAN_TRY(options.input_names,
               to_names("--input-name", arguments.input_names, arguments.input_renames));
  FERRYMAN_TRY(options.output_names,
               to_names("--output-name", arguments.output_names, arguments.output_renames));
  FERRYMAN_TRY(options.choices.recurrent, parse_recurrent_form(arguments.recurrent));
  FERRYMAN_TRY(options.choices.nan, parse_nan_form(arguments.nan));
  FERRYMAN_TRY(options.choices.state, parse_state_form(arguments.state));
  options.nested = arguments.nested;
  options.passes.disabled = arguments.disabled_passes;
  options.passes.print_after = arguments.print_after;
  options.passes.print = print_dump;
  FERRYMAN_TRY_STATUS(check_pass_names(options.passes));
  return options;
}

// Opened before anything is converted, so that a path which cannot be written ends the run early.
Result<std::unique_ptr<FileSink>> open_report(const std::string& path) {
  if (path.empty()) return std::unique_ptr<FileSink>();
  return FileSink::create(path);
}

Status write_report(FileSink& file, const ConvertReport& report) {
  const std::string text = to_json(report) + "\n";
  FERRYMAN_TRY_STATUS(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

void print_summary(const std::string& output, const ConvertReport& report) {
  double seconds = 0;
  for (const StageTime& stage : report.stages) seconds += stage.seconds;
  int64_t num_ops = 0;
  for (const auto& [name, count] : report.ops) num_ops += count;
  fmt::print("{}: {}, {} operators, {:.3f} s\n", output, human_bytes(report.file_bytes), num_ops,
             seconds);
  fmt::print("runtime: {} {} or later{}\n", report.runtime.name, report.runtime.oldest,
             report.runtime.operators.empty()
                 ? ""
                 : fmt::format(", for {}", fmt::join(report.runtime.operators, ", ")));
  fmt::print("transposes: {}, {} moved ({})\n", report.layout.transposes.size(),
             human_bytes(report.layout.bytes_moved),
             report.layout.optimal
                 ? "proven to be the fewest"
                 : fmt::format("at least {} are needed", human_bytes(report.layout.lower_bound)));
  for (const TransposeReport& transpose : report.layout.transposes) {
    fmt::print("  {}  {}: {}\n", human_bytes(transpose.bytes), transpose.node, transpose.reason);
  }
}

// Not only with the remarks: the file is right for inputs alone that give the same values.
void warn_of_frozen(const frontend::Program& program) {
  if (program.frozen.empty()) return;
  fmt::print(stderr,
             "warning: values that depend on the inputs were frozen at those of the example; the "
             "model is right only for inputs that give the same ones:\n");
  for (const std::string& value : program.frozen) fmt::print(stderr, "  {}\n", value);
}

Result<Conversion> try_convert(const ConvertArguments& arguments) {
  FERRYMAN_TRY_STATUS(check_output_paths(arguments));
  FERRYMAN_TRY(const ConvertOptions options, to_options(arguments));
  FERRYMAN_TRY(frontend::Program program, frontend::read_pt2(arguments.input));
  FERRYMAN_TRY(const std::unique_ptr<FileSink> report_file, open_report(arguments.report));
  warn_of_frozen(program);
  Conversion conversion = convert(std::move(program), options, arguments.output);
  if (report_file != nullptr && conversion.report.has_value()) {
    FERRYMAN_TRY_STATUS(write_report(*report_file, *conversion.report));
  }
  return conversion;
}

}  // namespace

ExitStatus run_convert(const ConvertArguments& arguments) {
  Result<Conversion> conversion = try_convert(arguments);
  if (!conversion.ok()) return report_error(conversion.diag(), arguments.format);
  if (!conversion->report.has_value()) {
    return report_errors(conversion->diagnostics, arguments.format);
  }
  const ConvertReport& report = *conversion->report;
  if (arguments.format == Format::kJson) {
    fmt::print("{{\"ok\": true, \"report\": {}}}\n", to_json(report));
    return ExitStatus::kDone;
  }
  print_summary(arguments.output, report);
  if (arguments.show_remarks) fmt::print("{}\n", render(report.remarks, Severity::kRemark));
  return ExitStatus::kDone;
}

}  // namespace ferryman::cli
