#include "ferryman/ferryman.h"

#include "driver/convert.h"
#include "driver/pass_list.h"
#include "frontend/pt2/read_pt2.h"
#include "targets/targets.h"

namespace ferryman {

namespace {

Message to_message(const Diag& diag) {
  Message message;
  message.code = diag.severity == Severity::kError ? diag_code_label(diag.code) : "";
  message.name = diag_code_name(diag.code);
  message.what = diag.what;
  for (const SourceLocation& place : diag.places)
    message.places.push_back(
        {place.module_path, place.module_type, place.node, place.file, place.line});
  message.why = diag.why;
  message.hint = diag.hint_text;
  message.text = render(diag);
  return message;
}

std::vector<Message> messages_of(const Diagnostics& diagnostics, Severity severity) {
  std::vector<Message> messages;
  for (const Diag& diag : diagnostics.all()) {
    if (diag.severity == severity) messages.push_back(to_message(diag));
  }
  return messages;
}

Result<ConvertOptions> to_convert_options(const Options& options) {
  ConvertOptions converted;
  converted.target = options.target;
  converted.input_layouts = options.input_layouts;
  converted.output_layouts = options.output_layouts;
  converted.input_names.renamed = options.input_names;
  converted.output_names.renamed = options.output_names;
  FERRYMAN_TRY(converted.choices.recurrent, parse_recurrent_form(options.recurrent));
  FERRYMAN_TRY(converted.choices.nan, parse_nan_form(options.nan));
  FERRYMAN_TRY(converted.choices.state, parse_state_form(options.state));
  converted.nested = options.nested;
  converted.passes.disabled = options.disabled_passes;
  FERRYMAN_TRY_STATUS(check_pass_names(converted.passes));
  return converted;
}

Result<Conversion> convert_file(const std::string& archive, const std::string& output,
                                const Options& options) {
  FERRYMAN_TRY(const ConvertOptions converted, to_convert_options(options));
  FERRYMAN_TRY(frontend::Program program, frontend::read_pt2(archive));
  return convert(std::move(program), converted, output);
}

}  // namespace

std::string_view library_version() {
  return FERRYMAN_VERSION;
}

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const Target* target : all_targets()) names.emplace_back(target->name());
  return names;
}

Outcome convert_archive(const std::string& archive, const std::string& output,
                        const Options& options) {
  Outcome outcome;
  Result<Conversion> done = convert_file(archive, output, options);
  if (!done.ok()) {
    outcome.errors.push_back(to_message(done.diag()));
    return outcome;
  }
  outcome.errors = messages_of(done->diagnostics, Severity::kError);
  outcome.remarks = messages_of(done->diagnostics, Severity::kRemark);
  if (!done->report.has_value()) return outcome;
  const ConvertReport& report = *done->report;
  outcome.ok = true;
  outcome.report = to_json(report);
  outcome.file_bytes = report.file_bytes;
  outcome.bytes_moved = report.layout.bytes_moved;
  outcome.lower_bound = report.layout.lower_bound;
  outcome.operators = report.ops;
  return outcome;
}

}  // namespace ferryman
