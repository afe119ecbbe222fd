// What went wrong (or is worth saying), where in the user's model, why, and what to do now.
//
//   return Diag::error(DiagCode::kUnsupportedOp, "aten.grid_sampler_3d has no TFLite lowering")
//       .at(location)
//       .because("LiteRT has no 3-d sampling kernel")
//       .hint("resample slice by slice with grid_sample on 4-d inputs");
//
// Invariants: a code never changes its number once released; `what` is one sentence in the user's
// vocabulary; rendering is done in one place (`render`), so all texts read the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ferryman {

enum class Severity : uint8_t { kError, kRemark };

// E01xx reading, E02xx the program, E03xx the graph, E04xx the target, E05xx writing, E09xx ours.
enum class DiagCode : uint16_t {
  kUnreadableFile = 101,    // cannot be opened or mapped
  kMalformedArchive = 102,  // zip structure broken, truncated, out of bounds
  kMalformedProgram = 103,  // JSON or live buffer does not follow the schema
  kOldProgramFormat = 104,  // torch <= 2.8, TorchScript, torch.save: re-export
  kMalformedText = 105,     // IR text does not parse
  kMalformedModel = 106,    // a target's file that does not follow its format
  kUnsupportedOp = 203,     // no rule for an ATen op
  kUnsupportedForm = 204,   // the op is known, this argument or dtype is not
  kUnsupportedState = 205,  // a write to a buffer, which no target stage lowers yet
  kUnsupportedAlias = 206,  // an in-place write through a view that cannot be named
  kInvalidGraph = 301,      // verifier
  kNotOnTarget = 401,       // the target runtime has no way to express it
  kOutOfRange = 402,        // a value that the target's integer type cannot hold
  kBadOption = 403,         // an option that does not fit this model
  kCannotWrite = 501,       // output path
  kInternal = 901,          // a bug in Ferryman
  kRemark = 1,              // remarks carry no error number
};

// "E0203"; remarks have none.
std::string diag_code_label(DiagCode code);
// "unsupported-op"
std::string_view diag_code_name(DiagCode code);

// Where something lies in the user's model. Every part may be empty.
struct SourceLocation {
  std::string module_path;  // "features.3.conv", as in named_modules()
  std::string module_type;  // "torchvision.models.resnet.Bottleneck"
  std::string node;         // name of the exported node
  std::string file;         // the user's source file
  int line = 0;             // 0 = unknown

  bool operator==(const SourceLocation&) const = default;
  bool empty() const { return module_path.empty() && node.empty() && file.empty(); }
};

struct Diag {
  Severity severity = Severity::kError;
  DiagCode code = DiagCode::kInternal;
  std::string what;
  std::vector<SourceLocation> places;  // the first is shown in full, the others are counted
  std::string why;
  std::string hint_text;
  std::string subject;  // machine-readable key, such as the ATen op: places of one subject merge

  static Diag error(DiagCode code, std::string what);
  static Diag remark(std::string subject, std::string what);

  Diag& at(SourceLocation location) &;
  Diag&& at(SourceLocation location) &&;
  Diag& because(std::string text) &;
  Diag&& because(std::string text) &&;
  Diag& hint(std::string text) &;
  Diag&& hint(std::string text) &&;
  Diag& about(std::string key) &;
  Diag&& about(std::string key) &&;
};

// The text shown to people; ends without a newline.
//   error[E0203]: aten.foo has no TFLite lowering
//     at    Decoder.warp (model.py:88), node foo_1   (2 more places)
//     why:  …
//     hint: …
std::string render(const Diag& diag);

// Collects everything that a stage finds, so that one run tells all.
class Diagnostics {
 public:
  // Merges with an earlier diagnostic of the same code, subject, what and why.
  void add(Diag diag);
  bool has_errors() const { return num_errors_ > 0; }
  size_t num_errors() const { return num_errors_; }
  const std::vector<Diag>& all() const { return diags_; }
  void append(const Diagnostics& other);

 private:
  std::vector<Diag> diags_;
  size_t num_errors_ = 0;
};

std::string render(const Diagnostics& diagnostics, Severity severity);

}  // namespace ferryman
