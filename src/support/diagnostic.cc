#include "support/diagnostic.h"

#include <fmt/format.h>

#include <utility>

namespace ferryman {

std::string diag_code_label(DiagCode code) {
  return fmt::format("E{:04}", static_cast<int>(code));
}

std::string_view diag_code_name(DiagCode code) {
  switch (code) {
    case DiagCode::kUnreadableFile:
      return "unreadable-file";
    case DiagCode::kMalformedArchive:
      return "malformed-archive";
    case DiagCode::kMalformedProgram:
      return "malformed-program";
    case DiagCode::kOldProgramFormat:
      return "old-program-format";
    case DiagCode::kMalformedText:
      return "malformed-text";
    case DiagCode::kMalformedModel:
      return "malformed-model";
    case DiagCode::kUnsupportedOp:
      return "unsupported-op";
    case DiagCode::kUnsupportedForm:
      return "unsupported-form";
    case DiagCode::kUnsupportedState:
      return "unsupported-state";
    case DiagCode::kUnsupportedAlias:
      return "unsupported-alias";
    case DiagCode::kInvalidGraph:
      return "invalid-graph";
    case DiagCode::kNotOnTarget:
      return "not-on-target";
    case DiagCode::kOutOfRange:
      return "out-of-range";
    case DiagCode::kBadOption:
      return "bad-option";
    case DiagCode::kCannotWrite:
      return "cannot-write";
    case DiagCode::kInternal:
      return "internal";
    case DiagCode::kRemark:
      return "remark";
  }
  return "unknown";
}

Diag Diag::error(DiagCode code, std::string what) {
  Diag diag;
  diag.code = code;
  diag.what = std::move(what);
  return diag;
}

Diag Diag::remark(std::string subject, std::string what) {
  Diag diag;
  diag.severity = Severity::kRemark;
  diag.code = DiagCode::kRemark;
  diag.subject = std::move(subject);
  diag.what = std::move(what);
  return diag;
}

Diag& Diag::at(SourceLocation location) & {
  if (!location.empty()) places.push_back(std::move(location));
  return *this;
}
Diag&& Diag::at(SourceLocation location) && {
  return std::move(at(std::move(location)));
}

Diag& Diag::because(std::string text) & {
  why = std::move(text);
  return *this;
}
Diag&& Diag::because(std::string text) && {
  return std::move(because(std::move(text)));
}

Diag& Diag::hint(std::string text) & {
  hint_text = std::move(text);
  return *this;
}
Diag&& Diag::hint(std::string text) && {
  return std::move(hint(std::move(text)));
}

Diag& Diag::about(std::string key) & {
  subject = std::move(key);
  return *this;
}
Diag&& Diag::about(std::string key) && {
  return std::move(about(std::move(key)));
}

// The outermost module has no path; its class says which it is.
static std::string name_module(const SourceLocation& place) {
  if (!place.module_path.empty()) return place.module_path;
  return place.module_type.substr(place.module_type.rfind('.') + 1);
}

static std::string render_place(const SourceLocation& place) {
  std::string text = name_module(place);
  if (!place.file.empty()) {
    text += fmt::format("{}({}:{})", text.empty() ? "" : " ", place.file, place.line);
  }
  if (!place.node.empty()) {
    text += fmt::format("{}node {}", text.empty() ? "" : ", ", place.node);
  }
  return text;
}

std::string render(const Diag& diag) {
  std::string text = diag.severity == Severity::kError
                         ? fmt::format("error[{}]: {}", diag_code_label(diag.code), diag.what)
                         : fmt::format("remark: {}", diag.what);
  if (!diag.places.empty()) {
    text += "\n  at    " + render_place(diag.places.front());
    if (diag.places.size() > 1) {
      const size_t others = diag.places.size() - 1;
      text += fmt::format("   ({} more place{})", others, others == 1 ? "" : "s");
    }
  }
  if (!diag.why.empty()) text += "\n  why:  " + diag.why;
  if (!diag.hint_text.empty()) text += "\n  hint: " + diag.hint_text;
  return text;
}

void Diagnostics::add(Diag diag) {
  for (Diag& known : diags_) {
    const bool same = known.severity == diag.severity && known.code == diag.code &&
                      known.subject == diag.subject && known.what == diag.what &&
                      known.why == diag.why;
    if (!same) continue;
    known.places.insert(known.places.end(), diag.places.begin(), diag.places.end());
    return;
  }
  if (diag.severity == Severity::kError) ++num_errors_;
  diags_.push_back(std::move(diag));
}

void Diagnostics::append(const Diagnostics& other) {
  for (const Diag& diag : other.diags_) add(diag);
}

std::string render(const Diagnostics& diagnostics, Severity severity) {
  std::string text;
  for (const Diag& diag : diagnostics.all()) {
    if (diag.severity != severity) continue;
    if (!text.empty()) text += "\n";
    text += render(diag);
  }
  return text;
}

}  // namespace ferryman
