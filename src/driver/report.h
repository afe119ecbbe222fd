// What a conversion tells about itself: the data behind the terminal report, the JSON report and
// the node-by-node check. Its fields in JSON: report_fields.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "passes/choices.h"
#include "support/diagnostic.h"
#include "targets/artifact.h"

namespace ferryman {

// Counts what breaks readers: a field that goes or means something else, not one that comes.
inline constexpr int kReportVersion = 2;

// What of a complex value a tensor of the file holds: a part, or both along a new last axis.
enum class ComplexPart : uint8_t { kNone, kReal, kImag, kPair };

// Where a value of the program lies, or a part of it.
struct PartPlacement {
  Placement placement = {};  // of the part
  ComplexPart part = ComplexPart::kNone;
};

struct PortReport {
  size_t index = 0;  // among the program's flattened user inputs (or outputs), constants counted
  ComplexPart part = ComplexPart::kNone;
  ArtifactPort port;
  std::string buffer = {};  // that it holds, of those that forward writes
};

// One value of the functional program, in its order; several results are several entries.
struct NodeReport {
  std::string node;    // the fx name
  std::string target;  // "aten.conv2d.default"
  std::string type;    // "f32[1, 64, 112, 112]"
  SourceLocation location;
  std::vector<std::string> ops;            // operators of the file that came from it
  std::string fused_into;                  // the node whose value the file has instead
  std::optional<PartPlacement> placement;  // none: the file does not have this value as a whole
  std::vector<PartPlacement> parts;        // of a complex value
};

// The body of a branch or loop of the program.
struct BodyReport {
  std::string name;  // of the program's graphs around it and its own: "true_graph_0/body_graph_0"
  std::string file;  // the body alone, in ConvertOptions::bodies_folder; empty: not written
  std::vector<PortReport> inputs;  // of that file, by the names that they have in the program
  std::vector<NodeReport> nodes;   // placements are in that file
};

struct StageTime {
  std::string name;
  double seconds = 0;
};

// A size of the inputs that is free.
struct SizeReport {
  std::string name;    // the user's
  std::string symbol;  // torch's
  int64_t min = 1;
  std::optional<int64_t> max;  // none: not bounded
  int64_t hint = 0;            // in the example
};

struct TransposeReport {
  std::string reason;
  int64_t bytes = 0;
  std::string node;
};

struct RuntimeReport {
  std::string name;                    // "TensorFlow Lite"
  std::string oldest;                  // the first release that can load the file: "2.9.0"
  std::vector<std::string> operators;  // that ask for it: "GELU", "CONV_2D (version 6)"
};

struct LayoutReport {
  int64_t bytes_moved = 0;
  int64_t lower_bound = 0;
  bool optimal = true;
  std::vector<TransposeReport> transposes;
};

struct ConvertReport {
  int version = kReportVersion;
  std::vector<PortReport> inputs, outputs;
  std::vector<SizeReport> sizes;
  std::vector<NodeReport> nodes;
  std::vector<BodyReport> bodies;
  std::vector<StageTime> stages;
  std::vector<std::string> tensors;
  std::vector<StoredWeight> weights;
  std::map<std::string, int64_t> ops;
  RuntimeReport runtime;
  int64_t file_bytes = 0;
  LayoutReport layout;
  NanForm nan = NanForm::kFast;  // as it was done
  Diagnostics remarks;
};

std::string to_json(const ConvertReport& report);
// What that JSON looks like, as a JSON schema.
std::string report_schema();

}  // namespace ferryman
